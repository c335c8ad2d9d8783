package purger

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const grace = 5 * time.Minute

// loopTest is a loop on a real Redis, with a clock of its own.
type loopTest struct {
	*Loop

	c     *redis.Client
	at    time.Time
	leads bool
	swept time.Time
	log   bytes.Buffer
	reg   *prometheus.Registry
	watch *Watch
}

func newLoopTest(t *testing.T, dryRun bool) *loopTest {
	t.Helper()
	l := &loopTest{c: server.Client(t), at: time.Now(), leads: true, reg: prometheus.NewRegistry(), watch: NewWatch()}
	l.swept = l.at
	l.watch.Look(nil, nil, l.at)
	reader := vmpooler.NewReader(l.c, vmpooler.ReaderOptions{})
	p := New(Options{
		Client: l.c, Source: &Source{Reader: reader, Client: l.c}, Settings: settings(), Watch: l.watch,
		Logger: log.NewLogfmtLogger(&l.log), Metrics: NewMetrics(l.reg), Owner: lease.Owner(), Now: func() time.Time { return l.at },
	})
	l.Loop = NewLoop(p, LoopOptions{
		Interval: time.Hour, DryRun: dryRun, Grace: grace,
		Leads: func() bool { return l.leads }, Swept: func() time.Time { return l.swept },
	})
	l.spread = func() float64 { return 0 }
	return l
}

// stuckVM puts a VM into pending that has been there for too long.
func (l *loopTest) stuckVM(t *testing.T, vm string) {
	t.Helper()
	err := l.c.SAdd(t.Context(), vmpooler.Pending.Key("p"), vm).Err()
	if err == nil {
		err = l.c.HSet(t.Context(), vmpooler.VMKey(vm), "clone", vmpooler.FormatTime(time.Now().Add(-3*time.Hour)), "pool", "p").Err()
	}
	if err == nil {
		err = l.c.SAdd(t.Context(), vmpooler.KeyPools, "p").Err()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (l *loopTest) pending(t *testing.T) int64 {
	t.Helper()
	return l.c.SCard(t.Context(), vmpooler.Pending.Key("p")).Val()
}

func (l *loopTest) metric(t *testing.T, want string) {
	t.Helper()
	name := strings.FieldsFunc(want, func(r rune) bool { return r == '{' || r == ' ' })[0]
	text, err := testutil.CollectAndFormat(registry{l.reg}, expfmt.TypeTextPlain, name)
	if err != nil || !strings.Contains(string(text), want+"\n") {
		t.Errorf("lacks %s: %v\n%s", want, err, text)
	}
}

// registry makes a Collector of what is one already, but for the type.
type registry struct{ *prometheus.Registry }

func TestTheLoopPurgesOnceItHasWatchedForLongEnough(t *testing.T) {
	l := newLoopTest(t, false)
	l.stuckVM(t, "vm")
	if wait := l.start(); wait != grace {
		t.Errorf("the first cycle is %v away", wait)
	}
	l.at = l.at.Add(grace - time.Second)
	if wait := l.Turn(t.Context()); wait != time.Minute {
		t.Errorf("the next attempt is %v away", wait)
	}
	if n := l.pending(t); n != 1 || !strings.Contains(l.log.String(), "cause=start") {
		t.Errorf("%d pending after a cycle that came too early:\n%s", n, &l.log)
	}
	l.at = l.at.Add(time.Second)
	if wait := l.Turn(t.Context()); wait != time.Hour {
		t.Errorf("the next cycle is %v away", wait)
	}
	if n := l.pending(t); n != 0 {
		t.Errorf("%d pending:\n%s", n, &l.log)
	}
	l.metric(t, `vmpooler_purge_entries_total{dry_run="false",pool="p",queue="pending"} 1`)
	l.metric(t, `vmpooler_purge_last_cycle_entries{dry_run="false"} 1`)
	l.metric(t, `vmpooler_purge_actions_total{result="applied",target="pending"} 1`)
	st := l.Status()
	if st.Last == nil || st.Last.Count(Applied) != 1 || st.LastErr != nil || !st.Next.Equal(l.at.Add(time.Hour)) {
		t.Errorf("%+v", st)
	}
	page, err := History(t.Context(), l.c, HistoryFilter{Limit: 10})
	if err != nil || len(page.Records) != 1 || page.Records[0].VM != "vm" || page.Records[0].Who != "loop" {
		t.Errorf("the audit has %+v, %v", page, err)
	}
}

func TestADryRunOfTheLoopWritesNothingAndCountsApart(t *testing.T) {
	l := newLoopTest(t, true)
	l.stuckVM(t, "vm")
	before := contents(t, l.c)
	l.Turn(t.Context())
	if d := cmp.Diff(before, contents(t, l.c)); d != "" {
		t.Errorf("it wrote:\n%s", d)
	}
	l.metric(t, `vmpooler_purge_entries_total{dry_run="true",pool="p",queue="pending"} 1`)
	l.metric(t, `vmpooler_purge_last_cycle_entries{dry_run="true"} 1`)
	l.metric(t, `vmpooler_purge_last_cycle_entries{dry_run="false"} 0`)
	if !strings.Contains(l.log.String(), "dry_run=true") || !strings.Contains(l.log.String(), "outcome=planned") {
		t.Errorf("the log:\n%s", &l.log)
	}
}

func TestTheLoopPlansNothingWhileAnotherLeads(t *testing.T) {
	l := newLoopTest(t, false)
	l.stuckVM(t, "vm")
	l.leads = false
	if wait := l.Turn(t.Context()); wait != time.Minute || l.pending(t) != 1 || l.Status().Last != nil {
		t.Errorf("it did: %+v", l.Status())
	}
}

func TestTheLoopHoldsEverythingWhileItKnowsTooLittle(t *testing.T) {
	for name, spoil := range map[string]func(*loopTest){
		"no sweep yet":            func(l *loopTest) { l.swept = time.Time{} },
		"the sweep stopped":       func(l *loopTest) { l.swept = l.at.Add(-11 * time.Minute) },
		"the queues were lost":    func(l *loopTest) { l.watch.Look(nil, nil, l.at.Add(-11*time.Minute)) },
		"nobody follows them yet": func(l *loopTest) { l.purger.opts.Watch = NewWatch() },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoopTest(t, false)
			l.stuckVM(t, "vm")
			spoil(l)
			l.Turn(t.Context())
			if l.pending(t) != 1 || !strings.Contains(l.log.String(), "cause=stale") {
				t.Errorf("it was not held:\n%s", &l.log)
			}
			l.metric(t, `vmpooler_purge_held{cause="stale",pool=""} 1`)
			want := health.Check{Condition: health.PurgeHeld, Severity: health.Warning, Value: 1}
			if checks := l.Checks([]string{"p"}); checks[0] != want || checks[1].Holds() {
				t.Errorf("%+v", checks)
			}
		})
	}
}

func TestAFailingCycleIsSurvivedWithABackoff(t *testing.T) {
	l := newLoopTest(t, false)
	l.stuckVM(t, "vm")
	key := vmpooler.Running.Key("p") // of another type: nobody knows who is in it
	if err := l.c.Set(t.Context(), key, "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		if wait := l.Turn(t.Context()); wait != want {
			t.Errorf("it waits for %v, not %v", wait, want)
		}
	}
	l.metric(t, `vmpooler_purge_cycles_total{result="failed"} 8`)
	if err := l.c.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	if wait := l.Turn(t.Context()); wait != time.Hour || l.pending(t) != 0 {
		t.Errorf("it did not recover: %+v", l.Status())
	}
}

func TestAPanickingCycleIsSurvivedAndCounted(t *testing.T) {
	l := newLoopTest(t, false)
	l.purger.opts.Source = nil
	if wait := l.Turn(t.Context()); wait != time.Minute {
		t.Errorf("it waits for %v", wait)
	}
	l.metric(t, `vmpooler_purge_cycles_total{result="panicked"} 1`)
	if !strings.Contains(l.log.String(), "panicked") {
		t.Errorf("the log:\n%s", &l.log)
	}
}

func TestPurgeMetricsAreWellFormed(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	NewMetrics(reg).Know("p", "bad\xff")
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
}
