package purger

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// The stale entries of the target: 10,000 over 60 pools.
const (
	benchPools    = 60
	staleEachPool = 160 // 60 pending, 25 ready, 50 completed, 25 orphaned
	staleRequests = 400
)

// BenchmarkCycle is one cycle (read, plan, apply) over 10,000 stale entries, among
// live ones and the hashes of destroyed VMs. Target: 10 s at most, no script call over
// 5 ms, and another client's p99 at most twice what it is while Redis is idle.
func BenchmarkCycle(b *testing.B) {
	s := testredis.New(b)
	c := newClient(b, s, nil)
	for b.Loop() {
		b.StopTimer()
		populate(b, c)
		for _, args := range [][]any{
			{"CONFIG", "SET", "slowlog-log-slower-than", "500"}, {"CONFIG", "SET", "slowlog-max-len", "100000"}, {"SLOWLOG", "RESET"},
		} {
			if err := c.Do(b.Context(), args...).Err(); err != nil {
				b.Fatal(err)
			}
		}
		p := New(Options{
			Client: c, Settings: benchSettings(), Logger: log.NewNopLogger(), Owner: lease.Owner(),
			Source: &Source{
				Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c,
				Sweep: vmpooler.SweepOptions{MaxShare: 0.1, Pause: 5 * time.Millisecond}, // as by default
			},
		})
		idle := latencies(b, s, func() { time.Sleep(3 * time.Second) })
		var plan *Plan
		var planning, applying time.Duration
		var reading []time.Duration
		b.StartTimer()
		busy := latencies(b, s, func() {
			began := time.Now()
			var err error
			reading = latencies(b, s, func() {
				if plan, err = p.Plan(b.Context(), Scope{Override: true}); err != nil {
					b.Fatal(err)
				}
			})
			planning = time.Since(began)
			if err := p.Apply(b.Context(), plan, "bench", nil); err != nil {
				b.Fatal(err)
			}
			applying = time.Since(began) - planning
		})
		b.StopTimer()
		if n := plan.Count(Applied); n != benchPools*staleEachPool+staleRequests {
			b.Fatalf("%d applied", n)
		}
		b.ReportMetric(planning.Seconds(), "plan-s")
		b.ReportMetric(applying.Seconds(), "apply-s")
		b.ReportMetric((planning + applying).Seconds(), "cycle-s")
		b.ReportMetric(slowest(b, c), "slowest-script-ms")
		b.ReportMetric(p99(idle), "idle-p99-µs")
		b.ReportMetric(p99(reading), "plan-p99-µs")
		b.ReportMetric(p99(busy), "cycle-p99-µs")
		b.ReportMetric(p99(busy)/p99(idle), "p99-ratio")
		b.StartTimer()
	}
}

func benchSettings() Settings {
	s := testSettings()
	s.Limits.Override = true
	return s
}

// populate replaces what is in Redis.
func populate(b *testing.B, c *redis.Client) {
	b.Helper()
	pools := simulator.UniformPools(benchPools, 30)
	err := c.FlushAll(b.Context()).Err()
	if err == nil {
		err = simulator.Populate(b.Context(), c, simulator.State{
			Pools: pools, Pending: 20, Ready: 30, Running: 40, Completed: 5, DestroyedHashes: 20_000, Seed: 1, Now: time.Now(),
		})
	}
	if err != nil {
		b.Fatal(err)
	}
	ctx, pipe := b.Context(), c.Pipeline()
	for _, pool := range pools {
		for i := range staleEachPool {
			vm := fmt.Sprintf("stale-%s-%d", pool.Name, i)
			fields := []any{"clone", past(72 * time.Hour), "pool", pool.Name, "template", pool.Name}
			switch {
			case i < 60:
				pipe.SAdd(ctx, vmpooler.Pending.Key(pool.Name), vm)
			case i < 85:
				pipe.SAdd(ctx, vmpooler.Ready.Key(pool.Name), vm)
				fields = append(fields, "ready", past(71*time.Hour))
			case i < 135:
				pipe.SAdd(ctx, vmpooler.Completed.Key(pool.Name), vm)
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

// latencies are those of another client, while f runs: a GET every half millisecond,
// by a thread of its own and without the runtime's poller.
func latencies(b *testing.B, s *testredis.Server, f func()) []time.Duration {
	b.Helper()
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	file, err := conn.(*net.UnixConn).File()
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	stop, done := make(chan struct{}), make(chan []time.Duration)
	go func() {
		took, err := ask(file, stop)
		if err != nil {
			b.Error(err)
		}
		done <- took
	}()
	f()
	close(stop)
	return <-done
}

func ask(file *os.File, stop <-chan struct{}) (took []time.Duration, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd := int(file.Fd()) // blocking from here on
	request, reply := []byte("GET vmpooler__tasks__clone\r\n"), make([]byte, 64)
	for {
		select {
		case <-stop:
			return took, nil
		default:
		}
		began := time.Now()
		if _, err := syscall.Write(fd, request); err != nil {
			return took, err
		}
		if _, err := syscall.Read(fd, reply); err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
		pause := syscall.Timespec{Nsec: int64(500 * time.Microsecond)}
		_ = syscall.Nanosleep(&pause, nil)
	}
}

// p99 is in microseconds.
func p99(took []time.Duration) float64 {
	took = slices.Clone(took)
	slices.Sort(took)
	return float64(took[len(took)*99/100].Nanoseconds()) / 1000
}

// slowest is the longest call of a script, in milliseconds; 0 if none took half a
// millisecond.
func slowest(b *testing.B, c *redis.Client) float64 {
	b.Helper()
	logs, err := c.SlowLogGet(b.Context(), -1).Result()
	if err != nil {
		b.Fatal(err)
	}
	longest := time.Duration(0)
	for _, l := range logs {
		if l.Args[0] == "evalsha" || l.Args[0] == "eval" {
			longest = max(longest, l.Duration)
		}
	}
	return float64(longest.Microseconds()) / 1000
}
