package cli

import (
	"strconv"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// unknown stands for every number that is not known. It is never a 0: an
// operator must not take what could not be read for what is not there.
const unknown = "?"

// count writes n with thousands separators: 1204 is "1,204".
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// number writes n as count does, or "?".
func number(n vmpooler.Number) string {
	if !n.Known {
		return unknown
	}
	return count(n.Value)
}

// plural writes n with its noun, whose plural is regular: "1 pool", "12 pools".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(int64(n)) + " " + noun + "s"
}

// Seconds in the units of age.
const (
	minute int64 = 60
	hour         = 60 * minute
	day          = 24 * hour
)

// age writes a number of seconds in its two largest units, cut and not
// rounded: "45s", "12m", "3h 12m", "2d 4h". Seconds beside minutes, hours
// beside a hundred days and a second unit of 0 are left out: nobody acts on
// them. A negative age is 0s, for clocks differ.
func age(seconds int64) string {
	switch s := max(0, seconds); {
	case s < minute:
		return count(s) + "s"
	case s < hour:
		return count(s/minute) + "m"
	case s < day:
		return two(s/hour, "h", s%hour/minute, "m")
	case s < 100*day:
		return two(s/day, "d", s%day/hour, "h")
	default:
		return count(s/day) + "d"
	}
}

func two(a int64, unit string, b int64, lesser string) string {
	if b == 0 {
		return count(a) + unit
	}
	return count(a) + unit + " " + count(b) + lesser
}
