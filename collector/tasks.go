package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func tasksCollector() Collector {
	var (
		active = desc("health", "tasks_active",
			"Clones in progress, as vmpooler counts them.", "type")
		limit = desc("health", "tasks_limit",
			"Clones that vmpooler has in progress at most: its task_limit and ondemand_clone_limit.", "type")
		pending = desc("health", "tasks_pending",
			"Clones that wait to be begun, in batches as vmpooler queues them.", "type")
		leaked = desc("health", "clone_slots_leaked",
			"Clones in progress by vmpooler's counters beyond the pending VMs that are still being cloned. At task_limit the pools stop filling until vmpooler restarts.")
	)
	return Collector{
		Name:  "tasks",
		Help:  "clones in progress, waiting, and slots that were never given back",
		parts: []vmpooler.Part{vmpooler.PartTasks},
		descs: []*prometheus.Desc{active, limit, pending, leaked},
		collect: func(st *State, e *emitter) error {
			e.known(active, st.Report.Tasks.Clone, "clone")
			e.known(active, st.Report.Tasks.OndemandClone, "ondemand")
			if l := st.TaskLimits; l != (TaskLimits{}) {
				e.gauge(limit, float64(l.Clone), "clone")
				e.gauge(limit, float64(l.Ondemand), "ondemand")
			}
			e.known(pending, st.Report.Ondemand.CreateTasks, "ondemand")
			e.known(leaked, st.Report.CloneSlotsLeaked)
			return nil
		},
	}
}
