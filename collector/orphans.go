package collector

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// errNoSweep says that the sweep's numbers are unknown.
var errNoSweep = errors.New("the last sweep failed")

func orphansCollector() Collector {
	var (
		orphans = desc("health", "orphaned_metadata",
			"Hashes of VMs that are in no queue, as the last sweep found them: leaked (no TTL, nothing will remove them) or expiring (destroyed VMs that vmpooler remembers for data_ttl hours).", "state")
		collisions = desc("health", "name_collisions",
			"Live VMs whose name is in the queues of two pools, or whose metadata names a pool that does not have them, as the last sweep found them.")
		age = desc(exporterSubsystem, "sweep_age_seconds",
			"Time since the last complete sweep over all of vmpooler's keys.")
		duration = desc(exporterSubsystem, "sweep_duration_seconds",
			"Time that the last complete sweep took, its pauses included.")
		keys = desc(exporterSubsystem, "sweep_keys",
			"Keys that the last complete sweep saw.")
		failures = desc(exporterSubsystem, "sweep_failures_total",
			"Sweeps that did not come to their end.")
	)
	return Collector{
		Name:   "orphans",
		Help:   "metadata of VMs that are in no queue, found by a sweep in the background",
		descs:  []*prometheus.Desc{orphans, collisions, age, duration, keys, failures},
		always: true,
		collect: func(st *State, e *emitter) error {
			e.counter(failures, float64(st.Sweep.Failures))
			if last := st.Sweep.LastComplete; last != nil {
				e.gauge(age, time.Since(last.Finished).Seconds())
				e.gauge(duration, last.Duration.Seconds())
				e.gauge(keys, float64(last.Keys))
			}
			sweep := st.Sweep.Latest
			if sweep == nil {
				if st.Sweep.Failures > 0 {
					return errNoSweep
				}
				return nil
			}
			e.gauge(orphans, float64(sweep.Leaked), "leaked")
			e.gauge(orphans, float64(sweep.Expiring), "expiring")
			e.gauge(collisions, float64(sweep.NameCollisions))
			return nil
		},
	}
}
