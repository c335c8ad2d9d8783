package collector

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	upDesc = desc("", "up",
		"Whether vmpooler's state in Redis could be read.")
	successDesc = desc(exporterSubsystem, "collector_success",
		"Whether the collector's numbers are whole.", "collector")
	durationDesc = desc(exporterSubsystem, "collector_duration_seconds",
		"Time that the collector took, its share of reading Redis included.", "collector")
)

// scrape is a prometheus.Collector over one State: it lives for one request.
type scrape struct {
	state      *State
	collectors []Collector
	faults     *faults
	panics     prometheus.Counter
}

// Describe implements prometheus.Collector.
func (s *scrape) Describe(ch chan<- *prometheus.Desc) {
	ch <- upDesc
	ch <- successDesc
	ch <- durationDesc
	for i := range s.collectors {
		for _, d := range s.collectors[i].descs {
			ch <- d
		}
	}
}

// Collect implements prometheus.Collector. Every collector has its success and
// duration, with Redis down too.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	e := &emitter{ch: ch}
	e.gauge(upDesc, boolean(s.state.Up()))
	s.faults.note("redis", s.down())
	for i := range s.collectors {
		c := &s.collectors[i]
		began := time.Now()
		err := c.run(s.state, e)
		e.gauge(successDesc, boolean(err == nil), c.Name)
		e.gauge(durationDesc, (c.took(s.state) + time.Since(began)).Seconds(), c.Name)
		if errors.Is(err, errPanic) {
			s.panics.Inc()
		}
		if s.down() == nil { // else one reason stands for all
			s.faults.note("collector "+c.Name, err)
		}
	}
}

// down is why not all of Redis could be read, or nil.
func (s *scrape) down() error {
	if s.state.Err != nil {
		return s.state.Err
	}
	return s.state.Snapshot.Lost
}
