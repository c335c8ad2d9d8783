package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/access"
	"github.com/vmpooler/vmpooler_exporter/internal/web"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

const (
	// jobsPerMinute is how often what changes something may be asked for through the
	// web: more than anybody clicks, less than a script in a loop.
	jobsPerMinute = 20
	// planKept is how long a plan that was shown may be applied.
	planKept = 10 * time.Minute
	// requeueBudget bounds a requeue that is asked for through the web.
	requeueBudget = 20
)

// operator does what admins ask for through the API and the page, one thing at a time.
// Its errors are *web.Refused, which says why nothing was done, or Redis's.
type operator struct {
	current func() *generation // set before anything is served
	jobs    *access.Jobs
	logger  log.Logger
	now     func() time.Time

	mu    sync.Mutex
	plans map[string]shownPlan // by id
}

// shownPlan is a plan that waits for its confirmation by the user who saw it.
type shownPlan struct {
	plan *purger.Plan
	user string
	at   time.Time
}

func newOperator(logger log.Logger) *operator {
	return &operator{
		jobs: access.NewJobs(jobsPerMinute, time.Now), logger: logger, now: time.Now,
		plans: make(map[string]shownPlan),
	}
}

// job runs f if nothing else is under way.
func (o *operator) job(what, user string, f func() error) error {
	end, busy, wait := o.jobs.Begin()
	switch {
	case busy:
		return &web.Refused{Status: http.StatusConflict, Reason: "something else is being changed: try again in a moment"}
	case end == nil:
		return &web.Refused{Status: http.StatusTooManyRequests, Reason: fmt.Sprintf("too many changes in a minute: try again in %s", wait.Round(time.Second))}
	}
	defer end()
	level.Info(o.logger).Log("msg", "an admin asks for a change", "what", what, "user", user)
	return f()
}

// who is the user as the audit has it.
func who(user string) string { return "web:" + user }

// Purge plans and, unless it is a dry run, purges.
func (o *operator) Purge(ctx context.Context, dryRun bool, user string) (plan *purger.Plan, err error) {
	err = o.job("purge", user, func() error {
		g := o.current()
		if plan, err = g.purger.Plan(ctx, purger.Scope{DryRun: dryRun || g.settings.Purge.DryRun}); err != nil {
			return err
		}
		return o.apply(ctx, g, plan, user)
	})
	return plan, err
}

// apply purges. What has begun is finished though the client may have gone.
func (o *operator) apply(ctx context.Context, g *generation, plan *purger.Plan, user string) error {
	err := g.purger.Apply(context.WithoutCancel(ctx), plan, who(user), nil)
	if busy, ok := errors.AsType[*purger.BusyError](err); ok {
		return &web.Refused{Status: http.StatusConflict, Reason: busy.Error()}
	}
	return err
}

// Plan makes a plan that writes nothing, and keeps it for Apply by the same user.
func (o *operator) Plan(ctx context.Context, user string) (plan *purger.Plan, err error) {
	err = o.job("plan of a purge", user, func() error {
		plan, err = o.current().purger.Plan(ctx, purger.Scope{})
		return err
	})
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, p := range o.plans {
		if p.user == user || o.now().Sub(p.at) > planKept {
			delete(o.plans, id) // one a user
		}
	}
	o.plans[plan.ID] = shownPlan{plan, user, o.now()}
	return plan, nil
}

// Apply does what a plan of this user's says, once, as far as it still holds.
func (o *operator) Apply(ctx context.Context, planID, user string) (*purger.Plan, error) {
	o.mu.Lock()
	p, ok := o.plans[planID]
	if ok && p.user == user {
		delete(o.plans, planID)
	}
	o.mu.Unlock()
	g := o.current()
	switch {
	case !ok || p.user != user:
		return nil, &web.Refused{Status: http.StatusNotFound, Reason: "there is no such plan of yours any more: make a new one"}
	case o.now().Sub(p.at) > planKept:
		return nil, &web.Refused{Status: http.StatusConflict, Reason: "the plan is too old: make a new one"}
	case g.settings.Purge.DryRun:
		return nil, &web.Refused{Status: http.StatusConflict, Reason: "purge_dry_run is on: nothing is purged"}
	}
	return p.plan, o.job("purge", user, func() error { return o.apply(ctx, g, p.plan, user) })
}

// Requeue puts the requests of these dead letters back.
func (o *operator) Requeue(ctx context.Context, letters []string, user string) ([]dlq.RequeueOutcome, error) {
	return o.RequeueAll(ctx, letters, nil, false, user)
}

// RequeueAll puts the requests of these dead letters, and these requests, back. It
// neither waits between two nor watches what becomes of them, so there may be only a
// few: the command is for many.
func (o *operator) RequeueAll(ctx context.Context, letters, requests []string, dryRun bool, user string) (outcomes []dlq.RequeueOutcome, err error) {
	err = o.job("requeue", user, func() error {
		client := o.current().client
		chosen, err := dlq.RequestsOf(ctx, client, letters)
		if err != nil {
			return notThere(err)
		}
		if len(chosen.Refused) > 0 {
			return &web.Refused{Status: http.StatusConflict, Reason: chosen.Refused[0].Error()}
		}
		ids := slices.Concat(chosen.Requests, requests)
		if len(ids) > requeueBudget {
			return &web.Refused{Status: http.StatusConflict, Reason: fmt.Sprintf(
				"%d requests are too many at once, %d at the most: dlq requeue puts back many, one after the other", len(ids), requeueBudget)}
		}
		outcomes, err = dlq.RequeueAll(context.WithoutCancel(ctx), client, ids, dlq.RequeueAllOptions{
			RequeueOptions: dlq.RequeueOptions{DryRun: dryRun}, Rate: dlq.MaxRequeueRate,
		})
		return err
	})
	return outcomes, err
}

// Delete removes these dead letters.
func (o *operator) Delete(ctx context.Context, letters []string, user string) (deleted dlq.Deleted, err error) {
	err = o.job("delete dead letters", user, func() error {
		deleted, err = dlq.Delete(context.WithoutCancel(ctx), o.current().client, letters, false)
		return notThere(err)
	})
	return deleted, err
}

// notThere makes a refusal of an error that names an entry that is not there.
func notThere(err error) error {
	if missing, ok := errors.AsType[*dlq.NotFoundError](err); ok {
		return &web.Refused{Status: http.StatusNotFound, Reason: missing.Error()}
	}
	return err
}
