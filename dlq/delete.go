package dlq

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
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
// names the key, and Removed says how far it came. It is done under a lease: the
// error wraps a *lease.BusyError where another has it, and lease.ErrFenced where it has
// become another's.
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
	if dryRun || len(members) == 0 {
		return d, nil
	}
	var err error
	if held := underLease(ctx, client, func(f fence) error {
		err = d.remove(ctx, client, members, f)
		return nil
	}); held != nil {
		return d, fmt.Errorf("delete dead letters: %w", held)
	}
	return d, err
}

func (d *Deleted) remove(ctx context.Context, client redis.UniversalClient, members []member, f fence) error {
	byQueue := make(map[string][]any)
	for _, m := range members {
		args := byQueue[m.queue]
		args = append(args, m.raw, scoreArg(m.score))
		if len(args) == 2*deleteBatch {
			if err := d.removeFrom(ctx, client, m.queue, args, f); err != nil {
				return err
			}
			args = args[:0]
		}
		byQueue[m.queue] = args
	}
	for queue, args := range byQueue {
		if err := d.removeFrom(ctx, client, queue, args, f); err != nil {
			return err
		}
	}
	return nil
}

// removeFrom calls the script once with pairs of member and score.
func (d *Deleted) removeFrom(ctx context.Context, client redis.UniversalClient, queue string, args []any, f fence) error {
	if len(args) == 0 {
		return nil
	}
	key := vmpooler.DLQKey(queue)
	held, err := f.now()
	if err != nil {
		return fmt.Errorf("delete from %s: %w", key, err)
	}
	n, err := deleteScript.Run(ctx, lease.Once(client), []string{key, held.Key}, append([]any{held.Token}, args...)...).Int()
	switch {
	case err != nil:
		return fmt.Errorf("delete from %s: %w", key, lease.Check(err))
	case n < 0:
		return fmt.Errorf("delete from %s: it is no sorted set any more", key)
	}
	d.Removed += n
	return nil
}
