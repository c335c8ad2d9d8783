package health_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

// checkpoints.json: what vmpooler's own code computed from the replayed state.
type checkpoints struct {
	Thresholds  map[string]map[string]int `json:"thresholds"`
	Checkpoints []struct {
		T      float64 `json:"t"`
		Now    int64   `json:"now"`
		Health map[string]struct {
			Status  string          `json:"status"`
			Metrics json.RawMessage `json:"metrics"`
		} `json:"health"`
		Orphans struct {
			Total      int64    `json:"total"`
			WithoutTTL []string `json:"without_ttl"`
		} `json:"orphans"`
	} `json:"checkpoints"`
}

func loadCheckpoints(t *testing.T) checkpoints {
	t.Helper()
	var c checkpoints
	if err := json.Unmarshal(testredis.File("capture/checkpoints.json"), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func thresholds(t *testing.T, set map[string]int) health.Thresholds {
	t.Helper()
	th := config.DefaultThresholds()
	for name, n := range set {
		switch name {
		case "pending_queue_max":
			th.PendingQueueMax = n
		case "ready_queue_max":
			th.ReadyQueueMax = n
		case "dlq_max_warning":
			th.DLQMaxWarning = n
		case "dlq_max_critical":
			th.DLQMaxCritical = n
		case "stuck_vm_age_threshold":
			th.StuckVMAge = time.Duration(n) * time.Second
		case "stuck_vm_max_warning":
			th.StuckVMMaxWarning = n
		case "stuck_vm_max_critical":
			th.StuckVMMaxCritical = n
		default:
			t.Fatalf("checkpoints.json has a threshold %q", name)
		}
	}
	return th
}

func normal(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The numbers and the status must be vmpooler's own, exactly, at each of the
// nine checkpoints and for each of the three sets of thresholds.
func TestReportEqualsVmpoolersOwnAtEachCheckpoint(t *testing.T) {
	c := server.Client(t)
	tr := testredis.Capture()
	points := loadCheckpoints(t)
	from := -1.0
	statuses := map[string]int{}
	for _, p := range points.Checkpoints {
		if err := testredis.Apply(t.Context(), c, tr.Between(from, p.T), 0); err != nil {
			t.Fatal(err)
		}
		from = p.T
		now := time.Unix(p.Now, 0)
		r := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return now }})
		snap, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for part, err := range snap.Errs {
			if err != nil {
				t.Errorf("at %v: part %d: %v", p.T, part, err)
			}
		}
		sweep, err := r.Sweep(t.Context(), vmpooler.SweepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if sweep.Leaked != 0 || sweep.Expiring != p.Orphans.Total {
			t.Errorf("at %v: leaked %d, expiring %d; vmpooler counts %d orphans, none of them leaked",
				p.T, sweep.Leaked, sweep.Expiring, p.Orphans.Total)
		}
		for name, want := range p.Health {
			t.Run(fmt.Sprintf("%gs/%s", p.T, name), func(t *testing.T) {
				rep := health.Evaluate(snap, sweep, thresholds(t, points.Thresholds[name]))
				got, err := json.Marshal(rep.Metrics(false))
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(normal(t, want.Metrics), normal(t, got)); d != "" {
					t.Errorf("metrics (-vmpooler +ours):\n%s", d)
				}
				if rep.Status.String() != want.Status {
					t.Errorf("status %v, vmpooler says %s; reasons %+v", rep.Status, want.Status, rep.Reasons())
				}
				statuses[want.Status]++
			})
		}
	}
	if len(statuses) != 3 {
		t.Errorf("the checkpoints show only the statuses %v", statuses)
	}
}
