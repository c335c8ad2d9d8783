package inventory

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// Metrics tell how far the providers' listings can be relied on.
type Metrics struct {
	strangers, known, success *prometheus.GaugeVec
	failures                  *prometheus.CounterVec
	duration                  *prometheus.HistogramVec
}

// NewMetrics registers the metrics. Every pool begins as unknown, with no failure.
// What was never there has no row: neither a time of success nor a number of VMs.
func NewMetrics(reg prometheus.Registerer, pools []config.Pool) *Metrics {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "vmpooler", Subsystem: "inventory", Name: name, Help: help}, []string{"pool"})
	}
	m := &Metrics{
		strangers: gauge("unknown_vms", "VMs that the provider has and no queue of vmpooler's knows; absent while the listing can't be relied on."),
		known:     gauge("known", "Whether the provider's last listing of the pool can be relied on."),
		success:   gauge("last_success_timestamp_seconds", "When the last listing of the pool that can be relied on began."),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "vmpooler", Subsystem: "inventory", Name: "failures_total", Help: "Listings of the pool that failed or can't be relied on.",
		}, []string{"pool"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "vmpooler", Subsystem: "inventory", Name: "list_duration_seconds", Help: "How long the provider took to list a pool, or to fail.",
			Buckets:                         []float64{0.1, 0.5, 1, 5, 15, 60},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"provider"}),
	}
	reg.MustRegister(m.strangers, m.known, m.success, m.failures, m.duration)
	m.Know(pools)
	return m
}

// Know lets the metrics of these pools begin, with nothing known of any.
func (m *Metrics) Know(pools []config.Pool) {
	for _, pool := range pools {
		m.known.WithLabelValues(pool.Name).Set(0)
		m.failures.WithLabelValues(pool.Name)
		m.duration.WithLabelValues(ProviderOf(pool))
	}
}

// took notes how long the listings took; what was never asked took no time.
func (m *Metrics) took(round []Listing) {
	for _, l := range round {
		if l.Took > 0 {
			m.duration.WithLabelValues(l.Provider).Observe(l.Took.Seconds())
		}
	}
}

// show shows the View. Without the VMs that are in queues there are no strangers to
// count.
func (m *Metrics) show(v *View, queued map[string]struct{}) {
	var strangers map[string][]string
	if queued != nil {
		strangers = v.Strangers(func(vm string) bool { _, ok := queued[vm]; return ok })
	}
	for pool, state := range v.States() {
		if list, ok := strangers[pool]; ok {
			m.strangers.WithLabelValues(pool).Set(float64(len(list)))
		} else {
			m.strangers.DeleteLabelValues(pool)
		}
		if !state.At.IsZero() {
			m.success.WithLabelValues(pool).Set(float64(state.At.UnixMilli()) / 1000)
		}
		if state.Known {
			m.known.WithLabelValues(pool).Set(1)
			continue
		}
		m.known.WithLabelValues(pool).Set(0)
		m.failures.WithLabelValues(pool).Inc()
	}
}
