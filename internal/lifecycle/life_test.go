package lifecycle

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func in(q vmpooler.Queue) Place { return Place{In: true, Queue: q} }

// look is one observation of the VM "vm".
type look struct {
	change func(*Hash) // of the hash, which keeps what it had
	at     Place
	seen   time.Duration
	first  bool
	want   []EventKind
	when   []time.Duration // since the clone began, of each
}

func TestObserve(t *testing.T) {
	none := func(*Hash) {}
	for name, looks := range map[string][]look{
		"a pool's VM, seen at each step": {
			{none, in(vmpooler.Pending), time.Second, false, []EventKind{CloneStarted}, []time.Duration{0}},
			{none, in(vmpooler.Pending), 2 * time.Second, false, nil, nil},
			{func(h *Hash) { h.Ready = after(time.Minute) }, in(vmpooler.Ready), 61 * time.Second, false, []EventKind{BecameReady}, []time.Duration{time.Minute}},
			{func(h *Hash) { h.Checkout = after(time.Hour) }, in(vmpooler.Running), time.Hour, false, []EventKind{CheckedOut}, []time.Duration{time.Hour}},
			{none, in(vmpooler.Completed), 2 * time.Hour, false, []EventKind{Returned}, []time.Duration{2 * time.Hour}},
			{func(h *Hash) { h.Destroy = after(2*time.Hour + time.Second) }, in(vmpooler.Completed), 3 * time.Hour, false, []EventKind{Destroyed}, []time.Duration{2*time.Hour + time.Second}},
			{func(h *Hash) { h.Destroy = after(2*time.Hour + time.Minute) }, Place{}, 3 * time.Hour, false, nil, nil}, // stamped anew
		},
		"one that was made for a request": {
			{func(h *Hash) { h.RequestID, h.Checkout = "r", after(time.Minute) }, in(vmpooler.Running), time.Minute, false, []EventKind{CloneStarted, CheckedOut}, []time.Duration{0, time.Minute}},
			{func(h *Hash) { h.Ready = after(61 * time.Second) }, in(vmpooler.Running), 62 * time.Second, false, nil, nil},
		},
		"one that came and went between two looks": {
			{
				func(h *Hash) { h.Ready, h.Checkout, h.Destroy = after(1e9), after(2e9), after(3e9) },
				Place{},
				time.Hour, false,
				[]EventKind{CloneStarted, BecameReady, CheckedOut, Returned, Destroyed},
				[]time.Duration{0, 1e9, 2e9, 3e9, 3e9},
			},
		},
		"one that was there before us": {
			{func(h *Hash) { h.Ready = after(1e9) }, in(vmpooler.Ready), time.Hour, true, nil, nil},
			{func(h *Hash) { h.Checkout = after(2 * time.Hour) }, in(vmpooler.Running), 2 * time.Hour, false, []EventKind{CheckedOut}, []time.Duration{2 * time.Hour}},
		},
		"one that had failed before us and waits for its end": {
			{
				func(h *Hash) { h.Ready, h.Destroy, h.OpenSocketError = after(1e9), after(9e9), "refused" }, in(vmpooler.Completed), time.Minute, true,
				[]EventKind{FailedUnreachable},
				[]time.Duration{9e9},
			},
		},
		"a clone that fails": {
			{
				func(h *Hash) { h.CloneFailed, h.CloneErrorClass, h.Expires = true, "E", after(5*time.Second+dataTTL) },
				Place{},
				6 * time.Second, false,
				[]EventKind{CloneStarted, FailedClone},
				[]time.Duration{0, 5 * time.Second},
			},
		},
		"one that never boots": {
			{none, in(vmpooler.Pending), time.Second, false, []EventKind{CloneStarted}, []time.Duration{0}},
			{none, in(vmpooler.Completed), timeout + time.Second, false, nil, nil},
			{func(h *Hash) { h.Destroy = after(timeout + 9*time.Second) }, Place{}, timeout + 10*time.Second, false, []EventKind{FailedTimeout, Destroyed}, []time.Duration{timeout, timeout + 9*time.Second}},
		},
		"the name's next life": {
			{func(h *Hash) { h.Destroy = after(time.Minute) }, Place{}, time.Minute, true, nil, nil},
			{func(h *Hash) { h.Clone, h.Destroy = after(time.Hour), time.Time{} }, in(vmpooler.Pending), time.Hour, true, []EventKind{CloneStarted}, []time.Duration{time.Hour}},
		},
		"a remnant of which nothing is left but destroy": {
			{func(h *Hash) { *h = Hash{VM: "vm", Destroy: after(time.Minute)} }, Place{}, time.Minute, false, []EventKind{Destroyed}, []time.Duration{time.Minute}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, life := Hash{VM: "vm", Pool: "p", Clone: began}, Life{}
			for i, l := range looks {
				l.change(&h)
				var events []Event
				life, events = life.Observe(h, l.at, after(l.seen), rules, l.first)
				var kinds []EventKind
				var when []time.Duration
				for _, e := range events {
					kinds, when = append(kinds, e.Kind), append(when, e.At.Sub(began))
					if failed := e.Kind >= FailedClone; failed != (e.Failure != nil) {
						t.Errorf("look %d: %v with the failure %+v", i, e.Kind, e.Failure)
					}
				}
				if d := cmp.Diff([][]any{{l.want, l.when}}, [][]any{{kinds, when}}); d != "" {
					t.Errorf("look %d (-want +got):\n%s", i, d)
				}
			}
		})
	}
}

func TestALifeIsOverWithItsDestructionOrAFailedClone(t *testing.T) {
	h := Hash{VM: "vm", Pool: "p", Clone: began, Ready: after(1e9)}
	life, _ := Life{}.Observe(h, in(vmpooler.Ready), after(2e9), rules, false)
	if life.Over() {
		t.Error("over while it is ready")
	}
	h.Destroy = after(3e9)
	if life, _ = life.Observe(h, Place{}, after(4e9), rules, false); !life.Over() {
		t.Error("not over when it is destroyed")
	}
}

func TestEventKindsHaveNamesOfTheirOwn(t *testing.T) {
	var names []string
	for _, k := range EventKinds() {
		if slices.Contains(names, k.String()) {
			t.Errorf("%v twice", k)
		}
		names = append(names, k.String())
	}
}
