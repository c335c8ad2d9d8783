package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/collector"
)

// reloader puts one generation in the place of another.
type reloader struct {
	program *program
	perm    *permanent
	handler *collector.Handler
	logger  log.Logger

	one     sync.Mutex // reload at a time
	retired []func()   // which close connections
	current atomic.Pointer[generation]

	outcome *reloadOutcome
}

// reloadOutcome shows how the last reload went.
type reloadOutcome struct{ successful, at prometheus.Gauge }

func newReloadOutcome(reg prometheus.Registerer) *reloadOutcome {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "vmpooler", Subsystem: "exporter", Name: name, Help: help})
	}
	o := &reloadOutcome{
		successful: gauge("config_last_reload_successful", "Whether the configuration could be read when it last was."),
		at:         gauge("config_last_reload_success_timestamp_seconds", "When the configuration in force was read."),
	}
	reg.MustRegister(o.successful, o.at)
	return o
}

func (o *reloadOutcome) succeeded() {
	o.successful.Set(1)
	o.at.Set(float64(time.Now().Unix()))
}

// newReloader returns a reloader whose first generation is the one that is in force.
func newReloader(p *program, perm *permanent, h *collector.Handler, first *generation, logger log.Logger) *reloader {
	r := &reloader{program: p, perm: perm, handler: h, logger: logger, outcome: newReloadOutcome(perm.base)}
	r.current.Store(first)
	r.outcome.succeeded()
	return r
}

// reload reads the configuration and lets it take the place of the one in force, if
// all of it is right; else nothing changes. The error says what is wrong.
func (r *reloader) reload(ctx context.Context) error {
	r.one.Lock()
	defer r.one.Unlock()
	next, err := r.build()
	if err != nil {
		r.outcome.successful.Set(0)
		level.Error(r.logger).Log("msg", "the configuration is not reloaded: what was in force stays so", "err", err)
		return err
	}
	old := r.current.Load()
	r.current.Store(next)
	r.handler.Use(next.source)
	old.stop() // so that no two record, publish and purge
	next.start(ctx, old)
	r.retire(old)
	r.outcome.succeeded()
	level.Info(r.logger).Log("msg", "the configuration is reloaded", "files", len(next.settings.Files), "pools_in_file", len(next.settings.Pools))
	return nil
}

// retire closes the connection of a generation that has been replaced, once the
// requests that it may still answer have had their time, or at the end. A purge that an
// admin has asked for is one of them.
func (r *reloader) retire(old *generation) {
	closing := sync.OnceFunc(func() {
		if err := old.client.Close(); err != nil {
			level.Warn(r.logger).Log("msg", "closing an old connection", "err", err)
		}
	})
	timer := time.AfterFunc(changeTimeout, closing)
	r.retired = append(r.retired, func() {
		timer.Stop()
		closing()
	})
}

func (r *reloader) build() (*generation, error) {
	settings, err := r.program.reload()
	if err != nil {
		return nil, err
	}
	for _, w := range settings.Warnings {
		level.Warn(r.logger).Log("msg", "configuration", "warning", w)
	}
	return r.program.generation(settings, r.perm, r.logger)
}

// catchHangups keeps a SIGHUP from ending the program, from before the configuration
// is first read until the function that it returns is called: one that comes too early
// is answered once there is something to reload.
func (p *program) catchHangups() (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	p.hangups = hangups
	return func() { signal.Stop(hangups) }
}

// watchHangups reloads at each SIGHUP until ctx is done.
func (r *reloader) watchHangups(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.program.hangups:
			_ = r.reload(ctx) // told in the log, and by the metric
		}
	}
}

// end stops the generation that is in force.
func (r *reloader) end() {
	r.one.Lock()
	defer r.one.Unlock()
	r.current.Load().stop()
	r.retire(r.current.Load())
	for _, closing := range r.retired {
		closing()
	}
}
