package lifecycle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestStepsEndThePhasesOfALife(t *testing.T) {
	type phases map[EventKind]time.Duration
	for name, c := range map[string]struct {
		hash Hash
		at   Place
		want phases
		ends map[EventKind]Phase
	}{
		"a pool's VM that a user had": {
			Hash{Clone: began, CloneTook: 90 * time.Second, Ready: after(3 * time.Minute), Checkout: after(time.Hour), Destroy: after(3 * time.Hour)},
			Place{},
			phases{Cloned: 90 * time.Second, BecameReady: 3 * time.Minute, CheckedOut: 57 * time.Minute, Returned: 2 * time.Hour},
			map[EventKind]Phase{Cloned: ClonePhase, BecameReady: BootPhase, CheckedOut: ReadyPhase, Returned: LeasePhase},
		},
		"one that was made for a request": {
			Hash{Clone: began, CloneTook: time.Second, Checkout: after(time.Minute)},
			in(vmpooler.Running),
			phases{Cloned: time.Second, CheckedOut: time.Minute},
			map[EventKind]Phase{Cloned: ClonePhase, CheckedOut: BootPhase},
		},
		"one that was made for a request, once vmpooler has stamped it as ready": {
			Hash{RequestID: "r", Clone: began, CloneTook: time.Second, Checkout: after(time.Minute), Ready: after(61 * time.Second)},
			in(vmpooler.Running),
			phases{Cloned: time.Second, CheckedOut: time.Minute},
			map[EventKind]Phase{Cloned: ClonePhase, CheckedOut: BootPhase},
		},
		"a pool's VM of a name that a request's had before": {
			Hash{RequestID: "r", Clone: began, Ready: after(time.Minute), Checkout: after(2 * time.Minute)},
			in(vmpooler.Running),
			phases{BecameReady: time.Minute, CheckedOut: time.Minute},
			map[EventKind]Phase{BecameReady: BootPhase, CheckedOut: ReadyPhase},
		},
		"one that two pools share a hash of: it was ready before its clone began": {
			Hash{Clone: began, Ready: after(-time.Minute)},
			in(vmpooler.Ready),
			phases{},
			map[EventKind]Phase{},
		},
		"one whose clone failed": {
			Hash{Clone: began, CloneTook: time.Second, CloneFailed: true, Expires: after(dataTTL)},
			Place{},
			phases{},
			map[EventKind]Phase{},
		},
		"one that failed after its clone": {
			Hash{Clone: began, CloneTook: time.Minute, Destroy: after(timeout)},
			Place{},
			phases{Cloned: time.Minute},
			map[EventKind]Phase{Cloned: ClonePhase},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.hash.VM, c.hash.Pool = "vm", "p"
			_, events := Life{}.Observe(c.hash, c.at, after(4*time.Hour), rules, false)
			got, ends := phases{}, map[EventKind]Phase{}
			for _, e := range events {
				if e.Ends != NoPhase {
					got[e.Kind], ends[e.Kind] = e.Took, e.Ends
				}
			}
			if d := cmp.Diff([]any{c.want, c.ends}, []any{got, ends}); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestACloneTimeIsReadOnlyIfItIsOne(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1.01": 1010 * time.Millisecond, "300": 5 * time.Minute,
		"": 0, "0": 0, "-3": 0, "NaN": 0, "Inf": 0, "1e300": 0, "soon": 0,
	} {
		h := NewHash("vm", map[string]string{vmpooler.FieldCloneTime: text}, time.Time{})
		if h.CloneTook != want {
			t.Errorf("%q is %v, not %v", text, h.CloneTook, want)
		}
	}
}
