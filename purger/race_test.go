package purger

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// raceSettings want nearly everything, and no limit holds it back.
func raceSettings() Settings {
	s := testSettings()
	s.MaxPendingAge, s.MaxReadyAge, s.MaxCompletedAge = 3*time.Second, 2*time.Second, 2*time.Second
	s.MaxOrphanedAge, s.MaxRequestAge = 3*time.Second, time.Second
	s.Limits = Limits{PerPool: 1 << 30, ReadyPercent: 100, MaxSkew: time.Minute, MaxStale: time.Hour, Override: true}
	return s
}

// world is a vmpooler at full speed: movers, and the simulator in pools of its own,
// whose VMs lived days ago.
type world struct {
	t      *testing.T
	s      *testredis.Server
	c      *redis.Client
	movers []*mover
	steps  atomic.Int64
	stop   context.CancelFunc
	wg     sync.WaitGroup
}

func newWorld(t *testing.T, s *testredis.Server) *world {
	t.Helper()
	w := &world{t: t, s: s, c: newClient(t, s, nil)}
	pools := []string{"m-1", "m-2", "m-3"}
	w.c.SAdd(t.Context(), vmpooler.KeyPools, "m-1", "m-2", "m-3")
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	t.Cleanup(stop)
	for i := range 3 {
		m := newMover(t, newClient(t, s, nil), i, 600, pools, &w.steps)
		w.movers = append(w.movers, m)
		w.wg.Go(func() { m.run(ctx) })
	}
	sim, err := simulator.New(newClient(t, s, nil), simulator.Options{
		Pools: simulator.UniformPools(3, 30), Seed: 1, Start: time.Now().Add(-20 * 24 * time.Hour),
		Rates: &simulator.Rates{Checkouts: 20, Requests: 6, CloneFailure: 0.03, NeverBoots: 0.1, ReadyDies: 0.02, DestroyFailure: 0.1, Tokens: 0.5, Leaks: 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.wg.Go(func() {
		for at := sim.Now(); ctx.Err() == nil; {
			at = at.Add(10 * time.Second)
			if err := sim.Step(context.WithoutCancel(ctx), at); err != nil {
				t.Error(err)
				return
			}
		}
	})
	return w
}

// wait lets the world make so many steps.
func (w *world) wait(steps int64) {
	until, deadline := w.steps.Load()+steps, time.Now().Add(30*time.Second)
	for w.steps.Load() < until && !w.t.Failed() {
		if time.Now().After(deadline) {
			w.t.Error("the world stands still")
		}
		time.Sleep(time.Millisecond)
	}
}

func (w *world) end() (users, races int) {
	w.stop()
	w.wg.Wait()
	for _, m := range w.movers {
		users += m.check(w.t.Context())
		races += m.races
	}
	return users, races
}

// staleCycle plans, lets the world go on for some thousand steps, and applies what is
// no longer true.
func (w *world) staleCycle(c *redis.Client, fence func() (lease.Fence, bool), steps int64, did func(*Action)) error {
	source := Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c, Orphans: true}
	st, err := source.Read(w.t.Context())
	if err != nil {
		return err
	}
	plan := Make(Input{State: st}, raceSettings())
	w.wait(steps)
	ap := Applier{
		Client: c, Settings: raceSettings(), Fence: fence, Now: time.Now, Done: did,
		MaxShare: 1, ConfirmAfter: 700 * time.Millisecond,
	}
	return ap.Apply(w.t.Context(), plan)
}

// tally counts outcomes by target, of several purgers.
type tally struct {
	mu      sync.Mutex
	applied map[Target]int
	skipped map[string]int
	all     int
}

func newTally() *tally { return &tally{applied: make(map[Target]int), skipped: make(map[string]int)} }

func (n *tally) did(a *Action) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all++
	switch a.Outcome {
	case Applied:
		n.applied[a.Target]++
	case Skipped:
		n.skipped[a.Why]++
	case Planned, Held, Refused, Failed:
	}
}

// enough says whether there were so many actions, and some of each kind that was
// applied.
func (n *tally) enough(actions int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all >= actions && len(n.applied) == len(racing)
}

// racing are the targets of a race; ghosts need a provider.
var racing = []Target{Pending, Ready, Completed, Orphaned, Request}

// raced reports what the observer saw, and that there was something to see.
func raced(t *testing.T, w *world, o *observer, n *tally) {
	t.Helper()
	users, races := w.end()
	o.finish(t)
	o.agrees(t, w.c)
	for _, target := range racing {
		if n.applied[target] != o.purged[target] {
			t.Errorf("%s: %d are said to be applied, the observer saw %d", target, n.applied[target], o.purged[target])
		}
		if n.applied[target] == 0 {
			t.Errorf("%s: none was applied: nothing was tested", target)
		}
	}
	letters := w.c.ZCard(t.Context(), vmpooler.DLQKey("pending")).Val()
	if letters != int64(len(o.members)) || len(o.members) == 0 {
		t.Errorf("%d dead letters, the observer saw %d for %d VMs that were taken out of pending", letters, len(o.members), o.purged[Pending])
	}
	skipped := 0
	for _, k := range n.skipped {
		skipped += k
	}
	if races == 0 || users == 0 || skipped < n.all/50 {
		t.Errorf("%d races lost by the movers, %d VMs with users, %d of %d skipped: no contention", races, users, skipped, n.all)
	}
	t.Logf("%d actions; applied: %v; skipped: %v; the world made %d steps and was too late %d times; %d VMs are with users",
		n.all, n.applied, n.skipped, w.steps.Load(), races, users)
}

// raceActions is how many actions a race has.
func raceActions() int {
	if testing.Short() {
		return 1000
	}
	return 10_000
}

// Planned on stale snapshots, against a vmpooler at full speed: no VM is lost, no dead
// letter is false, no TTL is put on a live hash, nothing of the users is touched.
func TestStalePlansAgainstAVmpoolerAtFullSpeed(t *testing.T) {
	s := testredis.New(t)
	o := observe(t, s, raceSettings())
	w := newWorld(t, s)
	c := newClient(t, s, nil)
	l := lease.New(c, lease.KeyPurge, "a", time.Hour, nil)
	if ok, err := l.Acquire(t.Context()); !ok || err != nil {
		t.Fatal(err)
	}
	w.wait(5000)
	n := newTally()
	rng := rand.New(rand.NewPCG(1, 1))
	for began := time.Now(); !n.enough(raceActions()) && time.Since(began) < time.Minute && !t.Failed(); {
		// Some are applied at once, which is when a VM may still be on its way.
		if err := w.staleCycle(c, l.Fence, rng.Int64N(2)*rng.Int64N(4000), n.did); err != nil {
			t.Fatal(err)
		}
	}
	raced(t, w, o, n)
}

// Two purgers with plans of the same state; their lease ends again and again, and each
// believes for a while that it is still its own.
func TestTwoPurgersAtOnce(t *testing.T) {
	s := testredis.New(t)
	o := observe(t, s, raceSettings())
	w := newWorld(t, s)
	w.wait(5000)
	n, fenced := newTally(), atomic.Int64{}
	var wg sync.WaitGroup
	for i, owner := range []string{"a", "b"} {
		wg.Go(func() {
			c := newClient(t, s, nil)
			l := lease.New(c, lease.KeyPurge, owner, time.Hour, nil)
			rng := rand.New(rand.NewPCG(2, uint64(i)))
			enough := func() bool { return n.enough(raceActions()) && fenced.Load() > 2 }
			for began := time.Now(); !enough() && time.Since(began) < time.Minute && !t.Failed(); {
				if rng.IntN(16) == 0 {
					c.Del(t.Context(), lease.KeyPurge) // its time is over, whosever it is
				}
				if _, err := l.Acquire(t.Context()); err != nil {
					t.Error(err)
				}
				if _, ours := l.Fence(); !ours {
					w.wait(200)
					continue
				}
				err := w.staleCycle(c, l.Fence, rng.Int64N(2000), n.did)
				if errors.Is(err, lease.ErrFenced) {
					fenced.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	raced(t, w, o, n)
	if fenced.Load() == 0 {
		t.Error("none was fenced off")
	}
	t.Logf("%d cycles were ended by the lease", fenced.Load())
}
