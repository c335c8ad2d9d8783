package purger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// defaultShare is the most of Redis' time that the purge takes: between two calls
// there is always room for three times as much of what others want.
const defaultShare = 0.25

// perCall is how many VMs a script judges at most. That they are in no queue of any
// pool is asked for all of them together, so that more of them cost the purge less;
// but Redis answers nobody else meanwhile.
const perCall = 4

// Applier applies the actions of a plan, a few at a time.
type Applier struct {
	Client   redis.UniversalClient
	Settings Settings
	Pools    []string // that vmpooler may have beside those of vmpooler__pools
	// Fence proves that the purge's lease is ours; without one nothing is written.
	Fence func() (lease.Fence, bool)
	Now   func() time.Time // by the Redis server's clock, for dead letters
	// Done is told of each action, once its outcome is known. May be nil.
	Done func(*Action)

	// MaxShare is the most of Redis' time that is taken, in (0, 1]: after a call
	// that took d it rests for d·(1/MaxShare − 1). 0 means a quarter.
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
// after them. The end of ctx is heeded between two calls: the one under way is
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
	for _, batch := range p.batches(func(a *Action) bool { return a.Target != Orphaned }) {
		if _, err := ap.turn(ctx, batch, nil); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	if err := ap.dealWithOrphans(ctx, looked); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	return nil
}

// batches are the planned actions of a kind, in order, as many together as one call
// takes.
func (p *Plan) batches(of func(*Action) bool) (all [][]*Action) {
	for i := range p.Actions {
		a := &p.Actions[i]
		if a.Outcome != Planned || !of(a) {
			continue
		}
		if last := len(all) - 1; last >= 0 && len(all[last]) < perCall && all[last][0].batched(a) {
			all[last] = append(all[last], a)
		} else {
			all = append(all, []*Action{a})
		}
	}
	return all
}

// turn applies a batch, unless ctx is done, and rests. See apply.
func (ap *Applier) turn(ctx context.Context, batch []*Action, before []string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	began := time.Now()
	found, err := ap.apply(context.WithoutCancel(ctx), batch, before)
	if err != nil {
		return nil, err
	}
	share := ap.MaxShare
	if share <= 0 || share > 1 {
		share = defaultShare
	}
	return found, ap.sleep(ctx, time.Duration(float64(time.Since(began))*(1/share-1)))
}

// apply sends a batch. Orphans have what the look before returned, and those that are
// seen for the first time stay planned: for them it returns what the next look wants.
// The error is one after which no other action can succeed.
func (ap *Applier) apply(ctx context.Context, batch []*Action, before []string) (found []string, err error) {
	fence, ours := ap.Fence()
	if !ours {
		return nil, ap.end(batch, Refused, errNoLease)
	}
	var c call
	for i, a := range batch {
		l := look{after: ap.confirmAfter()}
		if i < len(before) {
			l.before = before[i]
		}
		next := a.script(&ap.Settings, ap.Pools, ap.Now(), l)
		if i == 0 {
			c = next
		} else {
			c.join(next)
		}
	}
	if c.script == nil {
		_ = ap.end(batch, Refused, errors.New("the queue "+batch[0].Queue.String()+" is never written to"))
		return nil, nil
	}
	reply, err := c.run(ctx, ap.Client, fence)
	if outcome, fatal := failedCall(err); err != nil {
		if err = ap.end(batch, outcome, err); fatal {
			return nil, err
		}
		return nil, nil
	}
	if len(reply) != 2*len(batch) {
		_ = ap.end(batch, Failed, fmt.Errorf("the script's reply is not understood: %d texts for %d VMs", len(reply), len(batch)))
		return nil, nil
	}
	for i, a := range batch {
		if a.take(reply[2*i], reply[2*i+1]); a.Outcome == Planned {
			found = append(found, reply[2*i+1])
			continue
		}
		found = append(found, "")
		ap.done(a)
	}
	return found, nil
}

// end gives all of a batch the same outcome, and returns the error.
func (ap *Applier) end(batch []*Action, o Outcome, err error) error {
	for _, a := range batch {
		a.Outcome, a.Why = o, err.Error()
		ap.done(a)
	}
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
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
