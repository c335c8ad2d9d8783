package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// failedRequests writes n requests that failed, and returns their ids.
func failedRequests(tb testing.TB, c *redis.Client, n int) []string {
	tb.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("request-%d", i)
		failedRequest(tb, c, ids[i])
	}
	return ids
}

// requeueClock is a clock that only Sleep moves.
type requeueClock struct {
	now   time.Duration
	sleep func(now time.Duration) // what happens meanwhile
}

func (k *requeueClock) Sleep(ctx context.Context, d time.Duration) error {
	k.now += d
	if k.sleep != nil {
		k.sleep(k.now)
	}
	return ctx.Err()
}

func states(outcomes []RequeueOutcome) (all []RequeueState) {
	for _, o := range outcomes {
		all = append(all, o.State)
	}
	return all
}

// fails is vmpooler giving a request up.
func fails(t *testing.T, c *redis.Client, id, reason string) {
	t.Helper()
	c.ZRem(t.Context(), vmpooler.KeyRequestQueue, id)
	c.HSet(t.Context(), vmpooler.RequestKey(id), "status", "failed", "failure_reason", reason)
}

func TestRequeueAllKeepsToTheRateAndWatches(t *testing.T) {
	c := server.Client(t)
	ids := failedRequests(t, c, 5)
	c.HSet(t.Context(), vmpooler.RequestKey(ids[2]), "status", "ready")
	var clock requeueClock
	var at []time.Duration
	var progress []string
	outcomes, err := RequeueAll(t.Context(), c, ids, RequeueAllOptions{
		Rate: 0.5, Watch: 2500 * time.Millisecond, Sleep: clock.Sleep,
		Progress: func(done, total int) {
			at = append(at, clock.now)
			progress = append(progress, fmt.Sprintf("%d/%d", done, total))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []RequeueState{RequeueDone, RequeueDone, RequeueRefused, RequeueDone, RequeueDone}
	if !slices.Equal(states(outcomes), want) || outcomes[2].Refused.Detail != "ready" || outcomes[4].Requeues != 1 {
		t.Errorf("%+v", outcomes)
	}
	// The refused one has cost nothing, so nobody waits for it.
	if want := []time.Duration{0, 2 * time.Second, 4 * time.Second, 4 * time.Second, 6 * time.Second}; !slices.Equal(at, want) {
		t.Errorf("at %v, want %v", at, want)
	}
	if clock.now != 6*time.Second+2500*time.Millisecond {
		t.Errorf("it ended at %v", clock.now)
	}
	if got := strings.Join(progress, " "); got != "1/5 2/5 3/5 4/5 5/5" {
		t.Error(got)
	}
}

func TestRequeueAllStopsAtTheFirstThatFailsAgain(t *testing.T) {
	c := server.Client(t)
	ids := failedRequests(t, c, 6)
	clock := requeueClock{sleep: func(now time.Duration) {
		if now == 3*time.Second {
			fails(t, c, ids[1], "no \x1b[31mspace, password=hunter2")
		}
	}}
	outcomes, err := RequeueAll(t.Context(), c, ids, RequeueAllOptions{Watch: time.Hour, Sleep: clock.Sleep})
	var again *FailedAgainError
	if !errors.As(err, &again) || again.ID != ids[1] || again.NotTried != 3 {
		t.Fatal(err)
	}
	for _, text := range []string{again.Reason, outcomes[1].FailureReason, err.Error()} {
		if strings.ContainsAny(text, "\x1b") || strings.Contains(text, "hunter2") || !strings.Contains(text, "space") {
			t.Errorf("%q", text)
		}
	}
	want := []RequeueState{RequeueDone, RequeueFailed, RequeueDone, RequeueNotTried, RequeueNotTried, RequeueNotTried}
	if !slices.Equal(states(outcomes), want) {
		t.Error(states(outcomes))
	}
	for _, id := range ids[3:] {
		if got := c.HGet(t.Context(), vmpooler.RequestKey(id), "status").Val(); got != "failed" {
			t.Errorf("%s is %s", id, got)
		}
	}
}

func TestAFailureAfterTheLastIsSeenWhileWatching(t *testing.T) {
	c := server.Client(t)
	ids := failedRequests(t, c, 2)
	clock := requeueClock{sleep: func(now time.Duration) {
		if now == 5*time.Second {
			fails(t, c, ids[0], "")
		}
	}}
	outcomes, err := RequeueAll(t.Context(), c, ids, RequeueAllOptions{Watch: 10 * time.Second, Sleep: clock.Sleep})
	var again *FailedAgainError
	if !errors.As(err, &again) || again.ID != ids[0] || again.NotTried != 0 || clock.now != 5*time.Second {
		t.Errorf("%v, at %v", err, clock.now)
	}
	if want := []RequeueState{RequeueFailed, RequeueDone}; !slices.Equal(states(outcomes), want) {
		t.Error(states(outcomes))
	}
}

func TestTheWatchEndsWithWhatItWatches(t *testing.T) {
	c := server.Client(t)
	ids := failedRequests(t, c, 4)
	clock := requeueClock{sleep: func(now time.Duration) {
		if now != 6*time.Second {
			return
		}
		c.HSet(t.Context(), vmpooler.RequestKey(ids[0]), "status", "ready")
		c.HSet(t.Context(), vmpooler.RequestKey(ids[1]), "status", "deleted")
		c.Del(t.Context(), vmpooler.RequestKey(ids[2]))
		fails(t, c, ids[3], "of somebody else's requeue")
		c.HSet(t.Context(), vmpooler.RequestKey(ids[3]), FieldRequeued, 2)
	}}
	outcomes, err := RequeueAll(t.Context(), c, ids, RequeueAllOptions{Watch: time.Hour, Sleep: clock.Sleep})
	if err != nil || clock.now != 6*time.Second {
		t.Errorf("%v, at %v", err, clock.now)
	}
	if want := slices.Repeat([]RequeueState{RequeueDone}, 4); !slices.Equal(states(outcomes), want) {
		t.Error(states(outcomes))
	}
}

func TestRequeueAllIsCancelledInTheMiddle(t *testing.T) {
	c := server.Client(t)
	ids := failedRequests(t, c, 5)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	clock := requeueClock{sleep: func(now time.Duration) {
		if now == 2*time.Second {
			cancel()
		}
	}}
	outcomes, err := RequeueAll(ctx, c, ids, RequeueAllOptions{Sleep: clock.Sleep})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "after 2 of 5") {
		t.Error(err)
	}
	want := []RequeueState{RequeueDone, RequeueDone, RequeueNotTried, RequeueNotTried, RequeueNotTried}
	if !slices.Equal(states(outcomes), want) {
		t.Error(states(outcomes))
	}

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	check := unchanged(t, c)
	if _, err := RequeueAll(cancelled, c, ids[2:], RequeueAllOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := sleep(cancelled, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	check()
}

func TestAWatchThatIsCancelledSaysThatAllWereTried(t *testing.T) {
	c := server.Client(t)
	ids := failedRequests(t, c, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	clock := requeueClock{sleep: func(time.Duration) { cancel() }}
	outcomes, err := RequeueAll(ctx, c, ids, RequeueAllOptions{Watch: time.Minute, Sleep: clock.Sleep})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "all were tried") || outcomes[0].State != RequeueDone {
		t.Errorf("%v, %+v", err, outcomes)
	}
}

func TestADryRunOfManyRequeuesNeitherWritesNorWaits(t *testing.T) {
	c := server.Client(t)
	ids := failedRequests(t, c, 3)
	c.HSet(t.Context(), vmpooler.RequestKey(ids[1]), FieldRequeued, 3)
	check := unchanged(t, c)
	outcomes, err := RequeueAll(t.Context(), c, ids, RequeueAllOptions{
		RequeueOptions: RequeueOptions{DryRun: true}, Watch: time.Hour,
		Sleep: func(context.Context, time.Duration) error { t.Error("it waits"); return nil },
	})
	if want := []RequeueState{RequeueDone, RequeueRefused, RequeueDone}; err != nil || !slices.Equal(states(outcomes), want) {
		t.Errorf("%v, %v", err, states(outcomes))
	}
	check()
}

func TestRequeueAllStopsWhereRedisRefuses(t *testing.T) {
	c := server.Client(t)
	ids := failedRequests(t, c, 3)
	clock := requeueClock{sleep: func(time.Duration) { c.ConfigSet(t.Context(), "maxmemory", "1") }}
	defer c.ConfigSet(context.WithoutCancel(t.Context()), "maxmemory", "0")
	outcomes, err := RequeueAll(t.Context(), c, ids, RequeueAllOptions{Sleep: clock.Sleep})
	if err == nil || !strings.Contains(err.Error(), "OOM") || !strings.Contains(err.Error(), "stopped after 1 of 3 requests") {
		t.Error(err)
	}
	if want := []RequeueState{RequeueDone, RequeueNotTried, RequeueNotTried}; !slices.Equal(states(outcomes), want) {
		t.Error(states(outcomes))
	}
}

func TestRequeueAllTakesNoRateThatNeverEnds(t *testing.T) {
	for _, rate := range []float64{-1, 1e-9, 1e9} {
		if outcomes, err := RequeueAll(t.Context(), nil, []string{"a"}, RequeueAllOptions{Rate: rate}); err == nil || outcomes != nil {
			t.Errorf("%v: %v, %v", rate, outcomes, err)
		}
	}
}
