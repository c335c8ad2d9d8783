package explain

import (
	"fmt"
	"strings"
	"time"
)

// Span writes a length of time in its two largest units, cut and not rounded; a
// second unit of 0 is left out: "45s", "1m12s", "15m", "3h2m", "6d23h".
func Span(d time.Duration) string {
	d = max(0, d).Truncate(time.Second)
	two := func(large time.Duration, a string, small time.Duration, b string) string {
		if rest := d % large / small; rest > 0 {
			return fmt.Sprintf("%d%s%d%s", d/large, a, rest, b)
		}
		return fmt.Sprintf("%d%s", d/large, a)
	}
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return two(day, "d", time.Hour, "h")
	case d >= time.Hour:
		return two(time.Hour, "h", time.Minute, "m")
	case d >= time.Minute:
		return two(time.Minute, "m", time.Second, "s")
	default:
		return fmt.Sprintf("%ds", d/time.Second)
	}
}

// moment writes a time for a sentence.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// count writes a number of things: "1 VM", "3 VMs".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sentence returns a phrase, which begins with an ASCII letter, as a sentence.
// vmpooler's name has a small letter everywhere.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if !strings.HasPrefix(s, "vmpooler") {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	return s + "."
}

// sentences joins those that are not empty.
func sentences(all ...string) string {
	var some []string
	for _, s := range all {
		if s != "" {
			some = append(some, sentence(s))
		}
	}
	return strings.Join(some, " ")
}
