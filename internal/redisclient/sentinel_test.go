package redisclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

const sentinelSecret = "battery-staple"

// startSentinel runs a redis-sentinel that watches master under the name vm
// and returns its address.
func startSentinel(t *testing.T, master *testredis.Server) string {
	t.Helper()
	bin, err := exec.LookPath("redis-sentinel")
	if err != nil {
		t.Fatalf("the tests need a redis-sentinel (apt-get install redis-sentinel): %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	dir := t.TempDir()
	writeFile(t, dir+"/sentinel.conf", fmt.Appendf(nil, `port %d
bind 127.0.0.1
dir %s
logfile %s/log
requirepass %s
sentinel monitor vm 127.0.0.1 %d 1
sentinel auth-pass vm %s
sentinel down-after-milliseconds vm 1500
sentinel failover-timeout vm 3000
`, addr.Port, dir, dir, sentinelSecret, master.Port, secret))
	cmd := exec.Command(bin, dir+"/sentinel.conf")
	testredis.DieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var exit *exec.ExitError
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			t.Error(err)
		}
	})
	return addr.String()
}

// eventually calls f every 50 ms until it returns nil, for 15 s at the most.
func eventually(t *testing.T, what string, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestAFailoverOfSentinelMovesTheClientToTheNewMaster(t *testing.T) {
	auth := []testredis.Option{testredis.WithArgs("--requirepass", secret, "--masterauth", secret, "--repl-diskless-sync-delay", "0"), testredis.WithClient(asDefault(secret))}
	master := testredis.New(t, auth...)
	replica := testredis.New(t, append(auth, testredis.WithArgs("--replicaof", "127.0.0.1", fmt.Sprint(master.Port)))...)
	// Sentinel looks for replicas at once, and then not for ten seconds.
	eventually(t, "the replica has its master", func(ctx context.Context) error {
		c := master.NewClient()
		defer c.Close()
		info, err := c.Info(ctx, "replication").Result()
		if err == nil && !strings.Contains(info, "state=online") {
			err = errors.New(info)
		}
		return err
	})
	addr := startSentinel(t, master)
	sentinel := redis.NewSentinelClient(&redis.Options{Addr: addr, Password: sentinelSecret, DisableIdentity: true})
	defer sentinel.Close()
	eventually(t, "Sentinel knows the replica", func(ctx context.Context) error {
		replicas, err := sentinel.Replicas(ctx, "vm").Result()
		if err == nil && (len(replicas) != 1 || replicas[0]["master-link-status"] != "ok") {
			err = fmt.Errorf("replicas: %v", replicas)
		}
		return err
	})

	var connects atomic.Int32
	cfg := config.Redis{
		SentinelMaster: "vm", SentinelAddrs: []string{"127.0.0.1:1", addr}, SentinelPassword: sentinelSecret,
		Password: secret, DB: 1,
	}
	c := open(t, cfg, Options{OnConnect: func() { connects.Add(1) }})
	if got := portOf(t, c); got != fmt.Sprint(master.Port) {
		t.Fatalf("connected to port %s, want the master's, %d", got, master.Port)
	}
	if connects.Load() != 1 {
		t.Errorf("OnConnect was called %d times, want once: connections to Sentinels are none of its business", connects.Load())
	}
	if list := c.Do(t.Context(), "CLIENT", "LIST").Val().(string); !strings.Contains(list, " name="+Name+" ") {
		t.Errorf("no connection of that name:\n%s", list)
	}

	if err := master.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a write after the failover", func(ctx context.Context) error {
		return c.Set(ctx, "k", "v", 0).Err()
	})
	if got := portOf(t, c); got != fmt.Sprint(replica.Port) {
		t.Errorf("connected to port %s, want the promoted replica's, %d", got, replica.Port)
	}
	if connects.Load() < 2 {
		t.Error("OnConnect was not called for the new master")
	}
}

func portOf(t *testing.T, c *redis.Client) string {
	t.Helper()
	port, err := c.Info(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = strings.Cut(port, "tcp_port:")
	port, _, _ = strings.Cut(port, "\r\n")
	return port
}

func TestSentinelThatCannotHelpIsAnErrorAndNoValue(t *testing.T) {
	auth := []testredis.Option{testredis.WithArgs("--requirepass", secret), testredis.WithClient(asDefault(secret))}
	addr := startSentinel(t, testredis.New(t, auth...))
	good := config.Redis{
		SentinelMaster: "vm", SentinelAddrs: []string{addr}, SentinelPassword: sentinelSecret, Password: secret,
	}
	eventually(t, "Sentinel answers", func(ctx context.Context) error {
		c := open(t, good, Options{})
		defer c.Close()
		return c.Ping(ctx).Err()
	})
	for name, tc := range map[string]struct {
		change func(*config.Redis)
		class  func(error) bool
	}{
		"unknown master":      {func(c *config.Redis) { c.SentinelMaster = "nobody" }, IsConnection},
		"Sentinel's password": {func(c *config.Redis) { c.SentinelPassword = "wrong" }, IsAuth},
		"no Sentinel":         {func(c *config.Redis) { c.SentinelAddrs = []string{"127.0.0.1:1"} }, IsConnection},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			tc.change(&cfg)
			c := open(t, cfg, Options{})
			if err := c.Get(t.Context(), "k").Err(); !tc.class(err) || errors.Is(err, redis.Nil) {
				t.Errorf("GET: %v", err)
			}
			cmds, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				p.Get(t.Context(), "k")
				return nil
			})
			if !tc.class(err) || !tc.class(cmds[0].Err()) {
				t.Errorf("a pipeline: %v, its command: %v", err, cmds[0].Err())
			}
		})
	}
}
