package vmpooler

import (
	"strings"
	"testing"
)

func TestQueueFromKey(t *testing.T) {
	for _, tc := range []struct {
		key  string
		q    Queue
		pool string
		ok   bool
	}{
		{"vmpooler__pending__win-2022", Pending, "win-2022", true},
		{"vmpooler__ready__a__b", Ready, "a__b", true},
		{"vmpooler__migrating__été:1.0 x", Migrating, "été:1.0 x", true},
		{"vmpooler__pending__", 0, "", false},
		{"vmpooler__pending", 0, "", false},
		{"vmpooler__vm__pending__x", 0, "", false},
		{"pending__x", 0, "", false},
	} {
		q, pool, ok := QueueFromKey(tc.key)
		if q != tc.q || pool != tc.pool || ok != tc.ok {
			t.Errorf("QueueFromKey(%q) = %v, %q, %v", tc.key, q, pool, ok)
		}
	}
}

func TestRequestID(t *testing.T) {
	for member, want := range map[string]string{
		"3a367972-058e":                 "3a367972-058e",
		"alias:pool:2:3a367972-058e":    "3a367972-058e",
		"al:ias:po:ol:2:3a367972-058e":  "3a367972-058e",
		"alias with: spaces:p:1:abc123": "abc123",
		"":                              "",
	} {
		if got := requestID(member); got != want {
			t.Errorf("requestID(%q) = %q, want %q", member, got, want)
		}
	}
}

func FuzzQueueFromKey(f *testing.F) {
	f.Add("vmpooler__pending__win-2022")
	f.Add("vmpooler__ready__\xff")
	f.Fuzz(func(t *testing.T, s string) {
		q, pool, ok := QueueFromKey(s)
		if ok && q.Key(pool) != s {
			t.Fatalf("%q became %v of %q", s, q, pool)
		}
		if !ok && pool != "" {
			t.Fatalf("%q is no queue but has the pool %q", s, pool)
		}
		for _, q := range Queues() {
			if s == "" || strings.Contains(s, "__") {
				continue
			}
			if got, pool, ok := QueueFromKey(q.Key(s)); !ok || got != q || pool != s {
				t.Fatalf("%v of %q became %v of %q", q, s, got, pool)
			}
		}
	})
}
