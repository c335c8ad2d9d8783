package live

import (
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// server is the redis-server that the package's tests share.
var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

// start is when the tests' clock begins.
var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// clock stands still unless it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: start} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// must runs a Redis command.
func must(tb testing.TB, c redis.UniversalClient, args ...any) {
	tb.Helper()
	if err := c.Do(tb.Context(), args...).Err(); err != nil {
		tb.Fatalf("%v: %v", args, err)
	}
}
