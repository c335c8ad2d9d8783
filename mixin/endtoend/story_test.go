package endtoend

import (
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// everything is a fleet to which everything happens within seconds, so that there is
// data for every panel: clones fail, VMs never boot, die when ready and get stuck,
// metadata, slots and requests leak, a provider lists nothing, names collide, the
// purge clears what is stale, and the health is published.
func everything() fleetOptions {
	const history = 5 * time.Minute
	at := func(at time.Duration, c simulator.Change) simulator.Change {
		c.At = history + at
		return c
	}
	pools := []simulator.Pool{
		{Name: "debian-12-x86_64", Alias: "debian-12-64", Size: 12},
		{Name: "ubuntu-24.04-x86_64", Alias: "ubuntu-24.04-64", Size: 10},
		{Name: "redhat-9-x86_64", Alias: "redhat-9-64", Size: 8},
		{Name: "windows-2022-x86_64", Size: 8},
		{Name: emptied, Size: 14},                 // enough for a cliff, however slow the machine is
		{Name: slow, Size: 6, Timeout: time.Hour}, // what never boots there is the purge's
	}
	for i := range pools {
		if pools[i].Timeout == 0 {
			pools[i].Timeout = time.Minute
		}
	}
	return fleetOptions{
		history: history,
		simulation: simulator.Options{
			Pools: pools,
			Seed:  7,
			Rates: &simulator.Rates{
				Checkouts: 120, Requests: 400, CloneFailure: 0.15, NeverBoots: 0.1, ReadyDies: 1,
				DestroyFailure: 0.05, Tokens: 0.7, Leaks: 120,
			},
			Durations: &simulator.Durations{
				Clone:   simulator.Span{Min: time.Second, Max: 3 * time.Second},
				Boot:    simulator.Span{Min: time.Second, Max: 4 * time.Second},
				Destroy: simulator.Span{Min: time.Second, Max: 3 * time.Second},
				Hold:    simulator.Span{Min: 5 * time.Second, Max: 20 * time.Second},
			},
			Scenario: []simulator.Change{
				{At: history - time.Minute, Effect: simulator.LoseRequest},
				{At: history - time.Minute, Effect: simulator.LeakCloneSlot, Count: 2},
				at(3*time.Second, simulator.Change{Effect: simulator.LoseRequest}),
				at(3*time.Second, simulator.Change{Effect: simulator.LeakCloneSlot}),
				at(4*time.Second, simulator.Change{Effect: simulator.CollideName, Pools: []string{"debian-12-x86_64"}}),
				at(8*time.Second, simulator.Change{Effect: simulator.ProviderEmpty, Pools: []string{emptied}}),
			},
			LoopDelay: time.Second, CheckTime: 5 * time.Second, RunningCheck: 5 * time.Second,
			TaskLimit: 30, OndemandCloneLimit: 20, MaxRetries: 2, RequestTTL: 30 * time.Second,
		},
		settings: map[string]any{
			"dlq_enabled": true, "task_limit": 30, "ondemand_clone_limit": 20, "timeout": 1,
			"purge_enabled": true, "purge_interval": 3,
			"max_pending_age": 90, "max_ready_age": 60, "max_completed_age": 60, "max_orphaned_age": 20, "max_request_age": 60,
			"health_check_enabled": true, "health_check_interval": 2,
			"health_thresholds": map[string]any{
				"pending_queue_max": 11, "ready_queue_max": 500, "dlq_max_warning": 50, "dlq_max_critical": 5000,
				"stuck_vm_age_threshold": 45, "stuck_vm_max_warning": 6, "stuck_vm_max_critical": 20,
			},
		},
		pool: map[string]any{"provider": "simulated"},
		flags: func(tb testing.TB, socket string) []string {
			tb.Helper()
			return []string{
				"--dlq.interval=200ms", "--sweep.interval=1s", "--sweep.max-share=1", "--sweep.confirm-after=1s",
				"--purge.start-delay=1s", "--inventory.enabled", "--inventory.interval=2s", "--inventory.command=" + provider(tb, socket),
				"--web.enable-admin-api",
			}
		},
	}
}

// forgetAge takes the time of its clone from a VM that is pending.
func (f *fleet) forgetAge(t *testing.T) {
	t.Helper()
	c := f.redis.NewClient()
	defer c.Close()
	until(t, 20*time.Second, "a VM is of unknown age", func() error {
		vm, err := c.SRandMember(t.Context(), vmpooler.Pending.Key(slow)).Result()
		if err == nil {
			err = c.HDel(t.Context(), vmpooler.VMKey(vm), vmpooler.FieldClone).Err()
		}
		return err
	})
}

const (
	emptied = "sles-15-ppc64le"
	slow    = "almalinux-9-aarch64"
)
