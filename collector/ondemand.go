package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func ondemandCollector() Collector {
	var (
		backlog = desc("ondemand", "queue_size",
			"Entries in a queue of on-demand requests: request (not looked at yet), processing (VMs are being made), create (clones that wait to be begun).", "queue")
		oldest = desc("ondemand", "oldest_request_age_seconds",
			"Age of the oldest on-demand request that waits or is being processed, 0 without one.")
		requests = desc("ondemand", "requests",
			"On-demand requests by status, as the last sweep found them.", "status")
		lost = desc("ondemand", "requests_lost",
			"On-demand requests that are pending but in none of vmpooler's queues, as the last sweep found them: they will never be filled.")
	)
	statuses := []vmpooler.RequestStatus{
		vmpooler.RequestPending, vmpooler.RequestReady, vmpooler.RequestFailed, vmpooler.RequestDeleted, vmpooler.RequestOther,
	}
	return Collector{
		Name:  "ondemand",
		Help:  "on-demand requests: backlog, status, lost ones",
		parts: []vmpooler.Part{vmpooler.PartOndemand},
		descs: []*prometheus.Desc{backlog, oldest, requests, lost},
		collect: func(st *State, e *emitter) error {
			o := st.Report.Ondemand
			e.known(backlog, o.Waiting, "request")
			e.known(backlog, o.Processing, "processing")
			e.known(backlog, o.CreateTasks, "create")
			if o.OldestKnown {
				age := 0.0
				if !o.OldestRequest.IsZero() {
					age = max(0, st.Snapshot.Now.Sub(o.OldestRequest).Truncate(1e9).Seconds())
				}
				e.gauge(oldest, age)
			}
			if sweep := st.Sweep.Latest; sweep != nil {
				for _, s := range statuses {
					e.gauge(requests, float64(sweep.Requests[s]), string(s))
				}
				e.gauge(lost, float64(sweep.LostRequests))
			}
			return nil
		},
	}
}
