package vmpooler_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

// now is the moment of every test here.
var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func ago(d time.Duration) string { return vmpooler.FormatTime(now.Add(-d)) }

// writer is a fluent way to put vmpooler's keys into a test's Redis.
type writer struct {
	tb testing.TB
	c  *redis.Client
}

func (w writer) do(args ...any) {
	w.tb.Helper()
	if err := w.c.Do(w.tb.Context(), args...).Err(); err != nil {
		w.tb.Fatalf("%v: %v", args, err)
	}
}

func (w writer) pool(names ...string) {
	for _, n := range names {
		w.do("SADD", vmpooler.KeyPools, n)
	}
}

// vm adds a VM to a queue with a hash of these fields.
func (w writer) vm(q vmpooler.Queue, pool, name string, fields ...string) {
	w.do("SADD", q.Key(pool), name)
	w.hash(name, append([]string{"pool", pool, "template", pool}, fields...)...)
}

func (w writer) hash(name string, fields ...string) {
	args := []any{"HSET", vmpooler.VMKey(name)}
	for _, f := range fields {
		args = append(args, f)
	}
	w.do(args...)
}

func reader(c *redis.Client, pools ...vmpooler.ConfiguredPool) *vmpooler.Reader {
	return vmpooler.NewReader(c, vmpooler.ReaderOptions{Pools: pools, Now: func() time.Time { return now }})
}

func read(tb testing.TB, r *vmpooler.Reader) *vmpooler.Snapshot {
	tb.Helper()
	s, err := r.Read(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func sweep(tb testing.TB, r *vmpooler.Reader) *vmpooler.SweepResult {
	tb.Helper()
	res, err := r.Sweep(tb.Context(), vmpooler.SweepOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

func pool(tb testing.TB, s *vmpooler.Snapshot, name string) vmpooler.Pool {
	tb.Helper()
	for _, p := range s.Pools {
		if p.Name == name {
			return p
		}
	}
	tb.Fatalf("the snapshot has no pool %q", name)
	return vmpooler.Pool{}
}
