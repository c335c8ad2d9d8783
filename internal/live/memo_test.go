package live

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newMemo(c *clock) *memo[int] {
	return &memo[int]{period: 2 * time.Second, limit: time.Minute, now: c.now, most: 10}
}

// counted returns a call that counts itself and returns its number.
func counted(n *atomic.Int64) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return int(n.Add(1)), nil }
}

func TestAnAnswerIsKeptForAPeriod(t *testing.T) {
	c := newClock()
	m := newMemo(c)
	var calls atomic.Int64
	for _, step := range []struct {
		pass time.Duration
		key  string
		want int
	}{
		{0, "a", 1},
		{time.Second, "a", 1},
		{0, "b", 2},
		{999 * time.Millisecond, "a", 1},
		{time.Millisecond, "a", 3},
		{time.Second, "b", 4},
		{-time.Hour, "b", 5}, // the clock was set back
	} {
		c.pass(step.pass)
		if got, _, err := m.get(t.Context(), step.key, counted(&calls)); err != nil || got != step.want {
			t.Errorf("after %v, %s: %d, %v; want %d", step.pass, step.key, got, err, step.want)
		}
	}
}

func TestAnErrorIsKeptForAMomentOnly(t *testing.T) {
	c := newClock()
	m := newMemo(c)
	broken := errors.New("broken")
	var calls atomic.Int64
	fail := func(context.Context) (int, error) { return int(calls.Add(1)), broken }
	for _, step := range []struct {
		pass time.Duration
		want int64
	}{{0, 1}, {errorKept - 1, 1}, {1, 2}} {
		c.pass(step.pass)
		if _, _, err := m.get(t.Context(), "a", fail); !errors.Is(err, broken) || calls.Load() != step.want {
			t.Errorf("after %v: %v, %d calls; want %d", step.pass, err, calls.Load(), step.want)
		}
	}
	c.pass(errorKept)
	if got, _, err := m.get(t.Context(), "a", counted(&calls)); err != nil || got != 3 {
		t.Errorf("once it works again: %d, %v", got, err)
	}
}

// held is a call that tells when it began and lasts until it is let go or
// cancelled.
type held struct {
	began, letGo chan struct{}
	ended        chan error
}

func newHeld() *held {
	return &held{began: make(chan struct{}), letGo: make(chan struct{}), ended: make(chan error, 1)}
}

func (h *held) call(ctx context.Context) (int, error) {
	close(h.began)
	select {
	case <-h.letGo:
		h.ended <- nil
		return 1, nil
	case <-ctx.Done():
		h.ended <- ctx.Err()
		return 0, ctx.Err()
	}
}

func TestACallersEndFailsNobodyElse(t *testing.T) {
	m, h := newMemo(newClock()), newHeld()
	first, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, _, err := m.get(first, "a", h.call); !errors.Is(err, context.Canceled) {
			t.Errorf("the one who gave up: %v", err)
		}
	})
	<-h.began
	second := m.join(t.Context(), "a", h.call) // as get does, so that it is known to wait
	cancel()
	wg.Wait()
	close(h.letGo)
	<-second.done
	if second.value != 1 || second.err != nil {
		t.Errorf("the other: %d, %v", second.value, second.err)
	}
	m.leave("a", second)
}

func TestACallThatNobodyWaitsForIsCancelledAndForgotten(t *testing.T) {
	m, h := newMemo(newClock()), newHeld()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { m.get(ctx, "a", h.call) })
	<-h.began
	cancel()
	wg.Wait()
	if err := <-h.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	var calls atomic.Int64
	if got, _, err := m.get(t.Context(), "a", counted(&calls)); err != nil || got != 1 {
		t.Errorf("the next caller: %d, %v", got, err)
	}
}

func TestAPanicIsAnErrorOfTheCall(t *testing.T) {
	m := newMemo(newClock())
	_, _, err := m.get(t.Context(), "a", func(context.Context) (int, error) { panic("oh") })
	var p *PanicError
	if !errors.As(err, &p) || p.Value != "oh" || len(p.Stack) == 0 {
		t.Errorf("%v", err)
	}
}

func TestNoMoreCallsAtOnceThanTheGateLets(t *testing.T) {
	m := newMemo(newClock())
	m.gate = make(chan struct{}, 1)
	h := newHeld()
	var wg sync.WaitGroup
	wg.Go(func() { m.get(t.Context(), "a", h.call) })
	<-h.began
	// The second waits; what it waits with is its own.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := m.get(ctx, "b", func(context.Context) (int, error) {
		t.Error("it was called")
		return 0, nil
	}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second: %v", err)
	}
	close(h.letGo)
	wg.Wait()
	var calls atomic.Int64
	if got, _, err := m.get(t.Context(), "b", counted(&calls)); err != nil || got != 1 {
		t.Errorf("once there is room: %d, %v", got, err)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	c := newClock()
	m := newMemo(c)
	m.size = func(n int) int { return n }
	ask := func(key string, size int) bool { // whether it was called
		called := false
		if _, _, err := m.get(t.Context(), key, func(context.Context) (int, error) {
			called = true
			return size, nil
		}); err != nil {
			t.Fatal(err)
		}
		c.pass(time.Millisecond)
		return called
	}
	for _, step := range []struct {
		key    string
		size   int
		called bool
	}{
		{"a", 4, true},
		{"b", 4, true},
		{"a", 4, false},
		{"too large", 11, true},
		{"too large", 11, true},
		{"a", 4, false},
		{"b", 4, false},
		{"c", 3, true},  // puts the oldest out
		{"b", 4, false}, //
		{"a", 4, true},
	} {
		if got := ask(step.key, step.size); got != step.called {
			t.Errorf("%s: called %v, want %v", step.key, got, step.called)
		}
	}
	c.pass(time.Hour)
	ask("z", 1)
	if len(m.kept) != 1 {
		t.Errorf("%d answers are kept though all but one are too old", len(m.kept))
	}
}
