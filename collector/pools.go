package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func poolsCollector() Collector {
	var (
		size = desc("pool", "size",
			"Ready VMs that vmpooler is to keep: the size set at run time, else the configured one.", "pool")
		lastReady = desc("pool", "last_ready_timestamp_seconds",
			"When a VM of the pool last became ready.", "pool")
	)
	return Collector{
		Name:  "pools",
		Help:  "configured size and last ready time of every pool",
		parts: []vmpooler.Part{vmpooler.PartPools},
		descs: []*prometheus.Desc{size, lastReady},
		collect: func(st *State, e *emitter) error {
			for i := range st.Snapshot.Pools {
				p := &st.Snapshot.Pools[i]
				e.known(size, p.Size, vmpooler.Label(p.Name))
				if !p.LastReady.IsZero() {
					e.gauge(lastReady, float64(p.LastReady.Unix()), vmpooler.Label(p.Name))
				}
			}
			return nil
		},
	}
}
