package dlq

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// underLease lets the exporter write under this lease only.
func (e *exporter) underLease(l *lease.Lease) { e.store.opts.Fence = l.Fence }

func newLease(t *testing.T, c *redis.Client, owner string) *lease.Lease {
	t.Helper()
	return lease.New(c, lease.KeyLeader, owner, time.Minute, nil)
}

func take(t *testing.T, l *lease.Lease) {
	t.Helper()
	if ours, err := l.Acquire(t.Context()); err != nil || !ours {
		t.Fatal(ours, err)
	}
}

// Of two exporters one writes. When it ends the other records what it saw itself,
// and what only the hashes still tell.
func TestTheExporterThatTakesOverLosesNothing(t *testing.T) {
	r := newReplay(t, hard)
	first, second := r.exporter(), r.exporter()
	one, two := newLease(t, r.c, "one"), newLease(t, r.c, "two")
	take(t, one)
	first.underLease(one)
	second.underLease(two)
	var before int64
	r.live([]*exporter{first, second}, func(at int) {
		switch at {
		case 200:
			before = kept(t, r.c)
			first.store.opts.Fence = func() (lease.Fence, bool) { return lease.Fence{}, false } // it is stopped
		case 230:
			if err := one.Release(t.Context()); err != nil {
				t.Error(err)
			}
			take(t, two)
		}
	})
	second.catchUp(t)
	if before == 0 {
		t.Error("the first wrote nothing")
	}
	r.truth().hold(t, r.c, 0.985, 0.985)
}

func kept(t *testing.T, c *redis.Client) (n int64) {
	t.Helper()
	for _, q := range vmpooler.DLQQueues() {
		n += c.ZCard(t.Context(), vmpooler.DLQKey(q)).Val()
	}
	return n
}

func TestAStoreWhoseLeaseHasPassedOnWritesNothing(t *testing.T) {
	c := server.Client(t)
	l := newLease(t, c, "one")
	take(t, l)
	s := NewStore(c, StoreOptions{TTL: dataTTL, MaxEntries: 10, Fence: l.Fence})
	failure := func(vm string) []Candidate {
		return []Candidate{{Entry: Entry{Queue: "clone", VM: vm, FailedAt: time.Now()}}}
	}
	if _, sum, err := s.Add(t.Context(), failure("a")); err != nil || sum.Added != 1 {
		t.Fatal(sum, err)
	}
	if err := c.Set(t.Context(), lease.KeyLeader, "2:two", 0).Err(); err != nil { // while we were paused
		t.Fatal(err)
	}
	results, sum, err := s.Add(t.Context(), failure("b"))
	if !errors.Is(err, lease.ErrFenced) || sum.Added != 0 || results[0] != Unwritten || kept(t, c) != 1 {
		t.Errorf("%v %+v %v", results, sum, err)
	}
	if _, err := s.Trim(t.Context()); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("Trim: %v", err)
	}
	err = settleScript.Run(t.Context(), c, []string{vmpooler.DLQKey("clone"), lease.KeyLeader}, "x", "y", "1:one").Err()
	if !errors.Is(lease.Check(err), lease.ErrFenced) {
		t.Errorf("Settle: %v", err)
	}
}
