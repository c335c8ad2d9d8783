package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// printable makes text from Redis safe to write to a terminal: escape
// sequences, control characters (C1's too), marks that turn the direction of
// writing, other invisible ones and bytes that are not UTF-8 become visible
// escapes such as \x1b.
func printable(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// cells returns how many columns of a terminal printable text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// runeCells follows what terminals do: East Asian wide characters and most
// emoji take two columns; marks, and the vowels and finals that complete a
// Korean syllable, none of their own.
func runeCells(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me), r >= 0x1160 && r <= 0x11ff:
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

const ellipsis = "…"

// shorten cuts the middle out of s, so that it takes at most limit columns: pools
// that share a beginning differ at their end (win-2022-x86_64, win-2022-arm64).
func shorten(s string, limit int) string {
	if cells(s) <= limit {
		return s
	}
	if limit <= 1 {
		return ellipsis
	}
	tail := limit / 2
	return head(s, limit-1-tail) + ellipsis + foot(s, tail)
}

// head returns the longest beginning of s within limit columns, marks with the
// letter they stand on.
func head(s string, limit int) string {
	n := 0
	for i, r := range s {
		if n += runeCells(r); n > limit {
			return s[:i]
		}
	}
	return s
}

// foot returns the longest end of s within limit columns that does not begin
// with a mark.
func foot(s string, limit int) string {
	n, from := 0, len(s)
	for i := len(s); i > 0; {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		c := runeCells(r)
		if n += c; n > limit {
			break
		}
		i -= size
		if c > 0 {
			from = i
		}
	}
	return s[from:]
}

// fill joins items by sep into lines of at most limit columns; a line that goes
// on ends with sep, less its spaces. An item that is wider alone is broken.
// A limit of 0 or less is none.
func fill(items []string, sep string, limit int) []string {
	if limit <= 0 {
		return []string{strings.Join(items, sep)}
	}
	goesOn := strings.TrimRight(sep, " ")
	var lines []string
	line := ""
	for i, item := range items {
		room := limit
		if i < len(items)-1 {
			room -= cells(goesOn)
		}
		switch {
		case i == 0:
			line = item
		case cells(line)+cells(sep)+cells(item) <= room:
			line += sep + item
		default:
			lines = append(lines, line+goesOn)
			line = item
		}
		for head(line, room) != line {
			n := breakAt(line, room)
			if n == len(line) {
				break
			}
			lines = append(lines, strings.TrimRight(line[:n], " "))
			line = strings.TrimLeft(line[n:], " ")
		}
	}
	return append(lines, line)
}

// breakAt returns after how many bytes to break s, which is wider than limit: at
// a space if there is one, and after one character at least.
func breakAt(s string, limit int) int {
	h := head(s, limit)
	if i := strings.LastIndexByte(h, ' '); i > 0 {
		return i
	}
	if h == "" {
		_, size := utf8.DecodeRuneInString(s)
		return size
	}
	return len(h)
}
