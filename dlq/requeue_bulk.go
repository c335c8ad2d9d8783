package dlq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// How many requests a second are put back: where nobody says otherwise (vmpooler
// clones few VMs at a time), and at the least and the most.
const (
	DefaultRequeueRate = 1.0
	MinRequeueRate     = 0.001
	MaxRequeueRate     = 1000.0
)

// watchEvery is how often RequeueAll looks, while it only watches.
const watchEvery = time.Second

// RequeueAllOptions say how requests are put back one after the other.
type RequeueAllOptions struct {
	RequeueOptions

	Rate  float64       // requests put back a second, at the most; DefaultRequeueRate if 0
	Watch time.Duration // how long to look, after the last, whether one fails again; 0: not at all

	// Progress is called after each request, with how many are done of how many;
	// it may be nil.
	Progress func(done, total int)

	// Sleep waits, or returns ctx's error; nil is the real one.
	Sleep func(ctx context.Context, d time.Duration) error
}

// RequeueState is what became of one of the requests of RequeueAll.
type RequeueState string

// The states.
const (
	RequeueDone     RequeueState = "requeued" // in a dry run: would be
	RequeueRefused  RequeueState = "refused"
	RequeueFailed   RequeueState = "failed again"
	RequeueNotTried RequeueState = "not tried"
	RequeueUnknown  RequeueState = "unknown" // see ErrRequeueUnknown
)

// RequeueOutcome is what became of one request.
type RequeueOutcome struct {
	Requeued // of one that was not put back, the ID alone

	State         RequeueState
	Refused       *RefusedError // of a refused one
	FailureReason string        // of one that failed again, fit to be shown; "" if vmpooler gave none
}

// FailedAgainError says that a request failed again after it was put back, so
// that RequeueAll stopped.
type FailedAgainError struct {
	ID       string
	Reason   string // vmpooler's failure_reason, fit to be shown; "" if it gave none
	NotTried int    // requests that were left as they are
}

// Error implements error.
func (e *FailedAgainError) Error() string {
	text := Clean(e.ID) + " was requeued and has failed again"
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	switch e.NotTried {
	case 0:
		return text
	case 1:
		return text + "; 1 other was not tried"
	default:
		return fmt.Sprintf("%s; %d others were not tried", text, e.NotTried)
	}
}

// RequeueAll puts these requests back one after the other, at no more than the
// rate, and stops when one of them fails again: its cause is not mended, and
// the others would most likely follow. A refusal is an outcome and stops nothing.
//
// It returns the outcome of each request, in their order, unless the rate is
// wrong. The error is nil if all were tried and none of them was seen to fail; a
// *FailedAgainError; ctx's, wrapped with how far it came; or one of Redis's that
// names the key. One who deletes dead letters or puts requests back works at a time,
// under a lease: the error wraps a *lease.BusyError where it is another, and
// lease.ErrFenced where it has become another's. A dry run neither waits nor watches,
// and needs no lease.
func RequeueAll(ctx context.Context, client redis.UniversalClient, ids []string, opts RequeueAllOptions) ([]RequeueOutcome, error) {
	if opts.Rate == 0 {
		opts.Rate = DefaultRequeueRate
	}
	if !RequeueRateOK(opts.Rate) {
		return nil, fmt.Errorf("requeue: the rate must be from %v to %v, not %v", MinRequeueRate, MaxRequeueRate, opts.Rate)
	}
	if opts.Sleep == nil {
		opts.Sleep = sleep
	}
	r := &requeueRun{client: client, opts: opts, outcomes: make([]RequeueOutcome, len(ids))}
	for i, id := range ids {
		r.outcomes[i] = RequeueOutcome{Requeued: Requeued{ID: id}, State: RequeueNotTried}
	}
	if opts.DryRun {
		return r.outcomes, r.all(ctx)
	}
	var err error
	if held := underLease(ctx, client, func(f fence) error {
		r.opts.fence = f
		err = r.all(ctx)
		return nil
	}); held != nil {
		return r.outcomes, fmt.Errorf("requeue: %w", held)
	}
	if err == nil {
		err = r.watch(ctx)
	}
	return r.outcomes, err
}

// RequeueRateOK says whether RequeueAll takes this rate.
func RequeueRateOK(perSecond float64) bool {
	return perSecond >= MinRequeueRate && perSecond <= MaxRequeueRate
}

// requeueRun is one call of RequeueAll.
type requeueRun struct {
	client   redis.UniversalClient
	opts     RequeueAllOptions
	outcomes []RequeueOutcome
	watched  []int // of the outcomes, those that may still fail again
}

// all tries each request once, unless something stops it.
func (r *requeueRun) all(ctx context.Context) error {
	pause := time.Duration(float64(time.Second) / r.opts.Rate)
	wait := false // what was refused has cost vmpooler nothing
	for i := range r.outcomes {
		err := ctx.Err()
		if wait && !r.opts.DryRun {
			if err = r.opts.Sleep(ctx, pause); err == nil {
				err = r.look(ctx)
			}
		}
		if err == nil {
			wait, err = r.one(ctx, &r.outcomes[i])
		}
		if err != nil {
			return r.stopped(i, err)
		}
		if wait {
			r.watched = append(r.watched, i)
		}
		if r.opts.Progress != nil {
			r.opts.Progress(i+1, len(r.outcomes))
		}
	}
	return nil
}

// one tries a request. A refusal is no error.
func (r *requeueRun) one(ctx context.Context, o *RequeueOutcome) (done bool, err error) {
	got, err := Requeue(ctx, r.client, o.ID, r.opts.RequeueOptions)
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		o.State, o.Refused = RequeueRefused, refused
		return false, nil
	case errors.Is(err, ErrRequeueUnknown):
		o.State = RequeueUnknown
		return false, err
	case err != nil:
		return false, err
	}
	o.State, o.Requeued = RequeueDone, got
	return true, nil
}

// stopped tells how far it came, where the error does not know.
func (r *requeueRun) stopped(tried int, err error) error {
	var again *FailedAgainError
	switch {
	case errors.As(err, &again):
		again.NotTried = len(r.outcomes) - tried
		return err
	case len(r.outcomes) == 1:
		return err
	default:
		return fmt.Errorf("stopped after %d of %d requests: %w", tried, len(r.outcomes), err)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
