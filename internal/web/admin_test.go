package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// fakeAdmin writes down what it is asked to do.
type fakeAdmin struct {
	mu    sync.Mutex
	calls []string
	err   error
}

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
	plan := somePlan(true) // of one that writes nothing all is planned
	plan.DryRun = false
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
		{&Refused{http.StatusConflict, "another purge is under way"}, 409, "another purge is under way"},
		{&Refused{http.StatusTooManyRequests, "one a minute"}, 429, "one a minute"},
		{&dlq.NotFoundError{IDs: []string{"x"}}, 404, "not there any more"},
		{errors.New("READONLY redis://u:hunter2@h"), 503, "READONLY"},
	} {
		h := troubledScene().handler(Options{Admin: &fakeAdmin{err: c.err}, IsAdmin: admins})
		for address, form := range changes {
			got := ask(t, h, http.MethodPost, address, form, "X-Test-User", "ops")
			if got.status != c.want || !strings.Contains(got.body, c.text) || strings.Contains(got.body, "hunter2") {
				t.Errorf("%s, %v: %d", address, c.err, got.status)
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
