package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/access"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/internal/web"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// operating is an operator of a troubled vmpooler, and the generation that it works on.
func operating(t *testing.T, args ...string) (*operator, *generation, *redis.Client, string) {
	t.Helper()
	s, c, letter := troubled(t)
	p := newProgram(io.Discard, io.Discard)
	if _, err := p.app.Parse(append(args, unixAddr(s), quickly)); err != nil {
		t.Fatal(err)
	}
	settings, err := p.load("")
	if err != nil {
		t.Fatal(err)
	}
	perm := p.permanent(settings, &access.Policy{}, log.NewNopLogger())
	g, err := p.generation(settings, perm, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.client.Close() })
	perm.operator.current = func() *generation { return g }
	return perm.operator, g, c, letter
}

// refused checks that an error is a refusal with this status.
func refused(t *testing.T, what string, err error, status int) *web.Refused {
	t.Helper()
	no, ok := err.(*web.Refused) //nolint:errorlint // nothing wraps it
	if !ok || no.Status != status {
		t.Fatalf("%s: %v, want %d", what, err, status)
	}
	return no
}

func TestOneChangeIsMadeAtATime(t *testing.T) {
	o, _, c, letter := operating(t)
	plan, err := o.Plan(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	before := contents(t, c)
	end, _, _ := o.jobs.Begin()
	for what, change := range map[string]func(context.Context) error{
		"purge":   func(ctx context.Context) error { _, err := o.Purge(ctx, false, "ada"); return err },
		"plan":    func(ctx context.Context) error { _, err := o.Plan(ctx, "ada"); return err },
		"apply":   func(ctx context.Context) error { _, err := o.Apply(ctx, plan.ID, "ada"); return err },
		"requeue": func(ctx context.Context) error { _, err := o.Requeue(ctx, []string{letter}, "ada"); return err },
		"delete":  func(ctx context.Context) error { _, err := o.Delete(ctx, []string{letter}, "ada"); return err },
	} {
		refused(t, what, change(t.Context()), http.StatusConflict)
	}
	end()
	if !maps.Equal(before, contents(t, c)) {
		t.Error("something was changed")
	}
	// The plan that was shown can be applied still.
	if plan, err = o.Apply(t.Context(), plan.ID, "ada"); err != nil || plan.Count(purger.Applied) != 1 {
		t.Errorf("%v %+v", err, plan)
	}
}

func TestChangesAreTwentyAMinute(t *testing.T) {
	o, _, c, letter := operating(t)
	plan, err := o.Plan(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	o.jobs = access.NewJobs(jobsPerMinute, func() time.Time { return now })
	for range jobsPerMinute {
		_, err := o.Delete(t.Context(), []string{"clone-0"}, "ada")
		refused(t, "delete what is not there", err, http.StatusNotFound)
	}
	before := contents(t, c)
	_, err = o.Delete(t.Context(), []string{letter}, "ada")
	if no := refused(t, "one more", err, http.StatusTooManyRequests); no.RetryAfter() != time.Minute {
		t.Errorf("it says to wait for %s", no.RetryAfter())
	}
	_, err = o.Apply(t.Context(), plan.ID, "ada")
	refused(t, "apply", err, http.StatusTooManyRequests)
	if !maps.Equal(before, contents(t, c)) {
		t.Error("something was changed")
	}
	now = now.Add(time.Minute)
	if _, err := o.Apply(t.Context(), plan.ID, "ada"); err != nil {
		t.Errorf("the plan is lost: %v", err)
	}
}

func TestAPlanIsAppliedOnceByItsUserAndWhileItIsFresh(t *testing.T) {
	o, _, c, _ := operating(t)
	now := time.Now()
	o.now = func() time.Time { return now }
	show := func() string {
		t.Helper()
		plan, err := o.Plan(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		return plan.ID
	}
	before := contents(t, c)
	first := show()
	id := show() // in the place of the first
	for what, ask := range map[string][2]string{"one that is replaced": {first, "ada"}, "another's": {id, "bob"}, "none": {"", "ada"}} {
		_, err := o.Apply(t.Context(), ask[0], ask[1])
		refused(t, what, err, http.StatusNotFound)
		_, err = o.Shown(ask[0], ask[1])
		refused(t, what, err, http.StatusNotFound)
	}
	now = now.Add(planKept + time.Second)
	_, err := o.Apply(t.Context(), id, "ada")
	refused(t, "too old", err, http.StatusConflict)
	_, err = o.Shown(id, "ada")
	refused(t, "too old", err, http.StatusConflict)
	if !maps.Equal(before, contents(t, c)) {
		t.Error("something was changed")
	}
	id = show()
	now = now.Add(planKept)
	shown, err := o.Shown(id, "ada")
	if err != nil {
		t.Fatal(err)
	}
	// Another exporter purges: nothing is written, and the plan waits.
	other := lease.New(c, lease.KeyPurge, "another", time.Minute, nil)
	if ours, err := other.Acquire(t.Context()); err != nil || !ours {
		t.Fatal(ours, err)
	}
	_, err = o.Apply(t.Context(), id, "ada")
	refused(t, "another purges", err, http.StatusConflict)
	must(t, c, "DEL", lease.KeyPurge)
	plan, err := o.Apply(t.Context(), id, "ada")
	if err != nil || plan.Count(purger.Applied) == 0 {
		t.Errorf("%v %+v", err, plan)
	}
	if shown.Count(purger.Applied) != 0 {
		t.Error("what is shown changes while somebody may read it")
	}
	_, err = o.Apply(t.Context(), id, "ada")
	refused(t, "twice", err, http.StatusNotFound)
}

func TestADryRunOfTheFilesIsNobodysToOverride(t *testing.T) {
	o, g, c, _ := operating(t)
	shown, err := o.Plan(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	before := contents(t, c)
	g.settings.Purge.DryRun = true // as after a reload
	_, err = o.Apply(t.Context(), shown.ID, "ada")
	refused(t, "apply", err, http.StatusConflict)
	plan, err := o.Purge(t.Context(), false, "ada")
	if err != nil || !plan.DryRun || plan.Count(purger.Planned) != 1 {
		t.Errorf("%v %+v", err, plan)
	}
	if !maps.Equal(before, contents(t, c)) {
		t.Error("something was changed")
	}
}

func TestOnlyAFewRequestsAreRequeuedAtOnce(t *testing.T) {
	o, _, c, letter := operating(t)
	var requests []string
	for i := range requeueBudget {
		id := fmt.Sprint("r", i)
		requests = append(requests, id)
		must(t, c, "HSET", vmpooler.RequestKey(id), "requested", "alias:p:1", "status", "failed")
	}
	before := contents(t, c)
	_, err := o.RequeueAll(t.Context(), []string{letter}, requests, false, "ada")
	refused(t, "one too many", err, http.StatusConflict)
	if !maps.Equal(before, contents(t, c)) {
		t.Error("something was changed")
	}
	if done, err := o.RequeueAll(t.Context(), nil, requests, true, "ada"); err != nil || len(done) != requeueBudget {
		t.Errorf("%v, %d", err, len(done))
	}
	if !maps.Equal(before, contents(t, c)) {
		t.Error("a dry run changed something")
	}
}

// Whoever asks later sees the last plan that was asked for, as it was left.
func TestThePlanThatWasAskedForIsRemembered(t *testing.T) {
	o, _, _, _ := operating(t) //nolint:dogsled // of a vmpooler that nobody looks at here
	if o.Asked() != nil {
		t.Error("nobody has asked")
	}
	planned, err := o.Purge(t.Context(), true, "ada")
	if err != nil {
		t.Fatal(err)
	}
	asked := o.Asked()
	if asked.Plan.ID != planned.ID || !asked.Plan.DryRun || asked.By != "web:ada" || asked.At.IsZero() || asked.Counts[purger.Pending][purger.Planned] != 1 {
		t.Errorf("%+v", asked)
	}
	shown, err := o.Plan(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	if asked := o.Asked(); asked.Plan.ID != shown.ID || asked.By != "web:bob" {
		t.Errorf("%+v", asked)
	}
	if _, err := o.Apply(t.Context(), shown.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	if asked := o.Asked(); asked.Plan.ID != shown.ID || asked.Counts[purger.Pending][purger.Applied] != 1 || asked.Plan.Count(purger.Applied) == 0 {
		t.Errorf("%+v", asked)
	}
	big := &purger.Plan{ID: "BIG", Actions: make([]purger.Action, actionsKept+1)}
	for i := range big.Actions {
		big.Actions[i].Target, big.Actions[i].Outcome = purger.Orphaned, purger.Planned
	}
	o.keep(big, "ada")
	if asked := o.Asked(); len(asked.Plan.Actions) != actionsKept || cap(asked.Plan.Actions) > 2*actionsKept || asked.Counts[purger.Orphaned][purger.Planned] != actionsKept+1 {
		t.Errorf("%d are kept of %v", len(asked.Plan.Actions), asked.Counts)
	}
}
