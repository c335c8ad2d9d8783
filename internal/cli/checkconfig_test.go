package cli

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

func TestCheckConfig(t *testing.T) {
	yes := true
	for name, o := range map[string]config.Options{
		"nothing": {},
		"clean":   {File: "clean.yaml"},
		"full": {
			File:      "full.yaml",
			Overrides: config.Overrides{PurgeDryRun: &yes},
		},
		"flags": {
			File: "clean.yaml",
			Overrides: config.Overrides{
				RedisAddr:         "rediss://exporter:hunter2-url@redis.example.com/3",
				RedisPasswordFile: "password",
				TLSServerName:     "redis",
			},
		},
		"socket": {Overrides: config.Overrides{RedisAddr: "unix://:hunter2-url@/run/redis.sock?db=1"}},
		"sentinel": {Overrides: config.Overrides{
			SentinelMaster:       "vmpooler",
			SentinelAddrs:        []string{"a.example.com", "b.example.com:26380"},
			SentinelPasswordFile: "password",
			RedisPasswordFile:    "password",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o.Getenv = func(string) string { return "" }
			t.Chdir("testdata/checkconfig") // so that sources are named without it
			s, err := config.Load(o)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := CheckConfig(&b, s); err != nil {
				t.Fatal(err)
			}
			golden := name + ".golden"
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(b.String(), "hunter2") {
				t.Error("a secret is printed")
			}
		})
	}
}

func TestCheckConfigPassesOnTheWritersError(t *testing.T) {
	if err := CheckConfig(full{}, config.Defaults()); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
