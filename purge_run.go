package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purgeRun is one call of `purge`.
type purgeRun struct {
	p        *program
	settings *config.Settings
	client   *redis.Client
	reader   *vmpooler.Reader
	logger   log.Logger
	address  string
	dryRun   bool

	view   *inventory.View // nil where the providers are not asked
	purger *purger.Purger
}

// do plans, shows, asks, purges, and shows what became of it. Its code is 1 too
// where only some of the entries were held, refused or failed.
func (r *purgeRun) do(ctx context.Context) error {
	plan, err := r.plan(ctx)
	if err != nil {
		return err
	}
	planned := r.p.purge.now()
	if err := r.show(plan, cli.WritePurgePlan); err != nil {
		return err
	}
	if file := r.p.purge.planFile; file != "" {
		if err := r.save(plan, file); err != nil {
			return err
		}
	}
	toDo := plan.Count(purger.Planned)
	if toDo > 0 && !r.dryRun {
		if err := r.confirm(ctx, plan, planned); err != nil {
			return err
		}
	}
	err = r.apply(ctx, plan, toDo)
	if plan.Count(purger.Planned) < toDo { // something was tried
		err = errors.Join(err, r.show(plan, cli.WritePurgeOutcomes), r.refusals(plan))
	}
	if r.p.purge.output == "json" {
		err = errors.Join(err, cli.WritePurgeJSON(r.p.stdout, plan))
	}
	if err == nil && plan.Count(purger.Held)+plan.Count(purger.Refused)+plan.Count(purger.Failed) > 0 {
		return exitError{code: 1}
	}
	return err
}

// show writes for people; programs get one document at the end.
func (r *purgeRun) show(plan *purger.Plan, write func(w io.Writer, p *purger.Plan, o cli.PurgeOptions) error) error {
	if r.p.purge.output == "json" {
		return nil
	}
	return write(r.p.stdout, plan, r.p.purgeOptions())
}

var errNotPurged = errors.New("nothing was purged")

// confirm asks. What was planned too long before the answer is not purged: the pools
// may have to be held by now.
func (r *purgeRun) confirm(ctx context.Context, plan *purger.Plan, planned time.Time) error {
	question := "Purge " + cli.TallyPurge(plan).Describe(purger.Planned) + "?"
	if err := r.p.confirm(ctx, question, errNotPurged); err != nil {
		return err
	}
	if age, limit := r.p.purge.now().Sub(planned), r.p.purgeFlags.maxStale; age > limit {
		return fmt.Errorf("the plan has grown old, %s with a limit of %s: plan anew; %w", age.Truncate(time.Second), limit, errNotPurged)
	}
	return nil
}

// apply purges what is planned, or in a dry run only has it logged.
func (r *purgeRun) apply(ctx context.Context, plan *purger.Plan, toDo int) error {
	progress := cli.NewProgress(r.p.stderr, !r.dryRun && isTerminal(r.p.stderr), time.Now)
	defer progress.Done()
	done := 0
	err := r.purger.Apply(ctx, plan, "command", func(a *purger.Action) {
		if a.Outcome != purger.Held && !r.dryRun {
			done++
			progress.Purges(done, toDo)
		}
		if r.p.purge.did != nil {
			r.p.purge.did(a)
		}
	})
	if ctx.Err() != nil && err != nil {
		err = ctx.Err() // whatever else it was that ended then
	}
	if err != nil {
		return &purgeStoppedError{done: done, of: toDo, err: err}
	}
	return nil
}

// refusals says what to do about permissions that are missing.
func (r *purgeRun) refusals(plan *purger.Plan) error {
	for i := range plan.Actions {
		if a := &plan.Actions[i]; a.Outcome == purger.Refused && strings.HasPrefix(a.Why, "NOPERM") {
			return r.p.remark([]string{seeCheckRedis})
		}
	}
	return nil
}

// newPurger returns what plans and applies by the settings in force.
func (r *purgeRun) newPurger(progress func(keys int64)) *purger.Purger {
	sweep := vmpooler.SweepOptions{Progress: progress} // no pause: somebody waits, and every script looks again
	if r.p.sweepShareSet {
		sweep.MaxShare = *r.p.sweepShare
	}
	if r.p.sweepPauseSet {
		sweep.Pause = *r.p.sweepPause
	}
	pools := make([]string, len(r.settings.Pools))
	for i := range r.settings.Pools {
		pools[i] = r.settings.Pools[i].Name
	}
	return purger.New(purger.Options{
		Client: r.client, Source: &purger.Source{Reader: r.reader, Client: r.client, Sweep: sweep},
		Settings: r.p.purgeSettings(r.settings), Pools: pools,
		View: func() *inventory.View { return r.view }, Logger: r.logger, Owner: lease.Owner(),
	})
}
