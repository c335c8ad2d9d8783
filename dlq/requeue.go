package dlq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Fields that a requeue adds to a request's hash. vmpooler has none of these
// names and leaves them alone.
const (
	FieldRequeued   = "requeued"    // how often the request was put back
	FieldRequeuedAt = "requeued_at" // when, the last time, as vmpooler writes times
)

// DefaultMaxRequeues is how often a request may be put back where nobody says
// otherwise: what failed a fourth time needs a person.
const DefaultMaxRequeues = 3

// RequeueOptions say how a request is put back.
type RequeueOptions struct {
	MaxRequeues int  // how often one request may be, in all; DefaultMaxRequeues if 0
	DryRun      bool // check everything, in the same script, and write nothing

	fence fence // nil for none
}

// fenced is what the script compares.
func (o RequeueOptions) fenced() (lease.Fence, error) {
	if o.fence == nil || o.DryRun {
		return lease.Fence{}, nil
	}
	return o.fence.now()
}

// Requeued is a request that was put back, or in a dry run would be.
type Requeued struct {
	ID       string
	Requeues int       // how often it was, this time included
	At       time.Time // by the server's clock, to the second
}

// ErrRequeueUnknown is wrapped by an error that came in the place of the
// script's answer, such as that of a connection that broke: the request may have
// been put back, or not.
var ErrRequeueUnknown = errors.New("whether it was requeued is unknown")

// Requeue puts an on-demand request that failed back into vmpooler's queue of
// requests, under its own id, in one script that checks every precondition
// before it writes. The request's hash then has status pending, retry_count 0, no
// failure_reason and no TTL, the sets of VMs given to it before are empty, and
// vmpooler's manager takes it up in its next loop.
//
// The error is a *RefusedError where a precondition does not hold, or one of
// Redis's that names the key; in both cases nothing has changed, unless the error
// wraps ErrRequeueUnknown.
func Requeue(ctx context.Context, client redis.UniversalClient, id string, opts RequeueOptions) (Requeued, error) {
	if id == "" {
		return Requeued{}, &RefusedError{ID: id, Reason: RefusedGone}
	}
	if opts.MaxRequeues == 0 {
		opts.MaxRequeues = DefaultMaxRequeues
	}
	key := vmpooler.RequestKey(id)
	requested, at, err := readRequested(ctx, client, key)
	if err != nil {
		return Requeued{}, fmt.Errorf("requeue: read %s: %w", key, err)
	}
	reply, err := runRequeue(ctx, client, id, requested, at, opts)
	switch answer := redis.Error(nil); {
	case err == nil:
	case opts.DryRun || errors.As(err, &answer) || errors.Is(err, lease.ErrFenced):
		return Requeued{}, fmt.Errorf("requeue %s: %w", key, err)
	default:
		return Requeued{}, fmt.Errorf("requeue %s: %w: %w", key, ErrRequeueUnknown, err)
	}
	if reply.code != requeueOK {
		return Requeued{}, &RefusedError{ID: id, Reason: Refusal(reply.code), Detail: reply.detail, Requeues: reply.requeues}
	}
	return Requeued{ID: id, Requeues: reply.requeues, At: at}, nil
}

// readRequested reads what the keys are derived from, and the server's clock, in
// one round trip. What is not there, or not in a hash, is empty: the script says
// what that means.
func readRequested(ctx context.Context, client redis.UniversalClient, key string) (requested string, now time.Time, err error) {
	pipe := client.Pipeline()
	clock := pipe.Time(ctx)
	field := pipe.HGet(ctx, key, vmpooler.FieldRequested)
	_, _ = pipe.Exec(ctx) // each command has its own error
	if now, err = clock.Result(); err != nil {
		return "", time.Time{}, err
	}
	requested, err = field.Result()
	if err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return "", time.Time{}, err
	}
	return requested, now.UTC().Truncate(time.Second), nil
}
