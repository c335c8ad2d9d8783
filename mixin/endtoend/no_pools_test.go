package endtoend

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// A vmpooler without pools is one that was just installed: nothing divides by nothing,
// and what is not about pools is there.
func TestWithoutPoolsNothingFails(t *testing.T) {
	if testing.Short() {
		return
	}
	t.Parallel()
	f := &fleet{redis: testredis.New(t), config: filepath.Join(t.TempDir(), "vmpooler.yaml")}
	o := everything()
	o.simulation.Pools = nil
	writeYAML(t, f.config, vmpoolerYAML(o))
	f.exporters = startExporters(t, 2, "--config.file="+f.config, "--redis.addr=unix://"+f.redis.Socket,
		"--dlq.interval=200ms", "--sweep.interval=1s", "--purge.start-delay=1s") // no pools have no providers
	p := startPrometheus(t, prometheusOptions{
		interval: time.Second,
		groups:   []scrapeGroup{{job: "vmpooler_exporter", targets: addrs(f.exporters)}},
		rules:    []string{alertsFile, rulesFile},
	})
	p.untilScraped(t, 10)
	until(t, 20*time.Second, "every rule has been evaluated without an error", func() error { return p.rulesAreHealthy(t.Context()) })
	drawn := make(map[string]int)
	for _, d := range readDashboards(t) {
		for _, all := range []bool{true, false} {
			values, empty, err := p.variables(t.Context(), d, all)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range empty {
				if name != "pool" && name != "cluster" {
					t.Errorf("%s: the variable %s has no values", d.UID, name)
				}
			}
			queries, err := d.queries(now, values)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range queries {
				n, err := p.ask(t.Context(), now, q, time.Now())
				if err != nil {
					t.Error(err)
				}
				drawn[q.panel] += n
			}
		}
	}
	for _, panel := range []string{
		"vmpooler-overview: Status", "vmpooler-overview: Redis", "vmpooler-overview: Stuck VMs", "vmpooler-overview: Dead letters",
		"vmpooler-overview: Dead letters against the limits", "vmpooler-overview: Clone slots", "vmpooler-maintenance: Exporters",
		"vmpooler-maintenance: Thresholds in force", "vmpooler-maintenance: Versions", "vmpooler-maintenance: Leader",
	} {
		if drawn[panel] == 0 {
			t.Errorf("%s is empty", panel)
		}
	}
	if n := drawn["vmpooler-overview: Pools, worst first"]; n != 0 {
		t.Errorf("%d rows of pools that are not there", n)
	}
	fired, err := p.instant(t.Context(), `max_over_time(ALERTS{alertstate="firing"}[5m])`, time.Now())
	if err != nil || len(fired) > 0 {
		t.Error(errors.Join(err, fmt.Errorf("what fired: %v", fired)))
	}
	p.neverFailed(t)
}
