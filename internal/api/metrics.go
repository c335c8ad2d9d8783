package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count the API's answers.
type Metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	panics   prometheus.Counter
}

// NewMetrics returns Metrics that are registered.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	const namespace, subsystem = "vmpooler_exporter", "api"
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "requests_total",
			Help: "Answers of the API; code 499 is of clients that left before theirs.",
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "request_duration_seconds",
			Help:    "Time that an answer of the API took.",
			Buckets: []float64{0.005, 0.02, 0.1, 0.5, 2, 10},
		}, []string{"route"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "panics_total",
			Help: "Panics that were caught in an answer of the API.",
		}),
	}
	reg.MustRegister(m.requests, m.duration, m.panics)
	return m
}

// know lets a route's counters begin at 0.
func (m *Metrics) know(route string, codes ...int) {
	for _, code := range codes {
		m.requests.WithLabelValues(route, strconv.Itoa(code))
	}
	m.duration.WithLabelValues(route)
}

func (m *Metrics) answered(route string, code int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
}
