package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// plan makes a plan, or loads the one that is to be applied.
func (r *purgeRun) plan(ctx context.Context) (*purger.Plan, error) {
	c := &r.p.purge
	var loaded *purger.Plan
	if c.applyFile != "" { // what is refused is refused at once
		var err error
		if loaded, err = r.load(ctx, c.applyFile); err != nil {
			return nil, err
		}
	}
	if err := r.askProviders(ctx); err != nil {
		return nil, err
	}
	unlisted, err := r.unlistedPools(ctx)
	if err != nil {
		return nil, err
	}
	progress := cli.NewProgress(r.p.stderr, isTerminal(r.p.stderr), time.Now)
	defer progress.Done()
	r.purger = r.newPurger(progress.Keys)
	scope := purger.Scope{Pools: c.pools, DryRun: r.dryRun, Override: c.override}
	for _, t := range c.targets {
		scope.Targets = append(scope.Targets, purger.Target(t))
	}
	plan, err := r.purger.Plan(ctx, scope)
	if err != nil {
		return nil, err
	}
	for _, u := range unlisted { // only leaked metadata may be left of a pool
		if !slices.ContainsFunc(plan.Actions, func(a purger.Action) bool { return a.Pool == u.Name }) {
			return nil, u
		}
	}
	if len(c.pools) > 0 { // how the others are is not the question
		plan.Held = slices.DeleteFunc(plan.Held, func(h purger.Hold) bool { return h.Pool != "" && !slices.Contains(c.pools, h.Pool) })
	}
	if loaded == nil {
		return plan, nil
	}
	loaded.DryRun, loaded.UnknownVMs = r.dryRun, plan.UnknownVMs
	loaded.Raise(r.p.purgeSettings(r.settings), plan, r.view)
	return loaded, nil
}

// load reads a saved plan, if it is one for this Redis now.
func (r *purgeRun) load(ctx context.Context, file string) (*purger.Plan, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	now, err := r.client.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("read the server's clock: %w", err)
	}
	plan, err := purger.Load(f, purger.LoadOptions{
		Redis: purger.Identity(ctx, r.client), Address: r.address, Now: now, MaxAge: r.p.purge.maxPlanAge,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return plan, nil
}

// save writes the plan to a file that only its owner may read: whole, or not at all.
func (r *purgeRun) save(plan *purger.Plan, file string) (err error) {
	// os.CreateTemp makes it 0600.
	tmp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if err := errors.Join(plan.Save(tmp, r.address), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	put := os.Link // fails where the file is there
	if r.p.dlq.yes {
		put = os.Rename
	}
	if err := put(tmp.Name(), file); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return r.p.remark([]string{fmt.Sprintf("the plan is in %s; purge --apply=%s applies it, within %s", file, file, r.p.purge.maxPlanAge)})
}

// unlistedPools returns which of the pools that were asked for stand neither in the
// file nor in Redis. It is no error yet: see plan.
func (r *purgeRun) unlistedPools(ctx context.Context) ([]*unknownPoolError, error) {
	if len(r.p.purge.pools) == 0 {
		return nil, nil
	}
	known, err := r.client.SMembers(ctx, vmpooler.KeyPools).Result()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", vmpooler.KeyPools, err)
	}
	for i := range r.settings.Pools {
		known = append(known, r.settings.Pools[i].Name)
	}
	var unlisted []*unknownPoolError
	for _, pool := range r.p.purge.pools {
		if !slices.Contains(known, pool) {
			unlisted = append(unlisted, &unknownPoolError{Name: pool, Near: nearPools(pool, known)})
		}
	}
	return unlisted, nil
}
