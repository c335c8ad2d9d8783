package dlq

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// queryNow is the moment of the tests of what reads the queues.
var queryNow = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// put writes entries as vmpooler does, and returns their ids.
func put(tb testing.TB, c *redis.Client, entries ...Entry) []string {
	tb.Helper()
	ids := make([]string, len(entries))
	for i, e := range entries {
		if e.QueueFrom == "" {
			e.QueueFrom = e.Queue
		}
		member, score := Encode(e)
		putRaw(tb, c, e.Queue, member, score)
		ids[i] = MemberID(e.Queue, member)
	}
	return ids
}

func putRaw(tb testing.TB, c *redis.Client, queue, member string, score float64) {
	tb.Helper()
	if err := c.ZAdd(tb.Context(), vmpooler.DLQKey(queue), redis.Z{Score: score, Member: member}).Err(); err != nil {
		tb.Fatal(err)
	}
}

func letter(queue, vm, pool, class, message string, ago time.Duration) Entry {
	return Entry{Queue: queue, VM: vm, Pool: pool, ErrorClass: class, ErrorMessage: message, FailedAt: queryNow.Add(-ago)}
}

func vms(p Page) []string {
	names := make([]string, len(p.Records))
	for i, r := range p.Records {
		names[i] = r.VM
	}
	return names
}

func list(tb testing.TB, c *redis.Client, f Filter) Page {
	tb.Helper()
	p, err := List(tb.Context(), c, f)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// few are one entry of each kind that the filters tell apart.
func few(tb testing.TB, c *redis.Client) []string {
	tb.Helper()
	request := letter("pending", "pix-c-three", "debian", "Timeout", "execution expired", 3*time.Hour)
	request.RequestID = "3a367972-058e-4da6-a1f6-298ffebc7630"
	return put(tb, c,
		letter("clone", "pix-a-one", "debian", "RuntimeError", "Dummy Failure", time.Hour),
		letter("ready", "pix-b-two", "windows", "Unreachable", "No route to HOST", 2*time.Hour),
		request,
		letter("custom", "pix-d-four", "debian", "Timeout", "of another queue", 4*time.Hour))
}

func TestListFiltersAndOrders(t *testing.T) {
	c := server.Client(t)
	few(t, c)
	for name, tc := range map[string]struct {
		filter Filter
		want   string
	}{
		"nothing, newest first":         {Filter{}, "pix-a-one pix-b-two pix-c-three"},
		"oldest first":                  {Filter{Order: Oldest}, "pix-c-three pix-b-two pix-a-one"},
		"a queue":                       {Filter{Queues: []string{"ready"}}, "pix-b-two"},
		"two queues, one of them named": {Filter{Queues: []string{"custom", "clone", "clone"}}, "pix-a-one pix-d-four"},
		"a pool":                        {Filter{Pool: "debian"}, "pix-a-one pix-c-three"},
		"a VM":                          {Filter{VM: "pix-b-two"}, "pix-b-two"},
		"a VM with its domain":          {Filter{VM: "pix-b-two.example.com"}, "pix-b-two"},
		"a request":                     {Filter{RequestID: "3a367972-058e-4da6-a1f6-298ffebc7630"}, "pix-c-three"},
		"an error's message":            {Filter{Error: "ROUTE to host"}, "pix-b-two"},
		"an error's class":              {Filter{Error: "timeout"}, "pix-c-three"},
		"since, inclusive":              {Filter{Since: queryNow.Add(-2 * time.Hour)}, "pix-a-one pix-b-two"},
		"until, inclusive":              {Filter{Until: queryNow.Add(-2 * time.Hour)}, "pix-b-two pix-c-three"},
		"between":                       {Filter{Since: queryNow.Add(-2 * time.Hour), Until: queryNow.Add(-2 * time.Hour)}, "pix-b-two"},
		"nothing like it":               {Filter{Pool: "debian", Error: "route"}, ""},
		"a limit":                       {Filter{Limit: 1}, "pix-a-one"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(vms(list(t, c, tc.filter)), " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestFiltersThatAreWrong(t *testing.T) {
	c := server.Client(t)
	oldest := position{score: 1, queue: "clone", hash: 1}.cursor(Oldest)
	for name, f := range map[string]Filter{
		"order":                     {Order: "random"},
		"negative limit":            {Limit: -1},
		"huge limit":                {Limit: MaxLimit + 1},
		"since after until":         {Since: queryNow, Until: queryNow.Add(-time.Hour)},
		"queue without a name":      {Queues: []string{""}},
		"cursor":                    {Cursor: "next"},
		"cursor of the other order": {Cursor: oldest},
	} {
		if _, err := List(t.Context(), c, f); !errors.Is(err, ErrFilter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGarbageIsShownAndCountedAndNeverFatal(t *testing.T) {
	c := server.Client(t)
	few(t, c)
	for i, raw := range []string{"", "garbage", "\xff\x00\x1b[31m", "vm:1:{", "vm:1:[]", strings.Repeat("x", 100_000)} {
		putRaw(t, c, "clone", raw, float64(queryNow.Unix()+int64(i)))
	}
	const garbage = 6
	c.Set(t.Context(), vmpooler.DLQKey("pending"), "a string", 0)

	p := list(t, c, Filter{})
	if len(p.Records) != garbage+2 || p.Unreadable != garbage || !slices.Equal(p.WrongType, []string{"pending"}) {
		t.Errorf("%d records, %d unreadable, wrong type %v", len(p.Records), p.Unreadable, p.WrongType)
	}
	for _, r := range p.Records[:garbage] {
		if r.Err == nil || r.ID == "" || r.Queue != "clone" {
			t.Errorf("%q: %v, id %q", r.Raw, r.Err, r.ID)
		}
		shown, err := Show(t.Context(), c, r.ID)
		if err != nil || shown.Raw != r.Raw {
			t.Errorf("show %s: %v", r.ID, err)
		}
	}
	p = list(t, c, Filter{Pool: "debian"})
	if len(p.Records) != 1 || p.Unreadable != garbage {
		t.Errorf("by pool: %d records, %d unreadable", len(p.Records), p.Unreadable)
	}
	s, err := Summarize(t.Context(), c, Filter{})
	if err != nil || s.Entries != 2 || s.Unreadable != garbage || !slices.Equal(s.WrongType, []string{"pending"}) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestScoresThatAreNoTimes(t *testing.T) {
	c := server.Client(t)
	for i, score := range []string{"-inf", "-1", "0", "1795422766.5", "1e300", "+inf"} {
		if err := c.Do(t.Context(), "ZADD", vmpooler.DLQKey("clone"), score, fmt.Sprintf("vm-%d:1:{}", i)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	got := paged(t, c, Filter{Limit: 1}, nil)
	if len(got) != 6 {
		t.Errorf("%d of 6 entries", len(got))
	}
	if _, err := Summarize(t.Context(), c, Filter{}); err != nil {
		t.Error(err)
	}
}

// paged lists everything page by page, and fails at an entry seen twice.
func paged(tb testing.TB, c *redis.Client, f Filter, between func(page int)) map[string]Record {
	tb.Helper()
	seen := make(map[string]Record)
	for page := 0; ; page++ {
		p := list(tb, c, f)
		if len(p.Records) > f.Limit {
			tb.Fatalf("a page of %d", len(p.Records))
		}
		for i, r := range p.Records {
			if _, again := seen[r.ID]; again {
				tb.Fatalf("%s twice", r.ID)
			}
			seen[r.ID] = r
			if i > 0 && f.Order != Oldest && r.Score > p.Records[i-1].Score {
				tb.Fatalf("%v after %v", r.Score, p.Records[i-1].Score)
			}
		}
		if p.NextCursor == "" {
			return seen
		}
		f.Cursor = p.NextCursor
		if between != nil {
			between(page)
		}
	}
}

func TestPagesAreCompleteWhileEntriesComeAndGo(t *testing.T) {
	for _, order := range []Order{Newest, Oldest} {
		t.Run(string(order), func(t *testing.T) {
			c := server.Client(t)
			rng := rand.New(rand.NewPCG(1, 2))
			// A handful of seconds only, so that pages end within them; every third
			// entry goes while the pages are read, and others come.
			stay := make(map[string]bool)
			var leave []member
			for i := range 300 {
				queue := vmpooler.DLQQueues()[i%3]
				e := letter(queue, fmt.Sprintf("pix-n-%c%c", 'a'+i/26, 'a'+i%26), "p", "E", "m", time.Duration(rng.IntN(4))*time.Second)
				id := put(t, c, e)[0]
				if rng.IntN(3) > 0 {
					stay[id] = true
				}
			}
			all := list(t, c, Filter{Limit: 1000})
			for _, r := range all.Records {
				if !stay[r.ID] {
					leave = append(leave, member{queue: r.Queue, raw: r.Raw})
				}
			}
			seen := paged(t, c, Filter{Limit: 7, Order: order}, func(page int) {
				for range min(3, len(leave)) {
					m := leave[len(leave)-1]
					leave = leave[:len(leave)-1]
					c.ZRem(t.Context(), vmpooler.DLQKey(m.queue), m.raw)
				}
				putRaw(t, c, "clone", fmt.Sprintf("new-%d:1:{}", page), float64(queryNow.Unix()-int64(page%4)))
			})
			for id := range stay {
				if _, ok := seen[id]; !ok {
					t.Errorf("%s was never shown", id)
				}
			}
		})
	}
}

func TestACursorOutlivesItsEntry(t *testing.T) {
	c := server.Client(t)
	few(t, c)
	first := list(t, c, Filter{Limit: 1})
	if _, err := Delete(t.Context(), c, []string{first.Records[0].ID}, false); err != nil {
		t.Fatal(err)
	}
	if got := vms(list(t, c, Filter{Limit: 1, Cursor: first.NextCursor})); !slices.Equal(got, []string{"pix-b-two"}) {
		t.Errorf("then %v", got)
	}
}

// A walk reads a queue in batches by offset within a score: what goes in
// between must not make it skip.
func TestAWalkMissesNothingWhileMembersOfTheSameSecondGo(t *testing.T) {
	for _, order := range []Order{Newest, Oldest} {
		c := server.Client(t)
		for i := range 100 {
			putRaw(t, c, "clone", fmt.Sprintf("vm-%03d:1:{}", i), 1)
		}
		f := Filter{Order: order}
		q, err := f.compile()
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]int)
		_, err = q.walk(t.Context(), c, 5, func(m *member) error {
			seen[m.raw]++
			if len(seen)%3 == 0 { // one that has been seen goes, and one comes
				c.ZRem(t.Context(), vmpooler.DLQKey("clone"), m.raw)
			}
			if len(seen)%20 == 0 {
				putRaw(t, c, "clone", "vm-000-late:1:{}", 1)
			}
			return nil
		})
		delete(seen, "vm-000-late:1:{}")
		if err != nil || len(seen) != 100 {
			t.Errorf("%s: %d of 100 seen, %v", order, len(seen), err)
		}
		for raw, n := range maps.All(seen) {
			if n != 1 {
				t.Errorf("%s: %s seen %d times", order, raw, n)
			}
		}
	}
}

func TestPagingThirtyThousand(t *testing.T) {
	c := server.Client(t)
	populate(t, c)
	began := time.Now()
	p := list(t, c, Filter{Limit: 50})
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("one page took %v", took)
	}
	if len(p.Records) != 50 {
		t.Errorf("%d records", len(p.Records))
	}
	if seen := paged(t, c, Filter{Limit: 1000}, nil); len(seen) != 30_000 {
		t.Errorf("%d of 30,000", len(seen))
	}
}

// populate writes 10,000 entries into each queue.
func populate(tb testing.TB, c *redis.Client) {
	tb.Helper()
	if err := simulator.Populate(tb.Context(), c, simulator.State{DeadLetters: 10_000, Now: queryNow}); err != nil {
		tb.Fatal(err)
	}
}

func TestShowFindsNothing(t *testing.T) {
	c := server.Client(t)
	few(t, c)
	for _, id := range []string{"", "-", "clone-000000000000", "nothing", "other-000000000000"} {
		var none *NotFoundError
		if _, err := Show(t.Context(), c, id); !errors.As(err, &none) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestErrorsNameTheKey(t *testing.T) {
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer c.Close()
	if _, err := List(t.Context(), c, Filter{}); err == nil || !strings.Contains(err.Error(), "read") {
		t.Errorf("%v", err)
	}
}
