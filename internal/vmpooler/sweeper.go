package vmpooler

import (
	"context"
	"sync/atomic"
	"time"
)

// Sweeper makes sweeps in the background, one after the other, and keeps the
// last one's result for whoever asks.
type Sweeper struct {
	reader   *Reader
	opts     SweepOptions
	interval time.Duration
	done     func(*SweepResult, error)

	latest   atomic.Pointer[SweepResult]
	failed   atomic.Bool // the last sweep did not come to its end
	failures atomic.Int64
}

// NewSweeper returns a Sweeper that begins a sweep every interval, or at once
// when the last one took longer. done, if not nil, is told of each sweep's end,
// with a result or an error.
func NewSweeper(r *Reader, interval time.Duration, opts SweepOptions, done func(*SweepResult, error)) *Sweeper {
	if opts.Sleep == nil {
		opts.Sleep = sleep
	}
	return &Sweeper{reader: r, opts: opts, interval: interval, done: done}
}

// TakeOver lets a Sweeper that has yet to run go on where another one ended: with its
// last result and its count of failures.
func (s *Sweeper) TakeOver(from *Sweeper) {
	s.latest.Store(from.latest.Load())
	s.failed.Store(from.failed.Load())
	s.failures.Store(from.failures.Load())
}

// Latest returns the last whole sweep's result, and nil where there is none or
// where the sweep after it failed: what it counted may be long gone.
func (s *Sweeper) Latest() *SweepResult {
	if s.failed.Load() {
		return nil
	}
	return s.latest.Load()
}

// LastComplete returns the last whole sweep's result, however old, or nil.
func (s *Sweeper) LastComplete() *SweepResult { return s.latest.Load() }

// Failures returns how many sweeps did not come to their end.
func (s *Sweeper) Failures() int64 { return s.failures.Load() }

// Run sweeps until ctx is done.
func (s *Sweeper) Run(ctx context.Context) {
	for {
		began := time.Now()
		result, err := s.reader.Sweep(ctx, s.opts)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			s.latest.Store(result)
		} else {
			s.failures.Add(1)
		}
		s.failed.Store(err != nil)
		if s.done != nil {
			s.done(result, err)
		}
		if s.opts.Sleep(ctx, max(s.interval-time.Since(began), minRest)) != nil {
			return
		}
	}
}

// minRest is what even a sweep that is longer than its interval leaves between
// its end and the next one's begin.
const minRest = time.Second
