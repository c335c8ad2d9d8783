package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// The stale entries of a purge: 10,000 over 60 pools.
const (
	purgePools    = 60
	staleEachPool = 160 // 60 pending, 25 ready, 50 completed, 25 orphaned
	staleRequests = 400
)

// BenchmarkPurge is one cycle (read, plan, apply) over 10,000 stale entries, among
// live ones and the hashes of destroyed VMs, at the pace that it has by default. Beside
// it another client asks for a key every half millisecond, as it does before while
// Redis is idle.
func BenchmarkPurge(b *testing.B) {
	s := startSite(b, purgePools, 30)
	var cycles, waited, idled samples
	var ratios []float64
	var longest time.Duration
	for b.Loop() {
		b.StopTimer()
		s.makeStale(b)
		s.watchCalls(b)
		idle := beside(b, s.server.Socket, func() { time.Sleep(3 * time.Second) })
		p := newPurger(s)
		b.StartTimer()
		busy := beside(b, s.server.Socket, func() {
			cycles.time(func() {
				plan, err := p.Plan(b.Context(), purger.Scope{Override: true})
				if err != nil {
					b.Fatal(err)
				}
				if err := p.Apply(b.Context(), plan, "bench", nil); err != nil {
					b.Fatal(err)
				}
				if n := plan.Count(purger.Applied); n != purgePools*staleEachPool+staleRequests {
					b.Fatalf("%d applied", n)
				}
			})
		})
		idled, waited = append(idled, idle.quantile(0.99)), append(waited, busy.quantile(0.99))
		ratios = append(ratios, ratio(busy.quantile(0.99), idle.quantile(0.99)))
		longest = max(longest, s.longestScript(b))
	}
	b.ReportMetric(cycles.median().Seconds(), "cycle-s")
	b.ReportMetric(ms(longest), "longest-call-ms")
	b.ReportMetric(ratio(waited.median(), idled.median()), "p99-ratio")
	b.Logf("p99 of another client while idle %v, beside the purge %v: %.2f", idled, waited, ratios)
	if !enough(b, len(cycles), 2) {
		return
	}
	table.add(b, "a purge of 10,000 stale entries, median", atMost(10, " s"), cycles.median().Seconds(), "%.1f s", cycles.median().Seconds())
	table.add(b, "longest call of a script in it", atMost(5, " ms"), ms(longest), "%.2f ms", ms(longest))
	slower := ratio(waited.median(), idled.median())
	table.add(b, "another client's answer beside it, 99th percentile / idle", atMost(2, ""), slower, "%.2f (%.3f ms)", slower, ms(waited.median()))
}

func newPurger(s *site) *purger.Purger {
	lim := purger.DefaultLimits()
	lim.Override = true
	targets := make(map[purger.Target]bool)
	for _, t := range purger.Targets() {
		targets[t] = true
	}
	return purger.New(purger.Options{
		Client: s.client, Logger: log.NewNopLogger(), Owner: lease.Owner(),
		Settings: purger.Settings{
			Targets:       targets,
			MaxPendingAge: 2 * time.Hour, MaxReadyAge: 24 * time.Hour, MaxCompletedAge: time.Hour,
			MaxOrphanedAge: 24 * time.Hour, MaxRequestAge: 24 * time.Hour,
			DataTTL: dataTTL, DeadLetters: true, DLQTTL: dataTTL, Limits: lim,
		},
		Source: &purger.Source{
			Reader: vmpooler.NewReader(s.client, vmpooler.ReaderOptions{}), Client: s.client,
			Sweep: vmpooler.SweepOptions{MaxShare: 0.3, Pause: 5 * time.Millisecond}, // as the loop's
		},
	})
}

// makeStale replaces what is in Redis.
func (s *site) makeStale(b *testing.B) {
	b.Helper()
	s.populate(b, simulator.State{Pending: 20, Ready: 30, Running: 40, Completed: 5, DestroyedHashes: 20_000, Seed: 1})
	past := func(d time.Duration) string { return vmpooler.FormatTime(time.Now().Add(-d)) }
	ctx, pipe := b.Context(), s.client.Pipeline()
	for _, pool := range s.pools {
		for i := range staleEachPool {
			vm := fmt.Sprintf("stale-%s-%d", pool, i)
			fields := []any{"clone", past(72 * time.Hour), "pool", pool, "template", pool}
			switch {
			case i < 60:
				pipe.SAdd(ctx, vmpooler.Pending.Key(pool), vm)
			case i < 85:
				pipe.SAdd(ctx, vmpooler.Ready.Key(pool), vm)
				fields = append(fields, "ready", past(71*time.Hour))
			case i < 135:
				pipe.SAdd(ctx, vmpooler.Completed.Key(pool), vm)
				fields = append(fields, "ready", past(71*time.Hour), "checkout", past(20*time.Hour), "destroy", past(2*time.Hour))
			}
			pipe.HSet(ctx, vmpooler.VMKey(vm), fields...)
		}
	}
	for i := range staleRequests {
		id := fmt.Sprint("request-", i)
		pipe.HSet(ctx, vmpooler.RequestKey(id), "requested", "a:p:1", "status", "pending")
		pipe.ZAdd(ctx, vmpooler.KeyRequestProcessing, redis.Z{Score: float64(time.Now().Add(-48 * time.Hour).Unix()), Member: id})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		b.Fatal(err)
	}
}
