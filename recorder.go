package main

import (
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// longestSweepInterval is how far apart sweeps may begin while the queues are
// followed: four in ten failed clones are found by them alone.
const longestSweepInterval = time.Minute

// recorder returns what follows the queues, counts into events, shows watch where
// every VM is and, where that is on, records dead letters under the lease of k. It
// is nil where none of it is wanted.
func (p *program) recorder(c *redis.Client, r *vmpooler.Reader, s *config.Settings, reg prometheus.Registerer, events *dlq.Events, watch *purger.Watch, k *lease.Keeper, logger log.Logger) *dlq.Recorder {
	if !s.DLQ.Enabled && !s.Purge.Enabled && !*p.events {
		return nil
	}
	timeouts := make(map[string]time.Duration, len(s.Pools))
	for _, pool := range s.Pools {
		timeouts[pool.Name] = pool.Timeout
	}
	opts := dlq.RecorderOptions{
		Interval: *p.dlqInterval,
		Deadline: *p.timeout,
		Rules: lifecycle.Rules{DataTTL: s.Redis.DataTTL, Timeout: func(pool string) time.Duration {
			if t, ok := timeouts[pool]; ok {
				return t
			}
			return s.PoolTimeout
		}},
		Logger: log.With(logger, "component", "dlq"),
		Events: events,
		Looked: watch.Look,
	}
	var store *dlq.Store
	if s.DLQ.Enabled {
		store = dlq.NewStore(c, dlq.StoreOptions{TTL: s.DLQ.TTL, MaxEntries: s.DLQ.MaxEntries, Fence: k.Fence})
		opts.Metrics = dlq.NewMetrics(reg, time.Now)
	}
	return dlq.NewRecorder(r, store, opts)
}

// eventCounters returns the counters of VMs' and requests' steps, of the file's
// pools at 0, and what lets those that a snapshot names begin at 0 too.
func (p *program) eventCounters(s *config.Settings, reg prometheus.Registerer) (events *dlq.Events, seen func(*vmpooler.Snapshot)) {
	if !*p.events { // what nobody is shown is counted apart
		return dlq.NewEvents(prometheus.NewRegistry()), nil
	}
	events = dlq.NewEvents(reg)
	for _, pool := range s.Pools {
		events.Know(pool.Name)
	}
	return events, func(snap *vmpooler.Snapshot) {
		for i := range snap.Pools {
			events.Know(snap.Pools[i].Name)
		}
	}
}

// sweeper returns the background sweep, which shows the recorder every hash if
// there is one.
func (p *program) sweeper(r *vmpooler.Reader, recorder *dlq.Recorder, logger log.Logger) *vmpooler.Sweeper {
	interval, opts, done := *p.sweepInterval, vmpooler.SweepOptions{
		MaxShare: *p.sweepShare, Pause: *p.sweepPause, ConfirmAfter: *p.sweepConfirm,
	}, logSweeps(logger)
	if recorder != nil {
		interval = min(interval, longestSweepInterval)
		opts.Fields, opts.Visit = lifecycle.HashFields(), recorder.Visit
		logged := done
		done = func(result *vmpooler.SweepResult, err error) {
			recorder.SweepDone(err)
			logged(result, err)
		}
	}
	return vmpooler.NewSweeper(r, interval, opts, done)
}
