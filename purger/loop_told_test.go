package purger

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// logged says whether one line of the log has all of these words.
func (l *loopTest) logged(words ...string) bool {
lines:
	for line := range strings.Lines(l.log.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		return true
	}
	return false
}

func (l *loopTest) many(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		l.stuckVM(t, fmt.Sprint("vm-", i))
	}
}

func TestAHeldPoolIsToldOfAsAnErrorUntilItIsNot(t *testing.T) {
	l := newLoopTest(t, false)
	l.many(t, 201)
	l.Turn(t.Context())
	if !l.logged("level=error", "pool=p", "cause=limit", "201 entries") || l.pending(t) != 201 {
		t.Errorf("the log:\n%s", l.log.String()[:min(2000, l.log.Len())])
	}
	l.metric(t, `vmpooler_purge_held{cause="limit",pool="p"} 1`)
	if !l.Checks([]string{"p"})[1].Holds() {
		t.Error("there is no condition")
	}
	l.c.SRem(t.Context(), vmpooler.Pending.Key("p"), "vm-0")
	l.Turn(t.Context())
	if n := l.pending(t); n != 0 {
		t.Errorf("the plan has shrunk, and %d are pending", n)
	}
	l.absent(t, "vmpooler_purge_held")
	if l.Checks([]string{"p"})[1].Holds() {
		t.Error("the condition holds still")
	}
}

// absent holds a metric to have no series.
func (l *loopTest) absent(t *testing.T, name string) {
	t.Helper()
	families, err := l.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			t.Errorf("there is %v", f)
		}
	}
}

// The exporter that has lost the lease knows of no pool that is held: another tells.
func TestWhatWasHeldIsNotToldOfOnceAnotherLeads(t *testing.T) {
	l := newLoopTest(t, false)
	l.many(t, 201)
	l.Turn(t.Context())
	l.metric(t, `vmpooler_purge_held{cause="limit",pool="p"} 1`)
	l.leads = false
	l.Turn(t.Context())
	l.absent(t, "vmpooler_purge_held")
	for _, check := range l.Checks([]string{"p"}) {
		if check.Holds() {
			t.Errorf("%+v", check)
		}
	}
}

func TestEachResultIsCountedLoggedAndWrittenDown(t *testing.T) {
	l := newLoopTest(t, false)
	l.stuckVM(t, "goes")
	l.stuckVM(t, "moves")
	// Between the plan and its action one of them is taken, and another can't be.
	hook := &betweenHook{before: func(vm string) {
		if vm == "moves" {
			l.c.SMove(context.Background(), vmpooler.Pending.Key("p"), vmpooler.Running.Key("p"), vm)
		}
	}}
	c := newClient(t, server, nil)
	c.AddHook(hook)
	l.purger.opts.Client = c
	l.Turn(t.Context())
	l.metric(t, `vmpooler_purge_actions_total{result="applied",target="pending"} 1`)
	l.metric(t, `vmpooler_purge_actions_total{result="skipped",target="pending"} 1`)
	l.metric(t, fmt.Sprintf(`vmpooler_purge_last_success_timestamp_seconds %v`, float64(l.at.Unix())))
	page, err := History(t.Context(), l.c, HistoryFilter{Limit: 10})
	if err != nil || len(page.Records) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, r := range page.Records {
		if want := map[string]Outcome{"goes": Applied, "moves": Skipped}[r.VM]; r.Outcome != want {
			t.Errorf("%+v", r)
		}
	}
	if !l.logged("level=info", "outcome=applied", "vm=goes", "who=loop", "plan_id=", "age=", "dry_run=false") || !l.logged("level=info", "outcome=skipped", "vm=moves", "why=") {
		t.Errorf("the log:\n%s", &l.log)
	}

	l.log.Reset()
	l.at = l.at.Add(time.Hour)
	l.watch.Look(nil, nil, l.at)
	l.swept = l.at
	l.stuckVM(t, "stays")
	hook.before = func(string) { l.c.ConfigSet(context.Background(), "maxmemory", "1") }
	defer l.c.ConfigSet(context.Background(), "maxmemory", "0")
	l.Turn(t.Context())
	l.c.ConfigSet(t.Context(), "maxmemory", "0")
	l.metric(t, `vmpooler_purge_actions_total{result="refused",target="pending"} 1`)
	if !l.logged("level=error", "outcome=refused", "vm=stays", "OOM") {
		t.Errorf("the log:\n%s", &l.log)
	}
}

// betweenHook does something before each call of a VM's script.
type betweenHook struct{ before func(vm string) }

func (*betweenHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*betweenHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *betweenHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); strings.HasPrefix(cmd.Name(), "eval") && len(args) > 3 {
			if vm, ok := vmpooler.VMFromKey(fmt.Sprint(args[3])); ok {
				h.before(vm)
			}
		}
		return next(ctx, cmd)
	}
}

func TestAFailedCycleIsNoSuccess(t *testing.T) {
	l := newLoopTest(t, false)
	l.stuckVM(t, "vm")
	l.metric(t, "vmpooler_purge_last_success_timestamp_seconds 0")
	// Another purges.
	if err := l.c.Set(t.Context(), "vmpooler_exporter__lease__purge", "9:another", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	l.Turn(t.Context())
	l.metric(t, "vmpooler_purge_last_success_timestamp_seconds 0")
	l.metric(t, `vmpooler_purge_cycles_total{result="failed"} 1`)
	if l.pending(t) != 1 {
		t.Error("it purged")
	}
}

func TestCyclesAreNeitherInStepNorWithoutAnEnd(t *testing.T) {
	l := newLoopTest(t, false)
	for spread, want := range map[float64]time.Duration{-1: 54 * time.Minute, 0: time.Hour, 0.5: 63 * time.Minute, 1: 66 * time.Minute} {
		l.spread = func() float64 { return spread }
		if wait := l.Turn(t.Context()); wait != want {
			t.Errorf("spread %v: the next cycle is %v away, not %v", spread, wait, want)
		}
	}
	var left time.Duration
	c := newClient(t, server, nil)
	c.AddHook(deadlineHook{func(ctx context.Context) {
		if at, ok := ctx.Deadline(); ok {
			left = time.Until(at)
		}
	}})
	l.purger.opts.Source = &Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c}
	l.Turn(t.Context())
	if left <= 0 || left > cycleDeadline {
		t.Errorf("a cycle's deadline is %v away", left)
	}
}

// deadlineHook sees each command's context.
type deadlineHook struct{ see func(context.Context) }

func (deadlineHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (deadlineHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h deadlineHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.see(ctx)
		return next(ctx, cmd)
	}
}
