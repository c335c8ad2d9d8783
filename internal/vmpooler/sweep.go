package vmpooler

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// SweepOptions bound what a sweep costs. The zero value is an unthrottled one.
type SweepOptions struct {
	// MaxShare is the most of Redis' time that the sweep may take, in (0, 1]:
	// after a batch that took d it rests for d·(1/MaxShare − 1). 0 means 1.
	MaxShare float64
	// Pause is the least time between two batches.
	Pause time.Duration
	// Batch is about how many keys are read at once, and so what Redis does
	// between two of its other clients; 0 means 1,000.
	Batch int64
	// ConfirmAfter is how long a hash must have been an orphan before it
	// counts as leaked: a resized pool's VMs are in no queue for about a
	// second.
	ConfirmAfter time.Duration
	// Progress, if set, is told after each batch how many keys were seen.
	Progress func(keys int64)
	// Visit, if set, is told of every VM's hash, with those of Fields that are
	// there; of some twice, if keys come while the sweep is under way.
	Visit  func(HashRecord)
	Fields []string
	// Sleep waits for d or until ctx is done; nil means the real clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

// SweepResult is what one walk over every key of vmpooler's found.
type SweepResult struct {
	Finished time.Time     // by this host's clock
	Duration time.Duration // pauses included
	Keys     int64         // keys of vmpooler's seen

	// Leaked are the hashes of VMs, with a pool, in no queue and without a
	// TTL: nothing will ever remove them. Expiring are the same with a TTL:
	// destroyed VMs whose hashes vmpooler keeps for data_ttl hours.
	Leaked, Expiring int64
	// NameCollisions are the live VMs whose name is in the queues of two
	// pools, or whose hash names a pool that does not have them.
	NameCollisions int64

	// Requests counts the hashes of on-demand requests by status.
	Requests map[RequestStatus]int64
	// LostRequests are pending ones that are in no zset: vmpooler has
	// forgotten them and their users wait for ever.
	LostRequests int64
}

const (
	sweepBatch = 1000 // SCAN's COUNT, by default
	// maxCandidates bounds the names that wait for their confirmation, so that
	// a million leaked hashes don't become a million names in memory.
	maxCandidates = 10_000
)

// Sweep walks over all keys with SCAN and counts what no fixed key knows. The
// memory it needs grows with the live VMs, not with the keys. It returns the
// first error of the connection, wrapped, or of a queue that can't be read.
func (r *Reader) Sweep(ctx context.Context, opts SweepOptions) (*SweepResult, error) {
	if opts.Sleep == nil {
		opts.Sleep = sleep
	}
	if opts.Batch <= 0 {
		opts.Batch = sweepBatch
	}
	if opts.MaxShare <= 0 || opts.MaxShare > 1 {
		opts.MaxShare = 1
	}
	began := time.Now()
	s := &sweep{
		reader: r, opts: opts, fields: append([]string{FieldPool}, opts.Fields...),
		result:     &SweepResult{Requests: make(map[RequestStatus]int64)},
		candidates: make(map[string]struct{}),
		collided:   make(map[string]struct{}),
		lost:       make(map[string]struct{}),
	}
	if err := s.run(ctx); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	s.result.Duration = time.Since(began)
	s.result.Finished = began.Add(s.result.Duration)
	return s.result, nil
}

type sweep struct {
	reader *Reader
	opts   SweepOptions
	fields []string // of each VM's hash; the pool first
	result *SweepResult

	live    *membership
	waiting map[string]struct{} // ids of requests in any zset

	candidates map[string]struct{} // VMs that look leaked, to be confirmed
	lost       map[string]struct{} // requests that look lost, to be confirmed
	seenLast   time.Time           // when the last of either was seen
	collided   map[string]struct{}
	extra      extras
}

func (s *sweep) run(ctx context.Context) (err error) {
	if s.live, err = s.reader.readMembership(ctx); err != nil {
		return err
	}
	if s.waiting, err = s.reader.readWaiting(ctx); err != nil {
		return err
	}
	for vm := range s.live.also {
		s.collided[vm] = struct{}{}
	}
	if err := s.walk(ctx); err != nil {
		return err
	}
	// Known before the confirmation, whose membership then includes them.
	s.reader.extra.Store(s.extra.sorted())
	if err := s.confirm(ctx); err != nil {
		return err
	}
	s.result.NameCollisions = int64(len(s.collided))
	return nil
}

// walk is one whole SCAN. Each batch's hashes are read in the same pipeline as
// the SCAN for the next batch.
func (s *sweep) walk(ctx context.Context) error {
	batch, cursor, err := s.reader.client.Scan(ctx, 0, Prefix+"*", s.opts.Batch).Result()
	if err != nil {
		return fmt.Errorf("SCAN: %w", err)
	}
	for {
		s.progress(len(batch))
		pipe := s.reader.client.Pipeline()
		reads := s.ask(ctx, pipe, batch)
		var next *redis.ScanCmd
		if cursor != 0 {
			next = pipe.Scan(ctx, cursor, Prefix+"*", s.opts.Batch)
		}
		if pipe.Len() > 0 {
			began := time.Now()
			if _, err := pipe.Exec(ctx); refusesAll(err) {
				return err
			}
			for i := range reads {
				s.take(&reads[i])
			}
			if err := s.rest(ctx, time.Since(began)); err != nil {
				return err
			}
		}
		if len(s.candidates)+len(s.lost) >= maxCandidates {
			if err := s.confirm(ctx); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		if batch, cursor, err = next.Result(); err != nil {
			return fmt.Errorf("SCAN: %w", err)
		}
	}
}

func (s *sweep) progress(keys int) {
	s.result.Keys += int64(keys)
	if s.opts.Progress != nil {
		s.opts.Progress(s.result.Keys)
	}
}

// rest keeps the sweep within its share of Redis' time.
func (s *sweep) rest(ctx context.Context, took time.Duration) error {
	pause := max(s.opts.Pause, time.Duration(float64(took)*(1/s.opts.MaxShare-1)))
	if pause <= 0 {
		return ctx.Err()
	}
	return s.opts.Sleep(ctx, pause)
}

func (e *extras) sorted() *extras {
	slices.Sort(e.pools)
	slices.Sort(e.dlqs)
	return &extras{pools: e.pools, dlqs: e.dlqs}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
