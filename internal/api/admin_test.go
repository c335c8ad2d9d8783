package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// fakeAdmin does nothing, and writes down what it is asked for.
type fakeAdmin struct {
	plan  *purger.Plan
	err   error
	calls []string
}

func (f *fakeAdmin) Purge(_ context.Context, dryRun bool, user string) (*purger.Plan, error) {
	f.calls = append(f.calls, fmt.Sprint("purge ", dryRun, " ", user))
	return f.plan, f.err
}

func (f *fakeAdmin) RequeueAll(_ context.Context, letters, requests []string, dryRun bool, user string) ([]dlq.RequeueOutcome, error) {
	f.calls = append(f.calls, fmt.Sprintf("requeue %s %s %t %s", letters, requests, dryRun, user))
	var out []dlq.RequeueOutcome
	for _, id := range requests {
		out = append(out, dlq.RequeueOutcome{Requeued: dlq.Requeued{ID: id, Requeues: 1}, State: dlq.RequeueDone})
	}
	return out, f.err
}

func (f *fakeAdmin) Delete(_ context.Context, letters []string, user string) (dlq.Deleted, error) {
	f.calls = append(f.calls, fmt.Sprint("delete ", letters, " ", user))
	return dlq.Deleted{Matched: 1, Removed: 1}, f.err
}

// refusal is an error of an Admin's.
type refusal struct {
	status int
	wait   time.Duration
}

func (r refusal) Error() string             { return "no, because " + fmt.Sprint(r.status) }
func (r refusal) HTTPStatus() int           { return r.status }
func (r refusal) RetryAfter() time.Duration { return r.wait }

// newAdminSite has an Admin who may be asked by everybody.
func newAdminSite(t *testing.T, admin *fakeAdmin, change func(*Options, *live.Options)) *site {
	t.Helper()
	return newSite(t, server.Client(t), func(o *Options, l *live.Options) {
		o.Admin, o.Guard, o.User = admin, func(*http.Request) error { return nil }, func(*http.Request) string { return "ada" }
		if change != nil {
			change(o, l)
		}
	})
}

// send asks with a body, and holds the answer against the description.
func (s *site) send(method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	ask := func() *http.Request {
		r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, ask())
	described(s.t, ask(), w) // it reads the body, too
	return w
}

// stale is a plan of n entries.
func stale(n int) *purger.Plan {
	p := &purger.Plan{ID: "AAAABBBBCCCC", Made: now, DryRun: true}
	for i := range n {
		p.Actions = append(p.Actions, purger.Action{
			Target: purger.Pending, Pool: "debian", VM: fmt.Sprint("pix-", i), Outcome: purger.Planned, Provider: inventory.Unverified,
			Reason: "pending for 3h0m, limit 2h0m", Does: "dead letter",
		})
	}
	return p
}

func TestWhatChangesSomethingIsAnsweredAsDescribed(t *testing.T) {
	admin := &fakeAdmin{}
	s := newAdminSite(t, admin, nil)
	held := stale(3)
	held.Held = []purger.Hold{{Pool: "debian", Cause: purger.HoldCliff, Reason: "its queues have just lost 17 of 20 VMs"}}
	held.UnknownVMs = map[string][]string{"debian": make([]string, 3*mostUnknown)}
	held.Actions[1].Outcome, held.Actions[1].Why = purger.Failed, "redis://:"+secret+"@redis.example.com: EOF"
	for _, c := range []struct {
		method, path, body string
		plan               *purger.Plan
		golden             string
	}{
		{"POST", "/api/v1/queue/purge?dry_run=true", "", stale(0), "post_purge_nothing"},
		{"POST", "/api/v1/queue/purge?limit=2", "{}", held, "post_purge"},
		{"POST", "/api/v1/queue/dlq/requeue", `{"ids":["clone-1"]}`, nil, "post_requeue_nothing"},
		{"POST", "/api/v1/queue/dlq/requeue", `{"requests":["r1","r2"],"dry_run":true}`, nil, "post_requeue"},
		{"DELETE", "/api/v1/queue/dlq/clone-1", "", nil, "delete_letter"},
	} {
		admin.plan = c.plan
		w := s.send(c.method, c.path, c.body)
		golden(t, c.golden+".txt", shown(c.method, c.path, w.Code, w.Header(), w.Body.Bytes()))
		holdsNoSecret(t, w.Body.String())
	}
	want := []string{
		"purge true ada", "purge false ada", "requeue [clone-1] [] false ada", "requeue [] [r1 r2] true ada", "delete [clone-1] ada",
	}
	if d := cmp.Diff(want, admin.calls); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
}

func TestWhatIsWrongWithAChangeIsNeverAskedFor(t *testing.T) {
	admin := &fakeAdmin{}
	s := newAdminSite(t, admin, nil)
	ids := func(n int) string {
		text, err := json.Marshal(map[string]any{"ids": strings.Split(strings.Repeat("a", n), "")})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/api/v1/queue/purge?dry_run=yes", "", "dry_run must be true or false"},
		{"POST", "/api/v1/queue/purge?limit=0", "", "limit must be"},
		{"POST", "/api/v1/queue/purge?limit=1001", "", "limit must be"},
		{"POST", "/api/v1/queue/purge?cursor=a.1", "", "there is no parameter"},
		{"POST", "/api/v1/queue/purge", `{"dry_run":true}`, "not what is expected"},
		{"POST", "/api/v1/queue/purge", `{} {}`, "not what is expected"},
		{"POST", "/api/v1/queue/purge", `{` + strings.Repeat(" ", mostBodyBytes) + `}`, "longer than 65536 bytes"},
		{"POST", "/api/v1/queue/dlq/requeue", "", "name dead letters"},
		{"POST", "/api/v1/queue/dlq/requeue", `{"ids":[],"requests":[]}`, "name dead letters"},
		{"POST", "/api/v1/queue/dlq/requeue", `{"ids":[""]}`, "an id must not be empty"},
		{"POST", "/api/v1/queue/dlq/requeue", `{"requests":["a\u0000"]}`, "without control characters"},
		{"POST", "/api/v1/queue/dlq/requeue", `{"requests":["` + strings.Repeat("a", maxValue+1) + `"]}`, "512 bytes at the most"},
		{"POST", "/api/v1/queue/dlq/requeue", ids(mostIDs + 1), "101 are too many at once"},
		{"DELETE", "/api/v1/queue/dlq/" + strings.Repeat("a", maxValue+1), "", "512 bytes at the most"},
	} {
		failed(t, s.send(c.method, c.path, c.body), http.StatusBadRequest, badData, c.want)
	}
	if len(admin.calls) > 0 {
		t.Errorf("%q", admin.calls)
	}
	admin.plan = stale(0)
	s.send("POST", "/api/v1/queue/dlq/requeue", ids(mostIDs))
	s.send("POST", "/api/v1/queue/purge", `{`+strings.Repeat(" ", mostBodyBytes-2)+`}`)
	if len(admin.calls) != 2 {
		t.Errorf("as much as may be was refused: %q", admin.calls)
	}
}

func TestAnAdminsRefusalsAreSaid(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		kind errorType
		wait string
	}{
		{refusal{status: http.StatusConflict}, http.StatusConflict, conflict, ""},
		{refusal{status: http.StatusNotFound}, http.StatusNotFound, notFound, ""},
		{refusal{status: http.StatusForbidden}, http.StatusForbidden, forbidden, ""},
		{refusal{http.StatusTooManyRequests, 1500 * time.Millisecond}, http.StatusTooManyRequests, tooManyRequests, "2"},
		{fmt.Errorf("wrapped: %w", refusal{http.StatusTooManyRequests, time.Minute}), http.StatusTooManyRequests, tooManyRequests, "60"},
		{refusal{status: http.StatusTeapot}, http.StatusInternalServerError, internal, ""},
		{errors.New("oh " + secret), http.StatusInternalServerError, internal, ""},
	} {
		s := newAdminSite(t, &fakeAdmin{err: c.err}, nil)
		for _, call := range [][3]string{
			{"POST", "/api/v1/queue/purge", ""},
			{"POST", "/api/v1/queue/dlq/requeue", `{"requests":["r"]}`},
			{"DELETE", "/api/v1/queue/dlq/clone-1", ""},
		} {
			w := s.send(call[0], call[1], call[2])
			failed(t, w, c.code, c.kind, "")
			if w.Header().Get("Retry-After") != c.wait {
				t.Errorf("%v: Retry-After %q", c.err, w.Header().Get("Retry-After"))
			}
			holdsNoSecret(t, w.Body.String())
		}
	}
}

func TestWhoIsNotKnownIsAskedForALogin(t *testing.T) {
	admin := &fakeAdmin{}
	s := newAdminSite(t, admin, func(o *Options, _ *live.Options) {
		o.Guard = func(*http.Request) error { return Unauthorized("nobody has logged in") }
	})
	w := s.send("POST", "/api/v1/queue/purge", "{}")
	failed(t, w, http.StatusUnauthorized, unauthorized, "nobody has logged in")
	if w.Header().Get("WWW-Authenticate") != Challenge || len(admin.calls) > 0 {
		t.Errorf("%v %q", w.Header(), admin.calls)
	}
}

// What was asked for is shown to who asks later, a page at a time, whether or not there
// is a purge in the background.
func TestThePlanThatWasAskedForIsKept(t *testing.T) {
	plan := stale(5)
	counts := planCounts{purger.Pending: {purger.Planned: 12_000}} // of which five are kept
	asked := func() *Asked { return &Asked{Plan: plan, Counts: counts, At: now, By: "web:ada"} }
	off := newAdminSite(t, &fakeAdmin{plan: plan}, func(o *Options, _ *live.Options) { o.Asked = asked })
	on := newAdminSite(t, &fakeAdmin{plan: plan}, func(o *Options, l *live.Options) {
		o.Asked, l.Purge = asked, purged
		o.Leads = func() bool { return false }
	})
	type answer struct {
		Data struct {
			Enabled, Leader bool
			NextAt          *time.Time `json:"next_at"`
			Last            *struct{ Plan page }
			Asked           *struct {
				By   string
				Plan page
			}
		}
	}
	get := func(s *site, query string) (a answer) {
		t.Helper()
		if err := json.Unmarshal(s.get("/api/v1/queue/purge"+query).Body.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	var first struct{ Data page }
	if err := json.Unmarshal(off.send("POST", "/api/v1/queue/purge?dry_run=true&limit=3", "{}").Body.Bytes(), &first); err != nil {
		t.Fatal(err)
	}
	if len(first.Data.Actions) != 3 || first.Data.NextCursor == "" || first.Data.Summary.Entries != 5 {
		t.Errorf("the answer has %+v", first.Data)
	}
	rest := get(off, "?cursor="+first.Data.NextCursor).Data
	if rest.Enabled || rest.Last != nil || rest.Asked == nil || rest.Asked.By != "web:ada" || len(rest.Asked.Plan.Actions) != 2 ||
		rest.Asked.Plan.Actions[0].VM != "pix-3" || rest.Asked.Plan.NextCursor != "" || rest.Asked.Plan.Summary.Entries != 12_000 {
		t.Errorf("%+v", rest)
	}
	both := get(on, "?limit=2&cursor=AAAABBBBCCCC.2").Data
	if !both.Enabled || both.Leader || both.NextAt != nil || both.Last.Plan.Actions[0].VM != "pix-0" || both.Asked.Plan.Actions[0].VM != "pix-2" {
		t.Errorf("%+v", both)
	}
	failed(t, off.get("/api/v1/queue/purge?cursor=7FQJDU74IWHH.2"), http.StatusConflict, conflict, "begin again")
}

// page is a planPage as a client reads it.
type page struct {
	Actions []struct {
		VM string `json:"vm"`
	}
	NextCursor string `json:"next_cursor"`
	Summary    struct{ Entries int }
}
