package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const planted = "hunter2"

// TestPlantedSecretsAreNeverPrinted loads a password from each place that can
// hold one, with other mistakes beside it and without.
func TestPlantedSecretsAreNeverPrinted(t *testing.T) {
	write(t, map[string]string{
		"good.yaml": `
:providers:
  :vsphere: {server: v, username: u, password: &p hunter2}
:auth: {provider: ldap, bind: hunter2}
:redis:
  password: hunter2
:config: {}
`,
		"twice.yaml":   ":redis:\n  password: hunter2\n  password: hunter2-too\n  passwrd: hunter2\n",
		"number.yaml":  ":redis:\n  password: 0x1F\n",
		"extra.yaml":   ":config: {extra_config: good.yaml}\n:redis: {password: hunter2-first}\n",
		"list.yaml":    ":redis:\n  password: [hunter2]\n",
		"map.yaml":     ":redis:\n  password: {hunter2: hunter2}\n",
		"alias.yaml":   ":redis:\n  password: *hunter2\n",
		"at.yaml":      ":redis:\n  password: @hunter2\n",
		"percent.yaml": ":redis:\n  password: %hunter2\n",
		"colon.yaml":   ":redis:\n  password: a: hunter2\n",
		"quote.yaml":   ":redis:\n  password: \"hunter2\n",
		"escape.yaml":  ":redis:\n  password: \"\\qhunter2\"\n",
		"tag.yaml":     ":redis:\n  password: !!int hunter2\n",
		"server.yaml":  ":redis:\n  server: redis://:hunter2@h\n",
		"line.yaml":    ":redis:\n  password: hunter2\n  hunter2\n x: y\n",
		"pw":           "hunter2\n",
	})
	var all []Options
	for file := range strings.FieldsSeq(`good twice number extra list map alias at percent colon quote escape tag server line`) {
		all = append(all, Options{File: file + ".yaml"})
	}
	vars := func(name, value string) Options { return Options{Getenv: env(map[string]string{name: value})} }
	all = append(all,
		vars("REDIS_PASSWORD", planted),
		vars("REDIS_SERVER", ":hunter2@h"),
		vars("VMPOOLER_CONFIG", ":redis: {password: hunter2}\n:config: {dlq_ttl: x}"),
		Options{Overrides: Overrides{RedisAddr: "redis://u:hunter2@h"}},
		Options{Overrides: Overrides{RedisAddr: "redis://u:hunter2@h", TLSKeyFile: "pw"}},
		Options{Overrides: Overrides{RedisPasswordFile: "pw"}},
		Options{Overrides: Overrides{SentinelMaster: "m", SentinelAddrs: []string{"a"}, SentinelPasswordFile: "pw"}},
	)
	for _, o := range all {
		if o.Getenv == nil {
			o.Getenv = env(nil)
		}
		s, err := Load(o)
		var b bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&b, nil))
		for _, v := range []any{s, err, o.Overrides} {
			fmt.Fprintf(&b, "%v %+v %#v %s %q %d\n", v, v, v, v, v, v)
			_ = json.NewEncoder(&b).Encode(v)
			logger.Info("m", "v", v)
		}
		if s != nil {
			fmt.Fprintf(&b, "%v %+v %#v\n", *s, *s, *s)
			fmt.Fprintf(&b, "%v\n%v\n", s.Explain(), warnings(s))
		}
		if strings.Contains(b.String(), planted) {
			t.Errorf("%s %v leaks: %s", o.File, o.Overrides, b.String())
		}
	}
}
