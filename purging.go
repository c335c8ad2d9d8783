package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purging is what the purge in the background is made of.
type purging struct {
	settings *config.Settings
	client   *redis.Client
	reader   *vmpooler.Reader
	sweeper  *vmpooler.Sweeper
	watch    *purger.Watch
	keeper   *lease.Keeper // nil where nothing is written
	owner    string
	reg      prometheus.Registerer
	logger   log.Logger
}

// backgroundPurge is the purge that runs in the background; its parts are nil where
// they are off.
type backgroundPurge struct {
	loop      *purger.Loop
	poller    *inventory.Poller
	inventory *inventory.Inventory
	metrics   *purger.Metrics
}

// purging returns the loop that purges, if that is on, and what asks the providers,
// if that is.
func (p *program) purging(o purging) (*backgroundPurge, error) {
	b := &backgroundPurge{}
	var err error
	if b.inventory, b.poller, err = p.poller(o); err != nil || !o.settings.Purge.Enabled {
		return b, err
	}
	names := poolNames(o.settings)
	b.metrics = purger.NewMetrics(o.reg)
	b.metrics.Know(names...)
	opts := purger.Options{
		Client: o.client,
		Source: &purger.Source{
			Reader: o.reader, Client: o.client,
			Sweep: vmpooler.SweepOptions{MaxShare: *p.sweepShare, Pause: *p.sweepPause},
		},
		Settings: p.purgeSettings(o.settings), Pools: names, Watch: o.watch,
		Logger: log.With(o.logger, "component", "purge"), Metrics: b.metrics, Owner: o.owner,
	}
	if b.poller != nil {
		opts.View = b.poller.View
	}
	b.loop = purger.NewLoop(purger.New(opts), purger.LoopOptions{
		Interval: o.settings.Purge.Interval, DryRun: o.settings.Purge.DryRun, Grace: p.purgeFlags.startDelay,
		Leads: func() bool { return o.keeper == nil || o.keeper.Leads() },
		Swept: func() time.Time {
			if last := o.sweeper.LastComplete(); last != nil {
				return last.Finished
			}
			return time.Time{}
		},
	})
	return b, nil
}

// poller returns what asks the providers again and again; nil if that is off.
func (p *program) poller(o purging) (*inventory.Inventory, *inventory.Poller, error) {
	if !p.purgeFlags.inventoryEnabled {
		return nil, nil, nil
	}
	inv, err := p.providers(o.settings)
	if err != nil {
		return nil, nil, err
	}
	return inv, inventory.NewPoller(inventory.PollerOptions{
		Inventory: inv, Pools: o.settings.Pools,
		Queued:   func(ctx context.Context) (map[string][]string, error) { return queuedVMs(ctx, o.reader) },
		Interval: p.purgeFlags.inventoryInterval,
		Logger:   log.With(o.logger, "component", "inventory"),
		Metrics:  inventory.NewMetrics(o.reg, o.settings.Pools),
	}), nil
}

// providers returns what lists the pools at their providers.
func (p *program) providers(s *config.Settings) (*inventory.Inventory, error) {
	if len(s.Pools) == 0 {
		return nil, errors.New("--inventory.enabled needs the pools and providers of vmpooler.yaml: give --config.file")
	}
	inv, err := inventory.New(s.Providers, s.Pools, inventory.Options{
		Command: strings.Fields(p.purgeFlags.inventoryCommand), Timeout: p.purgeFlags.inventoryTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	return inv, nil
}

// namedPools lists pools by their names.
type namedPools struct {
	inventory *inventory.Inventory
	pools     []config.Pool
}

// List implements lister.
func (n namedPools) List(ctx context.Context, names []string) []inventory.Listing {
	var pools []config.Pool
	for _, pool := range n.pools {
		if slices.Contains(names, pool.Name) {
			pools = append(pools, pool)
		}
	}
	return n.inventory.List(ctx, pools)
}

// queuedVMs returns the VMs in the queues of each pool.
func queuedVMs(ctx context.Context, r *vmpooler.Reader) (map[string][]string, error) {
	places, _, err := r.Members(ctx)
	if err != nil {
		return nil, err
	}
	queued := make(map[string][]string)
	for vm, at := range places {
		in := make(map[string]bool, len(at))
		for _, m := range at {
			if !in[m.Pool] {
				in[m.Pool] = true
				queued[m.Pool] = append(queued[m.Pool], vm)
			}
		}
	}
	return queued, nil
}

func poolNames(s *config.Settings) []string {
	names := make([]string, len(s.Pools))
	for i, pool := range s.Pools {
		names[i] = pool.Name
	}
	return names
}

// seen returns what lets the counters of each snapshot's pools begin at 0, after
// what next does.
func (b *backgroundPurge) seen(next func(*vmpooler.Snapshot)) func(*vmpooler.Snapshot) {
	if b.metrics == nil {
		return next
	}
	return func(s *vmpooler.Snapshot) {
		if next != nil {
			next(s)
		}
		for i := range s.Pools {
			b.metrics.Know(s.Pools[i].Name)
		}
	}
}

// observe returns the conditions that the watch and the loop see, beside those that
// the status follows.
func (b *backgroundPurge) observe(w *purger.Watch) func(*vmpooler.Snapshot) []health.Check {
	return func(s *vmpooler.Snapshot) []health.Check {
		checks := w.Checks()
		if b.loop == nil {
			return checks
		}
		names := make([]string, len(s.Pools))
		for i := range s.Pools {
			names[i] = s.Pools[i].Name
		}
		return append(checks, b.loop.Checks(names)...)
	}
}
