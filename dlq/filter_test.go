package dlq

import (
	"errors"
	"testing"
	"time"
)

func TestParseSince(t *testing.T) {
	for text, want := range map[string]string{
		"2h":                        "2026-11-23T08:00:00Z",
		"3d":                        "2026-11-20T10:00:00Z",
		"1w":                        "2026-11-16T10:00:00Z",
		"1d12h":                     "2026-11-21T22:00:00Z",
		"90s":                       "2026-11-23T09:58:30Z",
		"15m":                       "2026-11-23T09:45:00Z",
		"0s":                        "2026-11-23T10:00:00Z",
		"2026-11-23":                "2026-11-23T00:00:00Z",
		" 2026-11-23 09:14:02 ":     "2026-11-23T09:14:02Z",
		"2026-11-23 09:14":          "2026-11-23T09:14:00Z",
		"2026-11-23T09:14:02":       "2026-11-23T09:14:02Z",
		"2026-11-23T10:14:02+01:00": "2026-11-23T09:14:02Z",
		"2026-11-23 09:14:02 +0000": "2026-11-23T09:14:02Z",
	} {
		got, err := ParseSince(text, queryNow)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "h", "-2h", "2", "2y", "2h3", "1.5h", "yesterday", "2026-13-01", "99999999999999w", "9223372036s9223372036s"} {
		if got, err := ParseSince(text, queryNow); !errors.Is(err, ErrFilter) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func FuzzParseSince(f *testing.F) {
	for _, s := range []string{"2h", "3d", "2026-11-23", "2026-11-23T09:14:02Z", "1d12h", "9999999999w", "-1h", "٣h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := ParseSince(s, queryNow)
		if err != nil && !errors.Is(err, ErrFilter) {
			t.Errorf("%q: %v", s, err)
		}
		if err == nil && at.Location() != time.UTC {
			t.Errorf("%q is in %v", s, at.Location())
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(position{score: 1795422766, queue: "clone", hash: 42}.cursor(Newest))
	f.Add(position{score: -1.5, queue: "ready", hash: 0}.cursor(Oldest))
	f.Add("")
	f.Add("AQ")
	f.Add("AX0000\r000000000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		for _, order := range []Order{Newest, Oldest} {
			p, err := parseCursor(s, order)
			if err != nil {
				if !errors.Is(err, ErrFilter) {
					t.Errorf("%q: %v", s, err)
				}
				continue
			}
			if again := p.cursor(order); again != s {
				t.Errorf("%q is read as %+v, which is %q", s, p, again)
			}
		}
	})
}

// The short cut of cannotMatch must never hide an entry.
func FuzzCannotMatch(f *testing.F) {
	f.Add("pool", "error", "id", "po", "ERR")
	f.Add(`a"b`, "ÄÖ\x00", "", `a"`, "äö")
	f.Fuzz(func(t *testing.T, pool, message, request, wantPool, wantError string) {
		e := Entry{Queue: "clone", VM: "vm", Pool: pool, ErrorMessage: message, RequestID: request, FailedAt: queryNow}
		raw, score := Encode(e)
		r, err := Decode("clone", raw, score)
		if err != nil {
			return
		}
		for _, filter := range []Filter{{Pool: wantPool}, {Error: wantError}, {Pool: pool, Error: wantError, RequestID: request}} {
			q, err := filter.compile()
			if err != nil {
				t.Fatal(err)
			}
			if q.matches(&r) && q.cannotMatch(raw) {
				t.Errorf("%+v chooses %s", filter, raw)
			}
		}
	})
}
