package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzParse holds for any text at all: no panic; either errors that say where,
// or settings that are in range.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"capture", "capture-hard"} {
		data, err := os.ReadFile("../testredis/testdata/" + file + "/vmpooler.yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		"", "---", "~", "- a", ":config:", ":config: {dlq_ttl: -1}", ":pools: [{name: a}, {name: a}, 5, {alias: [~]}]",
		":a: &a {<<: *a}\n:config: *a", ":config:\n  <<: [{task_limit: 1}, {task_limit: 2}]\n", ":redis: {password: *x}",
		":config:\n  health_thresholds:\n    dlq_max_warning: 0x7f\n    oops: 1\n", "!ruby/object:A {a: 1}", "? [a]\n: b\n",
		":redis:\n  server: ::1\n  port: '1'\n  password: !!binary aGk=\n", "\ufeff:config: {timeout: 1:00}", "a: 1\n---\nb: 2\n",
		":providers:\n  :a: {provider_class: vsphere, server: b, insecure: on, password: 0x1}\n  :gce: {zone: [c]}\n  :d: e\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hang := time.AfterFunc(10*time.Second, func() { panic(fmt.Sprintf("hangs: %q", data)) })
		defer hang.Stop()
		s, err := Load(Options{Getenv: env(map[string]string{"VMPOOLER_CONFIG": string(data)})})
		if err != nil {
			var all Errors
			if s != nil || !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("%v, %v", s, err)
			}
			for _, e := range all[:min(len(all), maxReported)] {
				if e.File == "" || e.Line < 0 || e.Msg == "" || strings.ContainsAny(e.Error(), "\n\x1b") {
					t.Errorf("%#v", e)
				}
			}
			return
		}
		if s.DLQ.TTL <= 0 || s.DLQ.MaxEntries < 1 || s.Purge.Interval <= 0 || s.Health.Interval <= 0 ||
			s.Purge.MaxReadyAge < 0 || s.Redis.DataTTL <= 0 || s.Redis.Addr == "" {
			t.Errorf("%+v", s)
		}
		names := map[string]bool{}
		for _, p := range s.Pools {
			if p.Name == "" || names[p.Name] || p.Timeout < 0 || p.Size.Value < 0 || !utf8.ValidString(p.Name) {
				t.Errorf("%+v", p)
			}
			names[p.Name] = true
		}
		for _, item := range s.Explain() {
			if item.Value == "" || item.Source == "" || strings.ContainsAny(item.Value+item.Source, "\n\t\x1b") {
				t.Errorf("%+v", item)
			}
		}
	})
}
