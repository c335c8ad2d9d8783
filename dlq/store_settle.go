package dlq

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// settleScript drops the member ARGV[1] of the queue KEYS[1] if ARGV[2] is in it
// too, and returns how many were dropped: of two entries of a failure one stays,
// whoever else is at it. ZADD XX INCR 0 asks whether ARGV[2] is there; it adds
// nothing. ARGV[3] is the fencing token of the lease KEYS[2], or ”.
var settleScript = redis.NewScript(`
if ARGV[3] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[3] then
  return redis.error_reply('FENCED the lease has passed on')
end
if redis.call('ZADD', KEYS[1], 'XX', 'INCR', 0, ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0`)

// Settle takes back what this Store added and vmpooler then recorded as well:
// vmpooler writes without looking, so where it comes second there are two, until
// this drops the Store's own (vmpooler's knows the class of a ready VM's error).
// Its first call does the same for what processes before this one added in the
// last hour: one that ended in between left two.
//
// Call it some seconds after each Add that added something; with nothing added in
// the last minute it asks Redis nothing. It returns how many it dropped. An error
// names the queue's key and wraps Redis's.
func (s *Store) Settle(ctx context.Context) (dropped int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, queue := range known {
		v := s.view(queue)
		n, err := s.settle(ctx, v)
		dropped += n
		if err != nil {
			errs = append(errs, fmt.Errorf("dead letters: %s: %w", v.key, err))
		}
	}
	return dropped, errors.Join(errs...)
}

func (s *Store) settle(ctx context.Context, v *queueView) (dropped int, err error) {
	if err := v.recall(ctx, s.client); err != nil {
		return 0, err
	}
	if len(v.recent) == 0 {
		return 0, nil
	}
	if err := v.refresh(ctx, s.client); err != nil {
		return 0, err
	}
	if err := s.spareOwn(ctx, v); err != nil {
		return 0, err
	}
	for vm, other := range v.twice {
		fence, err := s.fence()
		if err != nil {
			return dropped, err
		}
		n, err := settleScript.Run(ctx, s.client, []string{v.key, fence.Key}, v.recent[vm].member, other, fence.Token).Int()
		if err != nil {
			return dropped, lease.Check(err)
		}
		dropped += n
		delete(v.twice, vm)
		delete(v.recent, vm)
	}
	for vm, own := range v.recent {
		if v.read.Sub(own.at) > reread {
			delete(v.recent, vm)
		}
	}
	return dropped, nil
}

// spareOwn forgets pairs of which an exporter wrote both: these are two failures,
// since no exporter writes one twice.
func (s *Store) spareOwn(ctx context.Context, v *queueView) error {
	if len(v.twice) == 0 {
		return nil
	}
	marks, err := readMarks(ctx, s.client, v.queue)
	if err != nil {
		return err
	}
	for vm, other := range v.twice {
		if _, own := marks[MemberID(v.queue, other)]; own {
			delete(v.twice, vm)
		}
	}
	return nil
}
