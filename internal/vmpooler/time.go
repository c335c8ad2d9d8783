package vmpooler

import (
	"errors"
	"fmt"
	"time"
)

// rubyLayout is what Ruby's Time#to_s prints for a time with an offset; for a
// UTC time it prints "UTC" in the offset's place.
const rubyLayout = "2006-01-02 15:04:05 -0700"

const rubyUTCLayout = "2006-01-02 15:04:05 UTC"

// ErrNoTime is returned by ParseTime for text that holds no time it knows.
var ErrNoTime = errors.New("not a time that vmpooler writes")

// FormatTime prints t as vmpooler writes it, in t's own zone, to the second.
func FormatTime(t time.Time) string { return t.Format(rubyLayout) }

// ParseTime reads a time as vmpooler writes it: Ruby's Time#to_s
// ("2026-11-23 08:32:46 +0000", or with "UTC") or RFC 3339. It returns
// ErrNoTime, wrapped, for anything else. The result is in UTC.
func ParseTime(s string) (time.Time, error) {
	if t, ok := parseRuby(s); ok {
		return t, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	const longest = 40 // more would only fill a log
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return time.Time{}, fmt.Errorf("%w: %q", ErrNoTime, s)
}

// parseRuby reads the one fixed layout by its positions: a scrape reads a time
// for every VM, and time.Parse costs several times as much.
func parseRuby(s string) (time.Time, bool) {
	const fixed = len("2006-01-02 15:04:05 ")
	if len(s) < fixed+len("UTC") ||
		s[4] != '-' || s[7] != '-' || s[10] != ' ' || s[13] != ':' || s[16] != ':' || s[19] != ' ' {
		return time.Time{}, false
	}
	offset, ok := parseOffset(s[fixed:])
	if !ok {
		return time.Time{}, false
	}
	century, ok1 := twoDigits(s[0:])
	yy, ok2 := twoDigits(s[2:])
	month, ok3 := twoDigits(s[5:])
	day, ok4 := twoDigits(s[8:])
	hour, ok5 := twoDigits(s[11:])
	minute, ok6 := twoDigits(s[14:])
	second, ok7 := twoDigits(s[17:])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 ||
		month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(century*100+yy, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day { // the 31st of a shorter month
		return time.Time{}, false
	}
	return t.Add(-time.Duration(offset) * time.Second), true
}

// parseOffset reads "UTC", "+hhmm" or "-hhmm" into seconds east of Greenwich.
func parseOffset(s string) (seconds int, ok bool) {
	if s == "UTC" {
		return 0, true
	}
	if len(s) != len("+0000") || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok1 := twoDigits(s[1:])
	minutes, ok2 := twoDigits(s[3:])
	if !ok1 || !ok2 || hours > 24 || minutes > 59 {
		return 0, false
	}
	seconds = hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func twoDigits(s string) (n int, ok bool) {
	a, b := s[0]-'0', s[1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}
