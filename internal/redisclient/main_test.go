package redisclient

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

var server *testredis.Server

func TestMain(m *testing.M) {
	SetLogger(nil)
	testredis.Main(m, func(s *testredis.Server) { server = s }, noLeak)
}

// noLeak waits longer than goleak by itself: after PoolSize failed dials,
// go-redis tries again once a second and sees only then that it was closed.
func noLeak() error {
	var err error
	for range 6 {
		if err = goleak.Find(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// open returns a client that is closed when the test ends.
func open(tb testing.TB, cfg config.Redis, o Options) *redis.Client {
	tb.Helper()
	c, err := New(cfg, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
			tb.Errorf("close: %v", err)
		}
	})
	return c
}

func tcp(s *testredis.Server) config.Redis {
	return config.Redis{Network: "tcp", Addr: s.Addr()}
}

func ping(tb testing.TB, c *redis.Client) {
	tb.Helper()
	if err := c.Ping(tb.Context()).Err(); err != nil {
		tb.Fatalf("ping: %v", err)
	}
}

// admin runs a command as the default user.
func admin(tb testing.TB, s *testredis.Server, args ...any) any {
	tb.Helper()
	c := s.NewClient()
	defer c.Close()
	v, err := c.Do(tb.Context(), args...).Result()
	if err != nil {
		tb.Fatalf("%v: %v", args, err)
	}
	return v
}

func writeFile(tb testing.TB, path string, b []byte) {
	tb.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
}
