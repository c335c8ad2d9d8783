package cli

import (
	"math"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 12_345: "12,345", 999_999: "999,999", 1_000_000: "1,000,000",
		-1: "-1", -999: "-999", -1000: "-1,000", -123_456: "-123,456",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[vmpooler.Number]string{
		{}: "?", {Value: 5}: "?", vmpooler.Known(0): "0", vmpooler.Known(1204): "1,204",
	} {
		if got := number(n); got != want {
			t.Errorf("number(%+v) = %q, want %q", n, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	const m, h, d = 60, 3600, 86400
	for seconds, want := range map[int64]string{
		math.MinInt64: "0s", -5: "0s", 0: "0s", 45: "45s", 59: "59s",
		60: "1m", 119: "1m", 12*m + 59: "12m", h - 1: "59m",
		h: "1h", h + 59: "1h", h + m: "1h 1m", 3*h + 12*m: "3h 12m", d - 1: "23h 59m",
		d: "1d", d + h - 1: "1d", d + h: "1d 1h", 2*d + 4*h + 59*m: "2d 4h", 99*d + 23*h: "99d 23h",
		100 * d: "100d", 412*d + 5*h: "412d", 20_000 * d: "20,000d",
	} {
		if got := age(seconds); got != want {
			t.Errorf("age(%d) = %q, want %q", seconds, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	for name, c := range map[string]struct {
		t    time.Time
		want string
	}{
		"never":                      {time.Time{}, "?"},
		"just now":                   {healthNow, "0s ago"},
		"half a day ago":             {healthNow.Add(-12 * time.Hour), "12h ago"},
		"clocks that differ":         {healthNow.Add(vmpooler.AgeTolerance), "0s ago"},
		"clocks that differ by more": {healthNow.Add(vmpooler.AgeTolerance + time.Second), "?"},
	} {
		if got := ago(c.t, healthNow); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 pools", 1: "1 pool", 2: "2 pools", 1200: "1,200 pools"} {
		if got := plural(n, "pool"); got != want {
			t.Errorf("plural(%d) = %q, want %q", n, got, want)
		}
	}
}
