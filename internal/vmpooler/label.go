package vmpooler

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Label makes a text from Redis fit for a label: bytes that are not UTF-8 are
// written as \xff is, since Prometheus refuses them.
func Label(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
