package dlq

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Events count the steps in the lives of VMs and requests and how long they
// took. They are safe for concurrent use.
type Events struct {
	steps, requests *prometheus.CounterVec
	phases          map[lifecycle.Phase]*prometheus.HistogramVec
	fulfilment      *prometheus.HistogramVec

	mu    sync.Mutex
	known map[string]struct{} // pools whose counters are there
}

// NewEvents registers the metrics. A pool's counters begin at 0 with Know; its
// histograms are there from their first observation on.
func NewEvents(reg prometheus.Registerer) *Events {
	counter := func(subsystem, name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "vmpooler", Subsystem: subsystem, Name: name, Help: help,
		}, []string{"pool", "event"})
	}
	e := &Events{
		steps:    counter("vm", "events_total", "Steps in the lives of VMs, as their metadata tells."),
		requests: counter("ondemand", "request_events_total", "Steps in the lives of on-demand requests, for each pool that they ask for."),
		phases: map[lifecycle.Phase]*prometheus.HistogramVec{
			lifecycle.ClonePhase: duration("vm_clone", "How long the provider took to clone a VM, by vmpooler's own watch.",
				time.Second, 5*time.Second, 15*time.Second, 30*time.Second, time.Minute, 2*time.Minute, 5*time.Minute, 10*time.Minute, 30*time.Minute),
			lifecycle.BootPhase: duration("vm_boot", "From the beginning of a VM's clone until it was ready, or with the user whose request it was made for.",
				5*time.Second, 15*time.Second, 30*time.Second, time.Minute, 2*time.Minute, 5*time.Minute, 10*time.Minute, 15*time.Minute, 30*time.Minute, time.Hour),
			lifecycle.ReadyPhase: duration("vm_ready", "How long a VM was ready until it was checked out.",
				time.Minute, 5*time.Minute, 15*time.Minute, time.Hour, 4*time.Hour, 12*time.Hour, 24*time.Hour, 48*time.Hour),
			lifecycle.LeasePhase: duration("vm_lease", "How long a user had a VM.",
				time.Minute, 10*time.Minute, 30*time.Minute, time.Hour, 2*time.Hour, 4*time.Hour, 8*time.Hour, 12*time.Hour, 24*time.Hour, 48*time.Hour, 7*24*time.Hour),
		},
		fulfilment: duration("ondemand_fulfilment", "From an on-demand request until all its VMs were there, for each pool that it asked for.",
			5*time.Second, 15*time.Second, 30*time.Second, time.Minute, 2*time.Minute, 5*time.Minute, 10*time.Minute, 30*time.Minute, time.Hour),
		known: make(map[string]struct{}),
	}
	reg.MustRegister(e.steps, e.requests, e.fulfilment)
	for _, h := range e.phases {
		reg.MustRegister(h)
	}
	return e
}

// duration is a histogram with classic buckets of these bounds for every
// Prometheus, and native ones, some 10 % wide, for one that asks for them.
func duration(name, help string, bounds ...time.Duration) *prometheus.HistogramVec {
	buckets := make([]float64, len(bounds))
	for i, b := range bounds {
		buckets[i] = b.Seconds()
	}
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "vmpooler", Name: name + "_duration_seconds", Help: help,
		Buckets:                         buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, []string{"pool"})
}

// Know lets the counters of these pools begin at 0, so that their first step is
// an increase.
func (e *Events) Know(pools ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, pool := range pools {
		if _, ok := e.known[pool]; ok {
			continue
		}
		e.known[pool] = struct{}{}
		for _, kind := range lifecycle.EventKinds() {
			e.steps.WithLabelValues(vmpooler.Label(pool), kind.String())
		}
		for _, kind := range lifecycle.RequestEventKinds() {
			e.requests.WithLabelValues(vmpooler.Label(pool), kind.String())
		}
	}
}

// vm counts a step of a VM. Some hashes have lost their pool's name, and steps
// from before anybody watched are no rate.
func (e *Events) vm(ev lifecycle.Event) {
	if ev.Past || ev.Pool == "" {
		return
	}
	pool := vmpooler.Label(ev.Pool)
	e.steps.WithLabelValues(pool, ev.Kind.String()).Inc()
	if h, ok := e.phases[ev.Ends]; ok {
		h.WithLabelValues(pool).Observe(ev.Took.Seconds())
	}
}

// request counts a step of an on-demand request.
func (e *Events) request(ev lifecycle.RequestEvent) {
	for _, name := range ev.Pools {
		pool := vmpooler.Label(name)
		e.requests.WithLabelValues(pool, ev.Kind.String()).Inc()
		if ev.Kind == lifecycle.Fulfilled {
			e.fulfilment.WithLabelValues(pool).Observe(ev.Took.Seconds())
		}
	}
}
