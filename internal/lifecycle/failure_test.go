package lifecycle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var began = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

const (
	dataTTL = 168 * time.Hour
	timeout = 15 * time.Minute
)

var rules = Rules{DataTTL: dataTTL, Timeout: func(pool string) time.Duration {
	if pool == "p" {
		return timeout
	}
	return 0
}}

func after(d time.Duration) time.Time { return began.Add(d) }

func TestJudge(t *testing.T) {
	vm := Hash{VM: "vm", Pool: "p", Clone: began}
	with := func(change func(*Hash)) Hash {
		h := vm
		change(&h)
		return h
	}
	timedOut := Failure{Kind: TimedOut, VM: "vm", Pool: "p", Class: "Timeout", Message: "No route", At: after(timeout), CloneBegan: began}
	for name, tc := range map[string]struct {
		hash Hash
		want *Failure // nil: no failure
	}{
		"a clone failed": {
			with(func(h *Hash) {
				h.CloneFailed, h.CloneError, h.CloneErrorClass = true, "datastore full", "RuntimeError"
				h.Expires = after(7*time.Second + dataTTL + 300*time.Millisecond)
				h.RequestID, h.PoolAlias = "r", "alias"
			}),
			&Failure{Kind: CloneFailed, VM: "vm", Pool: "p", RequestID: "r", PoolAlias: "alias", Class: "RuntimeError", Message: "datastore full", At: after(7 * time.Second), CloneBegan: began},
		},
		"a clone failed with an empty message and no class": {
			with(func(h *Hash) { h.CloneFailed, h.Expires = true, after(dataTTL) }),
			&Failure{Kind: CloneFailed, VM: "vm", Pool: "p", Class: "StandardError", At: began, CloneBegan: began},
		},
		"a failed clone that lost its TTL": {
			with(func(h *Hash) { h.CloneFailed, h.CloneErrorClass = true, "E" }),
			&Failure{Kind: CloneFailed, VM: "vm", Pool: "p", Class: "E", At: began, CloneBegan: began},
		},
		"a failed clone of which no time is left": {
			Hash{VM: "vm", Pool: "p", CloneFailed: true}, nil,
		},
		"pending until its timeout, then destroyed": {
			with(func(h *Hash) { h.OpenSocketError, h.Destroy = "No route", after(timeout+9*time.Second) }), &timedOut,
		},
		"destroyed in the very second of the timeout": {
			with(func(h *Hash) { h.OpenSocketError, h.Destroy = "No route", after(timeout) }), &timedOut,
		},
		"never even connected to": {
			with(func(h *Hash) { h.Destroy = after(timeout) }),
			&Failure{Kind: TimedOut, VM: "vm", Pool: "p", Class: "Timeout", Message: messageTimeout, At: after(timeout), CloneBegan: began},
		},
		"excess, drained or reset while pending": {
			with(func(h *Hash) { h.OpenSocketError, h.Destroy = "No route", after(timeout-time.Second) }), nil,
		},
		"pending beyond its timeout, not destroyed yet": {
			with(func(h *Hash) { h.OpenSocketError = "No route" }), nil,
		},
		"of a pool whose timeout is unknown": {
			with(func(h *Hash) { h.Pool, h.Destroy = "unknown", after(99*time.Hour) }), nil,
		},
		"died when ready": {
			with(func(h *Hash) {
				h.Ready, h.Check, h.Destroy, h.OpenSocketError = after(time.Minute), after(time.Hour), after(time.Hour+5*time.Second), "refused"
			}),
			&Failure{Kind: Unreachable, VM: "vm", Pool: "p", Class: "Unreachable", Message: "refused", At: after(time.Hour), CloneBegan: began},
		},
		"died when ready, at a moment that nothing tells": {
			with(func(h *Hash) { h.Ready, h.Destroy, h.OpenSocketError = after(time.Minute), after(time.Hour), "refused" }),
			&Failure{Kind: Unreachable, VM: "vm", Pool: "p", Class: "Unreachable", Message: "refused", At: after(time.Hour), CloneBegan: began},
		},
		"dead but still in its queue": {with(func(h *Hash) { h.Ready, h.OpenSocketError = after(time.Minute), "refused" }), nil},
		"reached its ready_ttl":       {with(func(h *Hash) { h.Ready, h.Destroy = after(time.Minute), after(time.Hour) }), nil},
		"returned by its user":        {with(func(h *Hash) { h.Ready, h.Checkout, h.Destroy = after(1), after(2), after(time.Hour) }), nil},
		"returned, and unreachable now": {with(func(h *Hash) {
			h.Ready, h.Checkout, h.Destroy, h.OpenSocketError = after(1), after(2), after(time.Hour), "refused"
		}), nil},
		"given to a request":          {with(func(h *Hash) { h.Checkout, h.Destroy = after(2), after(time.Hour) }), nil},
		"alive":                       {vm, nil},
		"a remnant with only a tag":   {Hash{VM: "vm"}, nil},
		"a remnant with only destroy": {Hash{VM: "vm", Destroy: after(time.Hour)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := rules.Judge(tc.hash)
			if ok != (tc.want != nil) {
				t.Fatalf("failed: %v, want %v (%+v)", ok, tc.want != nil, got)
			}
			if ok {
				if d := cmp.Diff(*tc.want, got); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}
		})
	}
}

func TestNewHashKnowsMissingFromEmpty(t *testing.T) {
	h := NewHash("vm", map[string]string{"clone_error": "", "clone": "2026-11-23 09:00:00 +0000", "ready": "soon", "token:token": "s3cr3t"}, time.Time{})
	want := Hash{VM: "vm", CloneFailed: true, Clone: began}
	if d := cmp.Diff(want, h); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if NewHash("vm", map[string]string{"clone": "2026-11-23 09:00:00 +0000"}, time.Time{}).CloneFailed {
		t.Error("a hash without clone_error counts as failed")
	}
}
