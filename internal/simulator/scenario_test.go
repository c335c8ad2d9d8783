package simulator

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// counts are what the status of a vmpooler hangs on.
type counts struct {
	pending, stuck, ready, running int
	deadClones                     int // hashes of failed clones
}

func count(t *testing.T, c redis.UniversalClient, s *Simulator, stuckAge time.Duration) (n counts) {
	t.Helper()
	for _, p := range s.opts.Pools {
		qs := queues(t, c, p.Name)
		n.pending += len(qs[vmpooler.Pending])
		n.ready += len(qs[vmpooler.Ready])
		n.running += len(qs[vmpooler.Running])
		for _, name := range qs[vmpooler.Pending] {
			at, err := vmpooler.ParseTime(c.HGet(t.Context(), vmpooler.VMKey(name), vmpooler.FieldClone).Val())
			if err == nil && s.Now().Sub(at) > stuckAge {
				n.stuck++
			}
		}
	}
	keys, err := c.Keys(t.Context(), vmpooler.VMKey("*")).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if c.HExists(t.Context(), key, vmpooler.FieldCloneError).Val() {
			n.deadClones++
		}
	}
	return n
}

func TestABadSpellDrivesTheCountsUpAndTheyComeBack(t *testing.T) {
	c := server.Client(t)
	opts := busy()
	opts.Rates.CloneFailure, opts.Rates.NeverBoots, opts.Rates.Leaks = 0.02, 0, 0
	opts.Scenario = []Change{{At: 10 * time.Minute, For: 8 * time.Minute, Effect: Spell, CloneFailure: 0.3, NeverBoots: 1}}
	s := newSimulator(t, c, opts)
	const stuckAge = time.Minute
	advance(t, s, 10*time.Minute, time.Minute)
	before := count(t, c, s, stuckAge)
	advance(t, s, 8*time.Minute, time.Minute)
	during := count(t, c, s, stuckAge)
	advance(t, s, 10*time.Minute, time.Minute)
	after := count(t, c, s, stuckAge)
	if before.stuck > 0 || before.ready < 8 {
		t.Errorf("before the spell: %+v", before)
	}
	if during.stuck < 5 || during.pending <= before.pending || during.ready > 2 || during.deadClones < before.deadClones+5 {
		t.Errorf("at the end of the spell: %+v, before it %+v", during, before)
	}
	if after.stuck > 0 || after.ready < 8 {
		t.Errorf("after the spell: %+v", after)
	}
}

// quiet are options in which nothing happens but what a test asks for.
func quiet(pools int, changes ...Change) Options {
	opts := busy()
	opts.Pools = opts.Pools[:pools]
	opts.Rates = &Rates{}
	opts.Scenario = changes
	return opts
}

func TestAnEmptyListOfTheProviderDropsRunningVMsAndTheyAreDestroyed(t *testing.T) {
	c := server.Client(t)
	opts := quiet(1, Change{At: 10*time.Minute + time.Second, For: 6 * time.Second, Effect: ProviderEmpty})
	opts.Rates = &Rates{Checkouts: 10}
	opts.Durations.Hold = Span{time.Hour, 2 * time.Hour}
	s := newSimulator(t, c, opts)
	advance(t, s, 10*time.Minute, time.Minute)
	running := queues(t, c, opts.Pools[0].Name)[vmpooler.Running]
	if len(running) < 5 {
		t.Fatalf("only %d running", len(running))
	}
	advance(t, s, 5*time.Second, time.Second)
	qs := queues(t, c, opts.Pools[0].Name)
	if len(qs[vmpooler.Running])+len(qs[vmpooler.Ready])+len(qs[vmpooler.Completed]) != 0 {
		t.Errorf("in the middle of it: %v", qs)
	}
	if n := c.Exists(t.Context(), vmpooler.VMKey(running[0])).Val(); n != 0 {
		t.Error("the hash of a dropped VM is still there")
	}
	advance(t, s, time.Minute, time.Second)
	if got := c.HGetAll(t.Context(), vmpooler.VMKey(running[0])).Val(); len(got) != 1 || got[vmpooler.FieldDestroy] == "" {
		t.Errorf("of a VM that was discovered and destroyed there is %v, want destroy alone", got)
	}
}

func TestALostRequestIsPendingAndInNoQueue(t *testing.T) {
	c := server.Client(t)
	s := newSimulator(t, c, quiet(2, Change{At: time.Minute, Effect: LoseRequest}))
	advance(t, s, 3*time.Minute, time.Minute)
	keys := c.Keys(t.Context(), vmpooler.RequestKey("*")).Val()
	if len(keys) != 1 {
		t.Fatalf("%d requests", len(keys))
	}
	hash := c.HGetAll(t.Context(), keys[0]).Val()
	if hash[vmpooler.FieldRequested] == "" || hash[vmpooler.FieldStatus] != "" {
		t.Errorf("its hash holds %v", hash)
	}
	for _, key := range []string{vmpooler.KeyRequestQueue, vmpooler.KeyRequestProcessing, vmpooler.KeyOndemandCreate} {
		if n := c.ZCard(t.Context(), key).Val(); n != 0 {
			t.Errorf("%s holds %d", key, n)
		}
	}
}

func TestLeakedCloneSlotsStopThePoolsUntilARestart(t *testing.T) {
	c := server.Client(t)
	opts := quiet(1,
		Change{At: 5 * time.Minute, Effect: LeakCloneSlot, Count: 20},
		Change{At: 6 * time.Minute, For: time.Minute, Effect: Drain},
		Change{At: 15 * time.Minute, For: 5 * time.Second, Effect: Restart})
	s := newSimulator(t, c, opts)
	ready := func() int { return len(queues(t, c, opts.Pools[0].Name)[vmpooler.Ready]) }
	advance(t, s, 5*time.Minute, time.Minute)
	if ready() != 8 {
		t.Errorf("%d ready at first", ready())
	}
	advance(t, s, 9*time.Minute, time.Minute)
	if ready() != 0 || number(t, c, vmpooler.KeyTasksClone) != 20 || s.LeakedSlots() != 20 {
		t.Errorf("%d ready with all slots leaked", ready())
	}
	advance(t, s, 5*time.Minute, time.Minute)
	if ready() != 8 || number(t, c, vmpooler.KeyTasksClone) != 0 {
		t.Errorf("%d ready after the restart", ready())
	}
}

func TestAVMDeletedByHandLeavesItsHashForEver(t *testing.T) {
	c := server.Client(t)
	opts := quiet(1, Change{At: time.Minute, Effect: DeleteByHand})
	opts.Rates = &Rates{NeverBoots: 1}
	s := newSimulator(t, c, opts)
	advance(t, s, 10*time.Minute, time.Minute)
	var leaked []string
	for _, key := range c.Keys(t.Context(), vmpooler.VMKey("*")).Val() {
		name, _ := vmpooler.VMFromKey(key)
		qs := queues(t, c, opts.Pools[0].Name)
		if c.TTL(t.Context(), key).Val() == -1 && !slices.Contains(slices.Concat(qs[:]...), name) {
			leaked = append(leaked, name)
		}
	}
	if len(leaked) != 1 {
		t.Errorf("leaked: %v, want one", leaked)
	}
}

func TestABrokenTemplateFailsEachCloneAtOnce(t *testing.T) {
	c := server.Client(t)
	s := newSimulator(t, c, quiet(1, Change{For: time.Minute, Effect: TemplateBroken}))
	advance(t, s, time.Minute, time.Minute)
	if n := count(t, c, s, time.Minute); n.deadClones < 20 || n.pending > 0 {
		t.Errorf("%+v", n)
	}
	if c.Exists(t.Context(), vmpooler.EmptyKey(s.opts.Pools[0].Name)).Val() != 1 {
		t.Error("the pool is not flagged as empty")
	}
	advance(t, s, 2*time.Minute, time.Minute)
	if c.Exists(t.Context(), vmpooler.EmptyKey(s.opts.Pools[0].Name)).Val() != 0 {
		t.Error("the pool is flagged as empty after it filled")
	}
}

func TestACollisionPutsANameInTwoPools(t *testing.T) {
	c := server.Client(t)
	opts := quiet(2, Change{At: 5 * time.Minute, Effect: CollideName, Pools: []string{"redhat-9-x86_64"}})
	s := newSimulator(t, c, opts)
	advance(t, s, 14*time.Minute, time.Minute) // its pool replaces its VMs after ten
	a, b := queues(t, c, opts.Pools[0].Name), queues(t, c, opts.Pools[1].Name)
	all := slices.Concat(a[:]...)
	if !slices.ContainsFunc(slices.Concat(b[:]...), func(name string) bool { return slices.Contains(all, name) }) {
		t.Error("no name is in both pools")
	}
}

func TestARushTakesVMsOfOnePoolAtOnce(t *testing.T) {
	c := server.Client(t)
	opts := quiet(2)
	name := opts.Pools[0].Name
	opts.Scenario = []Change{{At: 10 * time.Minute, Effect: Rush, Pools: []string{name}, Count: 3}}
	opts.Durations.Hold = Span{time.Hour, 2 * time.Hour}
	s := newSimulator(t, c, opts)
	advance(t, s, 10*time.Minute, time.Minute)
	if n := len(queues(t, c, name)[vmpooler.Running]); n != 3 {
		t.Errorf("%d are running, want 3", n)
	}
	if n := len(queues(t, c, opts.Pools[1].Name)[vmpooler.Running]); n != 0 {
		t.Errorf("%d of the other pool are running", n)
	}
}
