package dlq

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// An exporter adds a failure, vmpooler records it as well, and the exporter ends
// and begins again: in whatever order, alone or beside a second exporter,
// vmpooler's entry alone is left.
func TestOneEntryIsLeftWhereverAnExporterEnds(t *testing.T) {
	for _, second := range []bool{false, true} {
		for written := range 5 {
			for ends := range 5 {
				name := fmt.Sprintf("written at %d, ends at %d, a second one: %v", written, ends, second)
				t.Run(name, func(t *testing.T) {
					c := server.Client(t)
					at := time.Now().Truncate(time.Second)
					f := failure("vm", began(), at)
					one, two := NewStore(c, storeOptions), NewStore(c, storeOptions)
					for step := range 5 {
						if step == ends {
							one = NewStore(c, storeOptions)
						}
						if step == written {
							vmpoolerWrites(t, c, "vm", at.Add(time.Second))
						}
						if step == 1 {
							mustAdd(t, one, f)
						} else {
							mustSettle(t, one)
						}
						if second && step > 0 {
							mustAdd(t, two, f)
							mustSettle(t, two)
						}
					}
					mustSettle(t, one)
					if d := cmp.Diff(map[string]string{"vm": "IOError"}, classes(t, c)); d != "" {
						t.Error(d)
					}
				})
			}
		}
	}
}

// Many at once, of which vmpooler wrote every other one: more than a page.
func TestTheNextExporterSettlesABurst(t *testing.T) {
	c, at := server.Client(t), time.Now().Truncate(time.Second)
	const n = 2 * pageSize
	all := make([]Candidate, n)
	for i := range all {
		all[i] = failure(fmt.Sprintf("vm-%d", i), began(), at)
	}
	mustAdd(t, NewStore(c, storeOptions), all...)
	for i := range all {
		if i%2 == 0 {
			vmpoolerWrites(t, c, all[i].VM, at.Add(time.Second))
		}
	}
	next := NewStore(c, storeOptions)
	if dropped := mustSettle(t, next); dropped != n/2 || size(t, c) != n {
		t.Errorf("%d dropped, %d left", dropped, size(t, c))
	}
	if dropped := mustSettle(t, NewStore(c, storeOptions)); dropped != 0 {
		t.Errorf("%d dropped again", dropped)
	}
}

// addedAgo moves the marks of what was added back in time.
func addedAgo(t *testing.T, c *redis.Client, ago time.Duration) {
	t.Helper()
	for _, z := range c.ZRangeWithScores(t.Context(), OwnKey("clone"), 0, -1).Val() {
		c.ZAdd(t.Context(), OwnKey("clone"), redis.Z{Score: z.Score - ago.Seconds(), Member: z.Member})
	}
}

// many are letters of vmpooler's own, more than a page.
func many(t *testing.T, c *redis.Client, prefix string, at time.Time) {
	t.Helper()
	pipe := c.Pipeline()
	for i := range pageSize + pageSize/2 {
		vmpoolerWrites(t, pipe, fmt.Sprintf("%s-%d", prefix, i), at)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasLeftIsSettledBehindManyOthersToo(t *testing.T) {
	c, now := server.Client(t), time.Now().Truncate(time.Second)
	const ago = 30 * time.Minute
	mustAdd(t, NewStore(c, storeOptions), failure("vm", now.Add(-ago-time.Minute), now.Add(-ago)))
	addedAgo(t, c, ago)
	vmpoolerWrites(t, c, "vm", now.Add(-ago+time.Second))
	many(t, c, "newer", now.Add(-5*time.Minute))
	next := NewStore(c, storeOptions)
	mustAdd(t, next, failure("other", now, now)) // it has read the queue before
	if n := mustSettle(t, next); n != 1 || classes(t, c)["vm"] != "IOError" {
		t.Errorf("%d dropped, left %q", n, classes(t, c)["vm"])
	}
}

// vmpooler's clock may be behind, and what it writes stand behind many others. Of
// the rest of the queue nothing is read.
func TestSettleReadsTheLastMinute(t *testing.T) {
	c, now := server.Client(t), time.Now().Truncate(time.Second)
	many(t, c, "old", now.Add(-2*time.Hour))
	many(t, c, "older", now.Add(-3*time.Hour))
	s := NewStore(c, storeOptions)
	mustAdd(t, s, failure("vm", began(), now))
	mustSettle(t, s) // the first also reads what processes before this one left
	many(t, c, "new", now)
	vmpoolerWrites(t, c, "vm", now.Add(-30*time.Second))
	clear(s.view("clone").newest)
	mustSettle(t, s)
	if classes(t, c)["vm"] != "IOError" {
		t.Errorf("left %q", classes(t, c)["vm"])
	}
	if n := len(s.view("clone").newest); n > 2*pageSize {
		t.Errorf("%d VMs were read of", n)
	}
}

func TestMarksFade(t *testing.T) {
	c, t0 := server.Client(t), began()
	s := NewStore(c, storeOptions)
	for i := range 2 * dropSize {
		c.ZAdd(t.Context(), OwnKey("clone"), redis.Z{Score: seconds(time.Now().Add(-markFor - time.Minute)), Member: fmt.Sprintf("clone-%d:0", i)})
	}
	c.ZAdd(t.Context(), OwnKey("clone"), redis.Z{Score: seconds(time.Now().Add(-markFor + time.Minute)), Member: "garbage"})
	mustAdd(t, s, failure("vm", t0, t0))
	marks := c.ZRange(t.Context(), OwnKey("clone"), 0, -1).Val()
	if len(marks) != 2 || marks[0] != "garbage" {
		t.Errorf("%d marks: %q", len(marks), marks[:min(len(marks), 3)])
	}
	if ttl := c.PTTL(t.Context(), OwnKey("clone")).Val(); ttl > markFor || ttl < markFor-time.Minute {
		t.Errorf("the marks expire in %v", ttl)
	}
	mustSettle(t, NewStore(c, storeOptions)) // which is not disturbed by garbage
}

// What vmpooler wrote in the very words of the exporter is vmpooler's.
func TestADuplicateGetsNoMark(t *testing.T) {
	c, t0 := server.Client(t), began()
	s := NewStore(c, storeOptions)
	mustAdd(t, s, failure("other", t0, t0)) // s has read the queue
	ready := prepare(failure("vm", t0, t0))
	c.ZAdd(t.Context(), vmpooler.DLQKey("clone"), redis.Z{Score: ready.score, Member: ready.member})
	view := s.view("clone")
	var sum AddSummary
	results, err := s.run(t.Context(), "clone", view, []written{ready}, &sum)
	if err != nil || !slices.Equal(results, []Result{Duplicate}) {
		t.Errorf("%v, %v", results, err)
	}
	if n := c.ZCard(t.Context(), OwnKey("clone")).Val(); n != 1 {
		t.Errorf("%d marks", n)
	}
}
