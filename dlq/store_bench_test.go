package dlq

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// BenchmarkBurst measures 10,000 failures in one second upon 10,000 entries, by
// the server's own accounts: all of its time, and the longest call (target: 2 s
// and 5 ms).
func BenchmarkBurst(b *testing.B) {
	for _, bc := range []struct {
		name  string
		own   bool          // vmpooler records the same failures itself
		spare int           // more than the queue holds
		each  int           // failures an Add
		old   time.Duration // how old the entries there are
	}{
		{"all-at-once", false, 10000, 10000, time.Hour},
		{"500-a-poll", false, 10000, 500, time.Hour},
		{"vmpooler-too", true, 10000, 500, time.Hour},
		{"into-a-full-queue", false, 0, 500, time.Hour},
		{"into-an-expired-queue", false, 0, 500, 200 * time.Hour},
		{"into-the-same-second", false, 10000, 500, 0},
	} {
		b.Run(bc.name, func(b *testing.B) {
			for b.Loop() {
				burst(b, bc.own, 10000+bc.spare, bc.each, bc.old)
			}
		})
	}
}

func burst(b *testing.B, own bool, capacity, each int, old time.Duration) {
	b.Helper()
	const n = 10000
	b.StopTimer()
	c := server.Client(b)
	at := time.Now().Truncate(time.Second)
	pipe := c.Pipeline()
	add := func(vm string, at time.Time) {
		member, score := Encode(Entry{VM: vm, Pool: "p", ErrorClass: "IOError", ErrorMessage: "its own words", FailedAt: at})
		pipe.ZAdd(b.Context(), vmpooler.DLQKey("clone"), redis.Z{Score: score, Member: member})
	}
	for i := range n {
		add(fmt.Sprintf("there-%d", i), at.Add(-old))
		if own && i%2 == 0 {
			add(fmt.Sprintf("pix-some-name-%d", i), at.Add(time.Second))
		}
	}
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
	all := make([]Candidate, n)
	for i := range all {
		all[i] = failure(fmt.Sprintf("pix-some-name-%d", i), at.Add(-time.Minute), at)
		all[i].ErrorMessage = `ServerFaultCode: A specified parameter was not correct: spec.location.datastore "vmstorage"`
	}
	s := NewStore(c, StoreOptions{TTL: 168 * time.Hour, MaxEntries: capacity})
	mustAdd(b, s, failure("first", at, at)) // loads the script
	c.ConfigResetStat(b.Context())
	c.ConfigSet(b.Context(), "slowlog-log-slower-than", "200") // microseconds; a script's own calls would fill it
	c.ConfigSet(b.Context(), "slowlog-max-len", "1000")
	c.Do(b.Context(), "slowlog", "reset")
	b.StartTimer()
	for i := 0; i < n; i += each {
		mustAdd(b, s, all[i:i+each]...)
	}
	b.StopTimer()

	var longest time.Duration
	calls := 0
	logged, err := c.SlowLogGet(b.Context(), 1000).Result()
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range logged {
		if len(l.Args) > 0 && l.Args[0] == "evalsha" {
			longest, calls = max(longest, l.Duration), calls+1
		}
	}
	stats := c.Info(b.Context(), "commandstats").Val()
	script := usec(b, stats, "evalsha")
	read := usec(b, stats, "zrange") + usec(b, stats, "zrevrange") + usec(b, stats, "time") // the script's own are in both
	b.ReportMetric(script.Seconds()*1000, "script-ms")
	b.ReportMetric((script+read).Seconds()*1000, "redis-ms-at-most")
	b.ReportMetric(float64(longest.Microseconds())/1000, "longest-call-ms")
	b.ReportMetric(float64(calls), "calls-over-200us")
	b.StartTimer()
}

// usec reads a command's time from INFO commandstats.
func usec(b *testing.B, stats, command string) time.Duration {
	b.Helper()
	m := regexp.MustCompile(`cmdstat_` + command + `:calls=\d+,usec=(\d+)`).FindStringSubmatch(stats)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(n) * time.Microsecond
}
