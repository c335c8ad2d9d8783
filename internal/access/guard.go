package access

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// Guard lets through what a Policy permits, and counts and logs the rest.
type Guard struct {
	policy  *Policy
	refused *prometheus.CounterVec
	logins  prometheus.Counter
	logger  log.Logger
}

// NewGuard registers what it counts, all refusals at 0.
func NewGuard(p *Policy, reg prometheus.Registerer, logger log.Logger) *Guard {
	g := &Guard{
		policy: p, logger: logger,
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "vmpooler", Subsystem: "exporter", Name: "refused_calls_total",
			Help: "Calls that would have changed something and were refused, by why.",
		}, []string{"reason"}),
		logins: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "vmpooler", Subsystem: "exporter", Name: "failed_logins_total",
			Help: "Requests with a name or a password that is wrong, or without one where one is needed.",
		}),
	}
	reg.MustRegister(g.refused, g.logins)
	for _, r := range Refusals() {
		g.refused.WithLabelValues(string(r))
	}
	return g
}

// Who is the Policy's, counted and logged where it refuses.
func (g *Guard) Who(r *http.Request, form bool) (string, error) {
	user, err := g.policy.Who(r, form)
	var refusal Refusal
	switch {
	case errors.As(err, &refusal):
		g.refused.WithLabelValues(string(refusal)).Inc()
		level.Warn(g.logger).Log("msg", "a call was refused", "reason", string(refusal), "method", r.Method, "path", r.Pattern, "from", r.RemoteAddr)
	case err != nil:
		level.Error(g.logger).Log("msg", "a call was refused", "err", err)
	}
	return user, err
}

// Admin is the Policy's.
func (g *Guard) Admin(r *http.Request) (user string, ok bool) { return g.policy.Admin(r) }

// letIn is the key under which a request's context says whether it got past the login.
type letIn struct{}

// LetIn is for the handler inside of exporter-toolkit's: what it answers is no failed
// login, though it may be a refusal of its own.
func LetIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if in, ok := r.Context().Value(letIn{}).(*bool); ok {
			*in = true
		}
		next.ServeHTTP(w, r)
	})
}

// Logins counts and logs the requests that next, exporter-toolkit's handler, turns
// away for their login.
func (g *Guard) Logins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, in := &statusWriter{ResponseWriter: w}, new(bool)
		next.ServeHTTP(s, r.WithContext(context.WithValue(r.Context(), letIn{}, in)))
		if s.status == http.StatusUnauthorized && !*in {
			g.logins.Inc()
			level.Warn(g.logger).Log("msg", "a login failed", "from", r.RemoteAddr)
		}
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
