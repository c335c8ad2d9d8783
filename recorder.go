package main

import (
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// longestSweepInterval is how far apart sweeps may begin while dead letters are
// recorded: four in ten failed clones are found by them alone.
const longestSweepInterval = time.Minute

// recorder returns what captures dead letters.
func (p *program) recorder(c *redis.Client, r *vmpooler.Reader, s *config.Settings, reg prometheus.Registerer, logger log.Logger) *dlq.Recorder {
	timeouts := make(map[string]time.Duration, len(s.Pools))
	names := make([]string, len(s.Pools))
	for i, pool := range s.Pools {
		timeouts[pool.Name], names[i] = pool.Timeout, pool.Name
	}
	store := dlq.NewStore(c, dlq.StoreOptions{TTL: s.DLQ.TTL, MaxEntries: s.DLQ.MaxEntries})
	return dlq.NewRecorder(r, store, dlq.RecorderOptions{
		Interval: *p.dlqInterval,
		Deadline: *p.timeout,
		Rules: lifecycle.Rules{DataTTL: s.Redis.DataTTL, Timeout: func(pool string) time.Duration {
			if t, ok := timeouts[pool]; ok {
				return t
			}
			return s.PoolTimeout
		}},
		Logger:  log.With(logger, "component", "dlq"),
		Metrics: dlq.NewMetrics(reg, names, time.Now),
	})
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
