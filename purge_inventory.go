package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// lister lists what the providers have, one listing for each of the pools; an error
// is in its listing.
type lister interface {
	List(ctx context.Context, pools []string) []inventory.Listing
}

// askProviders fills r.view, if that is wanted: by one listing, or with
// --ghosts-after by two.
func (r *purgeRun) askProviders(ctx context.Context) error {
	if !r.p.purgeFlags.inventoryEnabled {
		return nil
	}
	providers, err := r.p.inventory(r.settings)
	if err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	var pools []string
	for i := range r.settings.Pools {
		if name := r.settings.Pools[i].Name; len(r.p.purge.pools) == 0 || slices.Contains(r.p.purge.pools, name) {
			pools = append(pools, name)
		}
	}
	past := inventory.NewHistory()
	if err := r.list(ctx, providers, past, pools); err != nil {
		return err
	}
	if wait := r.p.purge.ghostsAfter; wait > 0 {
		line := fmt.Sprintf("the providers are listed a second time in %s, at %s", wait, r.p.purge.now().Add(wait).Format(time.TimeOnly))
		if err := r.p.remark([]string{line}); err != nil {
			return err
		}
		if err := r.p.purge.sleep(ctx, wait); err != nil {
			return err
		}
		if err := r.list(ctx, providers, past, pools); err != nil {
			return err
		}
	}
	return r.p.remark(cli.PurgeInventory(r.view.States()))
}

// list takes one round of listings. vmpooler's VMs are read before: the provider
// must have them, unless it has just destroyed one.
func (r *purgeRun) list(ctx context.Context, providers lister, past *inventory.History, pools []string) error {
	places, _, err := r.reader.Members(ctx)
	if err != nil {
		return err
	}
	queued := make(map[string][]string)
	for vm, at := range places {
		for i, m := range at {
			if !slices.ContainsFunc(at[:i], func(o vmpooler.Member) bool { return o.Pool == m.Pool }) {
				queued[m.Pool] = append(queued[m.Pool], vm)
			}
		}
	}
	r.view = past.Take(providers.List(ctx, pools), func(pool string) []string { return queued[pool] })
	return ctx.Err()
}
