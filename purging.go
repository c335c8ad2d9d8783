package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purging gives the generation what purges, the loop if that is on, and what asks
// the providers, if that is.
func (p *program) purging(g *generation, perm *permanent, logger log.Logger) error {
	if err := p.polling(g, perm, logger); err != nil {
		return err
	}
	s, names := g.settings, poolNames(g.settings)
	opts := purger.Options{
		Client: g.client,
		Source: &purger.Source{
			Reader: g.reader, Client: g.client,
			Sweep: vmpooler.SweepOptions{MaxShare: p.purgeSweepShare(), Pause: *p.sweepPause},
		},
		Settings: p.purgeSettings(s), Pools: names, Watch: perm.watch,
		Logger: log.With(logger, "component", "purge"), Owner: perm.owner,
	}
	if g.poller != nil {
		opts.View = g.poller.View
	}
	if s.Purge.Enabled {
		g.metrics = perm.purge()
		g.metrics.Know(names...)
		opts.Metrics = g.metrics
	}
	g.purger = purger.New(opts)
	if !s.Purge.Enabled {
		return nil
	}
	g.loop = purger.NewLoop(g.purger, purger.LoopOptions{
		Interval: s.Purge.Interval, DryRun: s.Purge.DryRun, Grace: p.purgeFlags.startDelay,
		Leads: func() bool { return g.keeper == nil || g.keeper.Leads() },
		Swept: func() time.Time {
			if last := g.sweeper.LastComplete(); last != nil {
				return last.Finished
			}
			return time.Time{}
		},
	})
	return nil
}

// purgeSweepShare is how much of Redis' time looking for orphans may take: thrice that
// of the sweeps, since it is done once in an interval, while a plan grows old.
func (p *program) purgeSweepShare() float64 {
	if p.sweepShareSet {
		return *p.sweepShare
	}
	return 3 * *p.sweepShare
}

// polling gives the generation what asks the providers again and again, if that is
// on.
func (p *program) polling(g *generation, perm *permanent, logger log.Logger) (err error) {
	if !p.purgeFlags.inventoryEnabled {
		return nil
	}
	if g.inventory, err = p.providers(g.settings); err != nil {
		return err
	}
	g.poller = inventory.NewPoller(inventory.PollerOptions{
		Inventory: g.inventory, Pools: g.settings.Pools,
		Queued:   func(ctx context.Context) (map[string][]string, error) { return queuedVMs(ctx, g.reader) },
		Interval: p.purgeFlags.inventoryInterval,
		Logger:   log.With(logger, "component", "inventory"),
		Metrics:  perm.inventory(),
	})
	perm.inventory().Know(g.settings.Pools)
	return nil
}

// providers returns what lists the pools at their providers.
func (p *program) providers(s *config.Settings) (*inventory.Inventory, error) {
	if len(s.Pools) == 0 {
		return nil, errors.New("--inventory.enabled needs the pools and providers of vmpooler.yaml: give --config.file")
	}
	inv, err := inventory.New(s.Providers, s.Pools, inventory.Options{
		Command: strings.Fields(p.purgeFlags.inventoryCommand), CommandEnv: p.purgeFlags.inventoryCommandEnv,
		Timeout: p.purgeFlags.inventoryTimeout,
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
