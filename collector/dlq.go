package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func dlqCollector() Collector {
	var (
		total = desc("health", "dlq_total_size", "Entries in all dead-letter queues.")
		size  = desc("health", "dlq_size", "Entries in the dead-letter queue.", "queue")
	)
	return Collector{
		Name:  "dlq",
		Help:  "sizes of the dead-letter queues",
		parts: []vmpooler.Part{vmpooler.PartDLQ},
		descs: []*prometheus.Desc{total, size},
		collect: func(st *State, e *emitter) error {
			e.known(total, st.Report.DLQTotal)
			for _, q := range st.Report.DLQ {
				e.known(size, q.Size, vmpooler.Label(q.Queue))
			}
			return nil
		},
	}
}
