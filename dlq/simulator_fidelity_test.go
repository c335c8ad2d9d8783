package dlq

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

// The rules come from vmpooler's behaviour and not from the recordings: a
// vmpooler with other pools, timeouts, rates of failure and data_ttl, in whose
// hour much goes wrong, tells what failed, and the exporter has to find it: one
// that looked on, and one that is started only then.
func TestFailuresOfOtherVmpoolersAreCaptured(t *testing.T) {
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			const length, dataTTL = 40 * time.Minute, 24 * time.Hour
			pools := []simulator.Pool{
				{Name: "alpine", Alias: "alpine-any", Size: 40, Timeout: 3 * time.Minute, ReadyTTL: 10 * time.Minute},
				{Name: "solaris-11.4-sparc", Size: 12, Timeout: 9 * time.Minute, Notify: 5 * time.Minute},
				{Name: "macos_15", Alias: "mac", Size: 25, Timeout: 5 * time.Minute, ReadyTTL: 15 * time.Minute},
			}
			var failures []simulator.Failure
			c := server.Client(t)
			start := time.Now().Truncate(time.Second).Add(-length - time.Minute)
			sim, err := simulator.New(c, simulator.Options{
				Pools: pools, Seed: seed, Start: start, DataTTL: dataTTL, LoopDelay: 4 * time.Second, TaskLimit: 30, OndemandCloneLimit: 20,
				Rates: &simulator.Rates{
					Checkouts: 9, Requests: 40, CloneFailure: 0.12, NeverBoots: 0.06, ReadyDies: 0.3, DestroyFailure: 0.15, Leaks: 3,
				},
				Durations: &simulator.Durations{
					Clone: simulator.Span{Min: time.Second, Max: 40 * time.Second}, Boot: simulator.Span{Min: 5 * time.Second, Max: 100 * time.Second},
					Destroy: simulator.Span{Min: time.Second, Max: 9 * time.Second}, Hold: simulator.Span{Min: time.Minute, Max: 15 * time.Minute},
				},
				Scenario: []simulator.Change{
					{At: 5 * time.Minute, For: 2 * time.Minute, Effect: simulator.Spell, CloneFailure: 0.7, NeverBoots: 0.2},
					{At: 12 * time.Minute, For: 20 * time.Second, Effect: simulator.Restart},
					{At: 18 * time.Minute, For: time.Minute, Effect: simulator.TemplateBroken, Pools: []string{"macos_15"}},
					{At: 22 * time.Minute, For: 3 * time.Minute, Effect: simulator.Drain, Pools: []string{"alpine"}},
					{At: 28 * time.Minute, For: 10 * time.Second, Effect: simulator.ProviderEmpty, Pools: []string{"alpine"}},
					{At: 32 * time.Minute, Effect: simulator.DeleteByHand, Count: 3},
				},
				Wall:      time.Now,
				OnFailure: func(f simulator.Failure) { failures = append(failures, f) },
			})
			if err != nil {
				t.Fatal(err)
			}
			rules := lifecycle.Rules{DataTTL: dataTTL, Timeout: func(name string) time.Duration {
				i := slices.IndexFunc(pools, func(p simulator.Pool) bool { return p.Name == name })
				return pools[i].Timeout
			}}
			e := newExporter(atMoment(t, c, sim.Now), rules, sim.Now)
			for second := 1; second <= int(length/time.Second); second++ {
				if err := sim.Step(t.Context(), start.Add(time.Duration(second)*time.Second)); err != nil {
					t.Fatal(err)
				}
				e.record(t)
				if second%60 == 0 {
					e.sweep(t)
				}
			}
			e.record(t)
			simulated(failures, lives(entries(t, c)), sim.Now()).hold(t, c, 0.985, 0.985)

			forgetLetters(t, c)
			newExporter(atMoment(t, c, sim.Now), rules, sim.Now).catchUp(t)
			tr := simulated(failures, lives(entries(t, c)), sim.Now())
			live := tr.within
			tr.within = func(want Entry) (from, to time.Time) {
				from, to = live(want)
				return from, to.Add(time.Minute) // a clone that left a VM behind has only the time of its destruction
			}
			tr.hold(t, c, 0.94, 0.98)
		})
	}
}

// simulated returns the truth about a simulation that has come to its end: a VM
// that failed in its last moments is judged once vmpooler begins to destroy it,
// so it may or may not be among the entries.
func simulated(failures []simulator.Failure, got map[life][]Entry, end time.Time) *truth {
	const moments = 30 * time.Second
	tr := &truth{shared: make(map[string]bool), within: func(want Entry) (from, to time.Time) {
		from, to = exact(want)
		from = from.Add(-time.Second) // the simulator's times are no whole seconds, its TTLs are
		if want.Queue == "pending" {
			from = from.Add(-moments) // since its timeout, which vmpooler notices at its next look, or after a restart
		}
		return from, to
	}}
	for _, f := range failures {
		if end.Sub(f.At) < moments && got[life{f.Queue, f.VM}] == nil {
			continue
		}
		// Where a draining pool gave a VM up that was being cloned, its hash was
		// deleted under the clone: what is written after that names no pool.
		for _, e := range got[life{f.Queue, f.VM}] {
			tr.shared[f.VM] = tr.shared[f.VM] || e.Pool == ""
		}
		tr.letters = append(tr.letters, Entry{
			Queue: f.Queue, QueueFrom: f.Queue, VM: f.VM, Pool: f.Pool, ErrorClass: f.Class, ErrorMessage: f.Message,
			FailedAt: f.At, RequestID: f.Request, PoolAlias: f.Alias,
		})
	}
	return tr
}
