package lease

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func prolong(t *testing.T, l *Lease, want bool) {
	t.Helper()
	got, err := l.Prolong(t.Context())
	if err != nil || got != want {
		t.Fatalf("Prolong = %v, %v; want %v", got, err, want)
	}
}

func TestProlongKeepsALeaseAndNeverTakesOne(t *testing.T) {
	c := server.Client(t)
	at := newClock()
	a, b := New(c, KeyPurge, "a", ttl, at.now), New(c, KeyPurge, "b", ttl, nil)
	prolong(t, a, false) // it was never acquired
	acquire(t, a, true)
	before, _ := a.Fence()
	c.PExpire(t.Context(), KeyPurge, 5*time.Second)
	at.advance(ttl - time.Second)
	prolong(t, a, true)
	at.advance(ttl - time.Second)
	if f, ours := a.Fence(); f != before || !ours {
		t.Errorf("the fence went from %v to %v, ours: %v", before, f, ours)
	}
	if left := c.PTTL(t.Context(), KeyPurge).Val(); left <= ttl-5*time.Second || left > ttl {
		t.Errorf("it lives for %v, want %v", left, ttl)
	}
	for name, passOn := range map[string]func(){
		"nobody has it":  func() {},
		"another has it": func() { acquire(t, b, true) },
		"another had it": func() {
			if err := b.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.Del(t.Context(), KeyPurge)
			acquire(t, a, true)
			expire(t, c, KeyPurge)
			passOn()
			dump := dumps(t, c)
			for range 2 {
				prolong(t, a, false)
				if f, ours := a.Fence(); ours || f.Token != "" {
					t.Errorf("it is ours: %v", f)
				}
			}
			if d := cmp.Diff(dump, dumps(t, c)); d != "" {
				t.Errorf("it changed Redis:\n%s", d)
			}
		})
	}
}

func TestProlongTellsOfRedis(t *testing.T) {
	c := server.Client(t)
	l := New(c, KeyPurge, "a", ttl, nil)
	acquire(t, l, true)
	do(t, c, "DEL "+KeyPurge)
	do(t, c, "SADD "+KeyPurge+" x")
	if ok, err := l.Prolong(t.Context()); ok || err == nil {
		t.Errorf("Prolong = %v, %v", ok, err)
	}
	if _, ours := l.Fence(); !ours {
		t.Error("what was held is held until its time has passed")
	}
}

func TestHoldRunsUnderTheLeaseAndGivesItBack(t *testing.T) {
	c := server.Client(t)
	a, b := New(c, KeyPurge, "a", ttl, nil), New(c, KeyPurge, "b", ttl, nil)
	mine := errors.New("mine")
	err := a.Hold(t.Context(), func() error {
		f, ours := a.Fence()
		if err := write(t, c, f); !ours || err != nil {
			t.Errorf("ours: %v, %v", ours, err)
		}
		err := b.Hold(t.Context(), func() error {
			t.Error("two work at once")
			return nil
		})
		if busy, ok := errors.AsType[*BusyError](err); !ok || busy.Owner != "a" {
			t.Errorf("the other is told: %v", err)
		}
		return mine
	})
	if !errors.Is(err, mine) {
		t.Error(err)
	}
	if _, ours := a.Fence(); ours || c.Exists(t.Context(), KeyPurge).Val() != 0 {
		t.Error("it was not given back")
	}
}

// What takes longer than the lease lives is done under one lease.
func TestHoldProlongs(t *testing.T) {
	c := server.Client(t)
	const short = time.Second
	l := New(c, KeyPurge, "a", short, nil)
	err := l.Hold(t.Context(), func() error {
		first, _ := l.Fence()
		for began := time.Now(); time.Since(began) < 5*short/2; {
			if f, ours := l.Fence(); f != first || !ours {
				t.Fatalf("after %v the fence is %v, ours: %v; it was %v", time.Since(began), f, ours, first)
			}
			if err := write(t, c, first); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestHoldRunsNothingWhereTheLeaseCanNotBeTaken(t *testing.T) {
	c := server.Client(t)
	do(t, c, "SADD "+KeyPurge+" x")
	err := New(c, KeyPurge, "a", ttl, nil).Hold(t.Context(), func() error {
		t.Error("it runs")
		return nil
	})
	if err == nil || errors.As(err, new(*BusyError)) {
		t.Error(err)
	}
}
