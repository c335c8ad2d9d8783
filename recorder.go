package main

import (
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// longestSweepInterval is how far apart sweeps may begin while the queues are
// followed: four in ten failed clones are found by them alone.
const longestSweepInterval = time.Minute

// recorder returns what follows the queues, counts events, shows the watch where
// every VM is and, where that is on, records dead letters under the generation's
// lease. It is nil where none of it is wanted.
func (p *program) recorder(g *generation, perm *permanent, logger log.Logger) *dlq.Recorder {
	s := g.settings
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
		Events: perm.events,
		Looked: perm.watch.Look,
	}
	var store *dlq.Store
	if s.DLQ.Enabled {
		store = dlq.NewStore(g.client, dlq.StoreOptions{TTL: s.DLQ.TTL, MaxEntries: s.DLQ.MaxEntries, Fence: g.keeper.Fence})
		opts.Metrics = perm.dlq()
	}
	return dlq.NewRecorder(g.reader, store, opts)
}

// eventCounters returns the counters of VMs' and requests' steps, of the file's
// pools at 0.
func (p *program) eventCounters(s *config.Settings, reg prometheus.Registerer) *dlq.Events {
	if !*p.events { // what nobody is shown is counted apart
		return dlq.NewEvents(prometheus.NewRegistry())
	}
	events := dlq.NewEvents(reg)
	events.Know(poolNames(s)...)
	return events
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
