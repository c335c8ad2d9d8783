package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func queuesCollector() Collector {
	var (
		size = desc("health", "queue_size",
			"VMs in the queue.", "pool", "queue")
		oldest = desc("health", "queue_oldest_age_seconds",
			"Age of the queue's oldest VM whose age is known, 0 for an empty queue.", "pool", "queue")
		average = desc("health", "queue_average_age_seconds",
			"Average age of the queue's VMs whose age is known, 0 for an empty queue.", "pool", "queue")
		stuck = desc("health", "queue_stuck",
			"VMs that have been in the queue for longer than stuck_vm_age_threshold.", "pool", "queue")
		unknown = desc("health", "queue_age_unknown",
			"VMs whose metadata does not say since when they are in the queue.", "pool", "queue")
	)
	return Collector{
		Name:  "queues",
		Help:  "size and ages of the six queues of every pool",
		parts: []vmpooler.Part{vmpooler.PartQueues},
		descs: []*prometheus.Desc{size, oldest, average, stuck, unknown},
		collect: func(st *State, e *emitter) error {
			for i := range st.Report.Pools {
				p := &st.Report.Pools[i]
				pool := vmpooler.Label(p.Name)
				for _, q := range vmpooler.Queues() {
					stats := p.Queues[q]
					if stats == nil {
						continue
					}
					ls := labels("pool", pool, "queue", q.String())
					e.sample(size, float64(stats.Size), ls)
					e.sample(unknown, float64(stats.AgeUnknown), ls)
					if q.AgeField() != "" && (stats.Known > 0 || stats.Size == 0) {
						e.sample(oldest, float64(stats.OldestAge), ls)
						e.sample(average, float64(stats.AverageAge), ls)
					}
					if q == vmpooler.Pending {
						e.sample(stuck, float64(stats.Stuck), ls)
					}
				}
			}
			return nil
		},
	}
}
