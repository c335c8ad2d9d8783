package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// BenchmarkHealth times answers with the health, each of a reading of its own, in
// turn with scrapes of the same state. Neither is compressed.
func BenchmarkHealth(b *testing.B) {
	c := server.Client(b)
	pools := make([]simulator.Pool, 60)
	for i := range pools {
		pools[i] = simulator.Pool{Name: "pool-" + string(rune('a'+i/26)) + string(rune('a'+i%26)), Size: 50}
	}
	state := simulator.State{
		Now: now, Pools: pools, Pending: 10, Ready: 50, Running: 30, Completed: 5, DestroyedHashes: 20_000, DeadLetters: 1000,
	}
	if err := simulator.Populate(b.Context(), c, state); err != nil {
		b.Fatal(err)
	}
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{})
	source := collector.NewSource(reader, nil, config.DefaultThresholds(), 10*time.Second)
	metrics := collector.NewHandler(source, collector.HandlerOptions{Timeout: 10 * time.Second, Base: prometheus.NewRegistry()}, log.NewNopLogger())
	settings := &config.Settings{}
	answers, err := New(Options{
		Live: live.NewCache(live.Options{
			Source: source, Client: c, Reader: reader, Period: 1, Settings: func() *config.Settings { return settings },
		}),
		Client: c, Explain: &fakeExplainer{}, Metrics: NewMetrics(prometheus.NewRegistry()), Logger: log.NewNopLogger(),
	})
	if err != nil {
		b.Fatal(err)
	}
	ask := func(h http.Handler, path string) time.Duration {
		w := httptest.NewRecorder()
		began := time.Now()
		h.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
		return time.Since(began)
	}
	var scrapes, healths []time.Duration
	for b.Loop() {
		scrapes = append(scrapes, ask(metrics, "/metrics"))
		healths = append(healths, ask(answers, healthPath))
	}
	slices.Sort(scrapes)
	slices.Sort(healths)
	scrape, health := scrapes[len(scrapes)/2], healths[len(healths)/2]
	b.ReportMetric(float64(scrape.Microseconds())/1000, "ms/scrape")
	b.ReportMetric(float64(health.Microseconds())/1000, "ms/health")
	b.ReportMetric(float64(health)/float64(scrape), "x-scrape")
	if x := float64(health) / float64(scrape); b.N > 100 && x > 1.2 {
		b.Errorf("an answer takes %.2f × as long as a scrape, at the median", x)
	}
}

// BenchmarkHealthKept times answers that need no reading.
func BenchmarkHealthKept(b *testing.B) {
	c := server.Client(b)
	fill(b, c)
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{})
	settings := &config.Settings{}
	h, err := New(Options{
		Live: live.NewCache(live.Options{
			Source: collector.NewSource(reader, nil, config.DefaultThresholds(), 10*time.Second),
			Client: c, Reader: reader, Period: time.Hour, Settings: func() *config.Settings { return settings },
		}),
		Client: c, Explain: &fakeExplainer{}, Metrics: NewMetrics(prometheus.NewRegistry()), Logger: log.NewNopLogger(),
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, healthPath, nil))
		if w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
	}
}
