package api

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// Prefix is the path under which the API is served.
const Prefix = "/api/"

// The defaults of Options.
const (
	// Timeout is how long an answer may take.
	Timeout = 10 * time.Second
	// MaxRequests are answered at once; whoever comes then is told to come again.
	MaxRequests = 100
	// MaxExports are made at once.
	MaxExports = 2
	// ExportTimeout is how long an export may take.
	ExportTimeout = 10 * time.Minute
	// Stall is how long a client may take to receive its answer, or a piece of an
	// export.
	Stall = 10 * time.Second
)

// Explainer tells what is known of a VM or an on-demand request, as JSON; false if
// that is nothing. Its errors are Redis's.
type Explainer interface {
	VM(ctx context.Context, name string) (any, bool, error)
	Request(ctx context.Context, id string) (any, bool, error)
}

// Options are what the API answers from.
type Options struct {
	Live *live.Cache
	// Client is for exports alone: all else is read through Live.
	Client  redis.UniversalClient
	Explain Explainer
	Metrics *Metrics
	Logger  log.Logger

	// Guard says why a call that changes something is refused: the error is shown,
	// as one of refuse's if it is that, else as forbidden. Nil refuses all of them.
	Guard func(*http.Request) error
	// Admin does them, for the User that the Guard has let pass.
	Admin Admin
	User  func(*http.Request) string

	// Asked is the last plan that an Admin was asked for, or nil; so is it itself where
	// there is none.
	Asked func() *Asked
	// Leads says whether this exporter is the one that purges; nil where it is alone.
	Leads func() bool

	// These are the constants of their names unless they are set.
	Timeout, ExportTimeout, Stall time.Duration
	MaxRequests, MaxExports       int
	// Now is time.Now unless it is set.
	Now func() time.Time
}

// api serves the routes.
type api struct {
	opts    Options
	mux     *http.ServeMux
	other   http.Handler // of what no route has
	openapi []byte
	slots   chan struct{} // one for each request under way
	exports chan struct{} // one for each export under way
	health  atomic.Pointer[healthAnswer]
}

// New returns the handler of everything under Prefix.
func New(o Options) (http.Handler, error) {
	if o.Live == nil || o.Client == nil || o.Explain == nil || o.Metrics == nil || o.Logger == nil {
		return nil, errors.New("api: an option is missing")
	}
	document, err := openAPI()
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	a := &api{
		opts: o, openapi: document,
		slots: make(chan struct{}, o.MaxRequests), exports: make(chan struct{}, o.MaxExports),
	}
	a.route()
	return a.hurried(compressed(a)), nil
}

// hurried gives an answer the time that it needs to be made, whatever the server's
// WriteTimeout is; output then bounds how long the client may take to receive it, who
// holds a slot meanwhile. The next request on the connection starts as the server has
// it.
func (a *api) hurried(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if control.SetWriteDeadline(time.Time{}) != nil {
			next.ServeHTTP(w, r) // no connection, as in a test
			return
		}
		next.ServeHTTP(w, r)
		var deadline time.Time
		if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.WriteTimeout > 0 {
			deadline = time.Now().Add(server.WriteTimeout)
		}
		_ = control.SetWriteDeadline(deadline) // it has worked before
	})
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{{&o.Timeout, Timeout}, {&o.ExportTimeout, ExportTimeout}, {&o.Stall, Stall}} {
		if *d.to == 0 {
			*d.to = d.is
		}
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = MaxRequests
	}
	if o.MaxExports == 0 {
		o.MaxExports = MaxExports
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// compressed answers with gzip where the client takes it.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.MinSize(1024))
	if err != nil {
		panic(err) // the options are constants
	}
	return wrap(next)
}
