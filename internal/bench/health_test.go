package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/api"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// nothingKnown is an api.Explainer that is not asked.
type nothingKnown struct{}

func (nothingKnown) VM(context.Context, string) (any, bool, error)      { return nil, false, nil }
func (nothingKnown) Request(context.Context, string) (any, bool, error) { return nil, false, nil }

// BenchmarkHealth times answers with the health, each of a reading of its own, in turn
// with scrapes of the same state, within this process. Neither is compressed.
func BenchmarkHealth(b *testing.B) {
	s := newSite(b, pools, [4]int{pending, ready, running, completed}, 0)
	r := reader(s)
	source := collector.NewSource(r, nil, config.DefaultThresholds(), 10*time.Second)
	metrics := collector.NewHandler(source, collector.HandlerOptions{
		Timeout: 10 * time.Second, Enabled: collector.All(), Base: prometheus.NewRegistry(),
	}, log.NewNopLogger())
	settings := config.Defaults()
	answers, err := api.New(api.Options{
		Live: live.NewCache(live.Options{
			Source: source, Client: s.client, Reader: r, Period: 1, Settings: func() *config.Settings { return settings },
		}),
		Client: s.client, Explain: nothingKnown{}, Metrics: api.NewMetrics(prometheus.NewRegistry()), Logger: log.NewNopLogger(),
	})
	if err != nil {
		b.Fatal(err)
	}
	ask := func(h http.Handler, path string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	var scrapes, healths samples
	for b.Loop() {
		scrapes.time(func() { ask(metrics, "/metrics") })
		healths.time(func() { ask(answers, "/api/v1/queue/health") })
	}
	if !enough(b, len(healths), 100) {
		return
	}
	x := ratio(healths.median(), scrapes.median())
	b.ReportMetric(x, "x-scrape")
	table.add(b, "answer with the health, of a reading of its own / scrape, medians", atMost(1.2, ""), x, "%.2f (%.2f ms)", x, ms(healths.median()))
}
