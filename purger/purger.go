package purger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// Options are what a Purger works with.
type Options struct {
	Client   redis.UniversalClient
	Source   *Source
	Settings Settings
	// Pools are those of the file, for the scripts' search in every queue.
	Pools []string
	// View returns what the providers say; nil where they are not asked.
	View func() *inventory.View
	// Watch is nil for a command.
	Watch  *Watch
	Logger log.Logger
	// Metrics may be nil: a command's are seen by nobody.
	Metrics *Metrics
	// Owner names this process, see lease.Owner.
	Owner string
	// LeaseTTL is how long a purge may be silent before another may begin; 0 means
	// lease.DefaultTTL.
	LeaseTTL time.Duration
	// ConfirmAfter is the Applier's.
	ConfirmAfter time.Duration
	Now          func() time.Time
}

// Purger plans and applies purges.
type Purger struct{ opts Options }

// New returns a Purger that has done nothing yet.
func New(o Options) *Purger {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LeaseTTL <= 0 {
		o.LeaseTTL = lease.DefaultTTL
	}
	o.Client = lease.Once(o.Client)
	return &Purger{opts: o}
}

// Scope says what a purge is to be about. The zero value is everything.
type Scope struct {
	Pools    []string
	Targets  []Target
	DryRun   bool
	Override bool   // go beyond the limits of entries, for this once
	Holds    []Hold // the caller's own
}

// Plan reads what there is and plans, and writes nothing. The error is Redis's,
// wrapped.
func (p *Purger) Plan(ctx context.Context, s Scope) (*Plan, error) {
	source := *p.opts.Source
	source.Orphans = p.opts.Settings.Targets[Orphaned] && among(s.Targets, Orphaned)
	st, err := source.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("purge: %w", err)
	}
	settings := p.opts.Settings
	settings.Limits.Override = s.Override
	return Make(Input{
		State: st, View: p.view(), Watch: p.opts.Watch,
		Pools: s.Pools, Targets: s.Targets, Holds: s.Holds, DryRun: s.DryRun,
	}, settings), nil
}

// Recheck holds a plan that was made some time ago to what is true now: what is to be
// held by now, for another reason than its size, is held. The scripts check each entry,
// but know nothing of a pool that has fallen off a cliff in the meantime. The error is
// Redis's, wrapped, and the plan is as it was then.
func (p *Purger) Recheck(ctx context.Context, plan *Plan) error {
	now, err := p.Plan(ctx, Scope{})
	if err != nil {
		return err
	}
	plan.Raise(p.opts.Settings, now, p.view())
	return nil
}

// view is what the providers say; nil where they are not asked.
func (p *Purger) view() *inventory.View {
	if p.opts.View == nil {
		return nil
	}
	return p.opts.View()
}

// BusyError says that another process is purging.
type BusyError struct{ lease.Holder }

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("a purge is under way by %s: nothing was written", e.Owner)
}

// Apply applies a plan for who ("loop", "command", or the API's user) under the
// lease of purges, which it takes once and gives back. A dry run is counted and logged,
// and writes nothing. Outcomes stand in the plan, also after an error: a
// *BusyError, one that wraps lease.ErrFenced, ctx' own, or Redis's. Each is told of every action
// once its outcome is known; it may be nil.
func (p *Purger) Apply(ctx context.Context, plan *Plan, who string, each func(*Action)) error {
	ours := lease.New(p.opts.Client, lease.KeyPurge, p.opts.Owner, p.opts.LeaseTTL, nil)
	audit := &Audit{client: p.opts.Client, logger: p.opts.Logger, now: p.opts.Now, who: who, plan: plan, fence: ours.Fence}
	done := func(a *Action) {
		if err := audit.note(a); err != nil {
			level.Error(p.opts.Logger).Log("msg", "an action can't be written down", "err", err)
		}
		if p.opts.Metrics != nil {
			p.opts.Metrics.did(a, plan.DryRun)
		}
		if each != nil {
			each(a)
		}
	}
	for i := range plan.Actions { // what will not be done is said first
		if plan.DryRun || plan.Actions[i].Outcome != Planned {
			done(&plan.Actions[i])
		}
	}
	if plan.DryRun || plan.Count(Planned) == 0 {
		return nil
	}
	var applied error
	err := ours.Hold(ctx, func() error {
		ap := Applier{
			Client: p.opts.Client, Settings: p.opts.Settings, Pools: slices.Concat(p.opts.Pools, plan.pools), Fence: ours.Fence,
			Now:          func() time.Time { return p.opts.Now().Add(plan.skew) },
			ConfirmAfter: p.opts.ConfirmAfter,
			Done:         func(a *Action) { done(a); p.flush(ctx, audit, false) },
		}
		applied = ap.Apply(ctx, plan)
		p.flush(ctx, audit, true)
		return nil
	})
	if busy, ok := errors.AsType[*lease.BusyError](err); ok {
		return &BusyError{busy.Holder}
	}
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	return applied
}

// flush writes audit entries. The log has them too, so a failure ends nothing.
func (p *Purger) flush(ctx context.Context, a *Audit, everything bool) {
	if err := a.flush(context.WithoutCancel(ctx), everything); err != nil {
		level.Error(p.opts.Logger).Log("msg", "actions stand in the log alone", "err", err)
	}
}
