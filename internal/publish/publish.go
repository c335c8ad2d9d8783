// Package publish writes vmpooler__health, for programs that read it where vmpooler
// itself would write it: the same hash, in the same form.
//
// Reports flow in, at an interval; the hash, a line in the log, and a line for each
// change of the status flow out. It writes that one key, under the lease of the
// exporter that writes.
package publish

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	// lives is how long the hash outlives its last publication, as vmpooler's does.
	lives = time.Hour

	// lastCheckLayout is Ruby's Time#iso8601.
	lastCheckLayout = "2006-01-02T15:04:05-07:00"
)

//go:embed publish.lua
var source string

var script = redis.NewScript(source)

// Options configure a Publisher.
type Options struct {
	Client   redis.UniversalClient
	Report   func(ctx context.Context) (*health.Report, error)
	Fence    func() (lease.Fence, bool) // of the exporter that writes
	Interval time.Duration
	DLQ      bool // whether the dead-letter queues are part of it: dlq_enabled
	Logger   log.Logger
	Metrics  *Metrics
}

// Metrics count publications.
type Metrics struct {
	failures prometheus.Counter
	success  prometheus.Gauge
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "vmpooler", Subsystem: "publish", Name: "failures_total",
			Help: "Publications of the health that failed.",
		}),
		success: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "vmpooler", Subsystem: "publish", Name: "last_success_timestamp_seconds",
			Help: "When this exporter last published the health; 0 if it never has.",
		}),
	}
	reg.MustRegister(m.failures, m.success)
	return m
}

// Publisher publishes the health. It is for one goroutine.
type Publisher struct {
	opts    Options
	status  string        // that was last told
	failing string        // the error that was last logged
	waited  time.Duration // for the first sweep
}

// New returns a Publisher that has published nothing yet.
func New(o Options) *Publisher { return &Publisher{opts: o} }

// soon is how long the Publisher waits for the first sweep, and to become the one
// that writes.
const soon = 5 * time.Second

// Run publishes as soon as all is known and then at every interval, while this
// exporter is the one that writes, until ctx is done.
func (p *Publisher) Run(ctx context.Context) {
	for {
		timer := time.NewTimer(p.Turn(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Turn publishes once, if it may, and returns how long the next is away.
func (p *Publisher) Turn(ctx context.Context) time.Duration {
	fence, writes := p.opts.Fence()
	if !writes {
		p.status = "" // the other tells of its changes
		return min(soon, p.opts.Interval)
	}
	r, err := p.opts.Report(ctx)
	if err == nil && r.Sweep == nil { // vmpooler's has the number of orphans always
		return p.wait()
	}
	if err == nil {
		err = Publish(ctx, p.opts.Client, fence, r, p.opts.DLQ)
	}
	if ctx.Err() != nil {
		return p.opts.Interval
	}
	p.note(err)
	if r != nil {
		p.tell(r)
	}
	return p.opts.Interval
}

// errNoSweep is why nothing was published for a whole interval.
var errNoSweep = errors.New("no sweep over all keys has come to its end yet, and without one the orphans are not known")

// wait returns how long the next look for the first sweep is away. An interval without
// one is a publication that failed.
func (p *Publisher) wait() time.Duration {
	next := min(soon, p.opts.Interval)
	if p.waited == 0 {
		level.Info(p.opts.Logger).Log("msg", "the health is published once the first sweep is complete")
	}
	if p.waited += next; p.waited > p.opts.Interval {
		p.waited = next
		p.note(errNoSweep)
	}
	return next
}

func (p *Publisher) note(err error) {
	if err == nil {
		p.failing = ""
		p.opts.Metrics.success.SetToCurrentTime()
		return
	}
	p.opts.Metrics.failures.Inc()
	if text := err.Error(); text != p.failing {
		p.failing = text
		level.Error(p.opts.Logger).Log("msg", "the health can't be published", "err", err)
	}
}

// Publish writes a report to vmpooler__health, all at once, with a TTL. A report of
// which nothing is known is not published: a reader is better off with one that
// says how old it is. The error names the key and wraps lease.ErrFenced or Redis's.
func Publish(ctx context.Context, client redis.UniversalClient, fence lease.Fence, r *health.Report, dlq bool) error {
	if !r.Known {
		return fmt.Errorf("%s: the queues could not be read", vmpooler.KeyHealth)
	}
	metrics, err := json.Marshal(r.Metrics(dlq))
	if err != nil {
		return fmt.Errorf("%s: %w", vmpooler.KeyHealth, err)
	}
	err = script.Run(ctx, client, []string{vmpooler.KeyHealth, fence.Key}, fence.Token,
		metrics, r.Status.String(), r.CheckedAt.Format(lastCheckLayout), int64(lives/time.Second)).Err()
	if err != nil {
		return fmt.Errorf("%s: %w", vmpooler.KeyHealth, lease.Check(err))
	}
	return nil
}

// tell logs the line of every interval, and another one if the status has changed.
func (p *Publisher) tell(r *health.Report) {
	status := "unknown"
	if r.Known {
		status = r.Status.String()
	}
	var pending, ready, running int64
	for i := range r.Pools {
		for q, n := range map[vmpooler.Queue]*int64{vmpooler.Pending: &pending, vmpooler.Ready: &ready, vmpooler.Running: &running} {
			if s := r.Pools[i].Queues[q]; s != nil {
				*n += s.Size
			}
		}
	}
	level.Info(p.opts.Logger).Log("msg", "health", "status", status, "pools", len(r.Pools), "pending", pending, "stuck", r.Stuck,
		"ready", ready, "running", running, "dead_letters", r.DLQTotal.Value)
	if status == p.status {
		return
	}
	if p.status != "" {
		lvl := level.Warn
		if status == health.Healthy.String() {
			lvl = level.Info
		}
		lvl(p.opts.Logger).Log("msg", "the status has changed", "from", p.status, "to", status, "reasons", reasons(r))
	}
	p.status = status
}

// reasons prints what holds, the worst first, on one line.
func reasons(r *health.Report) string {
	const most = 10
	var texts []string
	for i, k := range r.Reasons() {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(r.Reasons())-most))
			break
		}
		text := fmt.Sprintf("%s %d > %d", k.Condition, k.Value, k.Threshold)
		if k.Pool != "" {
			text += " in " + k.Pool
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}
