package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
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

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
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

// secret must stand in no answer.
const secret = "s3cr3t-t0k3n"

// site is an API around a Redis, without the HTTP server.
type site struct {
	t       *testing.T
	handler http.Handler
	reg     *prometheus.Registry
	log     *syncBuffer
	explain *fakeExplainer
	opts    Options
}

// newSite makes an API whose answers may be changed by change.
func newSite(t *testing.T, c redis.UniversalClient, change func(*Options, *live.Options)) *site {
	t.Helper()
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return now }})
	s := &site{t: t, reg: prometheus.NewRegistry(), log: &syncBuffer{}, explain: &fakeExplainer{}}
	settings := &config.Settings{}
	settings.DLQ.Enabled = true
	l := live.Options{
		Source: collector.NewSource(reader, nil, config.DefaultThresholds(), 10*time.Second),
		Client: c, Reader: reader, Now: func() time.Time { return now },
		Settings: func() *config.Settings { return settings },
	}
	s.opts = Options{
		Client: c, Explain: s.explain, Metrics: NewMetrics(s.reg), Logger: log.NewLogfmtLogger(s.log),
		Now: func() time.Time { return now },
	}
	if change != nil {
		change(&s.opts, &l)
	}
	s.opts.Live = live.NewCache(l)
	var err error
	if s.handler, err = New(s.opts); err != nil {
		t.Fatal(err)
	}
	return s
}

// get asks for a path and holds the answer against the description.
func (s *site) get(path string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(http.MethodGet, path, header...)
}

func (s *site) do(method, path string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	described(s.t, r, w)
	return w
}

// failed checks that an answer is this error.
func failed(t *testing.T, w *httptest.ResponseRecorder, code int, kind errorType, text string) {
	t.Helper()
	var got struct{ Status, ErrorType, Error string }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != code || got.Status != "error" || got.ErrorType != string(kind) || !strings.Contains(got.Error, text) {
		t.Errorf("%d %s; want %d %s with %q", w.Code, w.Body, code, kind, text)
	}
}

// count is a series' value, and false where it is not there.
func (s *site) count(name string, labels ...string) (float64, bool) {
	s.t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var has []string
			for _, l := range m.GetLabel() {
				has = append(has, l.GetName(), l.GetValue())
			}
			if f.GetName() == name && strings.Join(has, "|") == strings.Join(labels, "|") {
				if h := m.GetHistogram(); h != nil {
					return float64(h.GetSampleCount()), true
				}
				return m.GetCounter().GetValue(), true
			}
		}
	}
	return 0, false
}

// fakeExplainer knows one VM and one request.
type fakeExplainer struct{ err error }

func (f *fakeExplainer) VM(_ context.Context, name string) (any, bool, error) {
	at := now.Add(-time.Hour)
	age := int64(3600)
	switch {
	case f.err != nil:
		return nil, false, f.err
	case name == "panic":
		panic("oh " + secret)
	case name != "pix-a":
		return &explain.Report{}, false, nil
	}
	return &explain.Report{
		Kind: explain.KindVM, Name: name, Known: true, AsOf: now, Next: "becomes ready",
		Where:    []explain.Place{{Queue: "pending", Pool: "debian", Since: &at, AgeSeconds: &age}},
		Warnings: []string{}, Events: []explain.Event{{At: at, What: "its clone began", Source: explain.FromHash}},
		DeadLetters: explain.Letters{}, Purges: []purger.Record{},
	}, true, nil
}

func (f *fakeExplainer) Request(_ context.Context, id string) (any, bool, error) {
	if id != "r1" {
		return nil, false, f.err
	}
	return &explain.Report{
		Kind: explain.KindRequest, Name: id, Known: true, AsOf: now, Where: []explain.Place{{Queue: "provisioning__request"}},
		Events: []explain.Event{}, DeadLetters: explain.Letters{}, Purges: []purger.Record{}, Warnings: []string{}, Next: "is looked at",
	}, true, f.err
}

// fill writes a vmpooler with something of everything, secrets among it.
func fill(tb testing.TB, c redis.UniversalClient) {
	tb.Helper()
	must(tb, c, "SADD", vmpooler.KeyPools, "debian", `odd "<pool>"`)
	for i := range 101 {
		name := fmt.Sprint("pix-", i)
		must(tb, c, "SADD", vmpooler.Pending.Key("debian"), name)
		must(tb, c, "HSET", vmpooler.VMKey(name), "pool", "debian", "clone", vmpooler.FormatTime(now.Add(-time.Minute)), "token:token", secret)
	}
	must(tb, c, "SADD", vmpooler.Ready.Key(`odd "<pool>"`), "pix-ready")
	must(tb, c, "SET", "vmpooler__token__"+secret, "user")
	must(tb, c, "HSET", "vmpooler__token__"+secret+"-2", "user", "someone")
	must(tb, c, "HSET", vmpooler.RequestKey("r1"), "requested", "debian:debian:1", "status", "pending", "token:token", secret)
	must(tb, c, "ZADD", vmpooler.KeyRequestQueue, now.Add(-time.Minute).Unix(), "r1")
	retries := 2
	letters(tb, c,
		dlq.Entry{VM: "pix-a", Pool: "debian", QueueFrom: "clone", ErrorClass: "RuntimeError", ErrorMessage: "no room for pix-a", FailedAt: now.Add(-time.Hour)},
		dlq.Entry{VM: "pix-b", Pool: "debian", QueueFrom: "pending", ErrorClass: "Timeout", ErrorMessage: "<b>too\u202elate</b>", FailedAt: now.Add(-2 * time.Hour), RequestID: "r1", PoolAlias: "deb", RetryCount: &retries},
		dlq.Entry{VM: "pix-c", Pool: `odd "<pool>"`, QueueFrom: "ready", ErrorClass: "Unreachable", ErrorMessage: "password=" + secret, FailedAt: now.Add(-3 * time.Hour)},
	)
	must(tb, c, "ZADD", vmpooler.DLQKey("clone"), now.Add(-4*time.Hour).Unix(), "no dead letter, token: "+secret)
	for i, r := range []purger.Record{
		{Target: purger.Pending, Pool: "debian", VM: "pix-x", Outcome: purger.Applied, Reason: "pending for 3h0m, limit 2h0m", Does: "dead letter"},
		{Target: purger.Request, RequestID: "r0", Outcome: purger.Refused, Reason: "waiting for 1d3h, limit 1d0h", Does: "failed", Why: "ERR password=" + secret},
	} {
		r.At, r.Who, r.Plan, r.AgeSeconds, r.Provider = now.Add(-time.Minute), "loop", "7FQJDU74IWHH", 10_800, string(inventory.Unverified)
		text, err := json.Marshal(r)
		if err != nil {
			tb.Fatal(err)
		}
		must(tb, c, "XADD", purger.KeyAudit, fmt.Sprintf("%d-0", i+1), "entry", text)
	}
}

func letters(tb testing.TB, c redis.UniversalClient, entries ...dlq.Entry) {
	tb.Helper()
	for _, e := range entries {
		member, score := dlq.Encode(e)
		must(tb, c, "ZADD", vmpooler.DLQKey(e.QueueFrom), score, member)
	}
}

// purged is a loop that has purged once.
func purged() purger.Status {
	plan := &purger.Plan{
		ID: "7FQJDU74IWHH", Made: now.Add(-time.Minute), DryRun: true,
		Held:       []purger.Hold{{Pool: "debian", Cause: purger.HoldCliff, Reason: "its queues have just lost 17 of 20 VMs"}},
		UnknownVMs: map[string][]string{"debian": {"pix-unknown"}},
	}
	for i := range 3 {
		plan.Actions = append(plan.Actions, purger.Action{
			Target: purger.Pending, Pool: "debian", VM: fmt.Sprint("pix-", i), Age: 3 * time.Hour, Outcome: purger.Planned,
			Reason: "pending for 3h0m, limit 2h0m", Does: "dead letter", Provider: inventory.Unverified,
		})
	}
	plan.Actions[2].Outcome, plan.Actions[2].Why = purger.Failed, "redis://:"+secret+"@redis.example.com:6379: EOF"
	return purger.Status{
		Next: now.Add(time.Hour), Last: plan, LastAt: now.Add(-time.Minute), LastTook: 1500 * time.Millisecond,
		LastErr: errors.New("dial redis://:" + secret + "@redis.example.com:6379: refused"),
	}
}

func withPurge(_ *Options, l *live.Options) { l.Purge = purged }

// must runs a Redis command.
func must(tb testing.TB, c redis.UniversalClient, args ...any) {
	tb.Helper()
	if err := c.Do(tb.Context(), args...).Err(); err != nil {
		tb.Fatalf("%v: %v", args, err)
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
