package dlq

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// watch looks once a second, for as long as the options say, whether one of
// those that were put back fails again. It ends early where none can.
func (r *requeueRun) watch(ctx context.Context) error {
	for left := r.opts.Watch; left > 0 && len(r.watched) > 0; left -= watchEvery {
		err := r.opts.Sleep(ctx, min(watchEvery, left))
		if err == nil {
			err = r.look(ctx)
		}
		if err != nil {
			return r.unwatched(ctx, err)
		}
	}
	return nil
}

// unwatched is the error of a watch that ended before its time. All requests
// were tried.
func (r *requeueRun) unwatched(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("all were tried, and the watch for failures ended early: %w", err)
	}
	return err
}

// look reads how those that were put back are doing, in one round trip, and
// forgets the ones that can't fail again. The error is a *FailedAgainError for
// the first that failed, without NotTried, or one of Redis's that names the key.
func (r *requeueRun) look(ctx context.Context) error {
	if len(r.watched) == 0 {
		return nil
	}
	pipe := r.client.Pipeline()
	reads := make([]*redis.SliceCmd, len(r.watched))
	for n, i := range r.watched {
		reads[n] = pipe.HMGet(ctx, vmpooler.RequestKey(r.outcomes[i].ID),
			vmpooler.FieldStatus, FieldRequeued, vmpooler.FieldFailureReason)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var first *FailedAgainError
	waiting := r.watched[:0]
	for n, i := range r.watched {
		o := &r.outcomes[i]
		values, err := reads[n].Result()
		if err != nil {
			return fmt.Errorf("watch %s: %w", vmpooler.RequestKey(o.ID), err)
		}
		text := func(i int) string { s, _ := values[i].(string); return s }
		switch vmpooler.RequestStatus(text(0)) {
		case vmpooler.RequestPending:
			waiting = append(waiting, i)
		case vmpooler.RequestFailed:
			if text(1) != strconv.Itoa(o.Requeues) {
				continue // somebody else put it back since, and that failed
			}
			o.State, o.FailureReason = RequeueFailed, Clean(text(2))
			if first == nil {
				first = &FailedAgainError{ID: o.ID, Reason: o.FailureReason}
			}
		default: // ready, deleted or gone
		}
	}
	r.watched = waiting
	if first != nil {
		return first
	}
	return nil
}
