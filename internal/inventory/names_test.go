package inventory

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseNames(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
		err  string
	}{
		"nothing":                 {"", []string{}, ""},
		"one":                     {"a\n", []string{"a"}, ""},
		"several":                 {"a\nb.example.com\r\nc-1\n", []string{"a", "b.example.com", "c-1"}, ""},
		"cut off":                 {"a\nb", nil, "no end"},
		"an empty line":           {"a\n\nb\n", nil, "line 2 of its output is no VM's name: it is empty"},
		"only a line's end":       {"\n", nil, "line 1"},
		"a table":                 {"NAME STATE\n", nil, "line 1 of its output is no VM's name: it has a space in it"},
		"a tab":                   {"a\tb\n", nil, "a space"},
		"an escape sequence":      {"a\n\x1b[31mb\n", nil, "can't be printed"},
		"no UTF-8":                {"\xff\n", nil, "is not UTF-8"},
		"a name of 253 bytes":     {strings.Repeat("a", 253) + "\n", []string{strings.Repeat("a", 253)}, ""},
		"a longer one":            {strings.Repeat("a", 254) + "\n", nil, "is longer than 253 bytes"},
		"a password that slipped": {"password: hunter2\n", nil, "a space"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseNames([]byte(c.text))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error("it is repeated")
			}
		})
	}
}

// FuzzParseNames: whatever is printed, either an error or exactly the lines.
func FuzzParseNames(f *testing.F) {
	for _, text := range []string{"", "a\n", "a\nb\n", "a\r\nb\r\n", "a", "\n", "a\n\n", "a b\n", "\xff\n", "\u2028\n", "ü\n", "a\r\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		names, err := parseNames(slices.Clone(text))
		if err != nil {
			if names != nil || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q, %v", names, err)
			}
			return
		}
		if len(names) != bytes.Count(text, []byte("\n")) {
			t.Errorf("%d names of %q", len(names), text)
		}
		for _, name := range names {
			if noName([]byte(name)) != "" {
				t.Errorf("%q is a name", name)
			}
		}
		plain := bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		if len(names) > 0 && strings.Join(names, "\n")+"\n" != string(plain) {
			t.Errorf("%q of %q", names, text)
		}
	})
}
