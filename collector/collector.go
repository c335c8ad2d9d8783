package collector

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	namespace = "vmpooler"
	// exporterSubsystem holds the exporter's own metrics.
	exporterSubsystem = "exporter"
)

// Collector makes the metrics of one subject from a State.
type Collector struct {
	// Name is the flag's (--collector.<Name>) and the label's.
	Name string
	// Help says what it collects.
	Help string
	// parts of the snapshot that it needs; its success is theirs.
	parts []vmpooler.Part
	descs []*prometheus.Desc
	// always says that collect is wanted even when nothing could be read.
	always  bool
	collect func(*State, *emitter) error
}

// All lists the collectors in the order of their names. Adding one is
// described in CONTRIBUTING.md.
func All() []Collector {
	return []Collector{
		dlqCollector(),
		healthCollector(),
		ondemandCollector(),
		orphansCollector(),
		poolsCollector(),
		queuesCollector(),
		redisCollector(),
		tasksCollector(),
	}
}

// desc names a metric, its help and its labels.
func desc(subsystem, name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
}

// emitter sends gauges to Prometheus.
type emitter struct {
	ch chan<- prometheus.Metric
}

func (e *emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (e *emitter) counter(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

// known sends a gauge if its value is known: absent is not zero.
func (e *emitter) known(d *prometheus.Desc, n vmpooler.Number, labels ...string) {
	if n.Known {
		e.gauge(d, float64(n.Value), labels...)
	}
}

// run calls the collector and returns why it was not whole, if it was not.
func (c *Collector) run(st *State, e *emitter) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	if st.Err != nil {
		if c.always {
			err = c.collect(st, e)
		}
		return errors.Join(st.Err, err)
	}
	for _, p := range c.parts {
		err = errors.Join(err, st.Snapshot.Errs[p])
	}
	return errors.Join(err, c.collect(st, e))
}

var errPanic = errors.New("the collector panicked")

// took is how long the reads that the collector needs lasted.
func (c *Collector) took(st *State) (d time.Duration) {
	if st.Err != nil {
		return st.Took
	}
	for _, p := range c.parts {
		d = max(d, st.Snapshot.Took[p])
	}
	return d
}
