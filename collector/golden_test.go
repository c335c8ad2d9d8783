package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// fullState has at least one of everything that is exported.
func fullState(t *testing.T) *redis.Client {
	t.Helper()
	c := server.Client(t)
	const odd = `odd:"na.me" été \ ` + "\xff" // quotes, a backslash, a byte that is not UTF-8
	for _, p := range []string{"debian-12-x86_64", "win-2022", odd} {
		must(t, c, "SADD", vmpooler.KeyPools, p)
		must(t, c, "HSET", vmpooler.PoolKey(p), "name", p, "size", 5)
	}
	must(t, c, "HSET", vmpooler.KeyPoolSizes, "win-2022", "8")
	must(t, c, "HSET", vmpooler.KeyLastBoot, "debian-12-x86_64", ago(90*time.Second))
	for i := range 13 { // beyond pending_queue_max × 2 of the test
		addVM(t, c, vmpooler.Pending, "debian-12-x86_64", fmt.Sprint("pending-", i), "clone", ago(time.Duration(i)*time.Hour))
	}
	must(t, c, "HSET", vmpooler.VMKey("pending-1"), "clone_time", "2.00")
	addVM(t, c, vmpooler.Pending, "win-2022", "no-time")
	addVM(t, c, vmpooler.Ready, "win-2022", "ready-1", "ready", ago(10*time.Second))
	addVM(t, c, vmpooler.Ready, "win-2022", "ready-2", "ready", ago(25*time.Second))
	addVM(t, c, vmpooler.Running, odd, "running-1", "checkout", ago(time.Hour))
	must(t, c, "HSET", vmpooler.ActiveKey(odd), "running-1", ago(time.Hour))
	addVM(t, c, vmpooler.Completed, odd, "completed-1", "destroy", ago(time.Minute))
	addVM(t, c, vmpooler.Completed, odd, "completed-2")
	addVM(t, c, vmpooler.Discovered, odd, "discovered-1")
	addVM(t, c, vmpooler.Migrating, odd, "running-1")
	addVM(t, c, vmpooler.Running, "win-2022", "running-1") // live in two pools
	must(t, c, "HSET", vmpooler.VMKey("leaked"), "pool", "win-2022", "clone", ago(48*time.Hour))
	must(t, c, "HSET", vmpooler.VMKey("destroyed"), "pool", "win-2022", "destroy", ago(time.Hour), "token:token", "s3cr3t")
	must(t, c, "EXPIRE", vmpooler.VMKey("destroyed"), 1000)
	must(t, c, "SET", vmpooler.KeyTasksClone, 14)
	must(t, c, "SET", vmpooler.KeyTasksOndemandClone, 2)
	for i := range 4 {
		must(t, c, "ZADD", vmpooler.DLQKey("clone"), i, fmt.Sprint("x", i))
	}
	must(t, c, "ZADD", vmpooler.DLQKey("ready"), 1, "x")
	must(t, c, "ZADD", vmpooler.KeyRequestQueue, now.Add(-time.Minute).Unix(), "r1")
	must(t, c, "ZADD", vmpooler.KeyRequestProcessing, now.Add(-time.Hour).Unix(), "r2")
	must(t, c, "ZADD", vmpooler.KeyOndemandCreate, 1, "alias:win-2022:2:r2")
	for id, status := range map[string]string{"r1": "pending", "r2": "pending", "r3": "pending", "r4": "ready", "r5": "failed", "r6": "deleted"} {
		must(t, c, "HSET", vmpooler.RequestKey(id), "requested", "alias:win-2022:2", "status", status, "token:token", "s3cr3t")
	}
	return c
}

var goldenThresholds = config.Thresholds{
	PendingQueueMax: 6, ReadyQueueMax: 1, DLQMaxWarning: 3, DLQMaxCritical: 1000,
	StuckVMAge: 2 * time.Hour, StuckVMMaxWarning: 5, StuckVMMaxCritical: 50,
}

// varying are the metrics whose value is a time that passed.
var varying = regexp.MustCompile(`(?m)^(vmpooler_(?:exporter_collector_duration_seconds|exporter_sweep_(?:age|duration)_seconds|health_check_duration_seconds|redis_clock_skew_seconds)\S*) \S+$`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = varying.ReplaceAllString(got, "$1 VARIES")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-golden +got; -update writes it anew):\n%s", path, d)
	}
}

func TestMetricsAreTheGolden(t *testing.T) {
	b := newBench(t, fullState(t), benchOptions{thresholds: goldenThresholds, sweep: true})
	golden(t, "metrics.txt", b.scrape())
	if l := b.log.String(); l != "" {
		t.Errorf("a scrape without a fault logged: %s", l)
	}
}

func TestMetricsWithRedisDownAreTheGolden(t *testing.T) {
	b := newBench(t, downClient(t), benchOptions{thresholds: goldenThresholds})
	golden(t, "metrics_down.txt", b.scrape())
}

// A pedantic registry finds what is not described, and lint what is misnamed.
func TestMetricsAreConsistentAndLintFree(t *testing.T) {
	for name, c := range map[string]redis.UniversalClient{"up": fullState(t), "down": downClient(t)} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c, benchOptions{thresholds: goldenThresholds, sweep: true})
			reg := prometheus.NewPedanticRegistry()
			reg.MustRegister(b.handler.scrape(b.source.State(t.Context())), b.handler.opts.Base)
			problems, err := testutil.GatherAndLint(reg)
			if err != nil {
				t.Error(err)
			}
			for _, p := range problems {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		})
	}
}

// downClient is a client whose server is gone.
func downClient(t *testing.T) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: filepath.Join(t.TempDir(), "none"), MaxRetries: -1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { c.Close() })
	return c
}
