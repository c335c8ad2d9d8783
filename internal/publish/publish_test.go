package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

// report evaluates what stands in Redis at a moment.
func report(t *testing.T, c *redis.Client, now time.Time) *health.Report {
	t.Helper()
	r := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return now }})
	snap, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sweep, err := r.Sweep(t.Context(), vmpooler.SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return health.Evaluate(snap, sweep, config.DefaultThresholds())
}

func leader(t *testing.T, c *redis.Client) lease.Fence {
	t.Helper()
	l := lease.New(c, lease.KeyLeader, "test", time.Minute, nil)
	if ours, err := l.Acquire(t.Context()); err != nil || !ours {
		t.Fatal(ours, err)
	}
	f, _ := l.Fence()
	return f
}

// What is published equals what vmpooler's own code writes for the same state.
func TestThePublishedHealthIsVmpoolersOwn(t *testing.T) {
	var file struct {
		Checkpoints []struct {
			T      float64 `json:"t"`
			Now    int64   `json:"now"`
			Health map[string]struct {
				Status  string          `json:"status"`
				Metrics json.RawMessage `json:"metrics"`
			} `json:"health"`
		} `json:"checkpoints"`
	}
	if err := json.Unmarshal(testredis.File("capture/checkpoints.json"), &file); err != nil {
		t.Fatal(err)
	}
	for _, cp := range file.Checkpoints {
		c := server.Client(t)
		if err := testredis.Capture().Replay(t.Context(), c, cp.T, 0); err != nil {
			t.Fatal(err)
		}
		now := time.Unix(cp.Now, 0).UTC()
		if err := Publish(t.Context(), c, leader(t, c), report(t, c, now), false); err != nil {
			t.Fatal(err)
		}
		got := c.HGetAll(t.Context(), vmpooler.KeyHealth).Val()
		want := cp.Health["default"]
		if got["status"] != want.Status || got["last_check"] != now.Format("2006-01-02T15:04:05+00:00") || len(got) != 3 {
			t.Errorf("at %v: %q %q, vmpooler has %q", cp.T, got["status"], got["last_check"], want.Status)
		}
		var is, should any
		if err := errors.Join(json.Unmarshal([]byte(got["metrics"]), &is), json.Unmarshal(want.Metrics, &should)); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(should, is); d != "" {
			t.Errorf("at %v (-vmpooler +ours):\n%s", cp.T, d)
		}
		if ttl := c.TTL(t.Context(), vmpooler.KeyHealth).Val(); ttl != time.Hour {
			t.Errorf("it lives for %v", ttl)
		}
	}
}

func TestARefusalPublishesNothing(t *testing.T) {
	for name, spoil := range map[string][]any{
		"another leads":              {"SET", lease.KeyLeader, "9:other"},
		"nobody leads":               {"DEL", lease.KeyLeader},
		"the key is of another type": {"SET", vmpooler.KeyHealth, "x"},
		"no HSET":                    {"ACL", "SETUSER", "default", "-hset"},
		"no EXPIRE":                  {"ACL", "SETUSER", "default", "-expire"},
		"no GET":                     {"ACL", "SETUSER", "default", "-get"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testredis.New(t)
			c := s.Client(t)
			f := leader(t, c)
			r := report(t, c, time.Now())
			if err := c.Do(t.Context(), spoil...).Err(); err != nil {
				t.Fatal(err)
			}
			before := c.Dump(t.Context(), vmpooler.KeyHealth).Val()
			err := Publish(t.Context(), c, f, r, false)
			if err == nil || !strings.Contains(err.Error(), vmpooler.KeyHealth) {
				t.Errorf("%v", err)
			}
			if strings.HasSuffix(name, "leads") != errors.Is(err, lease.ErrFenced) {
				t.Errorf("%v", err)
			}
			if after := c.Dump(t.Context(), vmpooler.KeyHealth).Val(); after != before {
				t.Errorf("it wrote %q", after)
			}
		})
	}
}

func TestChangesOfTheStatusAreToldOnceAndByTheLeader(t *testing.T) {
	c := server.Client(t)
	f := leader(t, c)
	var logged bytes.Buffer
	limits, leads, swept := config.DefaultThresholds(), false, false
	now := time.Now()
	p := New(Options{
		Client: c, Interval: time.Minute, Logger: log.NewLogfmtLogger(&logged), Metrics: NewMetrics(prometheus.NewRegistry()),
		Fence: func() (lease.Fence, bool) { return f, leads },
		Report: func(context.Context) (*health.Report, error) {
			r := report(t, c, now)
			if !swept {
				r.Sweep = nil
			}
			return health.Evaluate(&vmpooler.Snapshot{Now: now, Pools: []vmpooler.Pool{{Name: "p", Queues: [vmpooler.NumQueues]vmpooler.QueueState{
				{VMs: make([]vmpooler.VM, 5)},
			}}}}, r.Sweep, limits), nil
		},
	})
	published := func() bool { return c.Exists(t.Context(), vmpooler.KeyHealth).Val() == 1 }
	if wait := p.Turn(t.Context()); wait != soon || published() {
		t.Errorf("it published while another leads, and waits for %v", wait)
	}
	leads = true
	if wait := p.Turn(t.Context()); wait != soon || published() {
		t.Errorf("it published before the first sweep, and waits for %v", wait)
	}
	swept = true
	if wait := p.Turn(t.Context()); wait != time.Minute || !published() {
		t.Errorf("it did not publish, and waits for %v", wait)
	}
	limits.PendingQueueMax = 4
	p.Turn(t.Context())
	p.Turn(t.Context())
	changes := strings.Count(logged.String(), `msg="the status has changed" from=healthy to=degraded reasons="pending_queue 5 > 4 in p"`)
	if lines := strings.Count(logged.String(), "msg=health"); changes != 1 || lines != 3 {
		t.Errorf("%d changes, %d lines:\n%s", changes, lines, &logged)
	}
}

// What never comes must show: a publication that is due and can't be made has failed.
func TestWaitingForTheFirstSweepIsSaidAndAnIntervalOfItCounted(t *testing.T) {
	c := server.Client(t)
	f := leader(t, c)
	var logged bytes.Buffer
	m := NewMetrics(prometheus.NewRegistry())
	swept := false
	p := New(Options{
		Client: c, Interval: 3 * soon, Logger: log.NewLogfmtLogger(&logged), Metrics: m,
		Fence: func() (lease.Fence, bool) { return f, true },
		Report: func(context.Context) (*health.Report, error) {
			r := report(t, c, time.Now())
			if !swept {
				r.Sweep = nil
			}
			return r, nil
		},
	})
	for turn, want := range []float64{0, 0, 0, 1, 1, 1, 2} {
		if wait := p.Turn(t.Context()); wait != soon || testutil.ToFloat64(m.failures) != want {
			t.Errorf("turn %d: %v failures, not %v; the next in %v", turn, testutil.ToFloat64(m.failures), want, wait)
		}
	}
	if text := logged.String(); strings.Count(text, "once the first sweep is complete") != 1 || strings.Count(text, "no sweep over all keys") != 1 {
		t.Errorf("the log:\n%s", text)
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.SAdd(t.Context(), vmpooler.KeyPools, "p").Err())
	swept = true
	if wait := p.Turn(t.Context()); wait != 3*soon || testutil.ToFloat64(m.success) == 0 || c.Exists(t.Context(), vmpooler.KeyHealth).Val() != 1 {
		t.Errorf("not published after the sweep; the next in %v\n%s", wait, &logged)
	}
}
