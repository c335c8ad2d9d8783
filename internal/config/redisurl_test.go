package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRedisAddresses(t *testing.T) {
	for text, want := range map[string]redisAddr{
		"redis://h:1/2":           {network: "tcp", addr: "h:1", db: 2},
		"redis://h":               {network: "tcp", addr: "h:6379"},
		"redis://h/":              {network: "tcp", addr: "h:6379"},
		"rediss://h:1":            {network: "tcp", addr: "h:1", tls: true},
		"REDIS://h:1":             {network: "tcp", addr: "h:1"},
		"redis://[::1]:2/3":       {network: "tcp", addr: "[::1]:2", db: 3},
		"redis://[::1]":           {network: "tcp", addr: "[::1]:6379"},
		"redis://u:p@h:1":         {network: "tcp", addr: "h:1", username: "u", password: "p", hasUsername: true, hasPassword: true},
		"redis://:p@h:1":          {network: "tcp", addr: "h:1", password: "p", hasPassword: true},
		"redis://u@h:1":           {network: "tcp", addr: "h:1", username: "u", hasUsername: true},
		"redis://:p%2F%23%40@h":   {network: "tcp", addr: "h:6379", password: "p/#@", hasPassword: true},
		"unix:///run/r.sock":      {network: "unix", addr: "/run/r.sock"},
		"unix:///run/r.sock?db=3": {network: "unix", addr: "/run/r.sock", db: 3},
		"unix://u:p@/run/r.sock":  {network: "unix", addr: "/run/r.sock", username: "u", password: "p", hasUsername: true, hasPassword: true},
		"h":                       {network: "tcp", addr: "h:6379"},
		"h:1":                     {network: "tcp", addr: "h:1"},
		"10.0.0.1":                {network: "tcp", addr: "10.0.0.1:6379"},
		"::1":                     {network: "tcp", addr: "[::1]:6379"},
		"[::1]:7":                 {network: "tcp", addr: "[::1]:7"},
	} {
		got, err := parseRedisAddr(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(redisAddr{})); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

func TestWrongRedisAddressesAreRefusedWithoutRepeatingThem(t *testing.T) {
	for text, want := range map[string]error{
		"hunter2@h:1":                  errAddrScheme,
		"u:hunter2@h:1":                errAddrScheme,
		"http://:hunter2@h":            errAddrScheme,
		"hunter2://h":                  errAddrScheme,
		"/run/hunter2.sock":            errAddrScheme,
		"redis://:hunter2/x@h:1":       errAddrForm,
		"redis://:hunter2#x@h:1":       errAddrForm,
		"redis://:hunter2%zz@h:1":      errAddrForm,
		"redis://:12#hunter2@h:1":      errAddrForm,
		"redis://h#":                   errAddrForm,
		"redis://:hunter2?x@h:1":       errAddrForm,
		"redis://a?hunter2@h:1":        errAddrQuery,
		"redis://a/hunter2@h:1/0":      errAddrDB,
		"redis://h/-1":                 errAddrDB,
		"redis://h/99999999999":        errAddrDB,
		"redis://h:hunter2/0":          errAddrForm,
		"redis://h:0":                  errAddrPort,
		"redis://h:65536":              errAddrPort,
		"redis://:hunter2@":            errAddrHost,
		"redis://":                     errAddrHost,
		"redis:///2":                   errAddrHost,
		"redis://h ost":                errAddrForm,
		"h:hunter2":                    errAddrPort,
		"h:":                           errAddrPort,
		"a:b:c":                        errAddrHost,
		"unix://hunter2":               errAddrSocket,
		"unix://":                      errAddrSocket,
		"unix:///":                     errAddrSocket,
		"unix:///r.sock?hunter2=1":     errAddrQuery,
		"unix:///r.sock?db=hunter2":    errAddrDB,
		"unix:///r.sock?db=1&db=2":     errAddrQuery,
		"unix:///r.sock?db=%zzhunter2": errAddrQuery,
	} {
		_, err := Load(Options{Getenv: env(nil), Overrides: Overrides{RedisAddr: Secret(text)}})
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		if got := err.Error(); got != "--redis.addr: "+want.Error() || strings.Contains(got, "hunter2") {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func FuzzRedisAddr(f *testing.F) {
	for _, s := range []string{"redis://u:p@h:1/2", "unix:///a?db=1", "h:1", "[::1]:7", "rediss://%00@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseRedisAddr(s)
		if err == nil && (a.addr == "" || a.db < 0 || (a.network != "tcp" && a.network != "unix")) {
			t.Errorf("%q gives %+v", s, a)
		}
	})
}
