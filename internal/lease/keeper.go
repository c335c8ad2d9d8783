package lease

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// renewals is how often a lease is prolonged in its lifetime: two may fail.
const renewals = 3

// Keeper holds a lease for as long as it runs, or waits for it. It is safe for
// concurrent use.
type Keeper struct {
	lease   *Lease
	ask     func(context.Context) (bool, error)
	logger  log.Logger
	leads   atomic.Bool
	failing bool
	// Changed, if set before Run, is told of each change.
	Changed func(leads bool)
}

// NewKeeper returns a Keeper of the lease, which does not have it yet.
func NewKeeper(l *Lease, logger log.Logger) *Keeper {
	return &Keeper{lease: l, ask: l.Acquire, logger: logger}
}

// Run takes the lease as soon as it is free and prolongs it until ctx is done;
// then it gives it back.
func (k *Keeper) Run(ctx context.Context) {
	ticker := time.NewTicker(k.lease.ttl / renewals)
	defer ticker.Stop()
	for {
		k.Turn(ctx)
		select {
		case <-ctx.Done():
			k.end(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
		}
	}
}

// Turn is one attempt to take or to prolong the lease. It is for one goroutine.
func (k *Keeper) Turn(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, k.lease.ttl/renewals)
	defer cancel()
	_, err := k.ask(asking)
	switch {
	case err != nil && !k.failing && ctx.Err() == nil: // a Redis that hangs is told of, our own end is not
		level.Error(k.logger).Log("msg", "the lease can't be taken or prolonged; nothing is written while that lasts", "err", err)
		k.failing = true
	case err == nil && k.failing:
		level.Info(k.logger).Log("msg", "the lease can be prolonged again")
		k.failing = false
	}
	_, leads := k.lease.Fence()
	k.tell(leads)
}

func (k *Keeper) tell(leads bool) {
	if k.leads.Swap(leads) == leads {
		return
	}
	if leads {
		level.Info(k.logger).Log("msg", "this exporter writes now", "lease", k.lease.key)
	} else {
		level.Info(k.logger).Log("msg", "this exporter writes no more", "lease", k.lease.key, "held_by", k.lease.Other().Owner)
	}
	if k.Changed != nil {
		k.Changed(leads)
	}
}

// end gives the lease back, within the time that it would live anyway.
func (k *Keeper) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, k.lease.ttl/renewals)
	defer cancel()
	if err := k.lease.Release(ctx); err != nil {
		level.Warn(k.logger).Log("msg", "the lease was not given back; it ends by itself", "err", err)
	}
	k.tell(false)
}

// Fence is the lease's.
func (k *Keeper) Fence() (Fence, bool) { return k.lease.Fence() }

// Leads says whether this process has the lease, as far as can be known without
// asking.
func (k *Keeper) Leads() bool {
	_, leads := k.lease.Fence()
	return leads
}

// Other is who has the lease, if it is another and that is known.
func (k *Keeper) Other() Holder { return k.lease.Other() }
