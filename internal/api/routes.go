package api

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// handler answers one request, or returns why it can't; nothing has been written
// then. Its parameters are those of the route, and none is there that is not.
type handler func(w http.ResponseWriter, r *http.Request, v values) error

// route is one call.
type route struct {
	method  string
	pattern string // http.ServeMux's, without the method
	params  []string
	handle  handler
	admin   bool // it changes something: Options.Guard has the last word
	long    bool // it is bounded by ExportTimeout
}

// name is the route's label.
func (r *route) name() string { return r.method + " " + r.pattern }

// codes are the HTTP statuses that are counted from the start, at 0.
func (r *route) codes() []int {
	codes := []int{http.StatusOK, http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if strings.Contains(r.pattern, "{") {
		codes = append(codes, http.StatusNotFound)
	}
	if r.admin {
		codes = append(codes, http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests)
	}
	return codes
}

// Parameters that several routes have.
var (
	filterParams = []string{"queue", "pool", "vm", "request_id", "error", "since", "until"}
	pageParams   = []string{"limit", "cursor"}
)

// routes are all calls. Those that change something have admin set, see adminRoutes.
func (a *api) routes() []route {
	return append(a.adminRoutes(), []route{
		{method: http.MethodGet, pattern: "/api/v1/queue/health", handle: a.getHealth},
		{method: http.MethodGet, pattern: "/api/v1/queue/dlq", params: slices.Concat(filterParams, []string{"order"}, pageParams), handle: a.listLetters},
		{method: http.MethodGet, pattern: "/api/v1/queue/dlq/stats", params: slices.Concat(filterParams, pageParams), handle: a.getStats},
		{method: http.MethodGet, pattern: "/api/v1/queue/dlq/export", params: filterParams, handle: a.exportLetters, long: true},
		{method: http.MethodGet, pattern: "/api/v1/queue/dlq/{id}", handle: a.getLetter},
		{method: http.MethodGet, pattern: "/api/v1/queue/vm/{vm}", handle: a.explainVM},
		{method: http.MethodGet, pattern: "/api/v1/queue/request/{id}", handle: a.explainRequest},
		{method: http.MethodGet, pattern: "/api/v1/queue/purge", params: pageParams, handle: a.getPurge},
		{method: http.MethodGet, pattern: "/api/v1/queue/purge/history", params: slices.Concat([]string{"pool", "vm", "request_id", "plan_id"}, pageParams), handle: a.listPurged},
		{method: http.MethodGet, pattern: "/api/v1/openapi.json", handle: a.getOpenAPI},
	}...)
}

// otherName is the label of requests for what there is not.
const otherName = "other"

// route fills the mux.
func (a *api) route() {
	a.mux = http.NewServeMux()
	byPattern := make(map[string]map[string]http.Handler)
	for _, r := range a.routes() {
		if byPattern[r.pattern] == nil {
			byPattern[r.pattern] = make(map[string]http.Handler)
		}
		byPattern[r.pattern][r.method] = a.serve(&r)
		a.opts.Metrics.know(r.name(), r.codes()...)
	}
	for pattern, methods := range byPattern {
		a.mux.Handle(pattern, a.byMethod(methods))
	}
	a.opts.Metrics.know(otherName, http.StatusNotFound, http.StatusMethodNotAllowed)
	a.other = a.refused(refuse(notFound, "there is no such call: see /api/v1/openapi.json"))
	a.mux.Handle("/", a.other)
}

// byMethod chooses by the request's method. HEAD is GET without the body.
func (a *api) byMethod(methods map[string]http.Handler) http.Handler {
	var allow []string
	for m := range methods {
		allow = append(allow, m)
		if m == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	wrong := refuse(badData, "the method is not allowed here, only %s", strings.Join(allow, ", "))
	wrong.code = http.StatusMethodNotAllowed
	refused := a.refused(wrong)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		if h := methods[method]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		refused.ServeHTTP(w, r)
	})
}

// refused answers every request with the same error.
func (a *api) refused(f *failure) http.Handler {
	return a.serve(&route{pattern: otherName, handle: func(http.ResponseWriter, *http.Request, values) error { return f }})
}

// ServeHTTP implements http.Handler. The mux would redirect a path that is not clean,
// with an answer that is not JSON.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := r.URL.EscapedPath(); p != path.Clean(p) {
		a.other.ServeHTTP(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}
