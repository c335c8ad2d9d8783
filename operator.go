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
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
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
	// actionsKept is how many actions of the last plan that was asked for are kept for
	// whoever asks later: some megabytes at the most.
	actionsKept = 10_000
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
	asked *web.Asked
}

// shownPlan is a plan that waits for its confirmation by the user who saw it. It is not
// changed: what is applied is a copy.
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
		return &web.Refused{Status: http.StatusTooManyRequests, Wait: wait, Reason: fmt.Sprintf("too many changes in a minute: try again in %s", wait.Round(time.Second))}
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
		defer o.keep(plan, user)
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

// keep keeps a plan as it is now for whoever asks later, in the place of the one before.
func (o *operator) keep(plan *purger.Plan, user string) {
	counts := make(map[purger.Target]map[purger.Outcome]int)
	for i := range plan.Actions {
		a := &plan.Actions[i]
		if counts[a.Target] == nil {
			counts[a.Target] = make(map[purger.Outcome]int)
		}
		counts[a.Target][a.Outcome]++
	}
	asked := &web.Asked{Plan: copied(plan, actionsKept), Counts: counts, At: o.now(), By: who(user)}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = asked
}

// copied is a copy of a plan whose outcomes are its own, with no more than so many
// actions.
func copied(plan *purger.Plan, most int) *purger.Plan {
	c := *plan
	c.Actions = slices.Clone(plan.Actions[:min(most, len(plan.Actions))])
	return &c
}

// Asked implements web.Admin.
func (o *operator) Asked() *web.Asked {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

// Plan makes a plan that writes nothing, and keeps it for Apply by the same user.
func (o *operator) Plan(ctx context.Context, user string) (plan *purger.Plan, err error) {
	err = o.job("plan of a purge", user, func() error {
		if plan, err = o.current().purger.Plan(ctx, purger.Scope{}); err != nil {
			return err
		}
		o.keep(plan, user)
		o.show(shownPlan{plan, user, o.now()})
		return nil
	})
	return plan, err
}

// show lets a plan wait for its confirmation, in the place of its user's others.
func (o *operator) show(p shownPlan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, other := range o.plans {
		if other.user == p.user || o.now().Sub(other.at) > planKept {
			delete(o.plans, id)
		}
	}
	o.plans[p.plan.ID] = p
}

// Shown implements web.Admin.
func (o *operator) Shown(planID, user string) (*purger.Plan, error) {
	p, err := o.shown(planID, user)
	return p.plan, err
}

func (o *operator) shown(planID, user string) (shownPlan, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, ok := o.plans[planID]
	switch {
	case !ok || p.user != user:
		return shownPlan{}, &web.Refused{Status: http.StatusNotFound, Reason: "there is no such plan of yours any more: make a new one"}
	case o.now().Sub(p.at) > planKept:
		return shownPlan{}, &web.Refused{Status: http.StatusConflict, Reason: "the plan is too old: make a new one"}
	}
	return p, nil
}

// Apply does what a plan of this user's says, once, as far as it still holds. What is
// refused can be tried again.
func (o *operator) Apply(ctx context.Context, planID, user string) (plan *purger.Plan, err error) {
	err = o.job("purge", user, func() error {
		g := o.current()
		shown, err := o.shown(planID, user)
		if err != nil {
			return err
		}
		if g.settings.Purge.DryRun {
			return &web.Refused{Status: http.StatusConflict, Reason: "purge_dry_run is on: nothing is purged"}
		}
		plan = copied(shown.plan, len(shown.plan.Actions))
		if err := g.purger.Recheck(ctx, plan); err != nil {
			return err
		}
		o.mu.Lock()
		delete(o.plans, planID)
		o.mu.Unlock()
		err = o.apply(ctx, g, plan, user)
		if _, busy := errors.AsType[*web.Refused](err); busy { // and nothing was written
			o.show(shown)
			return err
		}
		o.keep(plan, user)
		return err
	})
	return plan, err
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
			return refusal(err)
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
		return refusal(err)
	})
	return outcomes, err
}

// Delete removes these dead letters.
func (o *operator) Delete(ctx context.Context, letters []string, user string) (deleted dlq.Deleted, err error) {
	err = o.job("delete dead letters", user, func() error {
		deleted, err = dlq.Delete(context.WithoutCancel(ctx), o.current().client, letters, false)
		return refusal(err)
	})
	return deleted, err
}

// refusal makes a refusal of an error that names an entry that is not there, or another
// process that is changing dead letters or requests.
func refusal(err error) error {
	if missing, ok := errors.AsType[*dlq.NotFoundError](err); ok {
		return &web.Refused{Status: http.StatusNotFound, Reason: missing.Error()}
	}
	if busy, ok := errors.AsType[*lease.BusyError](err); ok {
		return &web.Refused{Status: http.StatusConflict, Reason: busy.Error()}
	}
	return err
}
