package bench

import (
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
)

// BenchmarkPoll times the recorder's look at the queues, when nothing has
// changed, in turn with a scrape's reading of them.
func BenchmarkPoll(b *testing.B) {
	s := newSite(b, pools, [4]int{pending, ready, running, 0}, 0)
	r := reader(s)
	recorder := dlq.NewRecorder(r, dlq.NewStore(s.client, dlq.StoreOptions{TTL: time.Hour, MaxEntries: 1000}), dlq.RecorderOptions{
		Interval: time.Second, Deadline: time.Minute, Logger: log.NewNopLogger(),
		Rules:   lifecycle.Rules{DataTTL: 168 * time.Hour, Timeout: func(string) time.Duration { return time.Hour }},
		Metrics: dlq.NewMetrics(prometheus.NewRegistry(), s.pools, time.Now),
	})
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
	const least = 20
	if len(polls) < least {
		return
	}
	b.ReportMetric(ratio(polls.median(), reads.median()), "x-read")
	table.add(b, "recorder's poll, nothing changed / a scrape's reading", "≤ 1", "%.2f (%.2f ms)", ratio(polls.median(), reads.median()), ms(polls.median()))
}
