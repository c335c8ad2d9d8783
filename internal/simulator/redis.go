package simulator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// batch is the most commands that wait to be sent together: enough that a
// round trip costs nothing, little enough for any server's buffers.
const batch = 1000

// do adds a command to those that are sent at the next flush.
func (s *Simulator) do(args ...any) { s.queued = append(s.queued, args) }

// expire adds the command that gives a key its TTL at the moment at.
func (s *Simulator) expire(at time.Time, key string, ttl time.Duration) {
	if s.opts.Wall != nil {
		if past := s.opts.Wall().Sub(at); past > 0 {
			ttl = max(ttl-past, time.Second)
		}
	}
	s.do("expire", key, int64(ttl/time.Second))
}

// flush sends the commands that wait, in their order.
func (s *Simulator) flush(ctx context.Context) error {
	queued := s.queued
	s.queued = s.queued[:0]
	for len(queued) > 0 {
		n := min(batch, len(queued))
		pipe := s.client.Pipeline()
		for _, args := range queued[:n] {
			pipe.Do(ctx, args...)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("simulator: write: %w", err)
		}
		queued = queued[n:]
	}
	return nil
}

// ask sends what waits, then one command whose answer, a number, decides.
func (s *Simulator) ask(ctx context.Context, args ...any) (int64, error) {
	if err := s.flush(ctx); err != nil {
		return 0, err
	}
	n, err := s.client.Do(ctx, args...).Int64()
	if err != nil {
		return 0, fmt.Errorf("simulator: %v %v: %w", args[0], args[1], err)
	}
	return n, nil
}

// read sends what waits, then reads with one round trip what fill asks for. A
// key or field that is not there is no error.
func (s *Simulator) read(ctx context.Context, fill func(pipe redis.Pipeliner)) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	pipe := s.client.Pipeline()
	fill(pipe)
	cmds, err := pipe.Exec(ctx)
	if err == nil || !errors.Is(err, redis.Nil) {
		return wrapRead(err)
	}
	for _, c := range cmds { // Exec returns the first error only
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return wrapRead(err)
		}
	}
	return nil
}

func wrapRead(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("simulator: read: %w", err)
}
