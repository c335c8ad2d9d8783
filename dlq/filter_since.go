package dlq

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// sinceLayouts are the times without a zone that ParseSince takes; they are in
// UTC, as every time that the commands print.
var sinceLayouts = []string{time.DateOnly, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"}

// The lengths of ParseSince's units. A day is always 24 hours.
var sinceUnits = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

// ParseSince reads a moment: RFC 3339, a date or a date and a time in UTC, a
// time as vmpooler writes it, or how long before now it was: 90s, 15m, 2h, 3d,
// 1w, and sums such as 1d12h. An error wraps ErrFilter.
func ParseSince(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if ago, ok := parseAgo(s); ok {
		return now.Add(-ago).UTC(), nil
	}
	if t, err := vmpooler.ParseTime(s); err == nil {
		return t, nil
	}
	for _, layout := range sinceLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	const longest = 40
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return time.Time{}, fmt.Errorf("%w: %q is no time: write 2006-01-02, 2006-01-02T15:04:05Z, or how long ago: 15m, 2h, 3d", ErrFilter, s)
}

// parseAgo reads a sum of whole numbers with units. One that is beyond what a
// time.Duration holds (292 years) is none.
func parseAgo(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	var sum time.Duration
	for s != "" {
		digits := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if digits <= 0 {
			return 0, false
		}
		n, err := strconv.ParseInt(s[:digits], 10, 64)
		unit := sinceUnits[s[digits:digits+1]]
		if err != nil || unit == 0 || n > (math.MaxInt64-int64(sum))/int64(unit) {
			return 0, false
		}
		sum += time.Duration(n) * unit
		s = s[digits+1:]
	}
	return sum, true
}
