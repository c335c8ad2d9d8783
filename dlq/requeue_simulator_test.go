package dlq

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// A request asks for VMs of two pools, of which one has no template. vmpooler
// gives it the VM of the other, and fails it; the template is put right; the
// request is put back as soon as that is not refused, and fulfilled.
func TestARequestThatFailedIsRequeuedAndFulfilled(t *testing.T) {
	c := server.Client(t)
	const mended = 4 * time.Minute
	const requeue = 7 * time.Minute // beyond the request's time, 5 minutes
	start := c.Time(t.Context()).Val().Add(-requeue)
	sim, err := simulator.New(c, simulator.Options{
		Seed: 4, Start: start, Rates: &simulator.Rates{},
		Pools: []simulator.Pool{{Name: "good", Alias: "g", Size: 1}, {Name: "bad", Alias: "b", Size: 1}},
		Scenario: []simulator.Change{
			{Effect: simulator.TemplateBroken, Pools: []string{"bad"}, For: mended},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	advance := func(until time.Duration) {
		t.Helper()
		if err := sim.Step(t.Context(), start.Add(until)); err != nil {
			t.Fatal(err)
		}
	}
	status := func() vmpooler.RequestStatus {
		return vmpooler.RequestStatus(c.HGet(t.Context(), failedKey, vmpooler.FieldStatus).Val())
	}
	given := func(alias, pool string) int64 {
		return c.SCard(t.Context(), vmpooler.RequestVMsKey(failedID, alias, pool)).Val()
	}
	advance(10 * time.Second)
	c.HSet(t.Context(), failedKey, vmpooler.FieldRequested, "g:good:1,b:bad:2", vmpooler.FieldStatus, "pending")
	c.ZAdd(t.Context(), vmpooler.KeyRequestQueue, redis.Z{Score: float64(sim.Now().Unix()), Member: failedID})
	refused := func(until time.Duration, want Refusal) {
		t.Helper()
		advance(until)
		check := unchanged(t, c)
		_, err := Requeue(t.Context(), c, failedID, RequeueOptions{})
		if got := (*RefusedError)(nil); !errors.As(err, &got) || got.Reason != want {
			t.Errorf("after %v: %v, want %s", until, err, want)
		}
		check()
	}
	refused(10*time.Second, RefusedStatus)
	refused(20*time.Second, RefusedProcessing)
	if status() != vmpooler.RequestFailed {
		t.Fatalf("it is %s", status())
	}
	refused(5*time.Minute, RefusedProcessing)

	advance(requeue)
	if ttl := c.TTL(t.Context(), failedKey).Val(); status() != vmpooler.RequestFailed || ttl <= 0 {
		t.Fatalf("it is %s, its TTL %v", status(), ttl)
	}
	// A VM of the first attempt that its set still names.
	c.SAdd(t.Context(), vmpooler.RequestVMsKey(failedID, "b", "bad"), "pix-left-over")
	if _, err := Requeue(t.Context(), c, failedID, RequeueOptions{}); err != nil {
		t.Fatal(err)
	}
	advance(requeue + 4*time.Minute)
	// vmpooler waits for exactly these numbers.
	if status() != vmpooler.RequestReady || given("g", "good") != 1 || given("b", "bad") != 2 {
		t.Errorf("it is %s, with %d and %d VMs", status(), given("g", "good"), given("b", "bad"))
	}
}
