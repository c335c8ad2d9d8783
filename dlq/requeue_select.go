package dlq

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// RequeueSelection are the requests that dead letters name.
type RequeueSelection struct {
	Requests  []string // ids, each once, by their newest letter or their oldest, as it was found first
	Letters   int      // dead letters of these requests
	NoRequest int      // dead letters that a filter chose and that name no request

	// Refused are the dead letters chosen by id that name no request.
	Refused []*RefusedError

	seen map[string]bool
}

// RequestsOf returns the requests of the dead letters with these ids, newest
// first. The error is a *NotFoundError if one of them is not there, or one of
// Redis's that names the key.
func RequestsOf(ctx context.Context, client redis.UniversalClient, ids []string) (RequeueSelection, error) {
	members, err := find(ctx, client, ids)
	if err != nil {
		return RequeueSelection{}, err
	}
	var s RequeueSelection
	for i := range members {
		r := members[i].decode()
		switch {
		case r.Err != nil:
			s.Refused = append(s.Refused, &RefusedError{ID: r.ID, Reason: RefusedUnreadable})
		case r.RequestID == "":
			s.Refused = append(s.Refused, &RefusedError{ID: r.ID, Reason: RefusedNoRequest})
		default:
			s.add(r.RequestID)
		}
	}
	return s, nil
}

// RequestsMatching returns the requests of all dead letters that f chooses,
// oldest first whatever f's Order, Limit and Cursor are. If they are more than
// expect the error is a *TooManyRequestsError; else it may wrap ErrFilter, or
// be one of Redis's that names the key.
func RequestsMatching(ctx context.Context, client redis.UniversalClient, f Filter, expect int) (RequeueSelection, error) {
	f.Order, f.Limit, f.Cursor = Oldest, 0, ""
	q, err := f.compile()
	if err != nil {
		return RequeueSelection{}, err
	}
	var s RequeueSelection
	_, err = q.walk(ctx, client, readBatch, func(m *member) error {
		if q.cannotMatch(m.raw) {
			return nil
		}
		r := m.decode()
		switch {
		case !q.matches(&r):
		case r.Err != nil || r.RequestID == "":
			s.NoRequest++
		default:
			s.add(r.RequestID)
		}
		return nil
	})
	if err != nil {
		return RequeueSelection{}, err
	}
	if n := len(s.Requests); n > expect {
		return RequeueSelection{}, &TooManyRequestsError{Matched: n, Expected: expect}
	}
	return s, nil
}

// SelectRequests returns these requests, each once, in their order.
func SelectRequests(ids []string) RequeueSelection {
	var s RequeueSelection
	for _, id := range ids {
		s.add(id)
	}
	s.Letters = 0
	return s
}

// add counts a dead letter of this request.
func (s *RequeueSelection) add(id string) {
	s.Letters++
	if s.seen[id] {
		return
	}
	if s.seen == nil {
		s.seen = make(map[string]bool)
	}
	s.seen[id] = true
	s.Requests = append(s.Requests, id)
}

// TooManyRequestsError says that a filter matched dead letters of more requests
// than expected. Nothing was requeued.
type TooManyRequestsError struct {
	Matched, Expected int
}

// Error implements error.
func (e *TooManyRequestsError) Error() string {
	return fmt.Sprintf("the filter matches dead letters of %d requests, not of the %d expected: nothing was requeued", e.Matched, e.Expected)
}
