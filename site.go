package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/pprof"
	"path"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/access"
	"github.com/vmpooler/vmpooler_exporter/internal/api"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/web"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

const (
	// readyTimeout is how long Redis may take to answer for the exporter to be ready.
	readyTimeout = 2 * time.Second
	// changeTimeout is how long the answer to what changes something may take: a purge
	// is waited for.
	changeTimeout = 11 * time.Minute
)

// site gives the generation the API and the page.
func (p *program) site(g *generation, perm *permanent, logger log.Logger) error {
	cache := live.NewCache(live.Options{
		Source: g.source, Client: g.client, Reader: g.reader, History: perm.history, Started: perm.started,
		Settings: g.inForce, Purge: g.purgeStatus(), Lease: g.leaseStatus(perm.owner),
	})
	deps := explain.Deps{Client: g.client, Reader: g.reader, Settings: g.settings, Targets: p.purgeSettings(g.settings).Targets}
	calls, err := api.New(api.Options{
		Live: cache, Client: g.client, Explain: apiStories{stories{deps, cache}}, Metrics: perm.api,
		Logger: log.With(logger, "component", "api"), Guard: perm.mayChange, Admin: perm.operator, User: perm.user,
		Asked: func() *api.Asked { return (*api.Asked)(perm.operator.Asked()) }, Leads: g.leads,
	})
	if err != nil {
		return err
	}
	pages := web.NewHandler(web.Options{
		Source: cache, Stories: stories{deps, cache}, Admin: perm.operator, IsAdmin: perm.guard.Admin,
		MayChange:    func(r *http.Request) (string, error) { return perm.guard.Who(r, true) },
		MostRequeued: requeueBudget, MetricsPath: *p.telemetryPath, Logger: log.With(logger, "component", "web"),
	})
	g.site = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ofAPI(r) {
			calls.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
	return nil
}

// ofAPI says whether a request is for the API, also where its path is not clean: the
// API's answers are all JSON.
func ofAPI(r *http.Request) bool {
	return strings.HasPrefix(path.Clean("/"+r.URL.Path)+"/", api.Prefix)
}

// mayChange says why a call of the API that changes something is refused.
func (perm *permanent) mayChange(r *http.Request) error {
	_, err := perm.guard.Who(r, false)
	if errors.Is(err, access.ErrUnidentified) {
		return api.Unauthorized(err.Error())
	}
	return err
}

// user is whose request it is, once mayChange has let it pass.
func (perm *permanent) user(r *http.Request) string {
	user, _ := perm.guard.Admin(r)
	return user
}

// purgeStatus returns what tells of the loop; nil while the purge is off.
func (g *generation) purgeStatus() func() purger.Status {
	if g.loop == nil {
		return nil
	}
	return g.loop.Status
}

// leads says whether this exporter is the one of several that purges: a dry run of the
// background needs no lease.
func (g *generation) leads() bool { return g.keeper == nil || g.keeper.Leads() }

// leaseStatus returns what tells who writes; nil where this exporter never does.
func (g *generation) leaseStatus(owner string) func() live.Lease {
	if g.keeper == nil {
		return nil
	}
	return func() live.Lease { return live.Lease{Leads: g.keeper.Leads(), Owner: owner, Other: g.keeper.Other()} }
}

// stories tells of VMs and requests. Those who ask for the same one at about the same
// time share the reading.
type stories struct {
	deps  explain.Deps
	cache *live.Cache
}

// VM implements web.Stories.
func (s stories) VM(ctx context.Context, name string) (*explain.Report, error) {
	return live.Share(ctx, s.cache, "vm "+name, func(ctx context.Context) (*explain.Report, error) {
		return explain.VM(ctx, s.deps, name)
	})
}

// Request implements web.Stories.
func (s stories) Request(ctx context.Context, id string) (*explain.Report, error) {
	return live.Share(ctx, s.cache, "request "+id, func(ctx context.Context) (*explain.Report, error) {
		return explain.Request(ctx, s.deps, id)
	})
}

// apiStories are the stories as the API has them.
type apiStories struct{ stories stories }

// VM implements api.Explainer.
func (s apiStories) VM(ctx context.Context, name string) (any, bool, error) {
	return story(s.stories.VM(ctx, name))
}

// Request implements api.Explainer.
func (s apiStories) Request(ctx context.Context, id string) (any, bool, error) {
	return story(s.stories.Request(ctx, id))
}

func story(r *explain.Report, err error) (any, bool, error) {
	if err != nil {
		return nil, false, err
	}
	return r, r.Known, nil
}

// routes is everything that is served.
func (p *program) routes(metrics http.Handler, r *reloader, guard *access.Guard) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(*p.telemetryPath, metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "the exporter runs") })
	mux.HandleFunc("GET /-/ready", r.ready)
	mux.HandleFunc("POST /-/reload", func(w http.ResponseWriter, q *http.Request) { p.reloadCall(w, q, r, guard) })
	mux.HandleFunc("/-/", func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/-/reload" {
			w.Header().Set("Allow", http.MethodPost)
			plain(w, http.StatusMethodNotAllowed, "only POST reloads")
			return
		}
		plain(w, http.StatusNotFound, "there is no such call")
	})
	if *p.pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	site := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodGet && q.Method != http.MethodHead { // it may take longer than a page
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(changeTimeout))
		}
		r.current.Load().site.ServeHTTP(w, q)
	})
	mux.Handle("/", site)
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if ofAPI(q) && q.URL.Path != path.Clean(q.URL.Path) { // the mux would redirect it
			site(w, q)
			return
		}
		mux.ServeHTTP(w, q)
	})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// ready says whether Redis answers.
func (r *reloader) ready(w http.ResponseWriter, q *http.Request) {
	ctx, cancel := context.WithTimeout(q.Context(), readyTimeout)
	defer cancel()
	if _, err := r.current.Load().client.Time(ctx).Result(); err != nil {
		plain(w, http.StatusServiceUnavailable, "Redis does not answer")
		return
	}
	plain(w, http.StatusOK, "Redis answers")
}

// reloadCall is POST /-/reload. Its answers are as the API's; what is wrong with a
// configuration is for the log, where its names and lines are.
func (p *program) reloadCall(w http.ResponseWriter, q *http.Request, r *reloader, guard *access.Guard) {
	answer := func(status int, body map[string]any) {
		text, err := json.Marshal(body)
		if err != nil {
			panic(err) // texts and nothing
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = w.Write(append(text, '\n'))
	}
	failed := func(status int, kind, text string) {
		answer(status, map[string]any{"status": "error", "errorType": kind, "error": text})
	}
	// Prometheus' own way to reload is a POST without anything in it, whose type can't
	// matter.
	user, err := guard.Who(q, q.ContentLength == 0)
	var refusal access.Refusal
	switch {
	case errors.Is(err, access.ErrUnidentified):
		w.Header().Set("WWW-Authenticate", api.Challenge)
		failed(http.StatusUnauthorized, "unauthorized", err.Error())
	case errors.As(err, &refusal):
		failed(http.StatusForbidden, "forbidden", refusal.Error())
	case err != nil:
		failed(http.StatusInternalServerError, "internal", "the web configuration can't be read")
	default:
		level.Info(r.logger).Log("msg", "an admin asks for a reload", "user", user)
		if err := r.reload(context.WithoutCancel(q.Context())); err != nil {
			failed(http.StatusUnprocessableEntity, "bad_data", "the configuration has a mistake: nothing has changed, and the log says what it is")
			return
		}
		answer(http.StatusOK, map[string]any{"status": "success", "data": nil})
	}
}
