package main

import (
	"context"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// shutdownGrace is how long requests under way may take once the program is
// told to end.
const shutdownGrace = 5 * time.Second

// serve answers HTTP until ctx is done. It ends in this order: HTTP, then what runs
// in the background, see generation.stop, then Redis.
func (p *program) serve(ctx context.Context, s *config.Settings, logger log.Logger) error {
	if err := p.validate(); err != nil {
		return err
	}
	listeners, err := p.listeners(ctx)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	policy := p.policy(listeners)
	if err := policy.Check(); err != nil {
		return err
	}
	level.Info(logger).Log("msg", "starting", "version", version.Info(), "build_context", version.BuildContext())
	level.Info(logger).Log("msg", "reading vmpooler's state", "redis", redisclient.Describe(s.Redis), "pools_in_file", len(s.Pools))
	perm := p.permanent(s, policy, logger)
	first, err := p.generation(s, perm, logger)
	if err != nil {
		return err
	}
	handler := collector.NewHandler(first.source, collector.HandlerOptions{
		Timeout: *p.timeout, TimeoutOffset: *p.timeoutOffset, Enabled: p.enabled(), Base: perm.base,
	}, logger)
	r := newReloader(p, perm, handler, first, logger)
	perm.operator.current = r.current.Load
	giveBackPages()
	first.start(ctx, nil)
	defer r.end()
	defer background(ctx, r.watchHangups)()
	return p.answer(ctx, listeners, p.routes(handler, r, perm.guard), perm.guard, logger)
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
