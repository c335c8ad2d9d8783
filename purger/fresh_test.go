package purger

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// What nobody has looked at for long is as good as not watched: then a purge that
// somebody asks for is as careful as a command.
func TestAWatchThatDoesNotFollowIsNoWatch(t *testing.T) {
	look := func(w *Watch, at time.Time) {
		st := empty()
		crowd(&st, "p", vmpooler.Completed, 1, Hash{})
		w.Look(st.Places, nil, at)
	}
	for name, c := range map[string]struct {
		looks []time.Duration // before noon
		cliff bool            // whether what a cliff leaves behind is taken for one
		done  bool            // whether it is believed since when a VM has been in completed
	}{
		"nobody looked":      {nil, true, false},
		"it looks":           {[]time.Duration{3 * time.Hour, time.Second}, false, true},
		"it has just begun":  {[]time.Duration{time.Minute, time.Second}, true, false},
		"it has stopped":     {[]time.Duration{3 * time.Hour, 11 * time.Minute}, true, false},
		"it was a bit slow":  {[]time.Duration{3 * time.Hour, 10 * time.Minute}, false, true},
		"it has seen enough": {[]time.Duration{11 * time.Minute, time.Second}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWatch()
			for _, before := range c.looks {
				look(w, noon.Add(-before))
			}
			st := empty()
			crowd(&st, "p", vmpooler.Pending, 1, stuck)
			crowd(&st, "p", vmpooler.Completed, 7, Hash{Clone: ago(9 * time.Hour)})
			p := Make(Input{State: st, Watch: w}, settings())
			if cliff := len(p.Held) == 1 && p.Held[0].Cause == HoldCliff; cliff != c.cliff {
				t.Errorf("%s", lines(p))
			}
			done := 0
			for _, a := range p.Actions {
				if a.Target == Completed {
					done++
				}
			}
			if (done == 1) != c.done || done > 1 {
				t.Errorf("%d of the completed VMs:\n%s", done, lines(p))
			}
		})
	}
}

// A pool that nothing lists is found by the sweep alone, after the queues were read.
func TestAVMThatIsInAnUnlistedPoolTooIsInTwoPlaces(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	s.do("SADD", "vmpooler__running__gone", "vm")
	s.do("HSET", "vmpooler__vm__leaked", "clone", past(99*time.Hour), "pool", "gone")
	s.do("SADD", "vmpooler__completed__gone", "leaked")
	source := Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c, Orphans: true}
	st, err := source.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Places["vm"]) != 2 || len(st.Orphans) != 0 {
		t.Errorf("places %v, orphans %v", st.Places["vm"], st.Orphans)
	}
	p := Make(Input{State: st}, s.ap.Settings)
	for _, a := range p.Actions {
		if a.VM == "vm" || a.VM == "leaked" {
			t.Errorf("%s", lines(p))
		}
	}
	if !among(p.pools, "gone") || len(p.pools) == 0 {
		t.Errorf("the scripts look into %v", p.pools)
	}
}

// How far the clocks are apart is asked of the server itself.
func TestTheClocksAreCompared(t *testing.T) {
	c := server.Client(t)
	ahead := newClient(t, server, nil)
	ahead.AddHook(clockHook{func(at time.Time) time.Time { return at.Add(90 * time.Second) }})
	for name, tc := range map[string]struct {
		source Source
		held   bool
	}{
		"the same":   {Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c}, false},
		"90 s ahead": {Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: ahead}, true},
	} {
		st, err := tc.source.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p := Make(Input{State: st}, settings())
		if held := len(p.Held) == 1 && p.Held[0].Cause == HoldClock; held != tc.held {
			t.Errorf("%s: skew %v, %s", name, st.Skew, lines(p))
		}
	}
}

// clockHook changes what TIME says.
type clockHook struct{ change func(time.Time) time.Time }

func (clockHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (clockHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h clockHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if now, ok := cmd.(*redis.TimeCmd); ok {
			now.SetVal(h.change(now.Val()))
		}
		return err
	}
}
