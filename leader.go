package main

import (
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

// leader returns what holds the lease of the exporter that writes, and shows
// whether it is this one. It is nil where nothing is written: then no lease is
// taken either.
func leader(c *redis.Client, s *config.Settings, owner string, reg prometheus.Registerer, logger log.Logger) *lease.Keeper {
	if !s.DLQ.Enabled && (!s.Purge.Enabled || s.Purge.DryRun) {
		return nil
	}
	k := lease.NewKeeper(lease.New(c, lease.KeyLeader, owner, leaderTTL, nil), log.With(logger, "component", "lease"))
	registerLeader(reg, k.Leads)
	return k
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
