package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

const (
	// defaultTimeout bounds what a page may take to be read.
	defaultTimeout = 15 * time.Second
	// changeTimeout bounds what changes something: a plan of a purge looks at all keys.
	changeTimeout = 10 * time.Minute
)

// securityPolicy allows what the pages need: their own files, and forms that come
// back to them. Nothing inline, no other host, no frame.
const securityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Options are what the pages are made of.
type Options struct {
	Source  Source
	Stories Stories

	// Admin does what changes something; nil while that is off. IsAdmin says whether
	// a request is an admin's, and whose; nil is nobody's.
	Admin   Admin
	IsAdmin func(*http.Request) (user string, ok bool)
	// MayChange says why a request that changes something is refused, or whose it is;
	// nil asks IsAdmin. Its errors are for who is refused.
	MayChange func(*http.Request) (user string, err error)

	// MostRequeued is how many requests Admin puts back at once, to be said beside the
	// button; 0 says nothing.
	MostRequeued int

	MetricsPath string // of the metrics, for a link; "" for none
	Logger      log.Logger
	Timeout     time.Duration    // of what a page reads; 15 s if 0
	Now         func() time.Time // nil is the real clock
}

// Handler answers for every page. It is safe for concurrent use.
type Handler struct {
	opts   Options
	assets *assets
	pages  map[string]*template.Template
	serve  http.Handler
}

// NewHandler returns a Handler. It is to be mounted at "/": it answers for what is
// nowhere, too.
func NewHandler(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Logger == nil {
		o.Logger = log.NewNopLogger()
	}
	h := &Handler{opts: o, assets: newAssets()}
	h.pages = newTemplates(h.assets)
	mux := http.NewServeMux()
	mux.Handle("/{$}", h.reading(h.overview))
	mux.Handle("/dlq", h.reading(h.letters))
	mux.Handle("/dlq/kinds", h.reading(h.kinds))
	mux.Handle("/purge", h.reading(h.purge))
	mux.Handle("/find", h.reading(h.find))
	mux.Handle("/pool/{name...}", h.reading(h.pool))
	mux.Handle("/vm/{name...}", h.reading(h.vm))
	mux.Handle("/request/{name...}", h.reading(h.request))
	mux.Handle("/assets/", h.reading(h.asset))
	mux.Handle("/", http.HandlerFunc(h.nowhere))
	h.adminRoutes(mux)
	h.serve = h.guarded(compressed(mux))
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.MinSize(1024))
	if err != nil {
		panic(err) // the options are constants
	}
	return wrap(next)
}

// guarded sets the headers that every answer has, bounds its time, and answers for a
// panic.
func (h *Handler) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", securityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		timeout := h.opts.Timeout
		if strings.HasPrefix(r.URL.Path, adminPrefix) {
			timeout = changeTimeout
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				level.Error(h.opts.Logger).Log("msg", "a page panicked", "path", plain(r.URL.Path), "panic", p)
				h.fail(w, r, http.StatusInternalServerError, "Something went wrong inside the exporter. Its log says what.")
			}
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// reading lets GET and HEAD through.
func (h *Handler) reading(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			h.fail(w, r, http.StatusMethodNotAllowed, "This address is for reading only.")
			return
		}
		next(w, r)
	})
}

func (h *Handler) asset(w http.ResponseWriter, r *http.Request) {
	if !h.assets.serve(w, r) {
		h.nowhere(w, r)
	}
}

func (h *Handler) nowhere(w http.ResponseWriter, r *http.Request) {
	h.fail(w, r, http.StatusNotFound, "There is no such page.")
}

// failed answers for an error of a reading: the asker's own, or Redis's.
func (h *Handler) failed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case r.Context().Err() != nil && !errors.Is(r.Context().Err(), context.DeadlineExceeded):
		return // nobody is there to be answered
	case errors.Is(err, errParameter), errors.Is(err, dlq.ErrFilter):
		h.fail(w, r, http.StatusBadRequest, reason(err.Error())+".")
	default:
		w.Header().Set("Retry-After", "5")
		h.fail(w, r, http.StatusServiceUnavailable, "It could not be read: "+reason(err.Error()))
	}
}

// admin says whether a request is an admin's, who may do what changes something.
func (h *Handler) admin(r *http.Request) (user string, ok bool) {
	if h.opts.Admin == nil || h.opts.IsAdmin == nil {
		return "", false
	}
	return h.opts.IsAdmin(r)
}
