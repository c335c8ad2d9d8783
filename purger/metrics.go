package purger

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Metrics count what purges do. They are safe for concurrent use.
type Metrics struct {
	entries   *prometheus.CounterVec // queue, pool, dry_run
	orphaned  *prometheus.CounterVec // dry_run
	requests  *prometheus.CounterVec // dry_run
	actions   *prometheus.CounterVec // target, result
	cycles    *prometheus.CounterVec // result
	lastCycle *prometheus.GaugeVec   // dry_run
	duration  prometheus.Gauge
	interval  prometheus.Gauge
	success   prometheus.Gauge
	held      *prometheus.GaugeVec // pool, cause

	mu    sync.Mutex
	known map[string]struct{} // pools whose counters are there
}

// Results of a cycle.
const (
	cycleDone     = "done"
	cycleFailed   = "failed"
	cyclePanicked = "panicked"
)

// NewMetrics registers the metrics, all at 0 that have no pool; those of a pool
// begin with Know.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "vmpooler", Subsystem: "purge", Name: name, Help: help}, labels)
	}
	opts := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "vmpooler", Subsystem: "purge", Name: name, Help: help}
	}
	m := &Metrics{
		entries:   counter("entries_total", "VMs that were purged from a queue, or would have been.", "queue", "pool", "dry_run"),
		orphaned:  counter("orphaned_total", "Metadata of VMs in no queue that was given a TTL, or would have been.", "dry_run"),
		requests:  counter("requests_total", "On-demand requests that were made to fail, or would have been.", "dry_run"),
		actions:   counter("actions_total", "Actions of plans that were applied, by what became of them.", "target", "result"),
		cycles:    counter("cycles_total", "Cycles of the loop, by how they ended.", "result"),
		lastCycle: prometheus.NewGaugeVec(opts("last_cycle_entries", "Entries that the loop's last cycle purged, or would have."), []string{"dry_run"}),
		duration:  prometheus.NewGauge(opts("cycle_duration_seconds", "How long the loop's last cycle took.")),
		interval:  prometheus.NewGauge(opts("interval_seconds", "How far apart the loop's cycles are.")),
		success:   prometheus.NewGauge(opts("last_success_timestamp_seconds", "When a cycle of the loop last came to its end; 0 if none has.")),
		held:      prometheus.NewGaugeVec(opts("held", "1 for each pool that is not purged, by cause; no pool stands for all, or with the cause requests for requests."), []string{"pool", "cause"}),
		known:     make(map[string]struct{}),
	}
	reg.MustRegister(m.entries, m.orphaned, m.requests, m.actions, m.cycles, m.lastCycle, m.duration, m.interval, m.success, m.held)
	for _, dry := range []string{"false", "true"} {
		m.orphaned.WithLabelValues(dry)
		m.requests.WithLabelValues(dry)
		m.lastCycle.WithLabelValues(dry)
	}
	for _, t := range Targets() {
		for _, o := range []Outcome{Applied, Skipped, Refused, Failed} {
			m.actions.WithLabelValues(string(t), string(o))
		}
	}
	for _, r := range []string{cycleDone, cycleFailed, cyclePanicked} {
		m.cycles.WithLabelValues(r)
	}
	return m
}

// Know lets the counters of these pools begin at 0.
func (m *Metrics) Know(pools ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, pool := range pools {
		if _, ok := m.known[pool]; ok {
			continue
		}
		m.known[pool] = struct{}{}
		for _, q := range []vmpooler.Queue{vmpooler.Pending, vmpooler.Ready, vmpooler.Completed} {
			for _, dry := range []string{"false", "true"} {
				m.entries.WithLabelValues(q.String(), vmpooler.Label(pool), dry)
			}
		}
	}
}

// did counts an action whose outcome is known. One that only would have been done
// is never counted as done (contract 3.8).
func (m *Metrics) did(a *Action, dryRun bool) {
	if !dryRun && a.Outcome != Planned && a.Outcome != Held {
		m.actions.WithLabelValues(string(a.Target), string(a.Outcome)).Inc()
	}
	if !a.counts(dryRun) {
		return
	}
	dry := strconv.FormatBool(dryRun)
	switch a.Target {
	case Orphaned:
		m.orphaned.WithLabelValues(dry).Inc()
	case Request:
		m.requests.WithLabelValues(dry).Inc()
	case Pending, Ready, Completed, Ghost:
		m.entries.WithLabelValues(a.Queue.String(), vmpooler.Label(a.Pool), dry).Inc()
	}
}

// counts says whether the action is one of those that a cycle purged, or in a dry
// run would have.
func (a *Action) counts(dryRun bool) bool {
	if dryRun {
		return a.Outcome == Planned
	}
	return a.Outcome == Applied
}

// cycle takes the end of one of the loop's cycles. A plan is there unless err came
// before it.
func (m *Metrics) cycle(p *Plan, began, ended time.Time, result string) {
	m.cycles.WithLabelValues(result).Inc()
	m.duration.Set(ended.Sub(began).Seconds())
	if result == cycleDone {
		m.success.Set(float64(ended.Unix()))
	}
	if p == nil {
		return
	}
	n := 0
	for i := range p.Actions {
		if p.Actions[i].counts(p.DryRun) {
			n++
		}
	}
	m.lastCycle.WithLabelValues(strconv.FormatBool(p.DryRun)).Set(float64(n))
	m.lastCycle.WithLabelValues(strconv.FormatBool(!p.DryRun)).Set(0)
	m.held.Reset()
	for _, h := range p.Held {
		m.held.WithLabelValues(vmpooler.Label(h.Pool), string(h.Cause)).Set(1)
	}
}
