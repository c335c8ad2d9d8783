package demo

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// status reads the state with plain commands and applies the rules for what
// can move here: sizes of pending queues, and stuck VMs.
func status(t *testing.T, d *Demo, now time.Time) (string, int) {
	t.Helper()
	limits, ctx := d.Thresholds(), t.Context()
	stuck, worst := 0, 0
	for _, pool := range d.client.SMembers(ctx, vmpooler.KeyPools).Val() {
		members := d.client.SMembers(ctx, vmpooler.Pending.Key(pool)).Val()
		worst = max(worst, len(members))
		for _, vm := range members {
			at, err := vmpooler.ParseTime(d.client.HGet(ctx, vmpooler.VMKey(vm), vmpooler.FieldClone).Val())
			if err == nil && now.Sub(at) > limits.StuckVMAge {
				stuck++
			}
		}
	}
	switch {
	case stuck > limits.StuckVMMaxCritical || worst > 2*limits.PendingQueueMax:
		return "unhealthy", stuck
	case stuck > limits.StuckVMMaxWarning || worst > limits.PendingQueueMax:
		return "degraded", stuck
	}
	return "healthy", stuck
}

func TestTheStatusFollowsTheStory(t *testing.T) {
	for seed := range uint64(2) {
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		start := now
		d, err := prepare(t.Context(), Options{Seed: seed, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		first := make(map[string]time.Duration) // when each status was first there, after the one before
		order := []string{"healthy", "degraded", "unhealthy", "healthy", "degraded"}
		var seen []string
		for ; now.Sub(start) < 12*time.Minute; now = now.Add(4 * time.Second) {
			if err := d.advance(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			got, stuck := status(t, d, now)
			if len(seen) < len(order) && got == order[len(seen)] {
				seen = append(seen, got)
				first[strings.Join(seen, " ")] = now.Sub(start)
				t.Logf("seed %d: %s at %v with %d stuck", seed, got, now.Sub(start), stuck)
			}
			if at := now.Sub(start); at > 6*time.Minute && at < cycle && got != "healthy" {
				t.Errorf("seed %d: %s at %v", seed, got, at)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		for _, limit := range []struct {
			path     string
			from, to time.Duration
		}{
			{"healthy", 0, 0},
			{"healthy degraded", 20 * time.Second, 2 * time.Minute},
			{"healthy degraded unhealthy", time.Minute, 3 * time.Minute},
			{"healthy degraded unhealthy healthy", 3 * time.Minute, 6 * time.Minute},
			{"healthy degraded unhealthy healthy degraded", cycle + 20*time.Second, cycle + 2*time.Minute},
		} {
			if at, ok := first[limit.path]; !ok || at < limit.from || at > limit.to {
				t.Errorf("seed %d: %s at %v (%v), want from %v to %v", seed, limit.path, at, ok, limit.from, limit.to)
			}
		}
	}
}

func TestThePictureIsAliveAtTheStart(t *testing.T) {
	d, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c := redis.NewClient(&redis.Options{Addr: d.Addr(), DisableIdentity: true})
	defer c.Close()
	ready, running, orphans := 0, 0, 0
	live := make(map[string]bool)
	for _, pool := range c.SMembers(t.Context(), vmpooler.KeyPools).Val() {
		ready += int(c.SCard(t.Context(), vmpooler.Ready.Key(pool)).Val())
		running += int(c.SCard(t.Context(), vmpooler.Running.Key(pool)).Val())
		for _, q := range vmpooler.Queues() {
			for _, vm := range c.SMembers(t.Context(), q.Key(pool)).Val() {
				live[vm] = true
			}
		}
	}
	expiring, shortest := 0, time.Hour
	for _, key := range c.Keys(t.Context(), vmpooler.VMKey("*")).Val() {
		vm, _ := vmpooler.VMFromKey(key)
		switch ttl := c.TTL(t.Context(), key).Val(); {
		case ttl > 0:
			expiring++
			shortest = min(shortest, ttl)
		case !live[vm]:
			orphans++
		}
	}
	if ready < 20 || running < 20 || expiring < 100 || orphans == 0 {
		t.Errorf("%d ready, %d running, %d hashes that expire, %d leaked", ready, running, expiring, orphans)
	}
	if shortest > time.Hour-history+2*time.Minute {
		t.Errorf("the oldest hash has %v left: its TTL did not pass with the history", shortest)
	}
	if got := c.Time(t.Context()).Val(); time.Since(got).Abs() > 5*time.Second {
		t.Errorf("the server's clock shows %v", got)
	}
}

func TestTheStoryIsTold(t *testing.T) {
	d := &Demo{start: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	text := strings.Join(d.Story(), "\n")
	for _, want := range []string{"6 pools", "12:00:00", "0:15", "degraded", "unhealthy", emptyPool} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	if testing.Verbose() {
		os.Stderr.WriteString(text + "\n")
	}
}

func TestAnAddressInUseIsNamed(t *testing.T) {
	d, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := Start(t.Context(), Options{Addr: d.Addr()}); err == nil || !strings.Contains(err.Error(), d.Addr()) {
		t.Errorf("the error is %v", err)
	}
}
