package purger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// shortRest is how long a rest is at the most that the end of a context need not end.
const shortRest = 2 * time.Millisecond

// defaultShare is the most of Redis' time that the purge takes. The time of an action
// is that until its answer is here, most of which Redis has for others.
const defaultShare = 0.7

// Applier applies the actions of a plan, one at a time.
type Applier struct {
	Client   redis.UniversalClient
	Settings Settings
	Pools    []string // that vmpooler may have beside those of vmpooler__pools
	// Fence proves that the purge's lease is ours; without one nothing is written.
	Fence func() (lease.Fence, bool)
	Now   func() time.Time // by the Redis server's clock, for dead letters
	// Done is told of each action, once its outcome is known. May be nil.
	Done func(*Action)

	// MaxShare is the most of Redis' time that is taken, in (0, 1]: after an action
	// that took d it rests for d·(1/MaxShare − 1). 0 means 0.7.
	MaxShare float64
	// ConfirmAfter is how long metadata must be seen in no queue before it is an
	// orphan's, by two looks on the server; 0 means five seconds.
	ConfirmAfter time.Duration
	// Sleep waits for d or until ctx is done; nil means the real clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

// errNoLease keeps an action from Redis.
var errNoLease = errors.New("the lease of the purge is not ours any more")

// Apply applies every action that is planned and sets its outcome: in order, but
// for orphans, which are looked at before all others and, a while later, dealt with
// after them. The end of ctx is heeded between two actions: the one under way is
// finished. It returns ctx' error then, or the one that makes going on useless:
// that of the lease, and of a connection that is gone. What comes after keeps its
// outcome.
func (ap *Applier) Apply(ctx context.Context, p *Plan) error {
	if p.DryRun {
		return errors.New("the plan is a dry run")
	}
	looked, err := ap.lookAtOrphans(ctx, p)
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	for i := range p.Actions {
		a := &p.Actions[i]
		if a.Outcome != Planned || a.Target == Orphaned {
			continue
		}
		if err := ap.turn(ctx, a, look{}); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	if err := ap.dealWithOrphans(ctx, looked); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	return nil
}

// turn applies one action, unless ctx is done, and rests. The error is one after
// which no other action can succeed.
func (ap *Applier) turn(ctx context.Context, a *Action, l look) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	began := time.Now()
	if err := ap.apply(context.WithoutCancel(ctx), a, l); err != nil {
		return err
	}
	share := ap.MaxShare
	if share <= 0 || share > 1 {
		share = defaultShare
	}
	return ap.sleep(ctx, time.Duration(float64(time.Since(began))*(1/share-1)))
}

func (ap *Applier) apply(ctx context.Context, a *Action, l look) error {
	fence, ours := ap.Fence()
	if !ours {
		a.Outcome, a.Why = Refused, errNoLease.Error()
		ap.done(a)
		return errNoLease
	}
	c := a.script(&ap.Settings, ap.Pools, ap.Now())
	if c.script == nil {
		a.Outcome, a.Why = Refused, "the queue "+a.Queue.String()+" is never written to"
		ap.done(a)
		return nil
	}
	if a.Target == Orphaned {
		c.args = append(c.args, l.before, ap.confirmAfter().Seconds())
	}
	reply, err := c.script.Run(ctx, ap.Client, append(c.keys, fence.Key), append([]any{fence.Token}, c.args...)...).StringSlice()
	err = a.take(reply, lease.Check(err))
	if l.found != nil && a.Outcome == Planned { // an orphan's first look
		*l.found = reply[1]
		return err
	}
	ap.done(a)
	return err
}

func (ap *Applier) done(a *Action) {
	if ap.Done != nil {
		ap.Done(a)
	}
}

func (ap *Applier) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	if ap.Sleep != nil {
		return ap.Sleep(ctx, d)
	}
	if d < shortRest {
		doze(d)
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
