package live

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// errorKept is how long an error is an answer: long enough for callers who came
// together, too short to outlast a hiccup.
const errorKept = 250 * time.Millisecond

// PanicError is a panic in a reading, which took nobody else along.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("a reading panicked: %v", e.Value) }

// memo keeps the answers of calls for a while, by key: a call is made at most once
// a period for each key, and callers who come while it is under way share it. One
// of them that gives up fails nobody else's call; a call that nobody waits for any
// more is cancelled, and forgotten.
type memo[V any] struct {
	period time.Duration // how long an answer is good for, from the beginning of its call
	limit  time.Duration // the most that a call may take
	now    func() time.Time
	most   int           // sum of the sizes of the answers that are kept
	size   func(V) int   // of one answer; nil: all are 1
	gate   chan struct{} // calls at once; nil: any number

	mu   sync.Mutex
	kept map[string]*answer[V]
}

// answer is one call, under way or done.
type answer[V any] struct {
	done chan struct{} // closed once the fields below it stand

	value V
	err   error
	began time.Time
	size  int

	ended   bool // guarded by memo.mu, as are the two below
	waiters int
	cancel  context.CancelFunc
}

// get returns an answer and when its call began. The error is the call's, a
// *PanicError, or ctx' own if that ends first.
func (m *memo[V]) get(ctx context.Context, key string, call func(context.Context) (V, error)) (V, time.Time, error) {
	a := m.join(ctx, key, call)
	defer m.leave(key, a)
	select {
	case <-a.done:
		return a.value, a.began, a.err
	case <-ctx.Done():
		var zero V
		return zero, time.Time{}, ctx.Err()
	}
}

func (m *memo[V]) join(ctx context.Context, key string, call func(context.Context) (V, error)) *answer[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.kept[key]
	if a == nil || a.ended && !m.good(a) {
		a = m.start(ctx, key, call)
	}
	a.waiters++
	return a
}

// good says whether an answer that ended may still be given.
func (m *memo[V]) good(a *answer[V]) bool {
	period := m.period
	if a.err != nil {
		period = min(period, errorKept)
	}
	age := m.now().Sub(a.began)
	return age >= 0 && age < period // a clock that was set back must not keep it for ever
}

// start begins a call that outlives the caller who wanted it first, but not limit.
func (m *memo[V]) start(ctx context.Context, key string, call func(context.Context) (V, error)) *answer[V] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.limit)
	a := &answer[V]{done: make(chan struct{}), cancel: cancel}
	if m.kept == nil {
		m.kept = make(map[string]*answer[V])
	}
	m.kept[key] = a
	go func() {
		defer cancel()
		m.run(ctx, a, call)
		m.mu.Lock()
		a.ended = true
		m.tidy(key, a)
		m.mu.Unlock()
		close(a.done)
	}()
	return a
}

func (m *memo[V]) run(ctx context.Context, a *answer[V], call func(context.Context) (V, error)) {
	defer func() {
		if p := recover(); p != nil {
			a.err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	a.began = m.now()
	if m.gate != nil {
		select {
		case m.gate <- struct{}{}:
			defer func() { <-m.gate }()
		case <-ctx.Done():
			a.err = ctx.Err()
			return
		}
		a.began = m.now()
	}
	if a.value, a.err = call(ctx); a.err == nil {
		a.size = 1
		if m.size != nil {
			a.size = m.size(a.value)
		}
	}
}

// tidy drops what is too old, then the oldest until what is left is small enough:
// a, if it is too large by itself, is for those who wait for it only.
func (m *memo[V]) tidy(key string, a *answer[V]) {
	sum := 0
	for k, other := range m.kept {
		if !other.ended {
			continue
		}
		if !m.good(other) {
			delete(m.kept, k)
			continue
		}
		sum += other.size
	}
	if a.size > m.most && m.kept[key] == a {
		delete(m.kept, key)
		sum -= a.size
	}
	for sum > m.most {
		oldest := ""
		for k, other := range m.kept {
			if other.ended && (oldest == "" || other.began.Before(m.kept[oldest].began)) {
				oldest = k
			}
		}
		sum -= m.kept[oldest].size
		delete(m.kept, oldest)
	}
}

func (m *memo[V]) leave(key string, a *answer[V]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.waiters--; a.waiters > 0 || a.ended {
		return
	}
	a.cancel()
	if m.kept[key] == a { // must not catch the next caller
		delete(m.kept, key)
	}
}
