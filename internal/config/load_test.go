package config

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignoreUnexported = cmpopts.IgnoreUnexported(Settings{})

func TestNothingGivenIsVmpoolersDefaults(t *testing.T) {
	s := mustLoad(t, Options{})
	if diff := cmp.Diff(Defaults(), s, ignoreUnexported); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{
		"redis.server": "localhost", "redis.port": "6379", "redis.database": "0", "redis.password": "none",
		"redis.tls": "off", "redis.data_ttl": "168 h",
		"dlq_enabled": "false", "dlq_ttl": "168 h", "dlq_max_entries": "10000",
		"purge_enabled": "false", "purge_dry_run": "false", "purge_interval": "3600 s",
		"max_pending_age": "7200 s", "max_ready_age": "86400 s", "max_completed_age": "3600 s",
		"max_orphaned_age": "86400 s", "max_request_age": "86400 s",
		"health_check_enabled": "false", "health_check_interval": "300 s",
		"task_limit": "10", "ondemand_clone_limit": "10", "timeout": "15 min", "ready_ttl": "60 min",
		"health_thresholds.pending_queue_max": "100", "health_thresholds.ready_queue_max": "500",
		"health_thresholds.dlq_max_warning": "100", "health_thresholds.dlq_max_critical": "1000",
		"health_thresholds.stuck_vm_age_threshold": "7200 s",
		"health_thresholds.stuck_vm_max_warning":   "10", "health_thresholds.stuck_vm_max_critical": "50",
		"pools": "as Redis has them",
	}
	got := map[string]string{}
	for _, item := range s.Explain() {
		got[item.Key] = item.Value
		if item.Source != "default" {
			t.Errorf("%s is from %s", item.Key, item.Source)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRealFiles(t *testing.T) {
	pool := func(line, name, alias string, size, timeout, ttl int) Pool {
		return Pool{
			Name: name, Aliases: strings.Split(alias, " "), Size: OptionalInt{size, true},
			Timeout: time.Duration(timeout) * time.Minute, ReadyTTL: time.Duration(ttl) * time.Minute,
			Provider: "dummy", Folder: "Pooled VMs/" + name, Template: "Templates/" + name, Source: line,
		}
	}
	at := func(file string, line string) string { return file + ":" + line }

	easy := "../testredis/testdata/capture/vmpooler.yaml"
	s := Defaults()
	s.Redis.Addr = "127.0.0.1:6399"
	s.Purge.Interval, s.Purge.MaxPendingAge, s.Purge.MaxReadyAge = 20*time.Second, 40*time.Second, time.Minute
	s.Purge.MaxCompletedAge, s.Purge.MaxOrphanedAge = 30*time.Second, time.Minute
	s.Health.Interval, s.TaskLimit, s.PoolTimeout = 10*time.Second, 20, time.Minute
	s.Files = []string{easy}
	s.Providers = []Provider{{Name: "dummy", Class: ClassDummy, Source: at(easy, "3")}}
	s.Pools = []Pool{
		pool(at(easy, "41"), "centos-7-x86_64", "centos-7-64", 5, 1, 1440),
		pool(at(easy, "53"), "debian-12-x86_64", "debian-12-64", 10, 1, 1440),
		pool(at(easy, "65"), "ubuntu-22.04-x86_64", "ubuntu-22.04-64", 3, 1, 1440),
		pool(at(easy, "77"), "redhat-9-x86_64", "redhat-9-64", 8, 1, 1440),
		pool(at(easy, "89"), "win-2022-x86_64", "win-2022-64", 2, 1, 1440),
		pool(at(easy, "101"), "sles-15-x86_64", "sles-15-64", 6, 1, 1440),
	}
	if diff := cmp.Diff(s, mustLoad(t, Options{File: easy}), ignoreUnexported); diff != "" {
		t.Error(diff)
	}

	hard := "../testredis/testdata/capture-hard/vmpooler.yaml"
	s = Defaults()
	s.Redis.Addr = "127.0.0.1:6398"
	s.DLQ.Enabled, s.Health.Publish = true, true
	s.Purge.Interval, s.Purge.MaxPendingAge, s.Purge.MaxReadyAge = 20*time.Second, 90*time.Second, time.Minute
	s.Purge.MaxCompletedAge, s.Purge.MaxOrphanedAge = 30*time.Second, time.Minute
	s.Health.Interval, s.TaskLimit, s.PoolTimeout, s.PoolReadyTTL = 30*time.Second, 20, 2*time.Minute, 24*time.Hour
	s.Files = []string{hard}
	s.Providers = []Provider{{Name: "dummy", Class: ClassDummy, Filename: "dummy-inventory.yaml", Source: at(hard, "3")}}
	s.Pools = []Pool{
		pool(at(hard, "48"), "debian-12-x86_64", "debian-12-64", 12, 1, 1440),
		pool(at(hard, "62"), "redhat-9-x86_64", "redhat-9-64", 10, 2, 1),
		pool(at(hard, "76"), "windows-2022-x86_64", "windows-2022-x86_64", 7, 3, 1440),
		pool(at(hard, "89"), "sles-15-ppc64le", "sles-15-power", 3, 2, 1440),
		pool(at(hard, "98"), "ubuntu-24.04-x86_64", "ubuntu-24.04-64 ubuntu-lts-64", 12, 1, 2),
	}
	loaded := mustLoad(t, Options{File: hard})
	if diff := cmp.Diff(s, loaded, ignoreUnexported); diff != "" {
		t.Error(diff)
	}
	for key, want := range map[string]Item{
		"dlq_enabled":    {"dlq_enabled", "true", hard + ":38"},
		"redis.port":     {"redis.port", "6398", hard + ":20"},
		"redis.data_ttl": {"redis.data_ttl", "168 h", hard + ":21"},
		"pools":          {"pools", "5, of 44 VMs in all", hard + ":47"},
		"dlq_ttl":        {"dlq_ttl", "168 h", "default"},
	} {
		if got := explained(loaded, key); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestLaterSourcesTakePrecedence(t *testing.T) {
	write(t, map[string]string{
		"vmpooler.yaml": `
:config:
  dlq_enabled: false
  task_limit: 3
  timeout: 4
  extra_config: extra.yaml
:redis: {server: file.example, port: 1, password: from-file, data_ttl: 5}
`,
		"extra.yaml": ":config: {dlq_enabled: true, ondemand_clone_limit: 6}\n",
		"password":   "from-password-file\n",
	})
	vars := map[string]string{}
	o := Options{File: "vmpooler.yaml", Getenv: env(vars)}
	check := func(stage string, want ...Item) {
		t.Helper()
		s := mustLoad(t, o)
		for _, item := range want {
			if got := explained(s, item.Key); got != item {
				t.Errorf("%s: got %v, want %v", stage, got, item)
			}
		}
	}

	check("file",
		Item{"redis.server", "file.example", "vmpooler.yaml:7"},
		Item{"redis.port", "1", "vmpooler.yaml:7"},
		Item{"redis.password", "<secret>", "vmpooler.yaml:7"},
		Item{"redis.data_ttl", "5 h", "vmpooler.yaml:7"},
		Item{"task_limit", "3", "vmpooler.yaml:4"},
		Item{"timeout", "4 min", "vmpooler.yaml:5"},
		Item{"dlq_enabled", "true", "extra.yaml:1"},
		Item{"ondemand_clone_limit", "6", "extra.yaml:1"})

	maps.Copy(vars, map[string]string{
		"REDIS_SERVER": "env.example", "REDIS_PORT": "2", "REDIS_PASSWORD": "from-env", "REDIS_DATA_TTL": "7",
		"TASK_LIMIT": "8", "ONDEMAND_CLONE_LIMIT": "9", "TIMEOUT": "10", "READY_TTL": "11",
	})
	check("environment",
		Item{"redis.server", "env.example", "environment REDIS_SERVER"},
		Item{"redis.port", "2", "environment REDIS_PORT"},
		Item{"redis.password", "<secret>", "environment REDIS_PASSWORD"},
		Item{"redis.data_ttl", "7 h", "environment REDIS_DATA_TTL"},
		Item{"task_limit", "8", "environment TASK_LIMIT"},
		Item{"ondemand_clone_limit", "9", "environment ONDEMAND_CLONE_LIMIT"},
		Item{"timeout", "10 min", "environment TIMEOUT"},
		Item{"ready_ttl", "11 min", "environment READY_TTL"})

	no, yes := false, true
	o.Overrides = Overrides{
		RedisAddr: "redis://u:from-url@flag.example:3/4", RedisUsername: "v",
		DLQEnabled: &no, PurgeEnabled: &yes, PurgeDryRun: &yes, HealthPublish: &yes,
	}
	check("flags",
		Item{"redis.server", "flag.example", "flag --redis.addr"},
		Item{"redis.port", "3", "flag --redis.addr"},
		Item{"redis.database", "4", "flag --redis.addr"},
		Item{"redis.username", "v", "flag --redis.username"},
		Item{"redis.password", "<secret>", "flag --redis.addr"},
		Item{"dlq_enabled", "false", "flag --no-dlq.enabled"},
		Item{"purge_enabled", "true", "flag --purge.enabled"},
		Item{"purge_dry_run", "true", "flag --purge.dry-run"},
		Item{"health_check_enabled", "true", "flag --health.publish"})
	if got := mustLoad(t, o).Redis.Password.Reveal(); got != "from-url" {
		t.Errorf("password %q", got)
	}

	o.Overrides.RedisPasswordFile = "password"
	check("password file", Item{"redis.password", "<secret>", "flag --redis.password-file"})
	if got := mustLoad(t, o).Redis.Password.Reveal(); got != "from-password-file" {
		t.Errorf("password %q", got)
	}
}

func TestAnAddressWithoutLoginKeepsTheLoginOfTheOtherSources(t *testing.T) {
	s := mustLoad(t, Options{
		Getenv:    env(map[string]string{"REDIS_PASSWORD": "p"}),
		Overrides: Overrides{RedisAddr: "redis://h/2"},
	})
	if s.Redis.Password.Reveal() != "p" || s.Redis.Addr != "h:6379" || s.Redis.DB != 2 {
		t.Errorf("got %+v", s.Redis)
	}
}

func TestFileFromTheEnvironment(t *testing.T) {
	write(t, map[string]string{"a.yaml": ":config: {task_limit: 1}", "b.yaml": ":config: {task_limit: 2}"})
	vars := map[string]string{"VMPOOLER_CONFIG_FILE": "a.yaml"}
	if s := mustLoad(t, Options{Getenv: env(vars)}); s.TaskLimit != 1 {
		t.Errorf("VMPOOLER_CONFIG_FILE: task_limit %d", s.TaskLimit)
	}
	if s := mustLoad(t, Options{File: "b.yaml", Getenv: env(vars)}); s.TaskLimit != 2 {
		t.Errorf("a file that is given: task_limit %d", s.TaskLimit)
	}
	vars["VMPOOLER_CONFIG"] = "---\n:config:\n  task_limit: 3\n"
	s := mustLoad(t, Options{Getenv: env(vars)})
	if got, want := explained(s, "task_limit"), (Item{"task_limit", "3", "environment VMPOOLER_CONFIG:3"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestExtraConfigIsMergedAsVmpoolerDoes(t *testing.T) {
	write(t, map[string]string{
		"conf/vmpooler.yaml": `
:config:
  extra_config: one.yaml, two.yaml,
  purge_interval: 100
  purge_enabled: false
  max_ready_age:
  health_thresholds: {dlq_max_warning: 1}
:pools:
- {name: a, size: 1}
- {name: b, size: 2}
`,
		"one.yaml": `
:config:
  purge_interval: 200
  purge_enabled: true
  max_ready_age: 300
  health_thresholds: {dlq_max_warning: 2, dlq_max_critical: 4}
:pools:
- {name: b, size: 2}
- {name: c, size: 3}
:redis: {server: redis.example}
`,
		"conf/two.yaml": ":redis: {port: 7, server: redis.example}\n:config: {max_ready_age: 400}\n",
	})
	s := mustLoad(t, Options{File: "conf/vmpooler.yaml"})

	if s.Purge.Interval != 100*time.Second {
		t.Errorf("the first of two numbers must stand: %v", s.Purge.Interval)
	}
	if !s.Purge.Enabled {
		t.Error("false must give way to true")
	}
	if s.Purge.MaxReadyAge != 300*time.Second {
		t.Errorf("null must give way to the first number: %v", s.Purge.MaxReadyAge)
	}
	if th := s.Health.Thresholds; th.DLQMaxWarning != 1 || th.DLQMaxCritical != 4 {
		t.Errorf("maps must be merged: %+v", th)
	}
	if s.Redis.Addr != "redis.example:7" {
		t.Errorf("sections must be merged: %s", s.Redis.Addr)
	}
	var names []string
	for _, p := range s.Pools {
		names = append(names, p.Name+" "+p.Source)
	}
	if diff := cmp.Diff([]string{"a conf/vmpooler.yaml:9", "b conf/vmpooler.yaml:10", "c one.yaml:9"}, names); diff != "" {
		t.Errorf("lists must be joined, without what is the same in both:\n%s", diff)
	}
	if want := []string{"conf/vmpooler.yaml", "one.yaml", "conf/two.yaml"}; !slices.Equal(s.Files, want) {
		t.Errorf("files %v, want %v", s.Files, want)
	}
	want := `one.yaml:3: purge_interval: has no effect: conf/vmpooler.yaml:4 sets it, and vmpooler keeps the first
one.yaml:6: dlq_max_warning: has no effect: conf/vmpooler.yaml:7 sets it, and vmpooler keeps the first
conf/two.yaml:2: max_ready_age: has no effect: one.yaml:5 sets it, and vmpooler keeps the first`
	if diff := cmp.Diff(want, warnings(s)); diff != "" {
		t.Error(diff)
	}
}

func TestExtraConfigOfTheEnvironmentReplacesTheFiles(t *testing.T) {
	write(t, map[string]string{
		"vmpooler.yaml": ":config: {extra_config: missing.yaml}\n",
		"x.yaml":        ":config: {task_limit: 4}\n",
	})
	s := mustLoad(t, Options{File: "vmpooler.yaml", Getenv: env(map[string]string{"EXTRA_CONFIG": "x.yaml"})})
	if s.TaskLimit != 4 {
		t.Errorf("task_limit %d", s.TaskLimit)
	}
}

func TestMissingFiles(t *testing.T) {
	write(t, map[string]string{"vmpooler.yaml": ":config:\n  extra_config: gone.yaml\n", "dir/x": ""})
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"the file": {Options{File: "no.yaml"}, "no.yaml: cannot be read: no such file or directory"},
		"an extra file": {
			Options{File: "vmpooler.yaml"},
			"vmpooler.yaml:2: extra_config: cannot read gone.yaml: no such file or directory",
		},
		"an extra file of the environment": {
			Options{File: "vmpooler.yaml", Getenv: env(map[string]string{"EXTRA_CONFIG": "far.yaml"})},
			"environment EXTRA_CONFIG: cannot read far.yaml: no such file or directory",
		},
		"a file of a flag": {
			Options{Overrides: Overrides{TLSCAFile: "ca.pem"}},
			"--redis.tls-ca-file: cannot read ca.pem: no such file or directory",
		},
	} {
		if c.o.Getenv == nil {
			c.o.Getenv = env(nil)
		}
		_, err := Load(c.o)
		if err == nil || err.Error() != c.want || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if _, err := Load(Options{File: "dir", Getenv: env(nil)}); err == nil || err.Error() != "dir: cannot be read: is a directory" {
		t.Errorf("a directory: got %v", err)
	}
}

func TestThresholdsAreListedInOrder(t *testing.T) {
	var got []string
	values := map[string]float64{}
	for name, v := range DefaultThresholds().All() {
		got = append(got, name)
		values[name] = v
	}
	want := []string{
		"pending_queue_max", "ready_queue_max", "dlq_max_warning", "dlq_max_critical",
		"stuck_vm_age_threshold", "stuck_vm_max_warning", "stuck_vm_max_critical",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if values["stuck_vm_age_threshold"] != 7200 || values["dlq_max_critical"] != 1000 {
		t.Errorf("got %v", values)
	}
	for range DefaultThresholds().All() {
		break // must not panic
	}
}
