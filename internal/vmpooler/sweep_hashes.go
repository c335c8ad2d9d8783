package vmpooler

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// ask queues the reads of a batch of keys. Keys that are not a VM's or a
// request's hash cost nothing more; some of their names are secrets (a user's
// token), so nothing here ever keeps or prints one.
func (s *sweep) ask(ctx context.Context, pipe redis.Pipeliner, keys []string) []hashRead {
	reads := make([]hashRead, 0, len(keys))
	for _, key := range keys {
		if vm, ok := VMFromKey(key); ok {
			reads = append(reads, hashRead{
				vm: vm, ttl: pipe.PTTL(ctx, key), fields: pipe.HMGet(ctx, key, s.fields...),
			})
		} else if id, ok := RequestFromKey(key); ok {
			reads = append(reads, hashRead{
				request: id, fields: pipe.HMGet(ctx, key, requestFields...),
			})
		} else {
			s.note(key)
		}
	}
	return reads
}

// note remembers the queues that no fixed key lists.
func (s *sweep) note(key string) {
	if _, pool, ok := QueueFromKey(key); ok {
		if _, listed := s.live.listed[pool]; !listed && !slices.Contains(s.extra.pools, pool) {
			s.extra.pools = append(s.extra.pools, pool)
		}
	} else if q, ok := DLQFromKey(key); ok && !slices.Contains(s.extra.dlqs, q) {
		s.extra.dlqs = append(s.extra.dlqs, q)
	}
}

// take counts one hash.
func (s *sweep) take(h *hashRead) {
	values := h.fields.Val()
	if h.fields.Err() != nil || len(values) == 0 { // of another type, or gone
		return
	}
	if h.ttl == nil {
		s.takeRequest(h.request, values)
		return
	}
	if s.opts.Visit != nil {
		rec := h.record(s.fields)
		rec.Queued = s.live.has(h.vm)
		s.opts.Visit(rec)
	}
	pool, named := values[0].(string)
	switch {
	case !named || h.ttl.Err() != nil:
	case s.live.has(h.vm):
		if !s.live.in(h.vm, pool) {
			s.collided[h.vm] = struct{}{}
		}
	case h.ttl.Val() >= 0:
		s.result.Expiring++
	case h.ttl.Val() == noTTL:
		s.candidates[h.vm] = struct{}{}
		s.seenLast = time.Now()
	}
}

// noTTL is what go-redis makes of PTTL's -1.
const noTTL = time.Duration(-1)

func (s *sweep) takeRequest(id string, values []any) {
	status := requestStatus(values)
	s.result.Requests[status]++
	if _, ok := s.waiting[id]; !ok && status == RequestPending && values[1] != nil {
		s.lost[id] = struct{}{}
		s.seenLast = time.Now()
	}
}

// requestFields are what requestStatus looks at.
var requestFields = []string{FieldStatus, FieldRequested}

// requestStatus reads requestFields' values. A request that vmpooler's API has
// just made has no status yet: it is pending. Other texts are all one, since
// what stands in Redis must not become a label.
func requestStatus(values []any) RequestStatus {
	status, written := values[0].(string)
	if !written && values[1] != nil {
		return RequestPending
	}
	switch st := RequestStatus(status); st {
	case RequestPending, RequestReady, RequestFailed, RequestDeleted:
		return st
	case RequestOther:
	}
	return RequestOther
}
