package collector

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// sample is a gauge whose labels are made already. A scrape sends thousands of
// them, several with the same labels; NewConstMetric copies, checks and sorts
// the labels of each anew, which for 60 pools costs as much as half of Redis'
// work.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	gauge  dto.Gauge
	value  float64
}

// labels makes the pairs of name, value, name, value …, the names ascending.
// The result is shared by samples and must not be written to.
func labels(namesAndValues ...string) []*dto.LabelPair {
	pairs := make([]dto.LabelPair, len(namesAndValues)/2)
	out := make([]*dto.LabelPair, len(pairs))
	for i := range pairs {
		pairs[i].Name, pairs[i].Value = &namesAndValues[2*i], &namesAndValues[2*i+1]
		out[i] = &pairs[i]
	}
	return out
}

// sample sends a gauge with labels that were made by labels.
func (e *emitter) sample(d *prometheus.Desc, v float64, labels []*dto.LabelPair) {
	s := &sample{desc: d, labels: labels, value: v}
	s.gauge.Value = &s.value
	e.ch <- s
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(m *dto.Metric) error {
	m.Label, m.Gauge = s.labels, &s.gauge
	return nil
}
