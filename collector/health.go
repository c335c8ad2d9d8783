package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func healthCollector() Collector {
	var (
		status = desc("health", "status",
			"Status of vmpooler: 0 healthy, 1 degraded, 2 unhealthy.")
		condition = desc("health", "condition",
			"Whether a condition holds: 1 while its value is beyond its threshold. Those that hold are the reasons behind the status, but for queue_cliff and purge_held; pool is empty for a condition of the whole vmpooler.",
			"condition", "pool", "severity")
		stuck = desc("health", "stuck_vms",
			"Pending VMs of all pools that are older than stuck_vm_age_threshold.")
		threshold = desc("health", "threshold",
			"Threshold in force, by its name in vmpooler.yaml; ages are in seconds.", "name")
		duration = desc("health", "check_duration_seconds",
			"Time that reading vmpooler's state and judging it took.")
	)
	return Collector{
		Name:   "health",
		Help:   "status, the conditions behind it, and the thresholds",
		parts:  []vmpooler.Part{vmpooler.PartQueues, vmpooler.PartDLQ},
		descs:  []*prometheus.Desc{status, condition, stuck, threshold, duration},
		always: true,
		collect: func(st *State, e *emitter) error {
			for name, value := range st.Thresholds.All() {
				e.gauge(threshold, value, name)
			}
			if st.Err != nil {
				return nil
			}
			e.gauge(duration, st.Took.Seconds())
			if st.Report.Known {
				e.gauge(status, float64(st.Report.Status))
				e.gauge(stuck, float64(st.Report.Stuck))
			}
			for _, checks := range [...][]health.Check{st.Report.Checks, st.Observed} {
				for _, c := range checks {
					e.sample(condition, boolean(c.Holds()),
						labels("condition", string(c.Condition), "pool", vmpooler.Label(c.Pool), "severity", string(c.Severity)))
				}
			}
			return nil
		},
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
