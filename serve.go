package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// shutdownGrace is how long requests under way may take once the program is
// told to end.
const shutdownGrace = 5 * time.Second

// serve answers HTTP until ctx is done. It ends in this order: HTTP, then the purge
// action under way, what is being recorded and the providers' listing, then the
// lease, then the sweep under way, then Redis.
func (p *program) serve(ctx context.Context, s *config.Settings, logger log.Logger) error {
	if err := p.validate(); err != nil {
		return err
	}
	level.Info(logger).Log("msg", "starting", "version", version.Info(), "build_context", version.BuildContext())
	level.Info(logger).Log("msg", "reading vmpooler's state", "redis", redisclient.Describe(s.Redis), "pools_in_file", len(s.Pools))
	client, reader, err := p.connect(s, logger)
	if err != nil {
		return err
	}
	defer client.Close()

	base := baseRegistry()
	owner := lease.Owner()
	events, seen := p.eventCounters(s, base)
	watch := purger.NewWatch()
	keeper := leader(client, s, owner, base, logger)
	recorder := p.recorder(client, reader, s, base, events, watch, keeper, logger)
	var sweeper *vmpooler.Sweeper
	if recorder != nil || *p.collectors["orphans"] || *p.collectors["ondemand"] { // they live on it
		sweeper = p.sweeper(reader, recorder, log.With(logger, "component", "sweep"))
		defer background(ctx, sweeper.Run)()
	}
	purge, err := p.purging(purging{
		settings: s, client: client, reader: reader, sweeper: sweeper, watch: watch, keeper: keeper, owner: owner, reg: base, logger: logger,
	})
	if err != nil {
		return err
	}
	if keeper != nil {
		keeper.Turn(ctx) // so that the first look need not wait for it
		defer background(ctx, keeper.Run)()
	}
	if purge.poller != nil {
		defer purge.inventory.Close() //nolint:contextcheck // it logs out after the end of ctx
		defer background(ctx, purge.poller.Run)()
	}
	if recorder != nil {
		defer background(ctx, recorder.Run)()
	}
	if purge.loop != nil {
		defer background(ctx, purge.loop.Run)()
	}
	defer ignoreHangups(logger)()

	source := collector.NewSource(reader, sweeper, s.Health.Thresholds, *p.timeout)
	source.Observe = purge.observe(watch)
	handler := collector.NewHandler(source, collector.HandlerOptions{
		Timeout: *p.timeout, TimeoutOffset: *p.timeoutOffset, Enabled: p.enabled(), Base: base, Seen: purge.seen(seen),
	}, logger)
	return p.listen(ctx, handler, logger)
}

// connect returns a client of the settings' Redis, to be closed, and a Reader on
// it.
func (p *program) connect(s *config.Settings, logger log.Logger) (*redis.Client, *vmpooler.Reader, error) {
	var reader *vmpooler.Reader
	client, err := redisclient.New(s.Redis, redisclient.Options{
		Logger: logger, ReadTimeout: *p.timeout,
		OnConnect: func() { reader.Reprobe() },
	})
	if err != nil {
		return nil, nil, err
	}
	reader = vmpooler.NewReader(client, vmpooler.ReaderOptions{Pools: configuredPools(s)})
	return client, reader, nil
}

func configuredPools(s *config.Settings) []vmpooler.ConfiguredPool {
	pools := make([]vmpooler.ConfiguredPool, len(s.Pools))
	for i, pool := range s.Pools {
		pools[i] = vmpooler.ConfiguredPool{
			Name: pool.Name, Size: vmpooler.Number{Value: int64(pool.Size.Value), Known: pool.Size.Known},
		}
	}
	return pools
}

// background runs f until the function that it returns is called, which waits
// for f's end. The end of ctx is not f's: the order of the shutdown is.
func background(ctx context.Context, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { f(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// ignoreHangups keeps SIGHUP, which other daemons take for a reload, from ending
// the program.
func ignoreHangups(logger log.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range hangups {
			level.Warn(logger).Log("msg", "SIGHUP is ignored: restart the exporter to read its configuration anew")
		}
	})
	return func() {
		signal.Stop(hangups)
		close(hangups)
		wg.Wait()
	}
}

// logSweeps logs the first complete sweep, and failures once each.
func logSweeps(logger log.Logger) func(*vmpooler.SweepResult, error) {
	failing, first := false, true
	return func(r *vmpooler.SweepResult, err error) {
		switch {
		case err != nil && !failing:
			level.Error(logger).Log("msg", "sweep failed; numbers of orphans and requests are unknown until one succeeds", "err", err)
		case err == nil && (failing || first):
			level.Info(logger).Log("msg", "sweep complete", "keys", r.Keys, "duration", r.Duration, "leaked", r.Leaked, "expiring", r.Expiring)
			first = false
		case err == nil:
			level.Debug(logger).Log("msg", "sweep complete", "keys", r.Keys, "duration", r.Duration, "leaked", r.Leaked, "expiring", r.Expiring)
		}
		failing = err != nil
	}
}

func baseRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		versioncollector.NewCollector(programName),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return reg
}

// listen serves until ctx is done, then lets requests under way end.
func (p *program) listen(ctx context.Context, metrics http.Handler, logger log.Logger) error {
	landing, err := web.NewLandingPage(web.LandingConfig{
		Name:        programName,
		Description: "Prometheus exporter for vmpooler",
		Version:     version.Info(),
		Profiling:   "false",
		Links: []web.LandingLinks{
			{Address: *p.telemetryPath, Text: "Metrics", Description: "what every pool's queues hold, and how healthy vmpooler is"},
		},
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(*p.telemetryPath, metrics)
	mux.Handle("/", landing)
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- web.ListenAndServe(server, p.web, newSlog(p.stderr, *p.logLevel, *p.logFormat)) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	level.Info(logger).Log("msg", "shutting down")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		err = errors.Join(fmt.Errorf("requests were still under way: %w", err), server.Close())
		level.Warn(logger).Log("msg", "shutting down", "err", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
