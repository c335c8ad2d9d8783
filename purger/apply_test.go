package purger

import (
	"context"
	"errors"
	"slices"
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
	p := several(t, s, 3, 0)
	ctx, cancel := context.WithCancel(t.Context())
	interrupting := newClient(t, server, nil)
	interrupting.AddHook(before{func() { cancel() }})
	s.ap.Client = interrupting
	if err := s.ap.Apply(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if want := []Outcome{Applied, Planned, Planned, Planned}; !slices.Equal(outcomes(p), want) {
		t.Errorf("%v, want %v", outcomes(p), want)
	}
	if n := c.SCard(t.Context(), "vmpooler__pending__p").Val(); n != 3+3 { // a, b and c have no hash
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

func TestThePurgeRestsBetweenItsActions(t *testing.T) {
	for name, tc := range map[string]struct {
		share float64
		times float64 // what the action took
	}{
		"seven tenths by default": {0, 0.42}, "all of it": {1, 0}, "a tenth": {0.1, 8.9},
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
					t.Errorf("a rest of %v after an action of more than %v", d, took)
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
	if len(waited) != 2 || waited[0] < 59*time.Minute || waited[0] > time.Hour {
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

func TestAQueueOfAnotherTypeHasNoVMs(t *testing.T) {
	for _, key := range []string{"vmpooler__completed__q", "vmpooler__discovered__p", "vmpooler__migrating__q"} {
		c := server.Client(t)
		s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
		p := s.plan()
		s.do("DEL", key)
		s.do("SET", key, "x")
		if s.applied(p); p.Actions[0].Outcome != Applied {
			t.Errorf("%s: %s, %s", key, p.Actions[0].Outcome, p.Actions[0].Why)
		}
	}
}
