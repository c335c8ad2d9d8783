package dlq

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// do sends commands that must succeed.
func do(t *testing.T, c *redis.Client, commands ...string) {
	t.Helper()
	for _, command := range commands {
		var args []any
		for word := range strings.FieldsSeq(command) {
			args = append(args, word)
		}
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
}

// forgetLetters removes all that exporters wrote.
func forgetLetters(t *testing.T, c *redis.Client) {
	t.Helper()
	for _, q := range vmpooler.DLQQueues() {
		c.Del(t.Context(), vmpooler.DLQKey(q), IndexKey(q), OwnKey(q))
	}
}

// names returns which failures stand in Redis.
func names(t *testing.T, c *redis.Client) []life {
	t.Helper()
	return slices.SortedFunc(maps.Keys(lives(entries(t, c))), func(a, b life) int {
		return strings.Compare(a.queue+a.vm, b.queue+b.vm)
	})
}

func TestWhatRedisRefusesIsRecordedLater(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--maxmemory-policy", "noeviction"))
	for name, tc := range map[string]struct {
		words        string // of the error
		refuse, mend []string
	}{
		"out of memory": {"OOM", []string{"CONFIG SET maxmemory 1"}, []string{"CONFIG SET maxmemory 0"}},
		"a replica":     {"READONLY", []string{"REPLICAOF 127.0.0.1 1"}, []string{"REPLICAOF NO ONE"}},
		"no permission": {"NOPERM", []string{"ACL SETUSER exporter -zadd"}, []string{"ACL SETUSER exporter +zadd"}},
		"a queue of another type": {
			"WRONGTYPE", []string{"RENAME vmpooler__dlq__clone away", "SET vmpooler__dlq__clone text"}, []string{"RENAME away vmpooler__dlq__clone"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplay(t, ordinary)
			r.c = s.Client(t)
			do(t, r.c, "ACL SETUSER exporter on >pw ~* +@all")
			user := *r.c.Options()
			user.Username, user.Password = "exporter", "pw"
			c := redis.NewClient(&user)
			defer c.Close()
			e := newExporter(atMoment(t, c, r.now), r.rules, r.now)
			r.to(50)
			e.catchUp(t)
			recorded := len(entries(t, r.c))
			success := testutil.ToFloat64(e.metrics.lastSuccess)

			r.to(150)
			do(t, r.c, tc.refuse...)
			for range 3 {
				if err := e.Record(t.Context()); err == nil || !strings.Contains(err.Error(), tc.words) {
					t.Fatalf("Record = %v", err)
				}
				e.sweep(t)
			}
			if got := testutil.ToFloat64(e.metrics.lastSuccess); got != success || got == 0 {
				t.Errorf("the time of the last success went from %v to %v", success, got)
			}
			if n := testutil.ToFloat64(e.metrics.failures); n == 0 {
				t.Error("no failure to write is counted")
			}

			do(t, r.c, tc.mend...)
			e.record(t)
			if got := testutil.ToFloat64(e.metrics.lastSuccess); got != float64(r.now().Unix()) {
				t.Errorf("the time of the last success is %v", got)
			}
			got := names(t, r.c)
			if len(got) < recorded+20 {
				t.Errorf("%d entries, after %d before", len(got), recorded)
			}
			forgetLetters(t, r.c)
			r.exporter().catchUp(t) // which nothing was refused
			if d := cmp.Diff(names(t, r.c), got, cmp.AllowUnexported(life{})); d != "" {
				t.Errorf("lost (-) or too much (+):\n%s", d)
			}
		})
	}
}

// cloneFailures writes the hashes of n clones that failed at a moment.
func cloneFailures(t *testing.T, c *redis.Client, n int, at time.Time) {
	t.Helper()
	pipe := c.Pipeline()
	flush := func() {
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		key := vmpooler.VMKey(fmt.Sprintf("vm-%d", i))
		pipe.HSet(t.Context(), key, "pool", "p", "clone", vmpooler.FormatTime(at.Add(-time.Minute)), "clone_error", "no space left", "clone_error_class", "IOError")
		pipe.PExpireAt(t.Context(), key, at.Add(dataTTL))
		if pipe.Len() >= 5000 {
			flush()
		}
	}
	flush()
}

// A datastore dies while Redis takes no writes, and more failures wait than the
// recorder keeps: the others are found again by their hashes.
func TestMoreFailuresThanCanWaitAreAllRecorded(t *testing.T) {
	const most, all = 500, 1200
	for name, failed := range map[string]time.Duration{
		"since it began":  5 * time.Second,
		"before it began": -2 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			do(t, c, "SADD "+vmpooler.KeyPools+" p")
			e := newExporter(c, oneMinute, time.Now)
			e.most = most
			e.record(t)
			cloneFailures(t, c, all, time.Now().Add(failed))

			refused, refuse := context.WithCancel(t.Context())
			refuse()
			e.sweep(t)
			if err := e.Record(refused); err == nil {
				t.Fatal("no error")
			}
			if n := len(e.waiting); n != most {
				t.Fatalf("%d wait", n)
			}
			for range 2 {
				e.record(t)
				e.sweepWhileRecording(t, most/2)
			}
			e.record(t)
			if n := len(lives(entries(t, c))); n != all || size(t, c) != all || len(e.waiting) != 0 {
				t.Errorf("%d entries of %d VMs, want %d; %d wait", size(t, c), n, all, len(e.waiting))
			}
		})
	}
}
