package checkredis

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

const secret = "correct-horse"

var shared *testredis.Server

func TestMain(m *testing.M) {
	redisclient.SetLogger(nil)
	testredis.Main(m, func(s *testredis.Server) { shared = s }, func() error { return goleak.Find() })
}

// as returns a client that logs in as user; empty for the default user.
func as(t *testing.T, s *testredis.Server, user string, db int) *redis.Client {
	t.Helper()
	cfg := config.Redis{Network: "unix", Addr: s.Socket, Username: user, DB: db}
	if user != "" {
		cfg.Password = secret
	}
	c, err := redisclient.New(cfg, redisclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// setUser runs an ACL line as an administrator would, in place of what the user
// had before.
func setUser(t *testing.T, s *testredis.Server, line string) {
	t.Helper()
	c := s.NewClient()
	defer c.Close()
	if err := c.Do(t.Context(), "ACL", "DELUSER", aclUser).Err(); err != nil {
		t.Fatal(err)
	}
	run(t, c, line)
}

func run(t *testing.T, c *redis.Client, line string) {
	t.Helper()
	var words []any
	for w := range strings.FieldsSeq(strings.Replace(line, "PASSWORD", secret, 1)) {
		words = append(words, w)
	}
	if err := c.Do(t.Context(), words...).Err(); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

func check(t *testing.T, c *redis.Client) *Report {
	t.Helper()
	r, err := Check(t.Context(), c, Needs{Write: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
