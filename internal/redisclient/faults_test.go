package redisclient

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

func TestTheNextCommandAfterARestartWorks(t *testing.T) {
	s := testredis.New(t)
	for name, cfg := range map[string]config.Redis{"tcp": tcp(s), "unix": {Network: "unix", Addr: s.Socket}} {
		t.Run(name, func(t *testing.T) {
			c := open(t, cfg, Options{})
			fillPool(t, c)
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			ping(t, c)
		})
	}
}

// fillPool leaves as many idle connections as the pool takes.
func fillPool(t *testing.T, c *redis.Client) {
	t.Helper()
	conns := make([]*redis.Conn, c.Options().PoolSize)
	for i := range conns {
		conns[i] = c.Conn()
		if err := conns[i].Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, cn := range conns {
		cn.Close()
	}
}

// margin is what a call may take beyond its deadline on a busy machine.
const margin = 300 * time.Millisecond

func TestADeadlineHoldsOnAHungServer(t *testing.T) {
	const deadline = 200 * time.Millisecond
	for name, f := range map[string]func(context.Context, *redis.Client) error{
		"command":  func(ctx context.Context, c *redis.Client) error { return c.Ping(ctx).Err() },
		"pipeline": func(ctx context.Context, c *redis.Client) error { _, err := c.Pipelined(ctx, pings); return err },
	} {
		for state, connected := range map[string]bool{"connected before": true, "not yet connected": false} {
			t.Run(name+", "+state, func(t *testing.T) {
				s := testredis.New(t)
				c := open(t, tcp(s), Options{})
				if connected {
					ping(t, c)
				}
				if err := s.Freeze(); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				start := time.Now()
				err := f(ctx, c)
				took := time.Since(start)
				if !errors.Is(err, context.DeadlineExceeded) || !IsConnection(err) {
					t.Errorf("error %v, want a deadline that passed", err)
				}
				if took < deadline || took > deadline+margin {
					t.Errorf("took %v, want %v", took, deadline)
				}
				if err := s.Thaw(); err != nil {
					t.Fatal(err)
				}
				ping(t, c)
			})
		}
	}
}

func pings(p redis.Pipeliner) error {
	p.Ping(context.Background())
	return nil
}

func TestWithoutADeadlineAHungServerCostsOneReadTimeout(t *testing.T) {
	s := testredis.New(t)
	c := open(t, tcp(s), Options{ReadTimeout: 200 * time.Millisecond})
	ping(t, c)
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err := c.Ping(t.Context()).Err()
	if took := time.Since(start); took > 200*time.Millisecond+margin {
		t.Errorf("took %v: it was sent again", took)
	}
	if !IsConnection(err) {
		t.Errorf("error %v, want one of the connection", err)
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
}

func TestADeadServerIsAConnectErrorThatNamesIt(t *testing.T) {
	s := testredis.New(t)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	c := open(t, tcp(s), Options{})
	start := time.Now()
	err := c.Ping(t.Context()).Err()
	var ce *ConnectError
	if !errors.As(err, &ce) || ce.Addr != "redis://"+s.Addr()+"/0" || !IsConnection(err) {
		t.Errorf("error %v, want a ConnectError with the address", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	ping(t, c)
}

// A listener that never answers stands for a firewall or a stopped TLS proxy.
func TestTheDialTimeoutBoundsTheTLSHandshake(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := config.Redis{Network: "tcp", Addr: l.Addr().String(), TLS: config.TLS{Enabled: true}}
	c := open(t, cfg, Options{DialTimeout: 200 * time.Millisecond})
	start := time.Now()
	err = c.Ping(t.Context()).Err()
	if took := time.Since(start); took > 200*time.Millisecond+margin {
		t.Errorf("took %v", took)
	}
	if !IsConnection(err) {
		t.Errorf("error %v, want one of the connection", err)
	}
}
