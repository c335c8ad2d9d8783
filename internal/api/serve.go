package api

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// retryAfter is when to come again after it was too busy here.
const retryAfter = time.Second

// serve returns what is around a route: headers, limits, its deadline, errors,
// panics, and what is counted.
func (a *api) serve(rt *route) http.Handler {
	name := rt.name()
	if rt.pattern == otherName {
		name = otherName
	}
	limit := a.opts.Timeout
	if rt.long {
		limit = a.opts.ExportTimeout
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		out := &output{ResponseWriter: w, stall: a.opts.Stall}
		defer func() { a.opts.Metrics.answered(name, out.code, time.Since(began)) }()
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		err := a.answer(out, r.WithContext(ctx), rt)
		switch {
		case err == nil && out.code == 0:
			out.code = http.StatusOK // net/http's word for an empty answer
		case err == nil:
		case out.code != 0: // too late for another answer: what is there must not look whole
			a.tell(name, err)
			panic(http.ErrAbortHandler)
		case r.Context().Err() != nil && !isFailure(err):
			out.code = statusGone
			refuse(unavailable, "the client has gone").write(out) // it may have closed its own direction alone
		default:
			f := failureOf(err)
			if f.code >= http.StatusInternalServerError {
				a.tell(name, err)
			}
			f.write(out)
		}
	})
}

func isFailure(err error) bool {
	_, is := errors.AsType[*failure](err)
	return is
}

// statusGone is counted where the client left before its answer.
const statusGone = 499

// answer runs the route within its limits.
func (a *api) answer(w http.ResponseWriter, r *http.Request, rt *route) (err error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	default:
		return tooBusy("too many requests are under way")
	}
	defer func() {
		if p := recover(); p != nil {
			err = &live.PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	if rt.admin {
		if err := a.guard(r); err != nil {
			return err
		}
	}
	v, err := parseQuery(r.URL.RawQuery, rt.params)
	if err != nil && rt.pattern != otherName {
		return err
	}
	return rt.handle(w, r, v)
}

// guard says why a call that changes something is refused.
func (a *api) guard(r *http.Request) error {
	if a.opts.Guard == nil {
		return refuse(forbidden, "the admin API is off")
	}
	err := a.opts.Guard(r)
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	return refuse(forbidden, "%s", err)
}

func tooBusy(why string) error {
	f := refuse(unavailable, "%s: come again in a moment", why)
	f.wait = retryAfter
	return f
}

// tell counts a panic, and logs what went wrong here. That Redis is away, /metrics
// and its own log lines tell.
func (a *api) tell(name string, err error) {
	var p *live.PanicError
	switch {
	case errors.As(err, &p):
		a.opts.Metrics.panics.Inc()
		level.Error(a.opts.Logger).Log("msg", "panic in an answer", "route", name, "err", err, "stack", string(p.Stack))
	case failureOf(err).kind == internal:
		level.Error(a.opts.Logger).Log("msg", "no answer could be made", "route", name, "err", err)
	default:
		level.Debug(a.opts.Logger).Log("msg", "no answer", "route", name, "err", err)
	}
}

// output knows whether an answer has begun, and with which status. From then on its
// client has so long to receive it.
type output struct {
	http.ResponseWriter

	stall time.Duration
	code  int // 0 before
}

// WriteHeader implements http.ResponseWriter.
func (o *output) WriteHeader(code int) {
	if o.code == 0 {
		o.code = code
		_ = http.NewResponseController(o.ResponseWriter).SetWriteDeadline(time.Now().Add(o.stall)) // no connection in a test
	}
	o.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (o *output) Write(p []byte) (int, error) {
	if o.code == 0 {
		o.WriteHeader(http.StatusOK)
	}
	return o.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (o *output) Unwrap() http.ResponseWriter { return o.ResponseWriter }
