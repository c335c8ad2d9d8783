package demo

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// passing lets the demo's time go on with every script.
type passing struct{ tick func() }

func (passing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (passing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (p passing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" {
			p.tick()
		}
		return next(ctx, cmd)
	}
}

// What the story says of the purge: leaked metadata gets a TTL, and the pool whose
// timeout is far too long is cleared of what is stuck in pending.
func TestThePurgeClearsWhatTheDemoLeavesBehind(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	start := now
	pass := func(d time.Duration) time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
		return now
	}
	d, err := prepare(t.Context(), Options{Seed: 1, Now: func() time.Time { return pass(0) }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	if err := os.WriteFile(file, d.Config(), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(config.Options{File: file, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if !settings.Purge.Enabled || settings.Purge.Interval != purgeEvery {
		t.Fatalf("%+v", settings.Purge)
	}
	c := redis.NewClient(&redis.Options{Addr: d.Addr(), DisableIdentity: true, Protocol: 2})
	defer c.Close()
	c.AddHook(passing{func() { d.setTime(pass(10 * time.Millisecond)) }}) // the lease is prolonged beside the purge
	limits := purger.DefaultLimits()
	limits.MaxSkew = 24 * time.Hour // the demo's time is not ours here
	p := purger.New(purger.Options{
		Client: c, Source: &purger.Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c},
		Settings: purger.Settings{
			Targets:       map[purger.Target]bool{purger.Pending: true, purger.Orphaned: true},
			MaxPendingAge: settings.Purge.MaxPendingAge, MaxOrphanedAge: settings.Purge.MaxOrphanedAge,
			DataTTL: settings.Redis.DataTTL, DeadLetters: settings.DLQ.Enabled, DLQTTL: settings.DLQ.TTL, Limits: limits,
		},
		Logger: log.NewNopLogger(), Owner: "demo:1:test", ConfirmAfter: time.Nanosecond,
	})
	purged := map[purger.Target]int{}
	for at, next := start, start; at.Sub(start) < cycle; at = pass(4 * time.Second) {
		if err := d.advance(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if at.Before(next) {
			continue
		}
		next = at.Add(purgeEvery)
		plan, err := p.Plan(t.Context(), purger.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Apply(t.Context(), plan, "loop", nil); err != nil {
			t.Fatal(err)
		}
		for i := range plan.Actions {
			switch a := &plan.Actions[i]; {
			case a.Outcome == purger.Applied:
				purged[a.Target]++
				if a.Target == purger.Pending && a.Pool != slowPool {
					t.Errorf("pool %s: %s", a.Pool, a.Reason)
				}
			case a.Outcome != purger.Skipped:
				t.Errorf("%s %s: %s, %s", a.Target, a.VM, a.Outcome, a.Why)
			}
		}
	}
	t.Logf("in %v: %v", cycle, purged)
	if purged[purger.Pending] < 3 || purged[purger.Orphaned] < 3 {
		t.Errorf("in %v only %v", cycle, purged)
	}
	for _, vm := range c.SMembers(t.Context(), vmpooler.Pending.Key(slowPool)).Val() {
		at, err := vmpooler.ParseTime(c.HGet(t.Context(), vmpooler.VMKey(vm), vmpooler.FieldClone).Val())
		if age := pass(0).Sub(at); err != nil || age > pendingAge+purgeEvery+10*time.Second {
			t.Errorf("%s is still pending after %v", vm, age)
		}
	}
}
