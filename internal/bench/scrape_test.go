package bench

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// BenchmarkScrape times scrapes of an exporter process, HTTP included, in turn
// with the floor, for the state of the targets and for one with a million
// hashes of destroyed VMs.
func BenchmarkScrape(b *testing.B) {
	few := newSite(b, pools, [4]int{pending, ready, running, completed}, fewHashes)
	many := newSite(b, pools, [4]int{pending, ready, running, completed}, manyHashes)
	few.export(b)
	many.export(b)
	request, replies := queueCommands(few.pools)
	var floors, scrapes, scrapesMany samples
	for b.Loop() {
		floors.time(func() {
			if err := few.floor.exchange(request, replies); err != nil {
				b.Fatal(err)
			}
		})
		scrapes.time(func() { few.scrape(b) })
		scrapesMany.time(func() { many.scrape(b) })
	}
	if !enough(b, len(scrapes), 100) { // for a 99th percentile
		return
	}
	b.ReportMetric(ratio(scrapes.median(), floors.median()), "x-floor")
	b.ReportMetric(ratio(scrapes.quantile(0.99), floors.median()), "p99-x-floor")
	table.add(b, "queue floor, median", unchecked(""), ms(floors.median()), "%.2f ms", ms(floors.median()))
	x := ratio(scrapes.median(), floors.median())
	table.add(b, "scrape, median / floor", atMost(3, ""), x, "%.2f (%.2f ms)", x, ms(scrapes.median()))
	x = ratio(scrapes.quantile(0.99), floors.median())
	table.add(b, "scrape, 99th percentile / floor", atMost(10, ""), x, "%.2f (%.2f ms)", x, ms(scrapes.quantile(0.99)))
	x = ratio(scrapesMany.median(), scrapes.median())
	table.add(b, "scrape with 1,000,000 hashes / with 90,000", atMost(1.3, ""), x, "%.2f", x)
	x = few.memory(b, "VmRSS")
	table.add(b, "RSS after the scrapes, 90,000 hashes", atMost(40, " MiB"), x, "%.1f MiB (peak %.1f)", x, few.memory(b, "VmHWM"))
	x = many.memory(b, "VmRSS")
	table.add(b, "RSS after the scrapes, 1,000,000 hashes", atMost(64, " MiB"), x, "%.1f MiB (peak %.1f)", x, many.memory(b, "VmHWM"))
}

// BenchmarkSweep times whole unthrottled sweeps in turn with their floor.
func BenchmarkSweep(b *testing.B) {
	s := newSite(b, pools, [4]int{pending, ready, running, completed}, fewHashes)
	r := reader(s)
	var floors, sweeps samples
	for b.Loop() {
		floors.time(func() {
			if _, err := s.floor.sweep(vmpooler.FieldPool); err != nil {
				b.Fatal(err)
			}
		})
		sweeps.time(func() {
			res, err := r.Sweep(b.Context(), vmpooler.SweepOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if res.Expiring != fewHashes {
				b.Fatalf("%d expiring, want %d", res.Expiring, fewHashes)
			}
		})
	}
	if !enough(b, len(sweeps), 5) {
		return
	}
	x := ratio(sweeps.median(), floors.median())
	b.ReportMetric(x, "x-floor")
	table.add(b, "unthrottled sweep, median / its floor", atMost(1.5, ""), x, "%.2f (%.0f ms for 90,000 hashes)", x, ms(sweeps.median()))
}

// BenchmarkGrowth holds a scrape of 500 pools × 100 VMs against one of 60 × 95,
// per VM.
func BenchmarkGrowth(b *testing.B) {
	small := newSite(b, pools, [4]int{pending, ready, running, completed}, 0)
	large := newSite(b, 500, [4]int{20, 30, 45, 5}, 0)
	small.export(b)
	large.export(b)
	var s, l samples
	for b.Loop() {
		s.time(func() { small.scrape(b) })
		l.time(func() { large.scrape(b) })
	}
	if !enough(b, len(s), 20) {
		return
	}
	perVM := ratio(l.median(), s.median()) * vms / (500 * 100)
	b.ReportMetric(perVM, "x-per-VM")
	table.add(b, "scrape of 500 pools × 100 VMs / of 60 × 95, per VM", unchecked("linear: about 1"), perVM, "%.2f (%.1f ms)", perVM, ms(l.median()))
}

// BenchmarkAllocations counts what a scrape allocates, in this process.
func BenchmarkAllocations(b *testing.B) {
	s := newSite(b, pools, [4]int{pending, ready, running, completed}, 0)
	source := collector.NewSource(reader(s), nil, config.DefaultThresholds(), time.Minute)
	h := collector.NewHandler(source, collector.HandlerOptions{Timeout: time.Minute, Base: prometheus.NewRegistry()}, log.NewNopLogger())
	w := &discard{header: http.Header{}}
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
	per := testing.AllocsPerRun(10, func() { h.ServeHTTP(w, r) }) / vms
	b.ReportMetric(per, "allocs/VM")
	if b.N > 1 {
		table.add(b, "allocations of a scrape, per VM", target{"single digits", 9.9}, per, "%.1f", per)
	}
}

// discard is a ResponseWriter that keeps nothing.
type discard struct {
	header http.Header
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
