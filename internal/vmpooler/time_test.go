package vmpooler

import (
	"errors"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	want := time.Date(2026, 11, 23, 8, 32, 46, 0, time.UTC)
	for name, tc := range map[string]struct {
		in   string
		want time.Time
		bad  bool
	}{
		"vmpooler's usual form":        {in: "2026-11-23 08:32:46 +0000", want: want},
		"UTC in the offset's place":    {in: "2026-11-23 08:32:46 UTC", want: want},
		"a zone east":                  {in: "2026-11-23 14:02:46 +0530", want: want},
		"a zone west":                  {in: "2026-11-23 00:32:46 -0800", want: want},
		"RFC 3339":                     {in: "2026-11-23T08:32:46Z", want: want},
		"RFC 3339 with an offset":      {in: "2026-11-23T09:32:46+01:00", want: want},
		"RFC 3339 with a fraction":     {in: "2026-11-23T08:32:46.25Z", want: want.Add(250 * time.Millisecond)},
		"a leap day":                   {in: "2028-02-29 00:00:00 +0000", want: time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)},
		"empty":                        {in: "", bad: true},
		"no zone":                      {in: "2026-11-23 08:32:46", bad: true},
		"a zone's name":                {in: "2026-11-23 08:32:46 CET", bad: true},
		"a day that the month lacks":   {in: "2026-02-30 08:32:46 +0000", bad: true},
		"a month that the year lacks":  {in: "2026-13-01 08:32:46 +0000", bad: true},
		"an hour that the day lacks":   {in: "2026-11-23 25:00:00 +0000", bad: true},
		"letters among the digits":     {in: "2026-11-2x 08:32:46 +0000", bad: true},
		"something after it":           {in: "2026-11-23 08:32:46 +0000 ", bad: true},
		"a short offset":               {in: "2026-11-23 08:32:46 +00", bad: true},
		"an epoch":                     {in: "1795422766", bad: true},
		"bytes that are not UTF-8":     {in: "\xff\xfe2026-11-23 08:32:46", bad: true},
		"more than a log line can use": {in: string(make([]byte, 10_000)), bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseTime(tc.in)
			if tc.bad {
				if !errors.Is(err, ErrNoTime) {
					t.Fatalf("ParseTime(%q) = %v, %v; want ErrNoTime", tc.in, got, err)
				}
				if len(err.Error()) > 300 {
					t.Errorf("the error holds %d bytes", len(err.Error()))
				}
				return
			}
			if err != nil || !got.Equal(tc.want) {
				t.Fatalf("ParseTime(%q) = %v, %v; want %v", tc.in, got, err, tc.want)
			}
		})
	}
}

// The fast path must agree with the standard library wherever both read a time.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"2026-11-23 08:32:46 +0000", "2026-11-23 08:32:46 UTC", "2026-11-23T08:32:46Z",
		"2026-02-30 08:32:46 -0930", "0000-01-01 00:00:00 +2400", "2026-11-23 08:32:46 +0060",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s)
		want, layoutErr := time.Parse(rubyLayout, s)
		if layoutErr != nil {
			want, layoutErr = time.Parse(rubyUTCLayout, s)
		}
		if layoutErr != nil {
			want, layoutErr = time.Parse(time.RFC3339, s)
		}
		// time.Parse takes a fraction of a second anywhere; vmpooler writes none.
		if err == nil && (layoutErr != nil || !got.Equal(want)) {
			t.Fatalf("ParseTime(%q) = %v; the standard library says %v, %v", s, got, want, layoutErr)
		}
		if err == nil && got.Nanosecond() == 0 && got.Year() >= 0 && got.Year() <= 9999 {
			again, err := ParseTime(FormatTime(got))
			if err != nil || !again.Equal(got) {
				t.Fatalf("round trip of %v: %v, %v", got, again, err)
			}
		}
	})
}
