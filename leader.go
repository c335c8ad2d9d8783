package main

import (
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// leaderTTL is how long the exporter that writes may be silent before another one
// takes over.
const leaderTTL = 15 * time.Second

// leadership shows whether this exporter is the one that writes, while it may.
type leadership struct {
	shown  *shown
	keeper atomic.Pointer[lease.Keeper] // nil while nothing is written
}

func newLeadership(reg prometheus.Registerer) *leadership {
	l := &leadership{shown: newShown(reg)}
	registerLeader(l.shown, l.leads)
	return l
}

// show lets the metric follow a keeper, which may be nil.
func (l *leadership) show(k *lease.Keeper) {
	l.keeper.Store(k)
	l.shown.on.Store(k != nil)
}

func (l *leadership) leads() bool {
	k := l.keeper.Load()
	return k != nil && k.Leads()
}

// registerLeader shows who writes.
func registerLeader(reg prometheus.Registerer, leads func() bool) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "vmpooler", Subsystem: "exporter", Name: "leader",
		Help: "1 if this exporter is the one that writes to Redis, of those that may.",
	}, func() float64 {
		if leads() {
			return 1
		}
		return 0
	}))
}

// leader returns what holds the lease of the exporter that writes. It is nil where
// nothing is written: then no lease is taken either.
func leader(c *redis.Client, s *config.Settings, owner string, logger log.Logger) *lease.Keeper {
	if !s.DLQ.Enabled && !s.Health.Publish && (!s.Purge.Enabled || s.Purge.DryRun) {
		return nil
	}
	return lease.NewKeeper(lease.New(c, lease.KeyLeader, owner, leaderTTL, nil), log.With(logger, "component", "lease"))
}
