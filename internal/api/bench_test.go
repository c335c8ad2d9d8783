package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

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
