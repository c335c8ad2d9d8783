package dlq

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// truth is what really failed, in the time of the test's Redis.
type truth struct {
	letters []Entry
	shared  map[string]bool // names of which two VMs lived at once, in one hash

	// within returns the span that the time of an entry must lie in.
	within func(want Entry) (from, to time.Time)
}

// score is how complete the entries of a queue are, and how exact.
type score struct {
	all, found, missed, extra int
	worst                     time.Duration // between an entry's time and the truth's
}

// hold compares the entries that stand in Redis with the truth, logs how exact
// they are by queue, and fails below the targets, at an entry that says something
// else than the truth, and at a failure with two entries.
func (tr *truth) hold(t *testing.T, c *redis.Client, recall, precision float64) {
	t.Helper()
	want, got := lives(tr.letters), lives(entries(t, c))
	scores := make(map[string]*score)
	for _, q := range vmpooler.DLQQueues() {
		scores[q] = &score{}
	}
	for life, is := range got {
		n := len(want[life])
		if len(is) > n {
			scores[life.queue].extra += len(is) - n
			t.Logf("extra: %s %s, said to have failed at %v", life.queue, life.vm, is[n].FailedAt)
		}
		if len(is) > max(1, n) {
			t.Errorf("%s %s has %d entries for %d failures", life.queue, life.vm, len(is), n)
		}
	}
	for life, should := range want {
		s, is := scores[life.queue], got[life]
		s.all += len(should)
		s.found += min(len(should), len(is))
		s.missed += max(0, len(should)-len(is))
		if len(is) < len(should) {
			t.Logf("missed: %s %s, failed at %v", life.queue, life.vm, should[len(is)].FailedAt)
			continue
		}
		for i, e := range should {
			if tr.shared[e.VM] {
				continue
			}
			s.worst = max(s.worst, is[i].FailedAt.Sub(e.FailedAt).Abs())
			if d := tr.differs(e, is[i]); d != "" {
				t.Errorf("%s %s: %s", life.queue, life.vm, d)
			}
		}
	}
	var sum score
	for _, q := range vmpooler.DLQQueues() {
		s := scores[q]
		t.Logf("%-8s %4d failures, %4d found, %d missed, %d extra, time off by %v at most", q, s.all, s.found, s.missed, s.extra, s.worst)
		sum.all, sum.found, sum.extra = sum.all+s.all, sum.found+s.found, sum.extra+s.extra
	}
	gotRecall, gotPrecision := float64(sum.found)/float64(sum.all), float64(sum.found)/float64(sum.found+sum.extra)
	t.Logf("recall %.1f %% (target %.1f), precision %.1f %% (target %.1f)", 100*gotRecall, 100*recall, 100*gotPrecision, 100*precision)
	if gotRecall < recall || gotPrecision < precision {
		t.Error("below the target")
	}
}

// differs says what an entry says otherwise than the truth.
func (tr *truth) differs(want, got Entry) string {
	class := want.ErrorClass
	if want.Queue == "ready" { // vmpooler leaves no class in Redis
		class = got.ErrorClass
	}
	for _, x := range []struct{ field, want, got string }{
		{"pool", want.Pool, got.Pool},
		{"queue_from", want.QueueFrom, got.QueueFrom},
		{"class", class, got.ErrorClass},
		{"request", want.RequestID, got.RequestID},
		{"alias", want.PoolAlias, got.PoolAlias},
	} {
		if x.want != x.got {
			return fmt.Sprintf("its %s is %q, not %q", x.field, x.got, x.want)
		}
	}
	if from, to := tr.within(want); got.FailedAt.Before(from) || got.FailedAt.After(to) {
		return fmt.Sprintf("it failed at %v, not at %v (from %v to %v)", got.FailedAt, want.FailedAt, from, to)
	}
	return ""
}

// life is a queue's failures of one name.
type life struct{ queue, vm string }

func lives(all []Entry) map[life][]Entry {
	out := make(map[life][]Entry)
	for _, e := range all {
		key := life{e.Queue, e.VM}
		out[key] = append(out[key], e)
	}
	for _, of := range out {
		slices.SortFunc(of, func(a, b Entry) int { return a.FailedAt.Compare(b.FailedAt) })
	}
	return out
}

// entries reads all that stands in Redis.
func entries(t *testing.T, c *redis.Client) []Entry {
	t.Helper()
	var all []Entry
	for _, r := range paged(t, c, Filter{Limit: 1000}, nil) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		all = append(all, r.Entry)
	}
	return all
}

// exact is within 2 s of the truth.
func exact(want Entry) (from, to time.Time) {
	const off = 2 * time.Second
	return want.FailedAt.Add(-off), want.FailedAt.Add(off)
}
