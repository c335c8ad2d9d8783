package main

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// shown registers what is gathered only while its feature is on. After a reload that
// turns the feature off its numbers are history: nobody writes them any more, and an
// alert on a success that is long ago would be false. What was counted is kept, for
// when it is turned on again.
type shown struct {
	prometheus.Registerer

	on atomic.Bool
}

func newShown(reg prometheus.Registerer) *shown { return &shown{Registerer: reg} }

// MustRegister implements prometheus.Registerer.
func (s *shown) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		s.Registerer.MustRegister(whileOn{c, &s.on})
	}
}

// whileOn is a collector that has metrics while its feature is on.
type whileOn struct {
	prometheus.Collector

	on *atomic.Bool
}

// Collect implements prometheus.Collector.
func (w whileOn) Collect(ch chan<- prometheus.Metric) {
	if w.on.Load() {
		w.Collector.Collect(ch)
	}
}
