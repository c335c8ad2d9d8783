package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/access"
	"github.com/vmpooler/vmpooler_exporter/internal/api"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/publish"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// permanent is what outlives a reload: what is counted, and what was watched. Metrics
// of what is off are not shown.
type permanent struct {
	base   *prometheus.Registry
	owner  string // of leases
	watch  *purger.Watch
	events *dlq.Events

	dlq       func() *dlq.Metrics
	purge     func() *purger.Metrics
	inventory func() *inventory.Metrics
	publish   func() *publish.Metrics
	leader    *leadership

	dlqShown, purgeShown, publishShown *shown

	started  time.Time
	history  *live.History // of the last hour
	api      *api.Metrics
	guard    *access.Guard
	operator *operator
}

func (p *program) permanent(s *config.Settings, policy *access.Policy, logger log.Logger) *permanent {
	perm := &permanent{base: baseRegistry(), owner: lease.Owner(), watch: purger.NewWatch()}
	perm.events = p.eventCounters(s, perm.base)
	perm.dlqShown, perm.purgeShown, perm.publishShown = newShown(perm.base), newShown(perm.base), newShown(perm.base)
	perm.dlq = sync.OnceValue(func() *dlq.Metrics { return dlq.NewMetrics(perm.dlqShown, time.Now) })
	perm.purge = sync.OnceValue(func() *purger.Metrics { return purger.NewMetrics(perm.purgeShown) })
	perm.inventory = sync.OnceValue(func() *inventory.Metrics { return inventory.NewMetrics(perm.base, nil) })
	perm.publish = sync.OnceValue(func() *publish.Metrics { return publish.NewMetrics(perm.publishShown) })
	perm.leader = newLeadership(perm.base)
	perm.started, perm.history, perm.api = time.Now(), live.NewHistory(), api.NewMetrics(perm.base)
	perm.guard = access.NewGuard(policy, perm.base, log.With(logger, "component", "web"))
	perm.operator = newOperator(log.With(logger, "component", "web"))
	return perm
}

// generation is all that lives on one version of the settings. Its parts are nil
// where they are off.
type generation struct {
	settings *config.Settings
	client   *redis.Client
	reader   *vmpooler.Reader
	source   *collector.Source
	site     http.Handler // the API and the page
	history  *live.History
	sampler  *live.Sampler

	sweeper   *vmpooler.Sweeper
	keeper    *lease.Keeper
	recorder  *dlq.Recorder
	purger    *purger.Purger // there whether or not the loop is: purges are asked for, too
	loop      *purger.Loop
	inventory *inventory.Inventory
	poller    *inventory.Poller
	publisher *publish.Publisher

	show    func()          // the metrics of what is on, and no others
	metrics *purger.Metrics // nil where the purge is off
	events  *dlq.Events     // nil where nobody is shown them
	stops   []func()        // last in, first out
}

// generation builds what the settings ask for, and starts none of it.
func (p *program) generation(s *config.Settings, perm *permanent, logger log.Logger) (*generation, error) {
	client, reader, err := p.connect(s, logger)
	if err != nil {
		return nil, err
	}
	g := &generation{settings: s, client: client, reader: reader, history: perm.history}
	if *p.events {
		g.events = perm.events
	}
	g.keeper = leader(client, s, perm.owner, logger)
	g.recorder = p.recorder(g, perm, logger)
	if g.recorder != nil || *p.collectors["orphans"] || *p.collectors["ondemand"] || s.Health.Publish { // they live on it
		g.sweeper = p.sweeper(reader, g.recorder, log.With(logger, "component", "sweep"))
	}
	if err := p.purging(g, perm, logger); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	g.show = func() {
		perm.leader.show(g.keeper)
		perm.dlqShown.on.Store(s.DLQ.Enabled)
		perm.purgeShown.on.Store(s.Purge.Enabled)
		perm.publishShown.on.Store(s.Health.Publish)
	}
	g.source = collector.NewSource(reader, g.sweeper, s.Health.Thresholds, *p.timeout)
	if s.KnowsVmpooler() {
		g.source.TaskLimits = collector.TaskLimits{Clone: s.TaskLimit, Ondemand: s.OndemandCloneLimit}
	}
	g.source.Observe = g.observe(perm.watch)
	g.source.Seen = g.seen
	g.sampler = live.NewSampler(g.source, g.history, log.With(logger, "component", "history"), nil)
	if s.Health.Publish {
		g.publisher = publish.New(publish.Options{
			Client: client, Report: g.report, Fence: g.keeper.Fence, Interval: s.Health.Interval, DLQ: s.DLQ.Enabled,
			Logger: log.With(logger, "component", "health"), Metrics: perm.publish(),
		})
	}
	if err := p.site(g, perm, logger); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return g, nil
}

// inForce returns the settings.
func (g *generation) inForce() *config.Settings { return g.settings }

// start begins what runs in the background. old is the generation before, nil for
// the first one; it has ended.
func (g *generation) start(ctx context.Context, old *generation) {
	run := func(f func(context.Context)) { g.stops = append(g.stops, background(ctx, f)) }
	if g.sweeper != nil {
		if old != nil && old.sweeper != nil {
			g.sweeper.TakeOver(old.sweeper)
		}
		run(g.sweeper.Run)
	}
	g.show()
	run(g.sampler.Run)
	if g.keeper != nil {
		g.keeper.Turn(ctx) // so that the first look need not wait for it
		run(g.keeper.Run)
	}
	if g.poller != nil {
		g.stops = append(g.stops, g.inventory.Close)
		run(g.poller.Run)
	}
	if g.recorder != nil {
		run(g.recorder.Run)
	}
	if g.publisher != nil {
		run(g.publisher.Run)
	}
	if g.loop != nil {
		run(g.loop.Run)
	}
}

// stop ends what runs in the background, in this order: the purge action under way,
// what is published and recorded and the providers' listing, then the lease, then the
// sweep under way. The connection to Redis stays, for requests under way.
func (g *generation) stop() {
	for _, stop := range slices.Backward(g.stops) {
		stop()
	}
}

// report is the health of this moment.
func (g *generation) report(ctx context.Context) (*health.Report, error) {
	st := g.source.State(ctx)
	return st.Report, st.Err
}

// seen lets the counters of a snapshot's pools begin at 0, and keeps its numbers for
// an hour.
func (g *generation) seen(s *vmpooler.Snapshot) {
	g.history.Add(s)
	for i := range s.Pools {
		if g.events != nil {
			g.events.Know(s.Pools[i].Name)
		}
		if g.metrics != nil {
			g.metrics.Know(s.Pools[i].Name)
		}
	}
}

// observe returns the conditions that the watch and the loop see, beside those that
// the status follows.
func (g *generation) observe(w *purger.Watch) func(*vmpooler.Snapshot) []health.Check {
	return func(s *vmpooler.Snapshot) []health.Check {
		checks := w.Checks()
		if g.loop == nil {
			return checks
		}
		names := make([]string, len(s.Pools))
		for i := range s.Pools {
			names[i] = s.Pools[i].Name
		}
		return append(checks, g.loop.Checks(names)...)
	}
}
