package lease

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func TestALeaseIsOnesAtATime(t *testing.T) {
	c := server.Client(t)
	a, b := New(c, KeyPurge, "host:1:a", ttl, nil), New(c, KeyPurge, "host:2:b", ttl, nil)
	if _, ours := a.Fence(); ours {
		t.Error("a lease that was not asked for is ours")
	}
	acquire(t, a, true)
	acquire(t, b, false)
	if _, ours := b.Fence(); ours {
		t.Error("two have the lease")
	}
	if o := b.Other(); o.Owner != "host:1:a" || o.For <= ttl-10*time.Second || o.For > ttl {
		t.Errorf("it is said to be held by %+v", o)
	}
	acquire(t, New(c, KeyLeader, "host:2:b", ttl, nil), true) // another lease
	expire(t, c, KeyPurge)
	acquire(t, b, true)
	if o := b.Other(); o != (Holder{}) {
		t.Errorf("our own lease is held by %+v", o)
	}
}

func TestProlongingKeepsTheToken(t *testing.T) {
	c := server.Client(t)
	l := New(c, KeyPurge, "a", ttl, nil)
	acquire(t, l, true)
	before, _ := l.Fence()
	c.PExpire(t.Context(), KeyPurge, 5*time.Second)
	acquire(t, l, true)
	if after, ours := l.Fence(); after != before || !ours {
		t.Errorf("the fence went from %v to %v", before, after)
	}
	if left := c.PTTL(t.Context(), KeyPurge).Val(); left <= ttl-5*time.Second || left > ttl {
		t.Errorf("it lives for %v, want %v", left, ttl)
	}
}

// A lease that ended is never taken up again: another may have had it in between.
func TestATokenIsNeverGivenTwice(t *testing.T) {
	c := server.Client(t)
	l := New(c, KeyPurge, "a", ttl, nil)
	seen := make(map[string]bool)
	for range 5 {
		acquire(t, l, true)
		f, _ := l.Fence()
		if seen[f.Token] {
			t.Errorf("%s was given before", f.Token)
		}
		seen[f.Token] = true
		expire(t, c, KeyPurge)
	}
}

func TestAScriptRefusesWhoseLeaseHasPassedOn(t *testing.T) {
	c := server.Client(t)
	at := newClock()
	a, b := New(c, KeyPurge, "a", ttl, at.now), New(c, KeyPurge, "b", ttl, at.now)
	acquire(t, a, true)
	old, _ := a.Fence()
	if err := write(t, c, old); err != nil {
		t.Fatal(err)
	}
	expire(t, c, KeyPurge)
	if err := write(t, c, old); !errors.Is(err, ErrFenced) {
		t.Errorf("nobody has the lease: %v", err)
	}
	acquire(t, b, true)
	// a does not know yet, by its clock no time has passed.
	if f, ours := a.Fence(); !ours || f != old {
		t.Errorf("%v %v", f, ours)
	}
	if err := write(t, c, old); !errors.Is(err, ErrFenced) {
		t.Errorf("b has the lease: %v", err)
	}
	acquire(t, a, false)
	if f, ours := a.Fence(); ours || f.Token != "" {
		t.Errorf("a has learnt that b has it, and has %v %v", f, ours)
	}
	if f, _ := b.Fence(); write(t, c, f) != nil || c.LLen(t.Context(), keyWritten).Val() != 2 {
		t.Error("b can't write")
	}
}

func TestTheZeroFenceLetsEverythingPass(t *testing.T) {
	if err := write(t, server.Client(t), Fence{}); err != nil {
		t.Error(err)
	}
	if other := errors.New("OOM"); !errors.Is(Check(other), other) || Check(nil) != nil {
		t.Error("other errors are not changed")
	}
}

// By our own clock the lease ends no later than by Redis': it is counted from when
// it was asked for.
func TestALeaseEndsByOurOwnClock(t *testing.T) {
	c := server.Client(t)
	at := newClock()
	l := New(c, KeyPurge, "a", ttl, at.now)
	slow := client(t, server, nil)
	slow.AddHook(delay{func() { at.advance(10 * time.Second) }})
	l.client = slow
	acquire(t, l, true)
	at.advance(ttl - 10*time.Second - 1)
	if _, ours := l.Fence(); !ours {
		t.Error("it ended early")
	}
	at.advance(1)
	if _, ours := l.Fence(); ours {
		t.Error("its time has passed since it was asked for")
	}
}

// delay lets time pass before each answer.
type delay struct{ pass func() }

func (delay) DialHook(next redis.DialHook) redis.DialHook { return next }

func (delay) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (d delay) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && strings.HasPrefix(cmd.Name(), "eval") {
			d.pass()
		}
		return err
	}
}

func TestOnlyOnesOwnLeaseIsGivenBack(t *testing.T) {
	c := server.Client(t)
	a, b := New(c, KeyPurge, "a", ttl, nil), New(c, KeyPurge, "b", ttl, nil)
	acquire(t, a, true)
	expire(t, c, KeyPurge)
	acquire(t, b, true)
	before := dumps(t, c)
	for _, l := range []*Lease{a, a, New(c, KeyPurge, "c", ttl, nil)} {
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after := dumps(t, c); after[KeyPurge] != before[KeyPurge] {
		t.Errorf("b's lease went from %s to %s", before[KeyPurge], after[KeyPurge])
	}
	if err := b.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ours := b.Fence(); ours || c.Exists(t.Context(), KeyPurge).Val() != 0 {
		t.Error("b has not given it back")
	}
	acquire(t, a, true)
}

func TestOwnersDiffer(t *testing.T) {
	a, b := Owner(), Owner()
	if a == b || strings.Count(a, ":") != 2 {
		t.Errorf("%q %q", a, b)
	}
}

func TestTheScriptsRunInTheDemosRedis(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer c.Close()
	a, b := New(c, KeyPurge, "a", ttl, nil), New(c, KeyPurge, "b", ttl, nil)
	acquire(t, a, true)
	acquire(t, a, true)
	acquire(t, b, false)
	if err := a.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	acquire(t, b, true)
	m.FastForward(ttl)
	acquire(t, a, true)
}
