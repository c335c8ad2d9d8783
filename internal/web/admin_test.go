package web

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// fakeAdmin writes down what it is asked to do.
type fakeAdmin struct {
	mu    sync.Mutex
	calls []string
	err   error
	plan  *purger.Plan // that is shown; somePlan if nil
	asked *Asked
}

func (f *fakeAdmin) Shown(plan, user string) (*purger.Plan, error) {
	if f.plan == nil || plan != f.plan.ID || user != "ops" {
		return nil, &Refused{Status: http.StatusNotFound, Reason: "there is no such plan of yours any more"}
	}
	return f.plan, nil
}

func (f *fakeAdmin) Asked() *Asked { return f.asked }

func (f *fakeAdmin) did(call ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, strings.Join(call, " "))
	return f.err
}

func (f *fakeAdmin) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *fakeAdmin) Plan(_ context.Context, user string) (*purger.Plan, error) {
	plan := f.plan
	if plan == nil {
		plan = somePlan(true) // of one that writes nothing all is planned
		plan.DryRun = false
	}
	return plan, f.did("plan", user)
}

func (f *fakeAdmin) Apply(_ context.Context, plan, user string) (*purger.Plan, error) {
	return somePlan(false), f.did("apply", plan, user)
}

func (f *fakeAdmin) Requeue(_ context.Context, ids []string, user string) ([]dlq.RequeueOutcome, error) {
	if err := f.did("requeue", strings.Join(ids, ","), user); err != nil {
		return nil, err
	}
	return []dlq.RequeueOutcome{{Requeued: dlq.Requeued{ID: "7a1f2c9e"}, State: dlq.RequeueDone}}, nil
}

func (f *fakeAdmin) Delete(_ context.Context, ids []string, user string) (dlq.Deleted, error) {
	return dlq.Deleted{Matched: len(ids), Removed: len(ids)}, f.did("delete", strings.Join(ids, ","), user)
}

var changes = map[string]url.Values{
	"/admin/purge/plan":  {},
	"/admin/purge/apply": {"plan": {"K7Q2ZNDM4FXA"}},
	"/admin/dlq/requeue": {"id": {"clone-01", "clone-02"}, "confirm": {"yes"}},
	"/admin/dlq/delete":  {"id": {"clone-01"}, "confirm": {"yes"}},
}

func TestAdminDoesWhatTheFormsSay(t *testing.T) {
	admin := &fakeAdmin{}
	h := troubledScene().handler(Options{Admin: admin, IsAdmin: admins})
	for address, form := range changes {
		got := ask(t, h, http.MethodPost, address, form, "X-Test-User", "ops", "Sec-Fetch-Site", "same-origin")
		if got.status != http.StatusOK {
			t.Errorf("%s: %d\n%s", address, got.status, got.body)
		}
	}
	got := map[string]bool{}
	for _, call := range admin.done() {
		got[call] = true
	}
	want := map[string]bool{
		"plan ops": true, "apply K7Q2ZNDM4FXA ops": true, "requeue clone-01,clone-02 ops": true, "delete clone-01 ops": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestNothingIsChangedWithoutEachCondition(t *testing.T) {
	ok := []string{"X-Test-User", "ops", "Sec-Fetch-Site", "same-origin"}
	for address, form := range changes {
		for name, c := range map[string]struct {
			options Options
			method  string
			form    url.Values
			header  []string
			want    int
		}{
			"a reader":               {Options{IsAdmin: admins}, http.MethodPost, form, ok[2:], 403},
			"nobody is an admin":     {Options{}, http.MethodPost, form, ok, 403},
			"another site":           {Options{IsAdmin: admins}, http.MethodPost, form, []string{"X-Test-User", "ops", "Sec-Fetch-Site", "cross-site"}, 403},
			"another origin":         {Options{IsAdmin: admins}, http.MethodPost, form, []string{"X-Test-User", "ops", "Origin", "https://evil.example"}, 403},
			"may not change":         {Options{IsAdmin: admins, MayChange: func(*http.Request) (string, error) { return "", errTest }}, http.MethodPost, form, ok, 403},
			"a link":                 {Options{IsAdmin: admins}, http.MethodGet, form, ok, 405},
			"a form that is too big": {Options{IsAdmin: admins}, http.MethodPost, url.Values{"id": {strings.Repeat("x", 300_000)}}, ok, 400},
		} {
			admin := &fakeAdmin{}
			c.options.Admin = admin
			got := ask(t, troubledScene().handler(c.options), c.method, address, c.form, c.header...)
			if got.status != c.want || !strings.HasPrefix(got.body, "<!doctype html>") {
				t.Errorf("%s, %s: %d, want %d", address, name, got.status, c.want)
			}
			if calls := admin.done(); len(calls) > 0 {
				t.Errorf("%s, %s: it did %v", address, name, calls)
			}
		}
		got := ask(t, troubledScene().handler(Options{IsAdmin: admins}), http.MethodPost, address, form, ok...)
		if got.status != http.StatusForbidden {
			t.Errorf("%s, the admin API is off: %d", address, got.status)
		}
	}
}

func TestWhatIsForGoodIsAskedForFirst(t *testing.T) {
	admin := &fakeAdmin{}
	h := troubledScene().handler(Options{Admin: admin, IsAdmin: admins})
	for _, address := range []string{"/admin/dlq/requeue", "/admin/dlq/delete"} {
		page := ask(t, h, http.MethodPost, address, url.Values{"id": {"clone-01", "clone-02", "clone-01"}}, "X-Test-User", "ops").body
		contains(t, page, `name="id" value="clone-01"`, `name="id" value="clone-02"`, `name="confirm" value="yes"`, "2 dead letters?")
	}
	page := ask(t, h, http.MethodPost, "/admin/purge/plan", url.Values{}, "X-Test-User", "ops").body
	contains(t, page, `name="plan" value="K7Q2ZNDM4FXA"`, "Nothing has been done yet", "Purge 7 entries", "stale-wombat-0")
	if diff := cmp.Diff([]string{"plan ops"}, admin.done()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestFormsThatNameNothingAreRefused(t *testing.T) {
	admin := &fakeAdmin{}
	h := troubledScene().handler(Options{Admin: admin, IsAdmin: admins})
	many := url.Values{}
	for i := range mostChosen + 1 {
		many.Add("id", strings.Repeat("x", i+1))
	}
	for _, c := range []struct {
		address string
		form    url.Values
	}{
		{"/admin/purge/apply", url.Values{}},
		{"/admin/dlq/delete", url.Values{"confirm": {"yes"}}},
		{"/admin/dlq/requeue", url.Values{"id": {""}, "confirm": {"yes"}}},
		{"/admin/dlq/delete", many},
	} {
		if got := ask(t, h, http.MethodPost, c.address, c.form, "X-Test-User", "ops"); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", c.address, got.status)
		}
	}
	if calls := admin.done(); len(calls) > 0 {
		t.Errorf("it did %v", calls)
	}
}

func TestAdminsRefusalsAreSaid(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
		text string
	}{
		{&Refused{Status: http.StatusConflict, Reason: "another purge is under way"}, 409, "another purge is under way"},
		{&Refused{Status: http.StatusTooManyRequests, Reason: "one a minute", Wait: 1500 * time.Millisecond}, 429, "one a minute"},
		{&dlq.NotFoundError{IDs: []string{"x"}}, 404, "not there any more"},
		{errors.New("READONLY redis://u:hunter2@h"), 503, "READONLY"},
	} {
		h := troubledScene().handler(Options{Admin: &fakeAdmin{err: c.err}, IsAdmin: admins})
		for address, form := range changes {
			got := ask(t, h, http.MethodPost, address, form, "X-Test-User", "ops")
			if got.status != c.want || !strings.Contains(got.body, c.text) || strings.Contains(got.body, "hunter2") {
				t.Errorf("%s, %v: %d", address, c.err, got.status)
			}
			if wait := got.header.Get("Retry-After"); c.want == 429 && wait != "2" {
				t.Errorf("%s: Retry-After %q", address, wait)
			}
		}
	}
}

func TestReaderSeesNoButtons(t *testing.T) {
	h := troubledScene().handler(Options{Admin: &fakeAdmin{}, IsAdmin: admins})
	for _, address := range []string{"/", "/dlq", "/purge", "/vm/quiet-otter"} {
		if page := get(t, h, address).body; strings.Contains(page, `method="post"`) || strings.Contains(page, "/admin/") {
			t.Errorf("%s shows a reader what only an admin may do", address)
		}
		if page := get(t, h, address, "X-Test-User", "ops").body; !strings.Contains(page, "/admin/") {
			t.Errorf("%s shows an admin nothing to do", address)
		}
	}
}

// bigPlan has more actions and holds than a page.
func bigPlan() *purger.Plan {
	plan := &purger.Plan{ID: "BIGBIGBIGBIG", Made: now}
	for i := range 250 {
		plan.Actions = append(plan.Actions, purger.Action{
			Target: purger.Pending, Pool: "a-pool-with-a-long-name-x86_64", VM: fmt.Sprintf("some-stale-wombat-%d", i), Outcome: purger.Planned,
			Reason: "pending for 3h2m, limit 2h0m", Does: "dead letter, out of pending, metadata expires in 168h",
		})
	}
	for i := range 330 {
		plan.Held = append(plan.Held, purger.Hold{
			Pool: fmt.Sprintf("held-pool-%d", i), Target: purger.Ready, Cause: purger.HoldLimit, Reason: "it would remove 41 of 141 VMs, more than 20 of them or 10 %",
		})
	}
	return plan
}

// Before it is confirmed all of a plan can be looked at, however long it is.
func TestAllOfAPlanCanBeSeenBeforeItIsConfirmed(t *testing.T) {
	plan := bigPlan()
	h := troubledScene().handler(Options{Admin: &fakeAdmin{plan: plan}, IsAdmin: admins})
	page := ask(t, h, http.MethodPost, "/admin/purge/plan", url.Values{}, "X-Test-User", "ops")
	seen, next, pages := "", "", 0
	for {
		pages++
		if page.status != http.StatusOK || len(page.body) > 100_000 {
			t.Fatalf("page %d: %d, %d bytes", pages, page.status, len(page.body))
		}
		contains(t, page.body, `name="plan" value="BIGBIGBIGBIG"`, "Purge 250 entries")
		seen += page.body
		_, rest, more := strings.Cut(page.body, `" rel="next"`)
		if !more {
			break
		}
		before := page.body[:len(page.body)-len(rest)-len(`" rel="next"`)]
		next = html.UnescapeString(before[strings.LastIndex(before, `"`)+1:])
		page = get(t, h, next, "X-Test-User", "ops")
	}
	if pages != 4 {
		t.Errorf("%d pages", pages)
	}
	for i := range plan.Actions {
		if n := strings.Count(seen, ">"+plan.Actions[i].VM+"<"); n != 1 {
			t.Fatalf("%s is listed %d times", plan.Actions[i].VM, n)
		}
	}
	for _, hold := range plan.Held {
		if n := strings.Count(seen, ">"+hold.Pool+"<"); n != 1 {
			t.Fatalf("%s is listed %d times", hold.Pool, n)
		}
	}
	for address, want := range map[string]int{
		"/admin/purge/plan?plan=OTHER": 404, "/admin/purge/plan?plan=BIGBIGBIGBIG&page=0": 400, "/admin/purge/plan?plan=BIGBIGBIGBIG&x=1": 400,
		"/admin/purge/plan": 405,
	} {
		if got := get(t, h, address, "X-Test-User", "ops"); got.status != want {
			t.Errorf("%s: %d", address, got.status)
		}
	}
	if got := get(t, h, next); got.status != http.StatusForbidden || strings.Contains(got.body, "wombat") {
		t.Errorf("a reader: %d", got.status)
	}
}

// What was asked for is on the page of the purge, for everybody, also where the purge
// in the background is off.
func TestThePlanThatWasAskedForIsShown(t *testing.T) {
	s := troubledScene()
	s.view.Purge = nil
	admin := &fakeAdmin{}
	h := s.handler(Options{Admin: admin, IsAdmin: admins})
	if got := get(t, h, askedPath); got.status != http.StatusNotFound {
		t.Errorf("before: %d", got.status)
	}
	if page := get(t, h, "/purge").body; strings.Contains(page, "Asked for last") {
		t.Error("nobody has asked for one")
	}
	plan := bigPlan()
	plan.DryRun = true
	admin.asked = &Asked{
		Plan: plan, Counts: map[purger.Target]map[purger.Outcome]int{purger.Pending: {purger.Planned: 12_000}}, At: ago(3 * time.Minute), By: "web:<ada>",
	}
	page := get(t, h, "/purge")
	contains(t, page.body, "It is off", "Asked for last", "web:&lt;ada&gt;", "3m ago", "12,000 would be purged", askedPath, "and 320 more")
	if page.status != http.StatusOK || strings.Contains(page.body, "wombat") {
		t.Errorf("%d", page.status)
	}
	page = get(t, h, askedPath+"?page=3")
	contains(t, page.body, "web:&lt;ada&gt;", "some-stale-wombat-249", "held-pool-299", askedPath+"?page=4", askedPath+"?page=2")
	if got := get(t, h, askedPath+"?page=x"); got.status != http.StatusBadRequest {
		t.Errorf("%d", got.status)
	}
}
