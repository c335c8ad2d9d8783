package lease

import (
	"context"
	"fmt"
	"time"

	"github.com/go-kit/log"
)

// DefaultTTL is how long a lease lives by itself: how long its holder may be silent
// before another takes over.
const DefaultTTL = 15 * time.Second

// BusyError says that another has the lease.
type BusyError struct{ Holder }

// Error implements error.
func (e *BusyError) Error() string {
	return e.Owner + " is at work: nothing was written"
}

// Hold takes the lease, runs f while it is prolonged, and gives it back, also if ctx is
// done: what f has under way is finished under it. It is taken once. What f does rests
// on what was true when it began, and that does not outlive a pause in which the lease
// has passed on. The error is a *BusyError if another has it, Redis's if it can't be
// taken (then f was not run), or f's.
func (l *Lease) Hold(ctx context.Context, f func() error) error {
	switch ours, err := l.Acquire(ctx); {
	case err != nil:
		return fmt.Errorf("nothing was written: %w", err)
	case !ours:
		return &BusyError{l.Other()}
	}
	k := &Keeper{lease: l, ask: l.Prolong, logger: log.NewNopLogger()} // whoever can't write says so itself
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Run(keeping)
	}()
	defer func() {
		stop()
		<-ended
	}()
	return f()
}
