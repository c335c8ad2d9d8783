package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// HandlerOptions tune a Handler.
type HandlerOptions struct {
	// Timeout bounds a scrape whose request names no timeout.
	Timeout time.Duration
	// TimeoutOffset is subtracted from the timeout that Prometheus sends, so
	// that the answer reaches it in time.
	TimeoutOffset time.Duration
	// Enabled are the collectors to run; nil means all.
	Enabled []Collector
	// Base is gathered with each scrape: what the process counts itself.
	Base *prometheus.Registry
}

// Handler serves /metrics: one State a request, under the request's deadline.
type Handler struct {
	source atomic.Pointer[Source]
	opts   HandlerOptions
	logger log.Logger
	faults *faults
	panics prometheus.Counter
	// serve is answer behind compression.
	serve http.Handler
}

// NewHandler returns a Handler and registers what it counts in opts.Base.
func NewHandler(s *Source, opts HandlerOptions, logger log.Logger) *Handler {
	if opts.Enabled == nil {
		opts.Enabled = All()
	}
	panics := prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: exporterSubsystem, Name: "panics_total",
		Help: "Panics that were caught in a collector or while the state was read.",
	})
	opts.Base.MustRegister(panics)
	h := &Handler{opts: opts, logger: logger, faults: newFaults(logger), panics: panics}
	h.Use(s)
	h.serve = compressed(http.HandlerFunc(h.answer))
	return h
}

// Use lets the scrapes from now on read another source.
func (h *Handler) Use(s *Source) { h.source.Store(s) }

// compressed answers with gzip where the client takes it. promhttp's own
// compression has one level, which takes several times as long for a few per
// cent fewer bytes.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.MinSize(1024))
	if err != nil {
		panic(err) // the options are constants
	}
	return wrap(next)
}

// ServeHTTP implements http.Handler. It answers with what could be read, also
// when that is nothing but vmpooler_up 0.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

func (h *Handler) answer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout(r))
	defer cancel()
	state := h.source.Load().State(ctx)
	if r.Context().Err() != nil {
		return // nobody is there to be answered, and nothing to be logged
	}
	if errors.Is(state.Err, errPanic) {
		h.panics.Inc()
	}
	reg := prometheus.NewRegistry()
	// One registry that holds the other, not prometheus.Gatherers: these check
	// every metric a second time.
	reg.MustRegister(h.scrape(state), h.opts.Base)
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		ErrorLog:      errorLog{h.logger},
		ErrorHandling: promhttp.ContinueOnError,

		DisableCompression: true, // compressed does it
	}).ServeHTTP(w, r)
}

func (h *Handler) scrape(st *State) *scrape {
	return &scrape{state: st, collectors: h.opts.Enabled, faults: h.faults, panics: h.panics}
}

// timeout is the request's own, less the offset, else the configured one.
func (h *Handler) timeout(r *http.Request) time.Duration {
	v := r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds")
	seconds, err := strconv.ParseFloat(v, 64)
	if err != nil || seconds <= 0 || seconds > time.Hour.Seconds() {
		return h.opts.Timeout
	}
	asked := time.Duration(seconds * float64(time.Second))
	// Half of a timeout that is shorter than the offset is better than none.
	return max(asked-h.opts.TimeoutOffset, asked/2)
}

// errorLog makes promhttp's errors lines of ours.
type errorLog struct{ logger log.Logger }

func (l errorLog) Println(v ...any) {
	level.Error(l.logger).Log("msg", "could not serve metrics", "err", fmt.Sprint(v...))
}
