package bench

import (
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
)

// dataTTL is vmpooler's default of data_ttl.
const dataTTL = 168 * time.Hour

// newRecorder returns a recorder of the site with the default settings, but for
// time enough.
func newRecorder(s *site) *dlq.Recorder {
	reg := prometheus.NewRegistry()
	store := dlq.NewStore(s.client, dlq.StoreOptions{TTL: dataTTL, MaxEntries: fullQueue})
	return dlq.NewRecorder(reader(s), store, dlq.RecorderOptions{
		Interval: time.Second, Deadline: time.Minute, Logger: log.NewNopLogger(),
		Rules:   lifecycle.Rules{DataTTL: dataTTL, Timeout: func(string) time.Duration { return time.Hour }},
		Events:  dlq.NewEvents(reg),
		Metrics: dlq.NewMetrics(reg, time.Now),
	})
}

// BenchmarkPoll times the recorder's look at the queues, when nothing has
// changed, in turn with a scrape's reading of them.
func BenchmarkPoll(b *testing.B) {
	s := newSite(b, pools, [4]int{pending, ready, running, completed}, 0)
	r := reader(s)
	recorder := newRecorder(s)
	if err := recorder.Record(b.Context()); err != nil { // the first look reads every hash
		b.Fatal(err)
	}
	var reads, polls samples
	for b.Loop() {
		reads.time(func() {
			if _, err := r.Read(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
		polls.time(func() {
			if err := recorder.Record(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
	if !enough(b, len(polls), 20) {
		return
	}
	x := ratio(polls.median(), reads.median())
	b.ReportMetric(x, "x-read")
	table.add(b, "recorder's poll, nothing changed / a scrape's reading", atMost(1, ""), x, "%.2f (%.2f ms)", x, ms(polls.median()))
}
