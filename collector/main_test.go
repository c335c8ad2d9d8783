package collector

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	server *testredis.Server
)

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

// now is the moment of every test here.
var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func ago(d time.Duration) string { return vmpooler.FormatTime(now.Add(-d)) }

// bench is an exporter around a Redis, without the HTTP server.
type bench struct {
	t       *testing.T
	source  *Source
	handler *Handler
	log     *syncBuffer
	sweep   chan error // one value a sweep
	sweeper *vmpooler.Sweeper
	next    chan struct{}
}

type benchOptions struct {
	timeout    time.Duration
	thresholds config.Thresholds
	sweep      bool // make sweeps, when asked for by nextSweep
}

func newBench(t *testing.T, c redis.UniversalClient, o benchOptions) *bench {
	t.Helper()
	if o.timeout == 0 {
		o.timeout = 10 * time.Second
	}
	if o.thresholds == (config.Thresholds{}) {
		o.thresholds = config.DefaultThresholds()
	}
	b := &bench{t: t, log: &syncBuffer{}}
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return now }})
	if o.sweep {
		b.startSweeper(reader)
	}
	b.source = NewSource(reader, b.sweeper, o.thresholds, o.timeout)
	b.source.TaskLimits = TaskLimits{Clone: 10, Ondemand: 12}
	b.handler = NewHandler(b.source, HandlerOptions{
		Timeout: o.timeout, TimeoutOffset: 100 * time.Millisecond, Base: prometheus.NewRegistry(),
	}, log.NewLogfmtLogger(b.log))
	return b
}

func (b *bench) startSweeper(r *vmpooler.Reader) {
	b.sweep, b.next = make(chan error), make(chan struct{})
	b.sweeper = vmpooler.NewSweeper(r, time.Hour, vmpooler.SweepOptions{
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d < time.Minute { // a pause within a sweep
				return ctx.Err()
			}
			select {
			case <-b.next:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}, func(_ *vmpooler.SweepResult, err error) { b.sweep <- err })
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { b.sweeper.Run(ctx) })
	b.t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	<-b.sweep
}

// scrape returns the whole exposition.
func (b *bench) scrape(header ...string) string {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "/metrics", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// series returns the values of all series, by their text in the exposition.
func series(exposition string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(exposition) {
		line = strings.TrimSuffix(line, "\n")
		if i := strings.LastIndexByte(line, ' '); i > 0 && !strings.HasPrefix(line, "#") {
			out[line[:i]] = line[i+1:]
		}
	}
	return out
}

// want checks the values of series; "" means absent.
func want(t *testing.T, exposition string, wanted map[string]string) {
	t.Helper()
	got := series(exposition)
	for name, value := range wanted {
		if got[name] != value {
			t.Errorf("%s = %q, want %q", name, got[name], value)
		}
	}
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// must runs a Redis command.
func must(tb testing.TB, c redis.UniversalClient, args ...any) {
	tb.Helper()
	if err := c.Do(tb.Context(), args...).Err(); err != nil {
		tb.Fatalf("%v: %v", args, err)
	}
}

// addVM puts a VM into a queue with these fields in its hash.
func addVM(tb testing.TB, c redis.UniversalClient, q vmpooler.Queue, pool, name string, fields ...any) {
	tb.Helper()
	must(tb, c, "SADD", q.Key(pool), name)
	must(tb, c, append([]any{"HSET", vmpooler.VMKey(name), "pool", pool, "template", pool}, fields...)...)
}
