package lease

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// keeper returns one that tells of its changes, and what it logs.
func keeper(l *Lease) (k *Keeper, changes *[]bool, logged *bytes.Buffer) {
	logged, changes = &bytes.Buffer{}, &[]bool{}
	k = NewKeeper(l, log.NewLogfmtLogger(logged))
	k.Changed = func(leads bool) { *changes = append(*changes, leads) }
	return k, changes, logged
}

func TestTheLeaseGoesToOneKeeperAndThenToTheOther(t *testing.T) {
	c := server.Client(t)
	at := newClock()
	a, aChanges, _ := keeper(New(c, KeyLeader, "host:1:a", ttl, at.now))
	b, bChanges, _ := keeper(New(c, KeyLeader, "host:2:b", ttl, at.now))
	for range 3 {
		a.Turn(t.Context())
		b.Turn(t.Context())
		if !a.Leads() || b.Leads() {
			t.Fatalf("a leads: %v, b leads: %v", a.Leads(), b.Leads())
		}
		at.advance(ttl / renewals)
	}
	if b.Other().Owner != "host:1:a" {
		t.Errorf("b knows of %+v", b.Other())
	}
	// a is paused, its lease ends, b takes it; a wakes up.
	at.advance(ttl)
	if a.Leads() {
		t.Error("a believes that it leads after its lease's time")
	}
	expire(t, c, KeyLeader)
	b.Turn(t.Context())
	a.Turn(t.Context())
	if a.Leads() || !b.Leads() {
		t.Errorf("a leads: %v, b leads: %v", a.Leads(), b.Leads())
	}
	b.end(t.Context())
	a.Turn(t.Context())
	if !a.Leads() || b.Leads() {
		t.Errorf("a leads: %v, b leads: %v", a.Leads(), b.Leads())
	}
	if want := []bool{true, false, true}; !slices.Equal(*aChanges, want) {
		t.Errorf("a was told %v", *aChanges)
	}
	if want := []bool{true, false}; !slices.Equal(*bChanges, want) {
		t.Errorf("b was told %v", *bChanges)
	}
}

// Of all fences that two keepers believe in at a moment, a script accepts one at most.
func TestTwoKeepersNeverBothHoldAFenceThatIsAccepted(t *testing.T) {
	c := server.Client(t)
	stopped := func() time.Time { return time.Unix(0, 0) } // both believe for ever
	var keepers []*Keeper
	for i := range 2 {
		k, _, _ := keeper(New(c, KeyLeader, fmt.Sprint(i), ttl, stopped))
		keepers = append(keepers, k)
	}
	believed := 0
	for turn := range 40 {
		keepers[turn%2].Turn(t.Context())
		if turn%3 == 0 {
			c.Del(t.Context(), KeyLeader) // it ended
		}
		accepted, both := 0, 0
		for _, k := range keepers {
			f, ours := k.Fence()
			if !ours {
				continue
			}
			both++
			if write(t, c, f) == nil {
				accepted++
			}
		}
		if both == 2 {
			believed++
		}
		if accepted > 1 {
			t.Fatalf("turn %d: both may write", turn)
		}
	}
	if believed == 0 {
		t.Error("the two never both believed: nothing was tested")
	}
}

func TestAFailureIsToldOnceAndItsEndToo(t *testing.T) {
	s := testredis.New(t)
	at := newClock()
	k, changes, logged := keeper(New(client(t, s, nil), KeyLeader, "a", ttl, at.now))
	k.Turn(t.Context())
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		k.Turn(t.Context())
	}
	if !k.Leads() {
		t.Error("two failures are survived")
	}
	at.advance(ttl)
	k.Turn(t.Context())
	if k.Leads() {
		t.Error("the lease has ended")
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		k.Turn(t.Context())
	}
	if n := strings.Count(logged.String(), "level=error"); n != 1 {
		t.Errorf("%d errors are logged:\n%s", n, logged)
	}
	if !strings.Contains(logged.String(), "can be prolonged again") {
		t.Errorf("the end of the failure is not logged:\n%s", logged)
	}
	if want := []bool{true, false, true}; !slices.Equal(*changes, want) {
		t.Errorf("told %v", *changes)
	}
}

func TestARedisThatHangsIsToldOf(t *testing.T) {
	s := testredis.New(t)
	k, _, logged := keeper(New(client(t, s, nil), KeyLeader, "a", 300*time.Millisecond, nil))
	k.lease.client.Ping(t.Context())
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	k.Turn(t.Context()) // ends after a third of the lease's time
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if k.Leads() || !strings.Contains(logged.String(), "level=error") {
		t.Errorf("leads: %v, logged: %s", k.Leads(), logged)
	}
}

func TestAtTheEndTheLeaseIsGivenBack(t *testing.T) {
	c := server.Client(t)
	k, _, _ := keeper(New(c, KeyLeader, "a", time.Hour, nil))
	changed := make(chan bool)
	k.Changed = func(leads bool) { changed <- leads }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Run(ctx)
	}()
	if leads := <-changed; !leads || c.Exists(t.Context(), KeyLeader).Val() != 1 {
		t.Error("the lease was not taken")
	}
	cancel()
	if leads := <-changed; leads {
		t.Error("it still leads")
	}
	<-ended
	if c.Exists(t.Context(), KeyLeader).Val() != 0 {
		t.Error("it was not given back")
	}
}
