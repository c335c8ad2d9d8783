package endtoend

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mostCPU is what a panel may take of Prometheus's processors, in seconds: that of its
// slowest query. It is not the time by a clock, which what else runs on the machine makes
// much longer.
const mostCPU = 1

// BenchmarkPanels asks for every panel over a day of 200 pools and two exporters, as
// Grafana would on a screen 800 points wide, names the slowest, and fails if one takes
// more than mostCPU in the best of all rounds. The history is what an exporter says of
// one pool of a fleet to which everything happens, for each of the 200, scraped every
// 30 s; writing it takes minutes.
//
//	go test -run '^$' -bench Panels -benchtime 5x -timeout 30m ./mixin/endtoend/
func BenchmarkPanels(b *testing.B) {
	const pools, replicas, day, each = 200, 2, 24 * time.Hour, 30 * time.Second
	screen := view{span: day, scrape: each, points: 800}
	all := template(b, pools, replicas)
	p := startPrometheus(b, prometheusOptions{interval: each, flags: []string{"--web.enable-remote-write-receiver"}})
	end := time.Now().Truncate(time.Minute)
	began := time.Now()
	if err := p.writeHistory(b.Context(), all, end, day, each); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d series over %v, written in %.0f s", len(all), day, time.Since(began).Seconds())
	panels := map[string][]query{}
	for _, d := range readDashboards(b) {
		values, _, err := p.variables(b.Context(), d, true)
		if err != nil {
			b.Fatal(err)
		}
		queries, err := d.queries(screen, values)
		if err != nil {
			b.Fatal(err)
		}
		for _, q := range queries {
			panels[q.panel] = append(panels[q.panel], q)
		}
	}
	p.untilIdle(b)
	took := map[string]cost{}
	for b.Loop() {
		for name, queries := range panels {
			c := p.cost(b, queries, screen, end)
			if before, ok := took[name]; ok {
				c = c.least(before)
			}
			took[name] = c
		}
	}
	slowest := slices.SortedFunc(maps.Keys(took), func(x, y string) int { return cmp.Compare(took[y].cpu, took[x].cpu) })
	fmt.Fprintf(os.Stdout, "\n| panel, of %d over %v of %d pools | CPU | time | target |\n| --- | --- | --- | --- |\n", len(panels), day, pools)
	for i, name := range slowest {
		c, target := took[name], fmt.Sprintf("≤ %d s of CPU", mostCPU)
		missed := c.cpu > mostCPU
		if missed {
			b.Errorf("%s takes %.2f s of CPU, more than %d s", name, c.cpu, mostCPU)
			target += ", MISSED"
		}
		if i < 5 || missed {
			fmt.Fprintf(os.Stdout, "| %s | %.2f s | %.2f s | %s |\n", name, c.cpu, c.wall, target)
		}
	}
	b.ReportMetric(took[slowest[0]].wall, "s/slowest-panel")
	b.ReportMetric(took[slowest[0]].cpu, "CPU-s/slowest-panel")
}

// cost is what a query took, in seconds: of time, and of Prometheus's processors, which
// what else runs on the machine does not lengthen.
type cost struct{ wall, cpu float64 }

func (c cost) least(d cost) cost { return cost{min(c.wall, d.wall), min(c.cpu, d.cpu)} }

func (c cost) most(d cost) cost { return cost{max(c.wall, d.wall), max(c.cpu, d.cpu)} }

// cost puts the queries of a panel one after the other, and returns what the slowest took:
// Grafana puts them side by side, and the panel is there when the last of them is.
func (p prometheus) cost(b *testing.B, queries []query, v view, end time.Time) cost {
	b.Helper()
	var slowest cost
	before := p.cpu(b)
	for _, q := range queries {
		began := time.Now()
		url := p.url("query_range", overParams(q.expr, end.Add(-v.span), end, q.step))
		if q.instant {
			url = p.url("query", atParams(q.expr, end))
		}
		if status, body, err := get(b.Context(), url); err != nil || status != http.StatusOK {
			b.Errorf("%s: %d, %v: %s", q.key, status, err, body)
		}
		wall, after := time.Since(began).Seconds(), p.cpu(b)
		slowest, before = slowest.most(cost{wall, after - before}), after
	}
	return slowest
}

// untilIdle waits until Prometheus has put the history into blocks, which no panel is
// to be charged with.
func (p prometheus) untilIdle(b *testing.B) {
	b.Helper()
	until(b, 3*time.Minute, "Prometheus has nothing to do", func() error {
		before := p.cpu(b)
		time.Sleep(3 * time.Second)
		if used := p.cpu(b) - before; used > 0.1 {
			return fmt.Errorf("it used %.2f s of CPU in 3 s", used)
		}
		return nil
	})
}

// cpu returns the seconds that Prometheus has used of the processors.
func (p prometheus) cpu(b *testing.B) float64 {
	b.Helper()
	_, body, err := get(b.Context(), "http://"+p.addr+"/metrics")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if text, ok := strings.CutPrefix(line, "process_cpu_seconds_total "); ok {
			seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				b.Fatal(err)
			}
			return seconds
		}
	}
	b.Fatal("Prometheus does not say what it used")
	return 0
}

// template is what an exporter says once everything has happened, of one pool for
// each of n.
func template(b *testing.B, n, replicas int) []synthetic {
	b.Helper()
	f := startFleet(b, everything())
	var all []synthetic
	until(b, time.Minute, "there are all histograms of a pool", func() error {
		_, body, err := get(b.Context(), "http://"+f.exporters[0].addr+"/metrics")
		if err != nil {
			return err
		}
		for _, pool := range everything().simulation.Pools {
			has := func(histogram string) bool {
				return bytes.Contains(body, fmt.Appendf(nil, "%s_count{pool=%q}", histogram, pool.Name))
			}
			if has("vmpooler_ondemand_fulfilment_duration_seconds") && has("vmpooler_vm_lease_duration_seconds") {
				all, err = syntheticFleet(body, pool.Name, n, replicas)
				return err
			}
		}
		return fmt.Errorf("not in %d bytes", len(body))
	})
	f.stop()
	for _, e := range f.exporters {
		e.stop()
	}
	return all
}
