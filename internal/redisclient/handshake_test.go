package redisclient

import (
	"bufio"
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

func asDefault(password string) func(*redis.Options) {
	return func(o *redis.Options) { o.Password = password }
}

func pipelineOfPings(t *testing.T) func(redis.Pipeliner) error {
	t.Helper()
	return func(p redis.Pipeliner) error {
		p.Ping(t.Context())
		p.Ping(t.Context())
		return nil
	}
}

// monitor returns what the server was sent while f ran, each command's words
// joined by spaces.
func monitor(t *testing.T, s *testredis.Server, f func()) []string {
	t.Helper()
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewScanner(conn)
	r.Scan() // +OK
	f()
	admin(t, s, "ECHO", "the end")
	var sent []string
	for r.Scan() {
		_, words, _ := strings.Cut(r.Text(), "] ")
		words = strings.ToLower(strings.ReplaceAll(words, `"`, ""))
		if words == "echo the end" {
			return sent
		}
		sent = append(sent, words)
	}
	t.Fatalf("monitor: %v", r.Err())
	return nil
}

func TestAFreshConnectionSendsOnlyWhatRedis62Knows(t *testing.T) {
	admin(t, server, "ACL", "SETUSER", "plain", "on", ">"+secret, "-@all", "+ping", "+select")
	cfg := config.Redis{Network: "tcp", Addr: server.Addr(), Username: "plain", Password: secret, DB: 1}
	c := open(t, cfg, Options{})
	sent := monitor(t, server, func() {
		ping(t, c)
		if _, err := c.Pipelined(t.Context(), pipelineOfPings(t)); err != nil {
			t.Error(err)
		}
	})
	// HELLO 3 is the client of this test's own admin.
	sent = slices.DeleteFunc(sent, func(s string) bool { return s == "ping" || strings.HasPrefix(s, "hello 3") })
	if want := []string{"hello 2 auth (redacted) (redacted) setname vmpooler_exporter", "select 1"}; !slices.Equal(sent, want) {
		t.Errorf("a connection sent\n%q, want\n%q", sent, want)
	}
	admin(t, server, "ACL", "LOG", "RESET")
	admin(t, server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	ping(t, c)
	if log := admin(t, server, "ACL", "LOG").([]any); len(log) != 0 {
		t.Errorf("the handshake of a restricted user is in the ACL LOG: %v", log)
	}
}

func TestOnePoolServesCommandsAndPipelines(t *testing.T) {
	var n int
	c := open(t, tcp(server), Options{PoolSize: 1, OnConnect: func() { n++ }})
	ping(t, c)
	if _, err := c.Pipelined(context.Background(), pipelineOfPings(t)); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}
