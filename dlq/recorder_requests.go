package dlq

import (
	"context"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
)

// lookAtRequests follows the on-demand requests, as look does the VMs. It runs
// in one goroutine only: the sweep has nothing for it.
func (r *Recorder) lookAtRequests(ctx context.Context) error {
	waiting, err := r.reader.WaitingRequests(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	now := time.Now().Add(r.ahead)
	r.mu.Unlock()
	records, err := r.reader.Requests(ctx, r.requests.Look(waiting, now), lifecycle.RequestFields())
	if err != nil {
		return err // those that are needed stay so
	}
	requests := make([]lifecycle.Request, len(records))
	for i, rec := range records {
		requests[i] = lifecycle.NewRequest(rec.ID, rec.Fields, expiry(rec.TTL, now))
	}
	for _, e := range r.requests.Take(requests, now) {
		r.opts.Events.request(e)
	}
	return nil
}

// expiry is the moment after a TTL, of which 0 says that there is none.
func expiry(ttl time.Duration, now time.Time) time.Time {
	if ttl <= 0 {
		return time.Time{}
	}
	return now.Add(ttl)
}
