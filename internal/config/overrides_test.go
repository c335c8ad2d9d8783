package config

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryTLSFlagTurnsTLSOn(t *testing.T) {
	write(t, map[string]string{"a.pem": "x", "b.pem": "y"})
	for name, c := range map[string]struct {
		o    Overrides
		want TLS
	}{
		"a scheme":    {Overrides{RedisAddr: "rediss://h"}, TLS{Enabled: true}},
		"authorities": {Overrides{TLSCAFile: "a.pem"}, TLS{Enabled: true, CAFile: "a.pem"}},
		"a certificate": {
			Overrides{TLSCertFile: "a.pem", TLSKeyFile: "b.pem"},
			TLS{Enabled: true, CertFile: "a.pem", KeyFile: "b.pem"},
		},
		"a name":          {Overrides{TLSServerName: "n"}, TLS{Enabled: true, ServerName: "n"}},
		"no verification": {Overrides{TLSSkipVerify: true}, TLS{Enabled: true, InsecureSkipVerify: true}},
		"none":            {Overrides{RedisAddr: "redis://h"}, TLS{}},
	} {
		s := mustLoad(t, Options{Overrides: c.o})
		if diff := cmp.Diff(c.want, s.Redis.TLS); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestSentinel(t *testing.T) {
	write(t, map[string]string{"pw": "hunter2"})
	s := mustLoad(t, Options{Overrides: Overrides{
		SentinelMaster: "m", SentinelAddrs: []string{"a", "b:1", "::1"}, SentinelUsername: "u", SentinelPasswordFile: "pw",
	}})
	want := Defaults().Redis
	want.SentinelMaster, want.SentinelAddrs = "m", []string{"a:26379", "b:1", "[::1]:26379"}
	want.SentinelUsername, want.SentinelPassword, want.SentinelPasswordFile = "u", "hunter2", "pw"
	if diff := cmp.Diff(want, s.Redis); diff != "" {
		t.Error(diff)
	}
	if got := explained(s, "redis.server"); got != (Item{}) {
		t.Errorf("with Sentinel the address is not used, yet explained: %v", got)
	}
	if got := explained(s, "redis.sentinel.addresses").Value; got != "a:26379 b:1 [::1]:26379" {
		t.Errorf("got %s", got)
	}
}

func TestFlagsThatDoNotGoTogether(t *testing.T) {
	write(t, map[string]string{"a.pem": "x", "empty": "\n", "bytes": "\xff", "dir/x": ""})
	for want, o := range map[string]Overrides{
		"--redis.tls-cert-file: needs --redis.tls-key-file beside it":                                       {TLSCertFile: "a.pem"},
		"--redis.tls-key-file: needs --redis.tls-cert-file beside it":                                       {TLSKeyFile: "a.pem"},
		"--redis.tls-ca-file: cannot read dir: is a directory":                                              {TLSCAFile: "dir"},
		"--redis.addr: is a unix socket, which takes no TLS: leave --redis.tls-* out":                       {RedisAddr: "unix:///s", TLSServerName: "n"},
		"--redis.sentinel-master: needs at least one --redis.sentinel-addr":                                 {SentinelMaster: "m"},
		"--redis.sentinel-addr: needs --redis.sentinel-master, the name of the set of masters and replicas": {SentinelAddrs: []string{"a"}},
		"--redis.sentinel-addr: has a port that is not a number from 1 to 65535":                            {SentinelMaster: "m", SentinelAddrs: []string{"a:b"}},
		"--redis.sentinel-username: needs --redis.sentinel-master":                                          {SentinelUsername: "u"},
		"--redis.sentinel-password-file: needs --redis.sentinel-master":                                     {SentinelPasswordFile: "a.pem"},
		"--redis.password-file: cannot read empty: the file is empty":                                       {RedisPasswordFile: "empty"},
		"--redis.password-file: cannot read bytes: the file is not UTF-8 text":                              {RedisPasswordFile: "bytes"},
		"--redis.password-file: cannot read gone: no such file or directory":                                {RedisPasswordFile: "gone"},
	} {
		_, err := Load(Options{Getenv: env(nil), Overrides: o})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestTheEnvironmentsMistakes(t *testing.T) {
	for want, vars := range map[string]map[string]string{
		`environment REDIS_PORT: must be a number from 1 to 65535, not "x"`:                                             {"REDIS_PORT": "x"},
		`environment REDIS_PORT: must be a number from 1 to 65535, not "0"`:                                             {"REDIS_PORT": "0"},
		`environment TASK_LIMIT: must be a whole number, not "many"`:                                                    {"TASK_LIMIT": "many"},
		`environment TIMEOUT: must not be negative: -1`:                                                                 {"TIMEOUT": "-1"},
		`environment REDIS_DATA_TTL: must be at least 1, not 0`:                                                         {"REDIS_DATA_TTL": "0"},
		`environment REDIS_SERVER: must be a host name or an address without a port: the port has a setting of its own`: {"REDIS_SERVER": "h:1"},
		`environment VMPOOLER_CONFIG:2: dlq_ttl: must be a whole number of hours, not "x"`:                              {"VMPOOLER_CONFIG": ":config:\n  dlq_ttl: x"},
	} {
		_, err := Load(Options{Getenv: env(vars)})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestKubernetesRedisPort(t *testing.T) {
	vars := env(map[string]string{"REDIS_PORT": "tcp://10.0.0.1:6379"})
	_, err := Load(Options{Getenv: vars})
	want := "environment REDIS_PORT: must be a number from 1 to 65535: this one is Kubernetes' own, for a service named redis; " +
		"set enableServiceLinks: false in the pod, or give --redis.addr"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if s := mustLoad(t, Options{Getenv: vars, Overrides: Overrides{RedisAddr: "redis"}}); s.Redis.Addr != "redis:6379" {
		t.Errorf("a flag must do away with it: %s", s.Redis.Addr)
	}
}

func TestPasswordFileIsReadAnew(t *testing.T) {
	write(t, map[string]string{"pw": "old\r\n", "sentinel": " spaces \n\n"})
	s := mustLoad(t, Options{Overrides: Overrides{
		RedisPasswordFile: "pw", SentinelMaster: "m", SentinelAddrs: []string{"a"}, SentinelPasswordFile: "sentinel",
	}})
	if got := s.Redis.Password.Reveal(); got != "old" {
		t.Errorf("got %q", got)
	}
	if got := s.Redis.SentinelPassword.Reveal(); got != " spaces \n" {
		t.Errorf("only the last line's end may go: got %q", got)
	}
	if err := os.WriteFile("pw", []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Redis.CurrentPassword(); err != nil || got.Reveal() != "new" {
		t.Errorf("got %q, %v", got.Reveal(), err)
	}
	if got, err := s.Redis.CurrentSentinelPassword(); err != nil || got.Reveal() != " spaces \n" {
		t.Errorf("got %q, %v", got.Reveal(), err)
	}
	if err := os.Remove("pw"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Redis.CurrentPassword(); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
	s.Redis.PasswordFile = ""
	if got, err := s.Redis.CurrentPassword(); err != nil || got.Reveal() != "old" {
		t.Errorf("without a file: got %q, %v", got.Reveal(), err)
	}
}
