package dlq

import (
	"context"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
)

func candidate(f *lifecycle.Failure) Candidate {
	queue := f.Kind.Queue()
	return Candidate{
		Entry: Entry{
			Queue: queue, QueueFrom: queue, VM: f.VM, Pool: f.Pool,
			ErrorClass: f.Class, ErrorMessage: f.Message, FailedAt: f.At,
			RequestID: f.RequestID, PoolAlias: f.PoolAlias,
		},
		CloneBegan: f.CloneBegan,
	}
}

// write hands what waits to the store, and forgets what Redis has.
func (r *Recorder) write(ctx context.Context) error {
	r.mu.Lock()
	batch := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	left, err := r.add(ctx, batch)
	r.mu.Lock()
	r.waiting = append(left, r.waiting...)
	r.mu.Unlock()
	return err
}

// add writes a batch and returns those of it that Redis has not taken.
func (r *Recorder) add(ctx context.Context, batch []Candidate) (left []Candidate, err error) {
	var ids []string
	for _, c := range batch {
		if c.RequestID != "" {
			ids = append(ids, c.RequestID)
		}
	}
	retries, err := r.reader.RequestRetries(ctx, ids)
	if err != nil {
		return batch, err
	}
	for i := range batch {
		n := retries[batch[i].RequestID] // 0 for a pool's own VM, as vmpooler has it
		batch[i].RetryCount = &n
	}
	results, sum, err := r.store.Add(ctx, batch)
	added := make(map[string]int)
	for i, result := range results {
		switch result {
		case Unwritten:
			left = append(left, batch[i])
		case Added:
			added[batch[i].Queue]++
		default:
		}
	}
	r.opts.Metrics.wrote(added, sum, err)
	return left, err
}

// mostKept bounds what a recorder keeps that is not the one that writes: the
// failures of the time in which nobody notices that the other has ended.
const mostKept = 2000

// leads says whether this process is the one that writes. If it has just become
// that it tells of everything that still has evidence anew: what the other did not
// come to write is among it. Until then it keeps the latest failures alone.
func (r *Recorder) leads() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch writes := r.store.Writes(); {
	case !writes:
		r.followed = true
		if n := len(r.waiting) - mostKept; n > 0 {
			r.waiting = append([]Candidate(nil), r.waiting[n:]...)
		}
		return false
	case r.followed:
		r.followed = false
		r.tracker.Forget()
	}
	return true
}

// trimInterval is how often entries that are due leave a queue to which nothing
// is added.
const trimInterval = time.Minute

// tidy takes back what vmpooler recorded as well, a moment after us, and lets go
// what is due.
func (r *Recorder) tidy(ctx context.Context) error {
	dropped, err := r.store.Settle(ctx)
	r.opts.Metrics.duplicates.Add(float64(dropped))
	if err != nil || time.Since(r.trimmed) < trimInterval {
		return err
	}
	sum, err := r.store.Trim(ctx)
	r.opts.Metrics.wrote(nil, sum, err)
	if err == nil {
		r.trimmed = time.Now()
	}
	return err
}
