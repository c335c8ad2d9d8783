package dlq

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// NotFoundError says that entries are in none of the queues that were looked
// into: they expired, were evicted or deleted, or never were.
type NotFoundError struct {
	IDs []string
}

// Error implements error.
func (e *NotFoundError) Error() string {
	return "no dead letter has the id " + strings.Join(e.IDs, ", or ")
}

// Show returns the entry of this id, readable or not. It reads the queue that
// the id names until the end, in batches. The error is a *NotFoundError or one
// of Redis's that names the key.
func Show(ctx context.Context, client redis.UniversalClient, id string) (Record, error) {
	found, err := find(ctx, client, []string{id})
	if err != nil {
		return Record{}, err
	}
	r := found[0].decode()
	r.clean()
	return r, nil
}

// find returns the members of these ids, newest first, or a *NotFoundError if
// one of the ids has none.
func find(ctx context.Context, client redis.UniversalClient, ids []string) ([]member, error) {
	var f Filter
	missing := make(map[string]bool, len(ids))
	for _, id := range ids {
		missing[id] = true
		// A queue's own name may hold hyphens, a hash has none.
		if i := strings.LastIndexByte(id, '-'); i > 0 {
			f.Queues = append(f.Queues, id[:i])
		}
	}
	var found []member
	if len(f.Queues) > 0 {
		q, err := f.compile()
		if err != nil {
			return nil, err
		}
		_, err = q.walk(ctx, client, readBatch, func(m *member) error {
			id := MemberID(m.queue, m.raw)
			if _, asked := missing[id]; asked {
				missing[id] = false
				found = append(found, *m)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var none []string
	for _, id := range ids {
		if missing[id] {
			missing[id] = false // said once
			none = append(none, id)
		}
	}
	if len(none) > 0 {
		return nil, &NotFoundError{IDs: none}
	}
	return found, nil
}
