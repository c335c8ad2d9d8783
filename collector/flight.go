package collector

import (
	"context"
	"sync"
	"time"
)

// flight lets callers that come at the same time share one call of a function.
// Unlike x/sync's singleflight it counts who waits: one caller that gives up
// fails nobody else's call, and the call itself is cancelled once nobody waits.
type flight[T any] struct {
	call  func(context.Context) T
	limit time.Duration // the most that one call may take

	mu  sync.Mutex
	now *shared[T]
}

type shared[T any] struct {
	done    chan struct{} // closed once value is set
	value   T
	waiters int
	cancel  context.CancelFunc
}

// get returns the value of the call under way, or of a new one. It returns
// ctx' error, if ctx ends first.
func (f *flight[T]) get(ctx context.Context) (T, error) {
	s := f.join(ctx)
	select {
	case <-s.done:
		f.leave(s)
		return s.value, nil
	case <-ctx.Done():
		f.leave(s)
		var zero T
		return zero, ctx.Err()
	}
}

func (f *flight[T]) join(ctx context.Context) *shared[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now == nil {
		f.now = f.start(ctx)
	}
	f.now.waiters++
	return f.now
}

// start begins a call that outlives the caller who began it, but not limit.
func (f *flight[T]) start(ctx context.Context) *shared[T] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.limit)
	s := &shared[T]{done: make(chan struct{}), cancel: cancel}
	go func() {
		defer cancel()
		s.value = f.call(ctx)
		f.mu.Lock()
		if f.now == s {
			f.now = nil
		}
		f.mu.Unlock()
		close(s.done)
	}()
	return s
}

func (f *flight[T]) leave(s *shared[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.waiters--; s.waiters > 0 {
		return
	}
	s.cancel()
	if f.now == s { // a call that nobody waits for must not catch the next caller
		f.now = nil
	}
}
