package simulator

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func newSeeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// queues reads the members of a pool's queues.
func queues(t *testing.T, c redis.UniversalClient, pool string) (out [vmpooler.NumQueues][]string) {
	t.Helper()
	for _, q := range vmpooler.Queues() {
		members, err := c.SMembers(t.Context(), q.Key(pool)).Result()
		if err != nil {
			t.Fatal(err)
		}
		out[q] = members
	}
	return out
}

func number(t *testing.T, c redis.UniversalClient, key string) int {
	t.Helper()
	n, err := c.Get(t.Context(), key).Int()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkInvariants looks at a state in which nothing went wrong but what goes
// wrong in a vmpooler every day.
func checkInvariants(t *testing.T, c redis.UniversalClient, s *Simulator) {
	t.Helper()
	for _, p := range s.opts.Pools {
		qs := queues(t, c, p.Name)
		in := make(map[string]vmpooler.Queue)
		for _, q := range []vmpooler.Queue{vmpooler.Pending, vmpooler.Ready, vmpooler.Running, vmpooler.Completed} {
			for _, name := range qs[q] {
				if other, ok := in[name]; ok {
					t.Errorf("%s is in %v and in %v", name, other, q)
				}
				in[name] = q
				ttl := c.TTL(t.Context(), vmpooler.VMKey(name)).Val()
				if q != vmpooler.Completed && ttl != -1 {
					t.Errorf("%s in %v has a TTL of %v", name, q, ttl)
				}
			}
		}
		empty := c.Exists(t.Context(), vmpooler.EmptyKey(p.Name)).Val() == 1
		if none := len(qs[vmpooler.Ready]) == 0; empty && !none {
			t.Errorf("%s is flagged as empty with %d ready", p.Name, len(qs[vmpooler.Ready]))
		}
	}
	pools, ondemand := s.ClonesInProgress()
	if n := number(t, c, vmpooler.KeyTasksClone); n != pools+s.LeakedSlots() {
		t.Errorf("%d clones counted, %d in progress, %d slots leaked", n, pools, s.LeakedSlots())
	}
	if n := number(t, c, vmpooler.KeyTasksOndemandClone); n != ondemand {
		t.Errorf("%d on-demand clones counted, %d in progress", n, ondemand)
	}
}

func TestTheStateStaysInOrderAndPoolsFill(t *testing.T) {
	c := server.Client(t)
	opts := busy()
	opts.Rates.Leaks = 0
	s := newSimulator(t, c, opts)
	for range 12 {
		advance(t, s, 5*time.Minute, 5*time.Minute)
		checkInvariants(t, c, s)
	}
	for _, p := range opts.Pools {
		qs := queues(t, c, p.Name)
		if n := len(qs[vmpooler.Ready]) + len(qs[vmpooler.Pending]); n < p.Size-3 || n > p.Size+8 {
			t.Errorf("%s: %d ready or pending, of a size of %d", p.Name, n, p.Size)
		}
		if len(qs[vmpooler.Running]) == 0 {
			t.Errorf("%s: no user has a VM", p.Name)
		}
	}
}

func TestAQuietPoolHasExactlyItsSizeReady(t *testing.T) {
	c := server.Client(t)
	opts := busy()
	opts.Rates = &Rates{CloneFailure: 0.2, NeverBoots: 0.2}
	s := newSimulator(t, c, opts)
	advance(t, s, 30*time.Minute, time.Minute)
	for _, p := range opts.Pools {
		qs := queues(t, c, p.Name)
		want := p.Size
		if p.ReadyTTL > 0 { // its VMs come and go
			want = len(qs[vmpooler.Ready])
		}
		if len(qs[vmpooler.Ready]) != want || c.Exists(t.Context(), vmpooler.EmptyKey(p.Name)).Val() != 0 {
			t.Errorf("%s: %d ready, want %d, and no flag of emptiness", p.Name, len(qs[vmpooler.Ready]), want)
		}
	}
}

func TestALargePoolerRuns(t *testing.T) {
	c := server.Client(t)
	opts := Options{Start: start, Pools: UniformPools(100, 20), LoopDelay: 20 * time.Second, TaskLimit: 1000}
	s := newSimulator(t, c, opts)
	advance(t, s, 5*time.Minute, 10*time.Second)
	checkInvariants(t, c, s)
	ready := 0
	for _, p := range s.opts.Pools {
		ready += int(c.SCard(t.Context(), vmpooler.Ready.Key(p.Name)).Val())
	}
	if ready < 1500 {
		t.Errorf("%d ready of 2000", ready)
	}
}

func TestItRunsOnMiniredis(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer c.Close()
	opts := busy()
	opts.Rates.Leaks = 0
	s := newSimulator(t, c, opts)
	advance(t, s, 10*time.Minute, 30*time.Second)
	checkInvariants(t, c, s)
}

func TestRunFollowsTheTicksAtItsSpeed(t *testing.T) {
	c := server.Client(t)
	s := newSimulator(t, c, busy())
	ticks := make(chan time.Time, 4)
	for i := range 4 {
		ticks <- start.Add(time.Hour).Add(time.Duration(i) * time.Second)
	}
	close(ticks)
	if err := s.Run(t.Context(), ticks, 60, nil); err != nil {
		t.Fatal(err)
	}
	if want := start.Add(3 * time.Minute); !s.Now().Equal(want) {
		t.Errorf("three seconds at speed 60 lead to %v, want %v", s.Now(), want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx, nil, 1, nil); err != nil {
		t.Errorf("a cancelled context is no error: %v", err)
	}
}

func TestTTLsAreShorterForAHistoryInThePast(t *testing.T) {
	c := server.Client(t)
	opts := busy()
	opts.Wall = func() time.Time { return start.Add(24 * time.Hour) }
	rec := record(t, c, opts, 5*time.Minute, time.Minute)
	n := 0
	for _, cmd := range rec.commands {
		if _, ok := vmpooler.VMFromKey(cmd[1]); ok && cmd[0] == "expire" {
			n++
			ttl, _ := strconv.Atoi(cmd[2])
			if ttl < 143*3600 || ttl > 144*3600+301 {
				t.Errorf("a TTL of %d s for what happened a day ago", ttl)
			}
		}
	}
	if n == 0 {
		t.Error("nothing expires")
	}
}

func TestMistakesInOptionsAreNamed(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no start":           func(o *Options) { o.Start = time.Time{} },
		"a pool twice":       func(o *Options) { o.Pools = append(o.Pools, o.Pools[0]) },
		"a negative size":    func(o *Options) { o.Pools[0].Size = -1 },
		"a timeout of 90 s":  func(o *Options) { o.Pools[0].Timeout = 90 * time.Second },
		"a probability of 2": func(o *Options) { o.Rates.NeverBoots = 2 },
		"a negative rate":    func(o *Options) { o.Rates.Leaks = -1 },
		"a backward span":    func(o *Options) { o.Durations.Hold = Span{2, 1} },
		"half an hour":       func(o *Options) { o.DataTTL = 30 * time.Minute },
		"a negative delay":   func(o *Options) { o.LoopDelay = -1 },
		"a negative limit":   func(o *Options) { o.TaskLimit = -1 },
		"no such pool":       func(o *Options) { o.Scenario = []Change{{Pools: []string{"x"}}} },
		"no such effect":     func(o *Options) { o.Scenario = []Change{{Effect: numEffects}} },
		"an endless restart": func(o *Options) { o.Scenario = []Change{{Effect: Restart}} },
		"an overlap":         func(o *Options) { o.Scenario = []Change{{For: 2, Every: 1}} },
		"a change before":    func(o *Options) { o.Scenario = []Change{{At: -1}} },
		"a spell of 2":       func(o *Options) { o.Scenario = []Change{{NeverBoots: 2}} },
	} {
		opts := busy()
		change(&opts)
		if _, err := New(nil, opts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if s, err := New(nil, Options{Start: start}); err != nil || len(s.pools) != 6 {
		t.Errorf("the defaults: %v", err)
	}
}
