package inventory

import (
	"context"
	"errors"
	"time"
)

const (
	// afterFailure is how long a provider that could not be reached is left
	// alone: the other pools of the round fail at once and not one by one.
	afterFailure = 30 * time.Second

	// afterRefusal is the same for credentials that were refused. vmpooler
	// uses the same account, and trying again and again may lock it.
	afterRefusal = 15 * time.Minute
)

// errRefused is wrapped by get for credentials that are no good.
var errRefused = errors.New("refused")

// held keeps what is dear to get and good for many pools: a session, a token. One
// pool at a time gets it, the others wait for it, as long as their own context
// allows; a failure is shared too.
type held[T comparable] struct {
	get func(ctx context.Context) (T, time.Time, error) // with when it expires, zero for never
	now func() time.Time

	turn    chan struct{} // of size 1: full while somebody holds what is below
	value   T
	ok      bool
	expires time.Time
	failed  error
	until   time.Time // when to try again after it
}

func newHeld[T comparable](now func() time.Time, get func(context.Context) (T, time.Time, error)) *held[T] {
	return &held[T]{get: get, now: now, turn: make(chan struct{}, 1)}
}

// take returns the value, and gets it first if there is none. The error is get's,
// or the context's.
func (h *held[T]) take(ctx context.Context) (T, error) {
	var none T
	if err := h.lock(ctx); err != nil {
		return none, err
	}
	defer h.unlock()
	now := h.now()
	if h.ok && (h.expires.IsZero() || now.Before(h.expires)) {
		return h.value, nil
	}
	if h.failed != nil && now.Before(h.until) {
		return none, h.failed
	}
	h.ok, h.failed = false, nil
	value, expires, err := h.get(ctx)
	if err == nil {
		h.value, h.expires, h.ok = value, expires, true
		return value, nil
	}
	if !errors.Is(ctx.Err(), context.Canceled) { // that is ours, not the provider's
		h.failed, h.until = err, h.now().Add(afterFailure)
		if errors.Is(err, errRefused) {
			h.until = h.now().Add(afterRefusal)
		}
	}
	return none, err
}

// forget drops the value, unless it has been replaced already.
func (h *held[T]) forget(ctx context.Context, value T) error {
	if err := h.lock(ctx); err != nil {
		return err
	}
	defer h.unlock()
	if h.ok && h.value == value {
		h.drop()
	}
	return nil
}

// release drops the value and returns it, false if there was none.
func (h *held[T]) release(ctx context.Context) (T, bool) {
	if h.lock(ctx) != nil {
		var none T
		return none, false
	}
	defer h.unlock()
	value, ok := h.value, h.ok
	h.drop()
	return value, ok
}

func (h *held[T]) drop() {
	var none T
	h.value, h.ok = none, false
}

func (h *held[T]) lock(ctx context.Context) error {
	select {
	case h.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *held[T]) unlock() { <-h.turn }
