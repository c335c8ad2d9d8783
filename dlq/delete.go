package dlq

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// deleteBatch is how many members one call of the script removes at the most:
// some 1 ms of Redis's time.
const deleteBatch = 500

//go:embed delete.lua
var deleteSource string

var deleteScript = redis.NewScript(deleteSource)

// Deleted is what a deletion found and did.
type Deleted struct {
	Matched int // entries that were chosen
	Removed int // of them, those that were still there when it came to it; 0 in a dry run
}

// TooManyError says that a filter matched more entries than expected. Nothing
// was deleted.
type TooManyError struct {
	Matched, Expected int
}

// Error implements error.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("the filter matches %d dead letters, not the %d expected: nothing was deleted", e.Matched, e.Expected)
}

// Delete removes the entries of these ids. If one of them is not there nothing
// is removed and the error is a *NotFoundError; else it is one of Redis's that
// names the key, and Removed says how far it came.
func Delete(ctx context.Context, client redis.UniversalClient, ids []string, dryRun bool) (Deleted, error) {
	members, err := find(ctx, client, ids)
	if err != nil {
		return Deleted{}, err
	}
	return remove(ctx, client, members, dryRun)
}

// DeleteMatching removes all entries that f chooses, whatever its Order, Limit
// and Cursor are: those that were there when it looked, and none that came
// later. If they are more than expect nothing is removed, and the error is a
// *TooManyError. It may wrap ErrFilter, or be one of Redis's that names the key:
// Removed says how far it came.
func DeleteMatching(ctx context.Context, client redis.UniversalClient, f Filter, expect int, dryRun bool) (Deleted, error) {
	f.Order, f.Limit, f.Cursor = Oldest, 0, ""
	q, err := f.compile()
	if err != nil {
		return Deleted{}, err
	}
	var matched int
	var members []member
	_, err = q.walk(ctx, client, readBatch, func(m *member) error {
		if q.byContent() {
			if q.cannotMatch(m.raw) {
				return nil
			}
			if r := m.decode(); !q.matches(&r) {
				return nil
			}
		}
		if matched++; matched <= expect {
			members = append(members, *m)
		}
		return nil
	})
	if err != nil {
		return Deleted{}, err
	}
	if matched > expect {
		return Deleted{Matched: matched}, &TooManyError{Matched: matched, Expected: expect}
	}
	return remove(ctx, client, members, dryRun)
}

func remove(ctx context.Context, client redis.UniversalClient, members []member, dryRun bool) (Deleted, error) {
	d := Deleted{Matched: len(members)}
	if dryRun {
		return d, nil
	}
	byQueue := make(map[string][]any)
	for _, m := range members {
		args := byQueue[m.queue]
		args = append(args, m.raw, scoreArg(m.score))
		if len(args) == 2*deleteBatch {
			if err := d.removeFrom(ctx, client, m.queue, args); err != nil {
				return d, err
			}
			args = args[:0]
		}
		byQueue[m.queue] = args
	}
	for queue, args := range byQueue {
		if err := d.removeFrom(ctx, client, queue, args); err != nil {
			return d, err
		}
	}
	return d, nil
}

// removeFrom calls the script once with pairs of member and score.
func (d *Deleted) removeFrom(ctx context.Context, client redis.UniversalClient, queue string, args []any) error {
	if len(args) == 0 {
		return nil
	}
	key := vmpooler.DLQKey(queue)
	n, err := deleteScript.Run(ctx, client, []string{key}, args...).Int()
	switch {
	case err != nil:
		return fmt.Errorf("delete from %s: %w", key, err)
	case n < 0:
		return fmt.Errorf("delete from %s: it is no sorted set any more", key)
	}
	d.Removed += n
	return nil
}
