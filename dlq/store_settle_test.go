package dlq

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func mustSettle(tb testing.TB, s *Store) int {
	tb.Helper()
	n, err := s.Settle(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// classes returns the error classes of each VM's clone entries: failure's is
// RuntimeError, vmpoolerWrites' IOError.
func classes(tb testing.TB, c *redis.Client) map[string]string {
	tb.Helper()
	out := make(map[string]string)
	for _, z := range c.ZRangeWithScores(tb.Context(), vmpooler.DLQKey("clone"), 0, -1).Val() {
		r, err := Decode("clone", z.Member.(string), z.Score)
		if err != nil {
			tb.Fatal(err)
		}
		out[r.VM] = strings.TrimSpace(out[r.VM] + " " + r.ErrorClass)
	}
	return out
}

func TestSettleLeavesVmpoolersEntryOfTheTwo(t *testing.T) {
	c, t0 := server.Client(t), began()
	at := time.Now().Truncate(time.Second)
	s := NewStore(c, storeOptions)
	if n, err := s.Settle(t.Context()); n != 0 || err != nil {
		t.Error(n, err)
	}
	mustAdd(t, s, failure("a", t0, at), failure("b", t0, at), failure("ab", t0, at))
	vmpoolerWrites(t, c, "a", at.Add(time.Second))
	for want := 1; want >= 0; want-- { // and not again
		if n, err := s.Settle(t.Context()); n != want || err != nil {
			t.Error(n, err)
		}
	}
	if d := cmp.Diff(map[string]string{"a": "IOError", "b": "RuntimeError", "ab": "RuntimeError"}, classes(t, c)); d != "" {
		t.Error(d)
	}
}

// Two lives of a name in one hour, and vmpooler's letter of the second.
func TestTheNewestLifeIsTheOneThatIsSettled(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	first := failure("vm", now.Add(-40*time.Second), now.Add(-30*time.Second))
	second := failure("vm", now.Add(-20*time.Second), now.Add(-10*time.Second))
	t.Run("after a restart", func(t *testing.T) {
		c := server.Client(t)
		mustAdd(t, NewStore(c, storeOptions), first, second)
		vmpoolerWrites(t, c, "vm", now.Add(-9*time.Second))
		if n := mustSettle(t, NewStore(c, storeOptions)); n != 1 || classes(t, c)["vm"] != "RuntimeError IOError" {
			t.Errorf("%d dropped, left %q", n, classes(t, c)["vm"])
		}
	})
	t.Run("and never by vmpooler's letter of the first", func(t *testing.T) {
		c := server.Client(t)
		s := NewStore(c, storeOptions)
		mustAdd(t, s, first)
		vmpoolerWrites(t, c, "vm", now.Add(-29*time.Second))
		mustAdd(t, s, second)
		mustSettle(t, s)
		if left := classes(t, c)["vm"]; !strings.HasSuffix(left, "IOError RuntimeError") {
			t.Errorf("left %q", left)
		}
	})
}

func TestTwoFailuresOfANameAreBothKept(t *testing.T) {
	const s = time.Second
	now := time.Now().Truncate(time.Second)
	for name, tc := range map[string]struct {
		exporters []Candidate // each added by a process of its own
		vmpoolers time.Duration
		ago       time.Duration // since the first was added
		want      string
	}{
		"a second exporter's, of the next life": {
			[]Candidate{failure("vm", now.Add(-40*s), now.Add(-30*s)), failure("vm", now.Add(-20*s), now.Add(-10*s))}, 0, 0, "RuntimeError RuntimeError",
		},
		"vmpooler's, of the life before": {[]Candidate{failure("vm", now.Add(-20*s), now)}, -30 * s, 0, "IOError RuntimeError"},
		"vmpooler's, of a life long after": {
			[]Candidate{failure("vm", now.Add(-1900*s), now.Add(-1800*s))}, -600 * s, 1800 * s, "RuntimeError IOError",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			if tc.vmpoolers < -s && tc.ago == 0 {
				vmpoolerWrites(t, c, "vm", now.Add(tc.vmpoolers))
			}
			var stores []*Store
			for _, f := range tc.exporters {
				stores = append(stores, NewStore(c, storeOptions))
				if got, _ := mustAdd(t, stores[len(stores)-1], f); got[0] != Added {
					t.Fatal(got)
				}
			}
			if tc.ago > 0 {
				stores = nil // they have ended long ago
				addedAgo(t, c, tc.ago)
				vmpoolerWrites(t, c, "vm", now.Add(tc.vmpoolers))
			}
			for _, s := range append(stores, NewStore(c, storeOptions)) {
				if n := mustSettle(t, s); n != 0 {
					t.Errorf("%d dropped", n)
				}
			}
			if d := cmp.Diff(map[string]string{"vm": tc.want}, classes(t, c)); d != "" {
				t.Error(d)
			}
		})
	}
}

// Of two entries one stays: where the other has gone in the meantime, deleted by
// hand or for its age, the exporter's own is left.
func TestSettleLeavesItsOwnWhereTheOtherHasGone(t *testing.T) {
	c, at := server.Client(t), time.Now().Truncate(time.Second)
	mustAdd(t, NewStore(c, storeOptions), failure("vm", began(), at))
	own := c.ZRange(t.Context(), vmpooler.DLQKey("clone"), 0, -1).Val()[0]
	n, err := settleScript.Run(t.Context(), c, []string{vmpooler.DLQKey("clone"), ""}, own, "gone:1:{}", "").Int()
	if n != 0 || err != nil || size(t, c) != 1 {
		t.Errorf("%d dropped, %v, %d left", n, err, size(t, c))
	}
}

func TestSettleAsksNothingOnceNothingIsRecent(t *testing.T) {
	c, at := server.Client(t), time.Now().Truncate(time.Second)
	unreachable, cancel := context.WithCancel(t.Context())
	cancel()
	s := NewStore(c, storeOptions)
	asks := func() bool {
		_, err := s.Settle(unreachable)
		return err != nil
	}
	if !asks() {
		t.Error("the first does not ask what was left")
	}
	mustSettle(t, s)
	if asks() {
		t.Error("it asks with nothing added")
	}
	mustAdd(t, s, failure("vm", began(), at))
	mustSettle(t, s)
	if !asks() {
		t.Error("it does not ask after an entry was added")
	}
	v := s.view("clone")
	own := v.recent["vm"]
	own.at = own.at.Add(-reread - 2*time.Second)
	v.recent["vm"] = own
	mustSettle(t, s)
	if asks() {
		t.Error("it asks a minute later")
	}
}
