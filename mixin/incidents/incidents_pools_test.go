package incidents

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

// The largest pool, and the one that is filled by requests alone.
const (
	largePool    = "debian-12-x86_64"
	ondemandPool = "almalinux-9-aarch64"
)

func poolIncidents() []incident {
	return []incident{
		{
			name:     "a provider lists nothing for a minute",
			scenario: []simulator.Change{{Effect: simulator.ProviderEmpty, For: time.Minute, Pools: []string{largePool}}},
			lasts:    15 * time.Minute,
			want:     []alert{critical("InventoryCliff").with(of(largePool)).once(time.Minute)},
			pages:    "VmpoolerInventoryCliff",
		},
		{
			name:     "a provider lists nothing for an hour",
			why:      "what is left is an empty pool, which is the same matter",
			scenario: []simulator.Change{{Effect: simulator.ProviderEmpty, For: time.Hour, Pools: []string{largePool}}},
			lasts:    50 * time.Minute,
			want: []alert{
				critical("InventoryCliff").with(of(largePool)).once(time.Minute),
				critical("PoolEmpty").empty(largePool).byChance(),
				warning("PoolEmpty").mostlyEmpty(largePool).byChance(),
			},
			pages: "VmpoolerInventoryCliff",
		},
		{
			name:     "a pool is drained on purpose",
			scenario: []simulator.Change{{Effect: simulator.Drain, Pools: []string{largePool}}},
			lasts:    45 * time.Minute,
		},
		{
			name: "a pool is used up faster than it is filled",
			options: func(o *simulator.Options) {
				o.Pools, o.Rates.Checkouts, o.TaskLimit = o.Pools[:1], 0.2, 4
				o.Durations = &simulator.Durations{
					Clone: simulator.Span{Min: 3 * time.Minute, Max: 5 * time.Minute}, Boot: simulator.Span{Min: 20 * time.Second, Max: 90 * time.Second},
					Destroy: simulator.Span{Min: 3 * time.Second, Max: 15 * time.Second}, Hold: simulator.Span{Min: 5 * time.Minute, Max: 40 * time.Minute},
				}
			},
			scenario: []simulator.Change{{Effect: simulator.Rush, Every: 45 * time.Second, Pools: []string{largePool}}},
			lasts:    65 * time.Minute,
			want: []alert{
				warning("PoolEmptySoon").with(of(largePool)).while("vmpooler_health_queue_size", of(largePool)+`,queue="ready"`, below(10)),
				warning("PoolEmpty").mostlyEmpty(largePool).byChance(),
			},
		},
		{
			name: "VMs do not boot any more and stay pending",
			why:  "the pool gives them two hours, and half an hour is too long for pending ones",
			file: "  health_thresholds:\n    stuck_vm_age_threshold: 1800\n",
			options: func(o *simulator.Options) {
				o.Pools[0].Timeout = 2 * time.Hour
			},
			scenario: []simulator.Change{{Effect: simulator.Spell, NeverBoots: 1, Pools: []string{largePool}}},
			lasts:    100 * time.Minute,
			want: []alert{
				warning("PendingOldestTooOld").with(of(largePool)).while("vmpooler_health_queue_oldest_age_seconds", of(largePool)+`,queue="pending"`, above(1800)),
				warning("StuckVms").while("vmpooler_health_stuck_vms", "", above(10)),
				warning("Unhealthy").while("vmpooler_health_status", "", above(0)),
				critical("PoolEmpty").empty(largePool),
				warning("PoolEmpty").mostlyEmpty(largePool),
				info("PoolUnderfilled").with(of(largePool)).while("vmpooler_health_queue_size", of(largePool)+`,queue="ready"`, below(10)),
			},
			also:  "PoolEmptySoon",
			pages: "VmpoolerPoolEmpty",
		},
		{
			name: "VMs do not boot any more until they are far too many",
			why:  "vmpooler is unhealthy in the end, by which nobody is woken a second time",
			file: "  health_thresholds:\n    stuck_vm_age_threshold: 1800\n    stuck_vm_max_critical: 15\n",
			options: func(o *simulator.Options) {
				o.Pools[0].Timeout = 2 * time.Hour
			},
			scenario: []simulator.Change{{Effect: simulator.Spell, NeverBoots: 1, Pools: []string{largePool}}},
			lasts:    100 * time.Minute,
			want: []alert{
				warning("PendingOldestTooOld").with(of(largePool)).while("vmpooler_health_queue_oldest_age_seconds", of(largePool)+`,queue="pending"`, above(1800)),
				warning("StuckVms").while("vmpooler_health_stuck_vms", "", above(10)),
				warning("Unhealthy").while("vmpooler_health_status", "", above(0)).byChance(),
				critical("Unhealthy").while("vmpooler_health_status", "", above(1)),
				critical("PoolEmpty").empty(largePool),
				warning("PoolEmpty").mostlyEmpty(largePool),
				info("PoolUnderfilled").with(of(largePool)).while("vmpooler_health_queue_size", of(largePool)+`,queue="ready"`, below(10)),
			},
			also:  "PoolEmptySoon",
			pages: "VmpoolerPoolEmpty",
		},
	}
}
