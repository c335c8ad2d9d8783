package dlq

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var storeOptions = StoreOptions{TTL: 168 * time.Hour, MaxEntries: 10000}

// began is a quarter of an hour ago, to the second: the TTL is by the server's clock.
func began() time.Time { return time.Now().Add(-15 * time.Minute).Truncate(time.Second).UTC() }

// failure is the candidate of a clone of vm that began at clone and failed at failed.
func failure(vm string, clone, failed time.Time) Candidate {
	return Candidate{CloneBegan: clone, Entry: Entry{
		Queue: "clone", VM: vm, Pool: "p", QueueFrom: "clone", ErrorClass: "RuntimeError", ErrorMessage: "no space left", FailedAt: failed,
	}}
}

// vmpoolerWrites adds an entry as vmpooler itself does.
func vmpoolerWrites(tb testing.TB, c redis.Cmdable, vm string, at time.Time) {
	tb.Helper()
	member, score := Encode(Entry{VM: vm, Pool: "p", QueueFrom: "clone", ErrorClass: "IOError", ErrorMessage: "its own words", FailedAt: at})
	if err := c.ZAdd(tb.Context(), vmpooler.DLQKey("clone"), redis.Z{Score: score, Member: member}).Err(); err != nil {
		tb.Fatal(err)
	}
}

func mustAdd(tb testing.TB, s *Store, candidates ...Candidate) ([]Result, AddSummary) {
	tb.Helper()
	results, sum, err := s.Add(tb.Context(), candidates)
	if err != nil {
		tb.Fatal(err)
	}
	return results, sum
}

func size(tb testing.TB, c redis.Cmdable) int64 {
	tb.Helper()
	n, err := c.ZCard(tb.Context(), vmpooler.DLQKey("clone")).Result()
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestALifeOfAVMFailsOnce(t *testing.T) {
	const s = time.Second
	t0 := began()
	at := t0.Add
	var unknown time.Time
	cases := []struct {
		name      string
		vmpooler  map[string]time.Time // its own entries, before
		first     []Candidate          // an exporter's, before
		candidate Candidate
		want      Result
	}{
		{"nothing there", nil, nil, failure("a", t0, at(9*s)), Added},
		{"the same again", nil, []Candidate{failure("a", t0, at(9*s))}, failure("a", t0, at(9*s)), Duplicate},
		{"the same with another time", nil, []Candidate{failure("a", t0, at(9*s))}, failure("a", t0, at(50*s)), Duplicate},
		{"the same with an earlier time", nil, []Candidate{failure("a", t0, at(50*s))}, failure("a", t0, at(9*s)), Duplicate},
		{"vmpooler's, same time", map[string]time.Time{"a": at(9 * s)}, nil, failure("a", t0, at(9*s)), Duplicate},
		{"vmpooler's, four seconds before", map[string]time.Time{"a": at(9 * s)}, nil, failure("a", t0, at(13*s)), Duplicate},
		{"vmpooler's, four seconds after", map[string]time.Time{"a": at(13 * s)}, nil, failure("a", t0, at(9*s)), Duplicate},
		{"vmpooler's, minutes after", map[string]time.Time{"a": at(400 * s)}, nil, failure("a", t0, at(9*s)), Duplicate},
		{"vmpooler's, in the second of the clone", map[string]time.Time{"a": t0}, nil, failure("a", at(s), at(2*s)), Duplicate},
		{"vmpooler's, as long before the clone as clocks may differ", map[string]time.Time{"a": t0.Add(-cloneSlack)}, nil, failure("a", t0, at(9*s)), Duplicate},
		{"vmpooler's, longer before the clone", map[string]time.Time{"a": t0.Add(-cloneSlack - s)}, nil, failure("a", t0, at(9*s)), Added},
		{"the next life", nil, []Candidate{failure("a", t0, at(9*s))}, failure("a", at(60*s), at(69*s)), Added},
		{"the next life, vmpooler's before", map[string]time.Time{"a": at(9 * s)}, nil, failure("a", at(60*s), at(69*s)), Added},
		{"a name that begins the same", map[string]time.Time{"ab": at(9 * s), "a:b": at(9 * s)}, nil, failure("a", t0, at(9*s)), Added},
		{"a name that goes on", map[string]time.Time{"a": at(9 * s)}, nil, failure("ab", t0, at(9*s)), Added},
		{"a name with a colon", map[string]time.Time{"a": at(9 * s)}, nil, failure("a:b", t0, at(9*s)), Added},
		{"a name with a colon again", map[string]time.Time{"a:b": at(9 * s)}, nil, failure("a:b", t0, at(9*s)), Duplicate},
		{"no clone time, minutes apart", nil, []Candidate{failure("a", t0, at(9*s))}, failure("a", unknown, at(400*s)), Duplicate},
		{"no clone time, long after", nil, []Candidate{failure("a", t0, at(0))}, failure("a", unknown, at(700*s)), Added},
		{"too old", nil, nil, failure("a", at(-200*time.Hour), at(-169*time.Hour)), Expired},
		{"recorded and too old", nil, []Candidate{failure("a", t0, at(9*s))}, failure("a", at(-200*time.Hour), at(-169*time.Hour)), Duplicate},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := server.Client(t)
			for vm, at := range tc.vmpooler {
				vmpoolerWrites(t, c, vm, at)
			}
			mustAdd(t, NewStore(c, storeOptions), tc.first...)
			before := size(t, c)
			got, _ := mustAdd(t, NewStore(c, storeOptions), tc.candidate)
			if got[0] != tc.want {
				t.Errorf("%v, want %v", got[0], tc.want)
			}
			if grown := size(t, c) - before; (grown == 1) != (tc.want == Added) {
				t.Errorf("%d entries more", grown)
			}
		})
	}
}

func TestQueuesAreApart(t *testing.T) {
	c, t0 := server.Client(t), began()
	clone, ready := failure("a", t0, t0), failure("a", t0, t0)
	ready.Queue = "ready"
	ready.QueueFrom = ""
	results, sum := mustAdd(t, NewStore(c, storeOptions), clone, ready, clone)
	if d := cmp.Diff([]Result{Added, Added, Duplicate}, results); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(AddSummary{Added: 2, Duplicates: 1}, sum); d != "" {
		t.Error(d)
	}
	z := c.ZRangeWithScores(t.Context(), vmpooler.DLQKey("ready"), 0, -1).Val()
	if r, err := Decode("ready", z[0].Member.(string), z[0].Score); err != nil || r.QueueFrom != "ready" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAFailureThatComesTwiceInOneAddIsOneEntry(t *testing.T) {
	c, t0 := server.Client(t), began()
	later := failure("a", t0, t0.Add(9*time.Second))
	results, _ := mustAdd(t, NewStore(c, storeOptions), later, failure("b", t0, t0), failure("a", t0, t0.Add(5*time.Second)))
	if d := cmp.Diff([]Result{Duplicate, Added, Added}, results); d != "" || size(t, c) != 2 {
		t.Error(d, size(t, c))
	}
}

// A failure whose entry has just left is known for an hour more.
func TestTheIndexForgetsLaterThanTheQueue(t *testing.T) {
	c := server.Client(t)
	now := time.Now()
	s := NewStore(c, StoreOptions{TTL: 2 * time.Hour, MaxEntries: 10})
	for vm, ago := range map[string]time.Duration{"known": 170 * time.Minute, "forgotten": 190 * time.Minute} {
		c.ZAdd(t.Context(), IndexKey("clone"), redis.Z{Score: seconds(now.Add(-ago)), Member: vm})
	}
	if _, err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := c.ZRange(t.Context(), IndexKey("clone"), 0, -1).Val(); len(left) != 1 || left[0] != "known" {
		t.Errorf("%q", left)
	}
}

func TestOfTwoLettersOfAVMTheNewestCounts(t *testing.T) {
	c, t0 := server.Client(t), began()
	vmpoolerWrites(t, c, "vm", t0.Add(-time.Hour))
	vmpoolerWrites(t, c, "vm", t0.Add(9*time.Second))
	if got, _ := mustAdd(t, NewStore(c, storeOptions), failure("vm", t0, t0.Add(8*time.Second))); got[0] != Duplicate {
		t.Error(got)
	}
}

// What a Store remembers grows with what the queue holds.
func TestAStoreForgetsWithTheQueue(t *testing.T) {
	c, t0 := server.Client(t), began()
	s := NewStore(c, StoreOptions{TTL: time.Hour, MaxEntries: 10})
	vmpoolerWrites(t, c, "known", time.Now().Add(-110*time.Minute))
	vmpoolerWrites(t, c, "forgotten", time.Now().Add(-130*time.Minute))
	mustAdd(t, s, failure("vm", t0, t0))
	newest := s.view("clone").newest
	if _, ok := newest["known"]; !ok || len(newest) != 2 {
		t.Errorf("%v", newest)
	}
}

func TestTwentyRestartsLeaveOneEntry(t *testing.T) {
	c, t0 := server.Client(t), began()
	var all []Candidate
	for i := range 250 {
		all = append(all, failure(fmt.Sprintf("vm-%d", i), t0, t0.Add(time.Duration(i/10)*time.Second)))
	}
	for i := range 20 {
		mustAdd(t, NewStore(c, storeOptions), all[:min(len(all), 20*(i+1))]...)
	}
	if n := size(t, c); n != 250 {
		t.Errorf("%d entries, want 250", n)
	}
}

func TestWithoutTheIndexTheQueueItselfIsAsked(t *testing.T) {
	c, t0 := server.Client(t), began()
	mustAdd(t, NewStore(c, storeOptions), failure("a", t0, t0))
	c.Del(t.Context(), IndexKey("clone"))
	for range 2 { // the first time puts it back into the index
		if got, _ := mustAdd(t, NewStore(c, storeOptions), failure("a", t0, t0.Add(time.Second))); got[0] != Duplicate {
			t.Error(got)
		}
		c.Del(t.Context(), vmpooler.DLQKey("clone")) // an entry deleted by hand stays away
	}
}

func TestStoresThatAddTheSameAtOnceAddEachOnce(t *testing.T) {
	c, t0 := server.Client(t), began()
	var all []Candidate
	for i := range 500 {
		all = append(all, failure(fmt.Sprintf("vm-%d", i), t0, t0.Add(time.Duration(i%7)*time.Second)))
	}
	var wg sync.WaitGroup
	sums := make([]AddSummary, 4)
	for i := range sums {
		wg.Go(func() {
			s := NewStore(c, storeOptions)
			for part := range 10 {
				_, sum, err := s.Add(t.Context(), all[part*50:part*50+50])
				if err != nil {
					t.Error(err)
				}
				sums[i].Added += sum.Added
			}
		})
	}
	wg.Wait()
	added := 0
	for _, sum := range sums {
		added += sum.Added
	}
	if n := size(t, c); n != 500 || added != 500 {
		t.Errorf("%d entries, %d added; want 500", n, added)
	}
}

func TestEntriesLeaveByTheServersClock(t *testing.T) {
	c := server.Client(t)
	now := time.Now()
	for i := range 2500 { // more than one call may drop
		vmpoolerWrites(t, c, fmt.Sprintf("old-%d", i), now.Add(-25*time.Hour))
	}
	vmpoolerWrites(t, c, "young", now.Add(-23*time.Hour))
	s := NewStore(c, StoreOptions{TTL: 24 * time.Hour, MaxEntries: 10000})
	_, sum := mustAdd(t, s, failure("new", now, now))
	if d := cmp.Diff(AddSummary{Added: 1, Expired: 2500}, sum); d != "" {
		t.Error(d)
	}
	if n := size(t, c); n != 2 {
		t.Errorf("%d entries", n)
	}

	s = NewStore(c, StoreOptions{TTL: 22 * time.Hour, MaxEntries: 10000})
	if sum, err := s.Trim(t.Context()); err != nil || sum.Expired != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestTheOldestGoWhenAQueueIsFull(t *testing.T) {
	c, t0 := server.Client(t), began()
	for i := range 2600 {
		vmpoolerWrites(t, c, fmt.Sprintf("its-%d", i), t0.Add(time.Duration(i)*time.Millisecond*10))
	}
	s := NewStore(c, StoreOptions{TTL: 168 * time.Hour, MaxEntries: 100})
	results, sum := mustAdd(t, s, failure("new", t0, t0.Add(time.Minute)), failure("newer", t0, t0.Add(time.Hour)))
	if d := cmp.Diff(AddSummary{Added: 2, Evicted: 2502}, sum); d != "" {
		t.Error(results, d)
	}
	if n := size(t, c); n != 100 {
		t.Errorf("%d entries", n)
	}
	results, sum = mustAdd(t, s, failure("late", t0.Add(-time.Hour), t0.Add(-time.Minute)))
	if results[0] != Expired || sum != (AddSummary{TooOld: 1}) {
		t.Errorf("older than all of a full queue: %v, %+v", results, sum)
	}
	last := c.ZRange(t.Context(), vmpooler.DLQKey("clone"), -2, -1).Val()
	if !strings.HasPrefix(last[0], "new:") || !strings.HasPrefix(last[1], "newer:") {
		t.Errorf("the newest are %q", last)
	}
}

func TestEveryAddPutsTheBackstopOff(t *testing.T) {
	c, t0 := server.Client(t), began()
	s := NewStore(c, StoreOptions{TTL: 2 * time.Hour, MaxEntries: 10})
	for i := range 2 {
		mustAdd(t, s, failure(fmt.Sprint(i), t0, t0))
		for key, want := range map[string]time.Duration{
			vmpooler.DLQKey("clone"): 3 * time.Hour, IndexKey("clone"): 3 * time.Hour, OwnKey("clone"): markFor,
		} {
			if ttl := c.PTTL(t.Context(), key).Val(); ttl > want || ttl < want-time.Minute {
				t.Errorf("%s expires in %v", key, ttl)
			}
			c.Expire(t.Context(), key, 30*time.Second)
		}
	}
}

func TestMessagesAreCleanAndTheOrderIsThatOfTheFailures(t *testing.T) {
	c, t0 := server.Client(t), began()
	var all []Candidate
	for i := range 300 {
		f := failure(fmt.Sprintf("vm-%03d", i), t0, t0.Add(-time.Duration(i)*time.Second))
		f.ErrorMessage, f.ErrorClass = "token:abc\n", "IOError\x1b"
		all = append(all, f)
	}
	mustAdd(t, NewStore(c, storeOptions), all...)
	for i, z := range c.ZRevRangeWithScores(t.Context(), vmpooler.DLQKey("clone"), 0, -1).Val() {
		r, err := Decode("clone", z.Member.(string), z.Score)
		if err != nil || r.VM != all[i].VM || r.ErrorClass != `IOError\x1b` || r.ErrorMessage != `token:[redacted]` && r.ErrorMessage != `token:[redacted]\n` || !r.FailedAt.Equal(all[i].FailedAt) {
			t.Fatalf("%d: %+v, %v", i, r, err)
		}
	}
}

func TestGarbageInTheQueueIsLeftAlone(t *testing.T) {
	c, t0 := server.Client(t), began()
	for _, z := range []redis.Z{{Score: seconds(t0) + 0.5, Member: "a"}, {Score: 1e300, Member: `a:1:{}`}, {Score: seconds(t0) + 0.25, Member: "b:"}} {
		c.ZAdd(t.Context(), vmpooler.DLQKey("clone"), z)
	}
	c.Do(t.Context(), "ZADD", vmpooler.DLQKey("clone"), "+inf", `b:1:{"vm":"b"}`)
	got, _ := mustAdd(t, NewStore(c, storeOptions), failure("a", t0, t0), failure("b", t0, t0))
	if d := cmp.Diff([]Result{Added, Added}, got); d != "" || size(t, c) != 6 {
		t.Error(d, size(t, c))
	}
}

func TestAQueueThatVmpoolerHasNotIsAnError(t *testing.T) {
	c, t0 := server.Client(t), began()
	f, g := failure("a", t0, t0), failure("b", t0, t0)
	f.Queue = "tasks"
	results, _, err := NewStore(c, storeOptions).Add(t.Context(), []Candidate{f, g})
	if err == nil || !strings.Contains(err.Error(), "vmpooler__dlq__tasks") {
		t.Error(err)
	}
	if d := cmp.Diff([]Result{Unwritten, Added}, results); d != "" {
		t.Error(d)
	}
}

func TestACancelledAddSaysWhatIsUnwritten(t *testing.T) {
	c, t0 := server.Client(t), began()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, sum, err := NewStore(c, storeOptions).Add(ctx, []Candidate{failure("a", t0, t0)})
	if err == nil || results[0] != Unwritten || sum != (AddSummary{}) {
		t.Errorf("%v, %+v, %v", results, sum, err)
	}
}
