package purger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
)

const (
	// jitter is the share of the interval by which two cycles' distance may vary, so
	// that several loops do not meet.
	jitter = 0.1
	// cycleDeadline bounds a cycle.
	cycleDeadline = 10 * time.Minute
	// backoffLeast is how long the loop waits after a cycle that failed, twice as long
	// after each further one, up to the interval.
	backoffLeast = time.Minute
)

// LoopOptions configure a Loop.
type LoopOptions struct {
	Interval time.Duration
	DryRun   bool
	// Leads says whether this process is the one that writes. While it is not, the
	// loop plans nothing.
	Leads func() bool
	// Swept returns when the last sweep over all keys ended, by this host's clock.
	Swept func() time.Time
	// Grace is how long the loop watches before it purges: what happened before it was
	// there, a provider's bad moment among it, must have shown itself.
	Grace time.Duration
}

// Loop purges again and again. It is safe for concurrent use.
type Loop struct {
	purger *Purger
	opts   LoopOptions
	now    func() time.Time
	spread func() float64 // from -1 to 1

	cycle sync.Mutex // one at a time

	mu       sync.Mutex
	began    time.Time
	failures int
	status   Status
}

// Status is what the loop has done and will do. Times are zero if there was none.
type Status struct {
	Next     time.Time
	Last     *Plan // with its outcomes; nil before the first cycle
	LastAt   time.Time
	LastTook time.Duration
	LastErr  error
}

// NewLoop returns a Loop that has yet to run.
func NewLoop(p *Purger, o LoopOptions) *Loop {
	return &Loop{purger: p, opts: o, now: p.opts.Now, spread: func() float64 { return 2*rand.Float64() - 1 }}
}

// Run purges until ctx is done; the action under way is finished then. The first
// cycle comes once the loop has watched for long enough.
func (l *Loop) Run(ctx context.Context) {
	if m := l.purger.opts.Metrics; m != nil {
		m.interval.Set(l.opts.Interval.Seconds())
	}
	wait := l.start()
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = l.Turn(ctx)
	}
}

// start returns how long the first cycle is away.
func (l *Loop) start() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.began = l.now()
	wait := l.opts.Grace + time.Duration(jitter*l.spread()*float64(l.opts.Grace))
	wait = max(wait, l.opts.Grace)
	l.status.Next = l.began.Add(wait)
	return wait
}

// Turn is one cycle, if this process is the one to do it, and returns how long the
// next is away. An error or a panic is counted, logged and survived.
func (l *Loop) Turn(ctx context.Context) time.Duration {
	var err error
	leads := l.opts.Leads()
	if leads {
		err = l.Cycle(ctx)
	} else {
		l.passedOn()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.opts.Interval + l.jittered()
	switch {
	case err != nil && ctx.Err() == nil:
		l.failures++
		wait = min(wait, backoffLeast<<min(l.failures-1, 16))
	case !leads || l.status.Last.early(): // soon may be its time
		wait = min(wait, backoffLeast)
	default:
		l.failures = 0
	}
	l.status.Next = l.now().Add(wait)
	return wait
}

// passedOn lets go of what the last cycle held: it is another's to tell by now.
func (l *Loop) passedOn() {
	if m := l.purger.opts.Metrics; m != nil {
		m.held.Reset()
	}
}

// early says whether a plan came too early to purge anything: the loop knew too
// little yet.
func (p *Plan) early() bool {
	return p != nil && slices.ContainsFunc(p.Held, func(h Hold) bool {
		return h.Pool == "" && h.Target == "" && (h.Cause == HoldStart || h.Cause == HoldStale)
	})
}

// jittered returns a part of the interval, before or after it.
func (l *Loop) jittered() time.Duration {
	return time.Duration(jitter * l.spread() * float64(l.opts.Interval))
}

// Cycle purges once. While one is under way a second waits.
func (l *Loop) Cycle(ctx context.Context) (err error) {
	l.cycle.Lock()
	defer l.cycle.Unlock()
	began := l.now()
	var plan *Plan
	result := cyclePanicked
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("purge: a cycle panicked: %v", p)
		}
		l.ended(plan, began, result, err)
	}()
	ctx, cancel := context.WithTimeout(ctx, cycleDeadline)
	defer cancel()
	plan, err = l.purger.Plan(ctx, Scope{DryRun: l.opts.DryRun, Holds: l.holds()})
	if err == nil {
		err = l.purger.Apply(ctx, plan, "loop", nil)
	}
	result = cycleDone
	if err != nil {
		result = cycleFailed
	}
	return err
}

// holds are the reasons of the loop itself to leave everything alone.
func (l *Loop) holds() []Hold {
	l.mu.Lock()
	began := l.began
	l.mu.Unlock()
	var holds []Hold
	now, limits := l.now(), l.purger.opts.Settings.Limits
	if up := now.Sub(began); !began.IsZero() && up < l.opts.Grace {
		holds = append(holds, Hold{Cause: HoldStart, Reason: fmt.Sprintf("the exporter has watched for %s only, of %s", short(up), short(l.opts.Grace))})
	}
	stale := func(what string, at time.Time) {
		if at.IsZero() {
			holds = append(holds, Hold{Cause: HoldStale, Reason: what + " could not be read yet"})
		} else if age := now.Sub(at); age > limits.MaxStale {
			holds = append(holds, Hold{Cause: HoldStale, Reason: fmt.Sprintf("%s were last read %s ago, limit %s", what, short(age), short(limits.MaxStale))})
		}
	}
	if w := l.purger.opts.Watch; w != nil {
		stale("the queues' members", w.Looked())
	}
	if l.opts.Swept != nil {
		stale("all keys", l.opts.Swept())
	}
	return holds
}

// ended takes a cycle's end into the status, the metrics and the log.
func (l *Loop) ended(plan *Plan, began time.Time, result string, err error) {
	now, logger := l.now(), l.purger.opts.Logger
	if m := l.purger.opts.Metrics; m != nil {
		m.cycle(plan, began, now, result)
	}
	l.mu.Lock()
	l.status.LastAt, l.status.LastTook, l.status.LastErr = began, now.Sub(began), err
	if plan != nil {
		l.status.Last = plan
	}
	l.mu.Unlock()
	if err != nil && !errors.Is(err, context.Canceled) {
		level.Error(logger).Log("msg", "the purge did not come to its end; it is tried again", "err", err)
	}
	if plan == nil {
		return
	}
	for _, h := range plan.Held {
		lvl := level.Error
		if h.Cause == HoldStart {
			lvl = level.Info
		}
		lvl(logger).Log("msg", "not purged", "pool", h.Pool, "target", h.Target, "cause", h.Cause, "reason", h.Reason, "plan_id", plan.ID)
	}
	level.Info(logger).Log("msg", "purge cycle", "plan_id", plan.ID, "dry_run", plan.DryRun, "duration", now.Sub(began),
		"planned", plan.Count(Planned), "applied", plan.Count(Applied), "skipped", plan.Count(Skipped), "held", plan.Count(Held),
		"refused", plan.Count(Refused), "failed", plan.Count(Failed))
}

// Status returns what the loop has done and will do.
func (l *Loop) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// Checks returns a condition for each of these pools, which holds if the last cycle
// left it alone; and one without a pool for what it left alone of all of them.
func (l *Loop) Checks(pools []string) []health.Check {
	held := make(map[string]int64)
	if last := l.Status().Last; last != nil && l.opts.Leads() {
		for _, h := range last.Held {
			if h.Cause != HoldStart {
				held[h.Pool] = 1
			}
		}
	}
	checks := make([]health.Check, 0, len(pools)+1)
	for _, pool := range append([]string{""}, pools...) {
		checks = append(checks, health.Check{Condition: health.PurgeHeld, Pool: pool, Severity: health.Warning, Value: held[pool]})
	}
	return checks
}
