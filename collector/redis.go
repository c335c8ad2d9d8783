package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func redisCollector() Collector {
	skew := desc("redis", "clock_skew_seconds",
		"The Redis server's clock minus the exporter's.")
	return Collector{
		Name:  "redis",
		Help:  "clock of the Redis server",
		parts: []vmpooler.Part{vmpooler.PartServer},
		descs: []*prometheus.Desc{skew},
		collect: func(st *State, e *emitter) error {
			if st.Snapshot.SkewKnown {
				e.gauge(skew, st.Snapshot.Skew.Seconds())
			}
			return nil
		},
	}
}
