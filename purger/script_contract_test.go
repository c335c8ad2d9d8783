package purger

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Each mistake of vmpooler's own purge that the contract lists in section 3, by its
// number there: a purge that makes it fails here.

// cycle plans for a target and applies the plan.
func (s *scene) cycle() *Plan {
	s.t.Helper()
	source := Source{Reader: vmpooler.NewReader(s.admin, vmpooler.ReaderOptions{}), Client: s.admin, Orphans: true}
	st, err := source.Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	p := Make(Input{State: st, View: s.view, Targets: []Target{s.kind.target}}, s.ap.Settings)
	if err := s.ap.Apply(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// 3.3: its orphan purge sets the same TTL anew in every cycle, so that nothing ever
// expires.
func TestContract3AnOrphanIsGivenItsTTLOnce(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{target: Orphaned})
	p := s.plan()
	s.applied(p)
	s.do("EXPIRE", vmKey, 100) // most of its hour is over
	if again := s.cycle(); len(again.Actions) != 0 {
		t.Errorf("planned again: %+v", again.Actions)
	}
	p.Actions[0].Outcome = Planned // and an old plan is applied once more
	s.unchanged(p, Skipped, "expires by itself")
	if ttl := c.TTL(t.Context(), vmKey).Val(); ttl > 100*time.Second {
		t.Errorf("it lives for %v", ttl)
	}
}

// 3.4: its pending purge does not check that SREM removed anything: a VM that became
// ready in between gets a false dead letter and a TTL on live metadata.
func TestContract4AVMThatBecameReadyGetsNoDeadLetterAndNoTTL(t *testing.T) {
	for name, becomes := range map[string][]cmd{
		"ready":                     {{"SMOVE", "vmpooler__pending__p", "vmpooler__ready__p", "vm"}, {"HSET", vmKey, "ready", past(0)}},
		"ready, as Redis has it":    {{"SMOVE", "vmpooler__pending__p", "vmpooler__ready__p", "vm"}},
		"its request's":             {{"HSET", vmKey, "checkout", past(0)}, {"SMOVE", "vmpooler__pending__p", "vmpooler__running__p", "vm"}},
		"its request's in a moment": {{"HSET", vmKey, "checkout", past(0)}},
		"gone":                      {{"SREM", "vmpooler__pending__p", "vm"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
			p := s.plan()
			s.commands(becomes...)
			s.unchanged(p, Skipped, "")
			if n := c.ZCard(t.Context(), vmpooler.DLQKey("pending")).Val(); n != 1 {
				t.Errorf("%d letters, want the one that was there", n)
			}
			if ttl := c.TTL(t.Context(), vmKey).Val(); ttl != -1 {
				t.Errorf("the hash of a live VM has a TTL: %v", ttl)
			}
		})
	}
}

// 3.8: a dry run is counted as purged in the cycle's total.
func TestContract8ADryRunPurgesNothingAndCountsNothing(t *testing.T) {
	for _, k := range kinds() {
		c := server.Client(t)
		s := newScene(t, c, c, k)
		p := s.plan()
		p.DryRun = true
		before := dumps(t, c)
		if _, err := s.apply(p); err == nil {
			t.Errorf("%v: a dry run is applied", k)
		}
		if p.Count(Applied) != 0 || p.Count(Planned) != 1 {
			t.Errorf("%v: %d applied, %d planned", k, p.Count(Applied), p.Count(Planned))
		}
		if d := cmp.Diff(before, dumps(t, c)); d != "" {
			t.Errorf("%v: %s", k, d)
		}
	}
}

// 3.9: two managers purge the same entries twice.
func TestContract9TwoPurgersPurgeAnEntryOnce(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, k)
			ours, theirs := s.plan(), s.plan()
			s.applied(ours)
			s.do("EXPIRE", vmKey, 100)
			s.unchanged(theirs, Skipped, "")
			if n := c.ZCard(t.Context(), vmpooler.DLQKey("pending")).Val(); n > 2 {
				t.Errorf("%d letters", n)
			}
		})
	}
}

// 3.10: a completed entry is dropped although the VM may still exist at the provider;
// and one without destroy is judged by its checkout, so that a VM that a user had
// for a day and has just returned is dropped at once.
func TestContract10ACompletedVMThatMayExistStays(t *testing.T) {
	for name, listed := range map[string][]string{"the provider has it": {"vm", "a", "b", "c"}, "the provider lists nothing": {}} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, kind{Completed, vmpooler.Completed})
			s.view = inventory.NewHistory().Take([]inventory.Listing{{Pool: "p", Began: time.Now(), VMs: listed}},
				func(string) []string { return []string{"vm", "a", "b", "c"} })
			before := dumps(t, c)
			if p := s.cycle(); len(p.Actions) != 0 {
				t.Errorf("planned: %+v", p.Actions)
			}
			if d := cmp.Diff(before, dumps(t, c)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestContract10ACompletedVMIsNotJudgedByItsCheckout(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Completed, vmpooler.Completed})
	s.do("HDEL", vmKey, "destroy") // it was checked out 50 hours ago, and returned just now
	source := Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c}
	watch := NewWatch()
	for _, tc := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {59 * time.Minute, 0}, {61 * time.Minute, 1}} {
		st, err := source.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st.Now = st.Now.Add(tc.after)
		watch.Look(st.Places, nil, st.Now)
		p := Make(Input{State: st, Watch: watch, Targets: []Target{Completed}}, s.ap.Settings)
		got := 0
		for _, a := range p.Actions {
			if a.VM == "vm" {
				got++
			}
		}
		if got != tc.want {
			t.Errorf("after %v in completed %d actions are planned, want %d", tc.after, got, tc.want)
		}
		if got == 1 {
			for i := range p.Actions {
				p.Actions[i].Outcome = Skipped
				if p.Actions[i].VM == "vm" {
					p.Actions[i].Outcome = Planned
				}
			}
			s.do("HSET", vmKey, "destroy", past(0)) // its destruction has just begun
			before := dumps(t, c)
			if err := s.ap.Apply(t.Context(), p); err != nil || p.Count(Applied) != 0 {
				t.Errorf("%v, %d applied", err, p.Count(Applied))
			}
			if d := cmp.Diff(before, dumps(t, c)); d != "" {
				t.Error(d)
			}
		}
	}
}

// A name that is live in two pools has one hash: neither of the two is touched.
func TestAnAmbiguousNameIsNeverTouched(t *testing.T) {
	for _, k := range kinds() {
		if !k.queued() {
			continue
		}
		for _, alive := range []vmpooler.Queue{vmpooler.Running, vmpooler.Ready, vmpooler.Pending} {
			c := server.Client(t)
			s := newScene(t, c, c, k)
			s.do("SADD", alive.Key("q"), "vm")
			before := dumps(t, c)
			for _, a := range s.cycle().Actions {
				if a.VM == "vm" {
					t.Errorf("%v, also in %v of q: planned: %+v", k, alive, a)
				}
			}
			after := dumps(t, c)
			for key := range before {
				if strings.Contains(key, "__vm__") && before[key] != after[key] || strings.HasPrefix(key, "vmpooler__running") && before[key] != after[key] {
					t.Errorf("%v, also in %v of q: %s has changed", k, alive, key)
				}
			}
			if n := c.ZCard(t.Context(), dlq.IndexKey("pending")).Val(); n != 0 {
				t.Errorf("%v, also in %v of q: %d letters", k, alive, n)
			}
		}
	}
}
