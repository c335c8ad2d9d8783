package incidents

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/publish"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// The flags' defaults.
const (
	lookEvery   = 10 * time.Second
	sweepEvery  = time.Minute
	readTimeout = 10 * time.Second
	enough      = 64 // connections: one that waits for its turn takes a timer that bubbles must not share
	leaseTTL    = 15 * time.Second
	startDelay  = 5 * time.Minute
)

// part is one of what runs in the background of an exporter.
type part string

const (
	sweepPart    part = "sweep"
	leasePart    part = "lease"
	listingPart  part = "listing"
	recorderPart part = "recorder"
	publishPart  part = "publish"
	purgePart    part = "purge"
)

// replica is one exporter, put together as the program does it.
type replica struct {
	client  *redis.Client
	handler *collector.Handler
	stops   map[part]func()
	names   map[string]string // of series that were scraped before, see scrape
}

func newReplica(t *testing.T, s *config.Settings, w *wire, lister provider) *replica {
	t.Helper()
	var reader *vmpooler.Reader
	client, err := redisclient.New(s.Redis, redisclient.Options{ReadTimeout: readTimeout, PoolSize: enough, OnConnect: func() { reader.Reprobe() }})
	if err != nil {
		t.Fatal(err)
	}
	client.AddHook(w)
	reader = vmpooler.NewReader(client, vmpooler.ReaderOptions{Pools: configured(s)})
	logger, base, owner := log.NewNopLogger(), prometheus.NewRegistry(), lease.Owner()
	base.MustRegister(versioncollector.NewCollector("vmpooler_exporter"))
	names := make([]string, len(s.Pools))
	for i, pool := range s.Pools {
		names[i] = pool.Name
	}

	keeper := lease.NewKeeper(lease.New(client, lease.KeyLeader, owner, leaseTTL, nil), logger)
	base.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "vmpooler_exporter_leader", Help: "1 if this one writes."}, func() float64 {
		if keeper.Leads() {
			return 1
		}
		return 0
	}))
	started := prometheus.NewGauge(prometheus.GaugeOpts{Name: "process_start_time_seconds", Help: "When it began."})
	started.SetToCurrentTime()
	reloaded := prometheus.NewGauge(prometheus.GaugeOpts{Name: "vmpooler_exporter_config_last_reload_successful", Help: "0 after a mistake."})
	reloaded.Set(1)
	base.MustRegister(started, reloaded)

	watch, events := purger.NewWatch(), dlq.NewEvents(base)
	events.Know(names...)
	recorder := dlq.NewRecorder(reader,
		dlq.NewStore(client, dlq.StoreOptions{TTL: s.DLQ.TTL, MaxEntries: s.DLQ.MaxEntries, Fence: keeper.Fence}),
		dlq.RecorderOptions{
			Interval: lookEvery, Deadline: readTimeout, Logger: logger, Events: events, Metrics: dlq.NewMetrics(base, time.Now), Looked: watch.Look,
			Rules: lifecycle.Rules{DataTTL: s.Redis.DataTTL, Timeout: func(string) time.Duration { return s.PoolTimeout }},
		})
	sweeper := vmpooler.NewSweeper(reader, sweepEvery, vmpooler.SweepOptions{
		MaxShare: 0.1, ConfirmAfter: 2 * time.Second, Fields: lifecycle.HashFields(), Visit: recorder.Visit,
	}, func(_ *vmpooler.SweepResult, err error) { recorder.SweepDone(err) })

	lister.reader = reader
	listed := inventory.NewMetrics(base, s.Pools)
	poller := inventory.NewPoller(inventory.PollerOptions{
		Inventory: lister, Pools: s.Pools, Queued: lister.queued, Logger: logger, Metrics: listed,
	})

	purged := purger.NewMetrics(base)
	purged.Know(names...)
	loop := purger.NewLoop(purger.New(purger.Options{
		Client: client, Source: &purger.Source{Reader: reader, Client: client, Sweep: vmpooler.SweepOptions{MaxShare: 0.1}},
		Settings: purgeSettings(s), Pools: names, View: poller.View, Watch: watch, Logger: logger, Metrics: purged, Owner: owner,
	}), purger.LoopOptions{
		Interval: s.Purge.Interval, DryRun: s.Purge.DryRun, Grace: startDelay, Leads: keeper.Leads,
		Swept: func() time.Time {
			if last := sweeper.LastComplete(); last != nil {
				return last.Finished
			}
			return time.Time{}
		},
	})

	source := collector.NewSource(reader, sweeper, s.Health.Thresholds, readTimeout)
	source.TaskLimits = collector.TaskLimits{Clone: s.TaskLimit, Ondemand: s.OndemandCloneLimit}
	source.Seen = func(snap *vmpooler.Snapshot) {
		for i := range snap.Pools {
			events.Know(snap.Pools[i].Name)
			purged.Know(snap.Pools[i].Name)
		}
	}
	source.Observe = func(snap *vmpooler.Snapshot) []health.Check {
		pools := make([]string, len(snap.Pools))
		for i := range snap.Pools {
			pools[i] = snap.Pools[i].Name
		}
		return append(watch.Checks(), loop.Checks(pools)...)
	}
	publisher := publish.New(publish.Options{
		Client: client, Fence: keeper.Fence, Interval: s.Health.Interval, DLQ: true, Logger: logger, Metrics: publish.NewMetrics(base),
		Report: func(ctx context.Context) (*health.Report, error) {
			st := source.State(ctx)
			return st.Report, st.Err
		},
	})
	r := &replica{
		client: client, stops: make(map[part]func()), names: make(map[string]string),
		handler: collector.NewHandler(source, collector.HandlerOptions{Timeout: readTimeout, Base: base}, logger),
	}
	keeper.Turn(t.Context())
	for name, run := range map[part]func(context.Context){
		sweepPart: sweeper.Run, leasePart: keeper.Run, listingPart: poller.Run, recorderPart: recorder.Run, publishPart: publisher.Run, purgePart: loop.Run,
	} {
		r.stops[name] = background(run)
	}
	return r
}

// background runs f until what it returns is called.
func background(f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { f(ctx) })
	return sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
}

// end ends the exporter; it is not scraped any more.
func (r *replica) end() {
	for _, name := range []part{purgePart, publishPart, recorderPart, listingPart, leasePart, sweepPart} {
		r.stops[name]()
	}
	_ = r.client.Close()
}

// scrape calls each with every series that /metrics shows, under the name that called
// gives it; what it gives none is left out.
func (r *replica) scrape(ctx context.Context, called func(series string) string, each func(name string, value float64)) error {
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody)
	answer := httptest.NewRecorder()
	r.handler.ServeHTTP(answer, req)
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		line := lines.Bytes()
		at := bytes.LastIndexByte(line, ' ')
		if line[0] == '#' || at < 0 {
			continue
		}
		name, known := r.names[string(line[:at])]
		if !known {
			name = called(string(line[:at]))
			r.names[string(line[:at])] = name
		}
		if name == "" {
			continue
		}
		v, err := strconv.ParseFloat(string(line[at+1:]), 64)
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		each(name, v)
	}
	return nil
}

func configured(s *config.Settings) []vmpooler.ConfiguredPool {
	pools := make([]vmpooler.ConfiguredPool, len(s.Pools))
	for i, pool := range s.Pools {
		pools[i] = vmpooler.ConfiguredPool{Name: pool.Name, Size: vmpooler.Number{Value: int64(pool.Size.Value), Known: pool.Size.Known}}
	}
	return pools
}

func purgeSettings(s *config.Settings) purger.Settings {
	targets := make(map[purger.Target]bool)
	for _, target := range purger.Targets() {
		targets[target] = true
	}
	return purger.Settings{
		Targets: targets, MaxPendingAge: s.Purge.MaxPendingAge, MaxReadyAge: s.Purge.MaxReadyAge,
		MaxCompletedAge: s.Purge.MaxCompletedAge, MaxOrphanedAge: s.Purge.MaxOrphanedAge, MaxRequestAge: s.Purge.MaxRequestAge,
		DataTTL: s.Redis.DataTTL, DeadLetters: s.DLQ.Enabled, DLQTTL: s.DLQ.TTL, Limits: purger.DefaultLimits(),
	}
}

// provider lists what vmpooler knows, as one that loses nothing does.
type provider struct {
	reader *vmpooler.Reader
	fails  func(pool string) bool
}

func (p provider) queued(ctx context.Context) (map[string][]string, error) {
	places, _, err := p.reader.Members(ctx)
	if err != nil {
		return nil, err
	}
	queued := make(map[string][]string)
	for vm, at := range places {
		for _, m := range at {
			queued[m.Pool] = append(queued[m.Pool], vm)
		}
	}
	return queued, nil
}

// List implements what the poller asks.
func (p provider) List(ctx context.Context, pools []config.Pool) []inventory.Listing {
	queued, err := p.queued(ctx)
	listings := make([]inventory.Listing, len(pools))
	for i, pool := range pools {
		listings[i] = inventory.Listing{Pool: pool.Name, Provider: inventory.ProviderOf(pool), VMs: queued[pool.Name], Err: err, Began: time.Now()}
		if p.fails(pool.Name) {
			listings[i].VMs, listings[i].Err = nil, fmt.Errorf("the folder of %s is not there", pool.Name)
		}
	}
	return listings
}
