package purger

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// several returns a plan of n stale pending VMs and, before them in the plan's order
// or not, orphans.
func several(t *testing.T, s *scene, pending, orphans int) *Plan {
	t.Helper()
	for i := range pending + orphans {
		vm := string(rune('A' + i))
		s.do("HSET", vmpooler.VMKey(vm), "clone", past(time.Duration(50+i)*time.Hour), "pool", "p")
		if i < pending {
			s.do("SADD", "vmpooler__pending__p", vm)
		}
	}
	source := Source{Reader: vmpooler.NewReader(s.admin, vmpooler.ReaderOptions{}), Client: s.admin, Orphans: true}
	st, err := source.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := Make(Input{State: st, Targets: []Target{Pending, Orphaned}}, s.ap.Settings)
	if len(p.Actions) != pending+orphans+1 { // and the scene's own
		t.Fatalf("%d actions", len(p.Actions))
	}
	return p
}

func outcomes(p *Plan) (list []Outcome) {
	for i := range p.Actions {
		list = append(list, p.Actions[i].Outcome)
	}
	return list
}

func TestAnInterruptFinishesTheActionUnderWay(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	p := several(t, s, 5, 0)
	ctx, cancel := context.WithCancel(t.Context())
	interrupting := newClient(t, server, nil)
	interrupting.AddHook(before{func() { cancel() }})
	s.ap.Client = interrupting
	if err := s.ap.Apply(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if want := []Outcome{Applied, Applied, Applied, Applied, Planned, Planned}; !slices.Equal(outcomes(p), want) {
		t.Errorf("%v, want %v", outcomes(p), want)
	}
	if n := c.SCard(t.Context(), "vmpooler__pending__p").Val(); n != 2+3 { // a, b and c have no hash
		t.Errorf("%d VMs are left", n)
	}
}

// before calls f before each call of a script.
type before struct{ f func() }

func (before) DialHook(next redis.DialHook) redis.DialHook { return next }

func (before) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b before) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" {
			b.f()
		}
		return next(ctx, cmd)
	}
}

func TestThePurgeRestsBetweenItsCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		share float64
		times float64 // what the call took
	}{
		"a quarter by default": {0, 2.9}, "all of it": {1, 0}, "a tenth": {0.1, 8.9},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
			p := several(t, s, 3, 0)
			slow := newClient(t, server, nil)
			const took = 3 * time.Millisecond
			slow.AddHook(before{func() { s.do("DEBUG", "SLEEP", took.Seconds()) }})
			s.ap.Client, s.ap.MaxShare = slow, tc.share
			var rests []time.Duration
			s.ap.Sleep = func(_ context.Context, d time.Duration) error {
				rests = append(rests, d)
				return nil
			}
			if err := s.ap.Apply(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if (len(rests) == 0) != (tc.times == 0) {
				t.Errorf("rests: %v", rests)
			}
			for _, d := range rests {
				if d < time.Duration(tc.times*float64(took)) {
					t.Errorf("a rest of %v after a call of more than %v", d, took)
				}
			}
		})
	}
}

// Orphans are looked at before all others, so that the time between the two looks is
// not spent in waiting.
func TestOrphansAreDealtWithAfterTheirTime(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	s.ap.ConfirmAfter = time.Hour
	p := several(t, s, 1, 2)
	var waited []time.Duration
	s.ap.Sleep = func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}
	var order []Target
	s.ap.Done = func(a *Action) { order = append(order, a.Target) }
	if err := s.ap.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if want := []Target{Pending, Pending, Orphaned, Orphaned}; !slices.Equal(order, want) {
		t.Errorf("done: %v, want %v", order, want)
	}
	if len(waited) != 1 || waited[0] < 59*time.Minute || waited[0] > time.Hour {
		t.Errorf("waited %v", waited)
	}
	for _, vm := range []string{"B", "C"} {
		if c.PTTL(t.Context(), vmpooler.VMKey(vm)).Val() != -1 {
			t.Errorf("%s: its time has not come by the server's clock", vm)
		}
	}
}

func TestWhatIsHeldOrDoneIsNotApplied(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	p := several(t, s, 2, 1)
	for i, o := range []Outcome{Held, Applied, Skipped, Held} {
		p.Actions[i].Outcome = o
	}
	s.ap.Fence = func() (lease.Fence, bool) {
		t.Error("something is done")
		return lease.Fence{}, false
	}
	if err := s.ap.Apply(t.Context(), p); err != nil {
		t.Error(err)
	}
}

// Those that one call takes are judged each by itself, and what one of them is means
// nothing for the next.
func TestTheVMsOfACallAreJudgedEachByItself(t *testing.T) {
	for name, moved := range map[string]struct {
		to   []string // what happens to the second of four between plan and call
		want Outcome
		why  string
	}{
		"gone":               {[]string{"SREM", "vmpooler__pending__p", "%s"}, Skipped, "not there any more"},
		"with a user":        {[]string{"HSET", "vmpooler__vm__%s", "checkout", "x"}, Skipped, "with a user"},
		"another life":       {[]string{"HSET", "vmpooler__vm__%s", "clone", "x"}, Skipped, "changed"},
		"in running":         {[]string{"SADD", "vmpooler__running__p", "%s"}, Skipped, "vmpooler__running__p"},
		"in running of a q":  {[]string{"SADD", "vmpooler__running__q", "%s"}, Skipped, "vmpooler__running__q"},
		"in discovered of q": {[]string{"SADD", "vmpooler__discovered__q", "%s"}, Skipped, "vmpooler__discovered__q"},
		"in migrating":       {[]string{"SADD", "vmpooler__migrating__p", "%s"}, Skipped, "vmpooler__migrating__p"},
		"metadata of a kind": {[]string{"RENAME", "vmpooler__tasks__disk", "vmpooler__vm__%s"}, Skipped, "another type"},
		"another one moves":  {[]string{"SMOVE", "vmpooler__ready__q", "vmpooler__completed__q", "%[2]s"}, Applied, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
			p := several(t, s, 3, 0)
			calls := 0
			counting := newClient(t, server, nil)
			counting.AddHook(before{func() { calls++ }})
			s.ap.Client = counting
			if err := s.ap.Apply(t.Context(), &Plan{}); err != nil { // nothing, without a call
				t.Fatal(err)
			}
			second := p.Actions[1].VM
			s.do("SADD", "vmpooler__tasks__disk", "x")
			args := []any{}
			for _, word := range moved.to {
				args = append(args, strings.ReplaceAll(strings.ReplaceAll(word, "%[2]s", "nobody"), "%s", second))
			}
			s.do(args...)
			before, lettersBefore := dumps(t, c), c.ZCard(t.Context(), vmpooler.DLQKey("pending")).Val()
			if err := s.ap.Apply(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			want := []Outcome{Applied, moved.want, Applied, Applied}
			if !slices.Equal(outcomes(p), want) || !strings.Contains(p.Actions[1].Why, moved.why) {
				t.Errorf("%v (%s), want %v (%s)", outcomes(p), p.Actions[1].Why, want, moved.why)
			}
			after := dumps(t, c)
			for i := range p.Actions {
				vm := p.Actions[i].VM
				pending := c.SIsMember(t.Context(), "vmpooler__pending__p", vm).Val()
				if i == 1 && moved.want != Applied {
					if before[vmpooler.VMKey(vm)] != after[vmpooler.VMKey(vm)] || pending != (name != "gone") {
						t.Errorf("%s was touched", vm)
					}
				} else if pending || c.TTL(t.Context(), vmpooler.VMKey(vm)).Val() <= 0 {
					t.Errorf("%s was not purged", vm)
				}
			}
			letters := int64(p.Count(Applied))
			if n := c.ZCard(t.Context(), vmpooler.DLQKey("pending")).Val() - lettersBefore; n != letters || calls > 2 { // EVALSHA may miss once
				t.Errorf("%d dead letters, want %d, in %d calls", n, letters, calls)
			}
		})
	}
}

func TestWithoutDeadLettersACallWritesNone(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	p := several(t, s, 3, 0)
	s.ap.Settings.DeadLetters = false
	letters := c.Dump(t.Context(), vmpooler.DLQKey("pending")).Val()
	if err := s.ap.Apply(t.Context(), p); err != nil || p.Count(Applied) != 4 {
		t.Fatalf("%v: %v", outcomes(p), err)
	}
	if c.Dump(t.Context(), vmpooler.DLQKey("pending")).Val() != letters {
		t.Error("there are dead letters")
	}
	for i := range p.Actions {
		if vm := p.Actions[i].VM; c.TTL(t.Context(), vmpooler.VMKey(vm)).Val() != s.ap.Settings.DataTTL {
			t.Errorf("the metadata of %s lives for %v", vm, c.TTL(t.Context(), vmpooler.VMKey(vm)).Val())
		}
	}
}

func TestACallTakesWhatIsOfOnePoolAndKind(t *testing.T) {
	vm := func(target Target, q vmpooler.Queue, pool string, least time.Duration) Action {
		return Action{Target: target, Queue: q, Pool: pool, Check: Check{MinAge: least}, Outcome: Planned}
	}
	stale := vm(Pending, vmpooler.Pending, "p", time.Hour)
	held := stale
	held.Outcome = Held
	p := &Plan{Actions: []Action{
		stale, held, stale, stale, stale, stale, // five: four and one
		vm(Pending, vmpooler.Pending, "q", time.Hour), vm(Pending, vmpooler.Pending, "q", 2*time.Hour),
		vm(Ghost, vmpooler.Pending, "q", 0), vm(Ghost, vmpooler.Ready, "q", 0), vm(Ghost, vmpooler.Ready, "q", 0),
		vm(Request, 0, "", time.Hour), vm(Request, 0, "", time.Hour),
	}}
	var sizes []int
	for _, batch := range p.batches(func(*Action) bool { return true }) {
		sizes = append(sizes, len(batch))
	}
	if want := []int{4, 1, 1, 1, 1, 2, 1, 1}; !slices.Equal(sizes, want) {
		t.Errorf("%v, want %v", sizes, want)
	}
}
