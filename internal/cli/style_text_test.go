package cli

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"win-2022":           "win-2022",
		"a b":                "a b",
		"\x1b[31mred\x1b[0m": `\x1b[31mred\x1b[0m`,
		"a\tb\r\n\x00\x7f":   `a\x09b\x0d\x0a\x00\x7f`,
		"\u009b2J":           `\u009b2J`,        // C1: CSI in one character
		"a\u202eb\u2066":     `a\u202eb\u2066`,  // turn the direction of writing
		"zero\u200bwidth":    `zero\u200bwidth`, // two names that look the same
		"nb\u00a0sp":         `nb\u00a0sp`,
		"\U000e0041":         `\U000e0041`,
		"bad\xff\xc3":        `bad\xff\xc3`,
		"\ufffd":             "\ufffd", // a real one
		"プール 🚀 é":            "プール 🚀 é",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("\x1b]0;title\a", 5)
	f.Add("プール\xff\u202e", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		p := printable(s)
		if i := strings.IndexFunc(p, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("not printable: %q", p)
		}
		if short := shorten(p, limit); cells(short) > max(1, limit) {
			t.Errorf("%q takes %d columns, not %d", short, cells(short), limit)
		}
		for _, line := range fill(strings.Fields(p), " ", limit) {
			if limit >= 2 && cells(line) > limit {
				t.Errorf("%q takes %d columns, not %d", line, cells(line), limit)
			}
		}
	})
}

func TestCells(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "win-2022": 8, "café": 4, "cafe\u0301": 4, "プール": 6, "二〇二二": 8, "🚀": 2, "…": 1, "≥1": 2, "└": 1,
		"ﾊﾝｶｸ": 4, "ＡＢ": 4, "\u1112\u1161\u11ab": 2, // the syllable han, in its parts
	} {
		if got := cells(s); got != want {
			t.Errorf("cells(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		s     string
		limit int
		want  string
	}{
		{"win-2022", 8, "win-2022"},
		{"win-2022", 7, "win…022"},
		{"win-2022", 2, "…2"},
		{"win-2022", 1, "…"},
		{"win-2022", 0, "…"},
		{"win-2022", -3, "…"},
		{"win-2022-x86_64-arm64", 12, "win-2…-arm64"},
		{"プール-ウィンドウズ", 10, "プー…ウズ"},                   // no half characters
		{"xe\u0301e\u0301yy", 4, "x…yy"},              // no mark without its letter
		{"xxxxe\u0301e\u0301", 4, "x…e\u0301e\u0301"}, // nor a letter without its mark
	} {
		if got := shorten(c.s, c.limit); got != c.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.s, c.limit, got, c.want)
		}
	}
}

func TestFill(t *testing.T) {
	for name, c := range map[string]struct {
		items []string
		sep   string
		limit int
		want  []string
	}{
		"nothing":                  {nil, " ", 10, []string{""}},
		"no limit":                 {[]string{"aaa", "bbb"}, ", ", 0, []string{"aaa, bbb"}},
		"fits":                     {[]string{"aaa", "bbb"}, ", ", 8, []string{"aaa, bbb"}},
		"fits not":                 {[]string{"aaa", "bbb"}, ", ", 7, []string{"aaa,", "bbb"}},
		"the comma needs room too": {[]string{"aa", "bb", "cc"}, ", ", 6, []string{"aa,", "bb, cc"}},
		"words":                    {[]string{"to", "be", "or", "not"}, " ", 5, []string{"to be", "or", "not"}},
		"an item too wide":         {[]string{"abcdefgh", "i"}, " ", 3, []string{"abc", "def", "gh", "i"}},
		"broken at a space":        {[]string{"ab cd ef"}, ", ", 6, []string{"ab cd", "ef"}},
		"wide characters":          {[]string{"二二二"}, " ", 3, []string{"二", "二", "二"}},
		"one wider than the limit": {[]string{"二二"}, " ", 1, []string{"二", "二"}},
	} {
		if d := cmp.Diff(c.want, fill(c.items, c.sep, c.limit)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
