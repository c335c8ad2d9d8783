package redisclient

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

const secret = "correct-horse"

func TestNewReaches(t *testing.T) {
	locked := testredis.New(t, testredis.WithArgs("--requirepass", secret), testredis.WithClient(asDefault(secret)))
	admin(t, server, "ACL", "SETUSER", "reader", "on", ">"+secret, "resetkeys", "~vmpooler__*", "-@all", "+get", "+ping")
	admin(t, server, "ACL", "SETUSER", "selector", "on", ">"+secret, "-@all", "+ping", "+select")
	for name, cfg := range map[string]config.Redis{
		"a TCP address":           tcp(server),
		"no network named":        {Addr: server.Addr()},
		"a unix socket":           {Network: "unix", Addr: server.Socket},
		"another database":        {Network: "unix", Addr: server.Socket, DB: 3},
		"a password":              {Network: "tcp", Addr: locked.Addr(), Password: secret},
		"a user without +client":  {Network: "tcp", Addr: server.Addr(), Username: "reader", Password: secret},
		"a user in a database":    {Network: "tcp", Addr: server.Addr(), Username: "selector", Password: secret, DB: 3},
		"a password nobody wants": {Network: "tcp", Addr: server.Addr(), Password: secret},
	} {
		t.Run(name, func(t *testing.T) { ping(t, open(t, cfg, Options{})) })
	}
}

func TestAConnectionHasANameAndItsDatabase(t *testing.T) {
	cfg := tcp(server)
	cfg.DB = 5
	list := open(t, cfg, Options{}).Do(t.Context(), "CLIENT", "LIST").Val().(string)
	if !strings.Contains(list, " name="+Name+" ") || !strings.Contains(list, " db=5 ") {
		t.Errorf("CLIENT LIST shows neither name nor database:\n%s", list)
	}
}

func TestOnConnectIsCalledForEachNewConnection(t *testing.T) {
	var n atomic.Int32
	c := open(t, tcp(server), Options{OnConnect: func() { n.Add(1) }})
	if n.Load() != 0 {
		t.Error("connected before the first command")
	}
	ping(t, c)
	ping(t, c)
	if n.Load() != 1 {
		t.Errorf("called %d times for one connection", n.Load())
	}
	admin(t, server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	ping(t, c)
	if n.Load() != 2 {
		t.Errorf("called %d times for two connections", n.Load())
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/empty.pem", []byte("nothing here"))
	for name, tc := range map[string]struct {
		cfg  config.Redis
		want string
	}{
		"no address":           {config.Redis{}, "no address"},
		"no Sentinels":         {config.Redis{SentinelMaster: "vm"}, `"vm"`},
		"a missing CA":         {withTLS(config.TLS{CAFile: dir + "/ca.pem"}), dir + "/ca.pem"},
		"a CA that is none":    {withTLS(config.TLS{CAFile: dir + "/empty.pem"}), dir + "/empty.pem"},
		"a missing cert":       {withTLS(config.TLS{CertFile: dir + "/c.pem", KeyFile: dir + "/k.pem"}), dir + "/c.pem"},
		"a cert without a key": {withTLS(config.TLS{CertFile: dir + "/c.pem"}), "key file"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(tc.cfg, Options{})
			if err == nil {
				c.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("error %q, want %q in it and no password", err, tc.want)
			}
		})
	}
}

func withTLS(c config.TLS) config.Redis {
	c.Enabled = true
	return config.Redis{Network: "tcp", Addr: "127.0.0.1:1", Password: secret, TLS: c}
}

func TestDescribeNamesTheAddressAndNoCredentials(t *testing.T) {
	got := map[string]string{}
	for name, cfg := range map[string]config.Redis{
		"tcp":  {Network: "tcp", Addr: "[::1]:6379", DB: 2},
		"tls":  {Network: "tcp", Addr: "redis:6379", TLS: config.TLS{Enabled: true}},
		"unix": {Network: "unix", Addr: "/run/redis.sock"},
		"sentinel": {
			SentinelMaster: "vm", SentinelAddrs: []string{"a:26379", "b:26379"}, SentinelPassword: secret,
			SentinelUsername: "guard",
		},
	} {
		cfg.Username, cfg.Password = "someone", secret
		got[name] = Describe(cfg)
	}
	want := map[string]string{
		"tcp": "redis://[::1]:6379/2", "tls": "rediss://redis:6379/0", "unix": "unix:///run/redis.sock (database 0)",
		"sentinel": `master "vm" of the Sentinels a:26379, b:26379 (database 0)`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNoPasswordInErrorsNorAtDebugLevel(t *testing.T) {
	var out bytes.Buffer
	SetLogger(level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(&out)), level.AllowDebug()))
	defer SetLogger(nil)
	dead := testredis.New(t)
	if err := dead.Kill(); err != nil {
		t.Fatal(err)
	}
	locked := testredis.New(t, testredis.WithArgs("--requirepass", "other"), testredis.WithClient(asDefault("other")))
	var errs []error
	for _, addr := range []string{dead.Addr(), locked.Addr()} {
		cfg := config.Redis{Network: "tcp", Addr: addr, Username: "someone", Password: secret}
		c := open(t, cfg, Options{})
		errs = append(errs, c.Ping(t.Context()).Err())
		_, err := c.Pipelined(t.Context(), pipelineOfPings(t))
		errs = append(errs, err)
	}
	text := errors.Join(errs...).Error() + out.String()
	if strings.Contains(text, secret) {
		t.Errorf("the password is in:\n%s", text)
	}
	if !strings.Contains(out.String(), "level=debug") || !strings.Contains(out.String(), "component=go-redis") {
		t.Errorf("go-redis' own words are not in the log:\n%s", out.String())
	}
}
