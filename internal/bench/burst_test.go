package bench

import (
	"strconv"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// A datastore dies: this many clones fail between two looks of the recorder.
const (
	burst      = 10_000
	burstPools = 50
)

// BenchmarkBurst measures what recording a burst costs the server, by its own
// accounts: its CPU time for all that the recorder's look asks and writes, and
// its longest call of a script. The queue is full already, so that each failure
// evicts another.
func BenchmarkBurst(b *testing.B) {
	s := startSite(b, burstPools, burst/burstPools)
	var used samples
	var longest time.Duration
	for b.Loop() {
		s.populate(b, simulator.State{Pending: burst / burstPools, DeadLetters: fullQueue, Seed: uint64(len(used))})
		recorder := newRecorder(s)
		if err := recorder.Record(b.Context()); err != nil { // the clones are in progress
			b.Fatal(err)
		}
		began := time.Now().Add(-time.Minute) // failures are to the second
		s.failClones(b)
		s.watchCalls(b)
		before := s.cpu(b)
		if err := recorder.Record(b.Context()); err != nil {
			b.Fatal(err)
		}
		used = append(used, s.cpu(b)-before)
		longest = max(longest, s.longestScript(b))
		s.wantRecorded(b, began)
	}
	if !enough(b, len(used), 5) {
		return
	}
	b.ReportMetric(used.median().Seconds(), "redis-s")
	b.ReportMetric(ms(longest), "longest-call-ms")
	table.add(b, "recording a burst of 10,000 failures, Redis' CPU time, median", atMost(2, " s"), used.median().Seconds(), "%.2f s", used.median().Seconds())
	table.add(b, "longest call of a script in these bursts", atMost(5, " ms"), ms(longest), "%.2f ms", ms(longest))
}

// failClones fails all that is pending, as vmpooler does.
func (s *site) failClones(b *testing.B) {
	b.Helper()
	pipe := s.client.Pipeline()
	for _, p := range s.pools {
		key := vmpooler.Pending.Key(p)
		vms, err := s.client.SMembers(b.Context(), key).Result()
		if err != nil {
			b.Fatal(err)
		}
		for _, vm := range vms {
			pipe.SRem(b.Context(), key, vm)
			pipe.HSet(b.Context(), vmpooler.VMKey(vm),
				vmpooler.FieldCloneError, datastoreError(vm, len(vm)), vmpooler.FieldCloneErrorClass, "ServerFaultCode")
			pipe.Expire(b.Context(), vmpooler.VMKey(vm), dataTTL)
		}
	}
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// watchCalls has the server remember its slow calls from now on. Most commands
// are too fast to be among them, and would only push the scripts out.
func (s *site) watchCalls(b *testing.B) {
	b.Helper()
	pipe := s.client.Pipeline()
	pipe.ConfigSet(b.Context(), "slowlog-log-slower-than", "100") // microseconds
	pipe.ConfigSet(b.Context(), "slowlog-max-len", "10000")
	pipe.Do(b.Context(), "slowlog", "reset")
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// longestScript returns the longest call of a script since watchCalls.
func (s *site) longestScript(b *testing.B) (longest time.Duration) {
	b.Helper()
	calls, err := s.client.SlowLogGet(b.Context(), -1).Result()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range calls {
		if c.Args[0] == "evalsha" || c.Args[0] == "eval" {
			longest = max(longest, c.Duration)
		}
	}
	if longest == 0 {
		b.Fatal("no call of a script is in the slow log: it would have to be faster than it can be")
	}
	return longest
}

// cpu returns the CPU time that the server's process has used so far.
func (s *site) cpu(b *testing.B) time.Duration {
	b.Helper()
	info := s.client.InfoMap(b.Context(), "cpu")
	if err := info.Err(); err != nil {
		b.Fatal(err)
	}
	sum := 0.0
	for _, field := range []string{"used_cpu_sys", "used_cpu_user"} {
		seconds, err := strconv.ParseFloat(info.Item("CPU", field), 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += seconds
	}
	return time.Duration(sum * float64(time.Second))
}

// wantRecorded sees that the burst is in the queue, and nothing too much.
func (s *site) wantRecorded(b *testing.B, since time.Time) {
	b.Helper()
	key := vmpooler.DLQKey("clone")
	fresh, err := s.client.ZCount(b.Context(), key, strconv.FormatInt(since.Unix(), 10), "+inf").Result()
	if err != nil {
		b.Fatal(err)
	}
	if all := s.client.ZCard(b.Context(), key).Val(); fresh != burst || all != fullQueue {
		b.Fatalf("%s has %d entries, %d of the burst; want %d, %d", key, all, fresh, fullQueue, burst)
	}
}
