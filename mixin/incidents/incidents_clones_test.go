package incidents

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

func cloneIncidents() []incident {
	return []incident{
		{
			name:     "one clone in ten fails",
			scenario: []simulator.Change{{Effect: simulator.Spell, CloneFailure: 0.1}},
			lasts:    45 * time.Minute,
		},
		{
			name:     "a template is broken",
			scenario: []simulator.Change{{Effect: simulator.TemplateBroken, Pools: []string{largePool}}},
			lasts:    32 * time.Minute,
			want: []alert{
				warning("CloneFailureRatioHigh").with(of(largePool)).once(6 * time.Minute),
				warning("DLQTooLarge").while("vmpooler_health_dlq_total_size", "", above(100)),
			},
		},
		{
			name:     "a datastore is full",
			scenario: []simulator.Change{{Effect: simulator.Spell, CloneFailure: 1}},
			lasts:    time.Hour,
			want: append(emptied(),
				// Pools that clone little take long to fail five times, and count among
				// those that clone all the same.
				critical("CloneFailureRatioHigh").once(16*time.Minute),
				warning("CloneFailureRatioHigh").with(of(largePool)).once(10*time.Minute),
				warning("DLQTooLarge").while("vmpooler_health_dlq_total_size", "", above(100)),
				warning("DLQFillingUp").once(18*time.Minute), // by the rate of an hour, most of which was well
				warning("Unhealthy").while("vmpooler_health_status", "", above(0)),
				critical("Unhealthy").while("vmpooler_health_status", "", above(1)).byChance(),
			),
			also:  "CloneFailureRatioHigh|PoolEmptySoon",
			pages: "VmpoolerCloneFailureRatioHigh",
		},
		{
			name:     "clone slots leak",
			scenario: []simulator.Change{{Effect: simulator.LeakCloneSlot, Count: 3}},
			lasts:    25 * time.Minute,
			want:     []alert{warning("CloneSlotsLeaked")},
		},
		{
			name:     "all clone slots have leaked",
			scenario: []simulator.Change{{Effect: simulator.LeakCloneSlot, Count: 10}},
			lasts:    50 * time.Minute,
			want:     append(emptied(), critical("CloneSlotsLeaked"), warning("CloneSlotsLeaked")),
			also:     "PoolEmptySoon",
			pages:    "VmpoolerCloneSlotsLeaked",
		},
		{
			name: "vmpooler's manager has stopped",
			scenario: []simulator.Change{
				{Effect: simulator.Restart, For: 10 * time.Hour},
				{Effect: simulator.Rush, At: 10 * time.Minute, Count: 20, Pools: []string{largePool}},
			},
			lasts: 50 * time.Minute,
			want: append(emptied(),
				warning("OndemandRequestStalled").while("vmpooler_ondemand_oldest_request_age_seconds", "", above(1800)).byChance(),
			),
			also:  "PoolEmptySoon",
			pages: "VmpoolerPoolEmpty",
		},
	}
}
