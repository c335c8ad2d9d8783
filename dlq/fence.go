package dlq

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// fence is what proves to a script that the lease is ours, and whether it is.
type fence func() (lease.Fence, bool)

// now returns the proof. The error wraps lease.ErrFenced.
func (f fence) now() (lease.Fence, error) {
	held, ours := f()
	if !ours {
		return lease.Fence{}, lease.ErrFenced
	}
	return held, nil
}

// underLease runs f under the lease of those who change dead letters and requests by
// hand, one at a time. The error is a *lease.BusyError, Redis's, or f's.
func underLease(ctx context.Context, client redis.UniversalClient, f func(fence) error) error {
	l := lease.New(client, lease.KeyLetters, lease.Owner(), lease.DefaultTTL, nil)
	return l.Hold(ctx, func() error { return f(l.Fence) })
}
