package dlq

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Metrics count what the recorder writes.
type Metrics struct {
	entries     *prometheus.CounterVec
	duplicates  prometheus.Counter
	evicted     prometheus.Counter
	expired     prometheus.Counter
	failures    prometheus.Counter
	lastSuccess prometheus.Gauge
	now         func() time.Time
}

// NewMetrics registers the metrics, with every queue at 0.
func NewMetrics(reg prometheus.Registerer, now func() time.Time) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "vmpooler", Subsystem: "dlq", Name: name, Help: help})
	}
	m := &Metrics{
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "vmpooler", Subsystem: "dlq", Name: "entries_total", Help: "Dead letters that this exporter added.",
		}, []string{"queue"}),
		duplicates: counter("duplicates_total", "Failures that were recorded already, by whomever."),
		evicted:    counter("evicted_entries_total", "Dead letters dropped because a queue held dlq_max_entries, the oldest first."),
		expired:    counter("expired_entries_total", "Dead letters dropped dlq_ttl after their failure."),
		failures:   counter("write_failures_total", "Attempts to write dead letters that Redis refused or did not answer."),
		lastSuccess: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "vmpooler", Subsystem: "dlq", Name: "last_success_timestamp_seconds",
			Help: "When all failures that were known last stood in Redis.",
		}),
		now: now,
	}
	reg.MustRegister(m.entries, m.duplicates, m.evicted, m.expired, m.failures, m.lastSuccess)
	for _, q := range vmpooler.DLQQueues() {
		m.entries.WithLabelValues(q)
	}
	return m
}

func (m *Metrics) succeeded() { m.lastSuccess.Set(float64(m.now().Unix())) }

func (m *Metrics) wrote(added map[string]int, sum AddSummary, err error) {
	for queue, n := range added {
		m.entries.WithLabelValues(queue).Add(float64(n))
	}
	m.duplicates.Add(float64(sum.Duplicates))
	m.evicted.Add(float64(sum.Evicted))
	m.expired.Add(float64(sum.Expired))
	if err != nil {
		m.failures.Inc()
	}
}
