package purger

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// readyVM puts a VM into ready that has been there for so long.
func (l *loopTest) readyVM(t *testing.T, vm string, age time.Duration) {
	t.Helper()
	for _, err := range []error{
		l.c.SAdd(t.Context(), vmpooler.KeyPools, "p").Err(),
		l.c.SAdd(t.Context(), vmpooler.Ready.Key("p"), vm).Err(),
		l.c.HSet(t.Context(), vmpooler.VMKey(vm), "clone", past(age+time.Hour), "ready", past(age), "pool", "p").Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Each limit, on a real Redis, which is afterwards as it was; without what has met the
// limit the same state is purged.
func TestEachLimitLeavesRedisAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		cause HoldCause
		fill  func(l *loopTest)
		mend  func(l *loopTest)
	}{
		"more than 200 of a pool": {
			HoldLimit,
			func(l *loopTest) { l.many(t, 201) },
			func(l *loopTest) { l.c.SRem(t.Context(), vmpooler.Pending.Key("p"), "vm-0") },
		},
		"more than half of the ready VMs": {
			HoldLimit,
			func(l *loopTest) {
				for i := range 3 {
					l.readyVM(t, fmt.Sprint("idle-", i), 30*time.Hour)
				}
				l.readyVM(t, "fresh-1", time.Hour)
				l.readyVM(t, "fresh-2", time.Hour)
			},
			func(l *loopTest) { l.readyVM(t, "fresh-3", time.Hour) },
		},
		"more than 200 requests": {
			HoldRequests,
			func(l *loopTest) {
				for i := range 201 {
					id := fmt.Sprint("request-", i)
					l.c.HSet(t.Context(), vmpooler.RequestKey(id), "requested", "a:p:1", "status", "pending")
					l.c.Do(t.Context(), "ZADD", vmpooler.KeyRequestQueue, time.Now().Add(-30*time.Hour).Unix(), id)
				}
			},
			func(l *loopTest) { l.c.Del(t.Context(), vmpooler.RequestKey("request-0")) },
		},
		"the clocks differ": {
			HoldClock,
			func(l *loopTest) {
				l.stuckVM(t, "vm")
				c := newClient(t, server, nil)
				c.AddHook(clockHook{func(at time.Time) time.Time { return at.Add(-61 * time.Second) }})
				l.purger.opts.Source.Client = c
			},
			func(l *loopTest) { l.purger.opts.Source.Client = l.c },
		},
		"a cliff": {
			HoldCliff,
			func(l *loopTest) {
				l.stuckVM(t, "vm")
				st := empty()
				crowd(&st, "p", vmpooler.Running, 20, fresh)
				l.watch.Look(st.Places, nil, l.at.Add(-10*time.Second))
				l.watch.Look(nil, nil, l.at)
			},
			func(l *loopTest) { l.later(3 * time.Minute) },
		},
		"the sweep is old": {
			HoldStale,
			func(l *loopTest) {
				l.stuckVM(t, "vm")
				l.swept = l.at.Add(-11 * time.Minute)
			},
			func(l *loopTest) { l.swept = l.at },
		},
		"it has just started": {
			HoldStart,
			func(l *loopTest) {
				l.stuckVM(t, "vm")
				l.start()
			},
			func(l *loopTest) { l.later(grace) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoopTest(t, false)
			c.fill(l)
			before := contents(t, l.c)
			l.Turn(t.Context())
			last := l.Status().Last
			if last == nil || last.Count(Held) == 0 || last.Count(Held) != len(last.Actions) || len(last.Held) != 1 || last.Held[0].Cause != c.cause {
				t.Fatalf("%s", lines(last))
			}
			if d := cmp.Diff(before, contents(t, l.c)); d != "" {
				t.Errorf("it wrote:\n%s", d)
			}
			c.mend(l)
			l.Turn(t.Context())
			if last = l.Status().Last; last.Count(Applied) == 0 || last.Count(Applied) != len(last.Actions) {
				t.Errorf("it is held still:\n%s", lines(last))
			}
		})
	}
}

// later lets time pass, in which the exporter looks and sweeps.
func (l *loopTest) later(d time.Duration) {
	l.at = l.at.Add(d)
	l.swept = l.at
	l.watch.Look(nil, nil, l.at)
}
