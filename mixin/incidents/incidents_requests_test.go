package incidents

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

func requestIncidents() []incident {
	return []incident{
		{
			name:     "a request is lost",
			scenario: []simulator.Change{{Effect: simulator.LoseRequest}},
			lasts:    15 * time.Minute,
			want:     []alert{warning("OndemandRequestsLost").once(2 * time.Minute)},
		},
		{
			name:     "a request is not fulfilled",
			why:      "its pool has no size: nobody but who asked misses anything",
			options:  func(o *simulator.Options) { o.RequestTTL, o.Rates.Requests = 3*time.Hour, 12 },
			scenario: []simulator.Change{{Effect: simulator.Spell, NeverBoots: 1, Pools: []string{ondemandPool}}},
			lasts:    70 * time.Minute,
			want:     []alert{warning("OndemandRequestStalled").while("vmpooler_ondemand_oldest_request_age_seconds", "", above(1800))},
		},
	}
}
