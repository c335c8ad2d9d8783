package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// has waits until /metrics has all of these lines.
func (e *exporter) has(t *testing.T, lines ...string) {
	t.Helper()
	for _, want := range lines {
		e.until("/metrics has "+want, func() bool {
			_, body := e.get("/metrics")
			return strings.Contains(body, want+"\n")
		})
	}
}

func hangUp(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// A pipe in place of the configuration holds the start up where it is first read.
func TestAHangupBeforeTheConfigurationIsReadDoesNotEndIt(t *testing.T) {
	server := testredis.New(t)
	dir := t.TempDir()
	file, plain := filepath.Join(dir, "vmpooler.yaml"), filepath.Join(dir, "plain.yaml")
	const text = ":pools:\n- name: p\n  size: 3\n"
	if err := errors.Join(syscall.Mkfifo(file, 0o600), os.WriteFile(plain, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	var out, log buffer
	go func() {
		ended <- run(ctx, []string{"--config.file=" + file, unixAddr(server), "--web.listen-address=127.0.0.1:0"}, &out, &log)
	}()
	pipe, err := os.OpenFile(file, os.O_WRONLY, 0) // waits until it is being read
	if err != nil {
		t.Fatal(err)
	}
	hangUp(t)
	_, err = pipe.WriteString(text)
	if err := errors.Join(err, os.Rename(plain, file), pipe.Close()); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(log.String(), "the configuration is reloaded") {
		select {
		case err := <-ended:
			t.Fatalf("it ended with %v\n%s", err, &log)
		case <-time.After(5 * time.Millisecond):
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v\n%s", err, &log)
	}
}

func TestAReloadPutsNewSettingsInForceAndLosesNoCounter(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const pools = ":pools:\n- name: p\n  size: 3\n"
	write(":config:\n  health_thresholds:\n    pending_queue_max: 7\n" + pools)
	e := start(t, unixAddr(s), "--config.file="+file, "--dlq.interval=20ms")
	e.untilSwept()
	// What stands there at the recorder's first look, whose time nothing tells, is not
	// counted: another VM then.
	cloned := func(pool string) int {
		_, body := e.get("/metrics")
		_, rest, _ := strings.Cut(body, fmt.Sprintf("\nvmpooler_vm_events_total{event=\"cloned\",pool=%q} ", pool))
		number, _, _ := strings.Cut(rest, "\n")
		n, _ := strconv.Atoi(number)
		return n
	}
	anotherCloned := func(pool string) {
		t.Helper()
		tried, looked := 0, time.Time{}
		e.until("a VM is cloned in "+pool, func() bool {
			if time.Since(looked) > time.Second {
				tried, looked = tried+1, time.Now()
				vm := fmt.Sprint(pool, "-", tried)
				must(t, c, "HSET", vmpooler.VMKey(vm), "pool", pool, "clone", vmpooler.FormatTime(time.Now()), "clone_time", "2.5")
				must(t, c, "SADD", vmpooler.Pending.Key(pool), vm)
			}
			return cloned(pool) > 0
		})
	}
	anotherCloned("p")
	counted := cloned("p")
	e.has(t, `vmpooler_health_threshold{name="pending_queue_max"} 7`, "vmpooler_exporter_config_last_reload_successful 1")
	if _, body := e.get("/metrics"); strings.Contains(body, "vmpooler_dlq_entries_total") {
		t.Error("dead letters are on")
	}

	write(":config:\n  dlq_enabled: maybe\n")
	hangUp(t)
	e.has(t, "vmpooler_exporter_config_last_reload_successful 0", `vmpooler_health_threshold{name="pending_queue_max"} 7`, "vmpooler_up 1")
	if !strings.Contains(e.log.String(), "dlq_enabled") {
		t.Errorf("the log does not say what is wrong:\n%s", &e.log)
	}

	write(":config:\n  dlq_enabled: true\n  health_thresholds:\n    pending_queue_max: 9\n" + pools + "- name: q\n  size: 4\n")
	hangUp(t)
	e.has(t, "vmpooler_exporter_config_last_reload_successful 1", `vmpooler_health_threshold{name="pending_queue_max"} 9`,
		`vmpooler_pool_size{pool="q"} 4`,
		`vmpooler_dlq_entries_total{queue="clone"} 0`, "vmpooler_exporter_leader 1", "vmpooler_up 1")
	if _, body := e.get("/metrics"); !strings.Contains(body, "vmpooler_exporter_sweep_age_seconds") {
		t.Error("the last sweep is forgotten")
	}
	if n := cloned("p"); n < counted {
		t.Errorf("%d events of %d are left", n, counted)
	}
	anotherCloned("q")

	write(pools)
	hangUp(t)
	e.has(t, `vmpooler_health_threshold{name="pending_queue_max"} 100`)
	_, body := e.get("/metrics")
	for _, off := range []string{"vmpooler_exporter_leader", "vmpooler_dlq_entries_total", "vmpooler_dlq_last_success_timestamp_seconds"} {
		if strings.Contains(body, off) {
			t.Errorf("%s is there, and nothing writes it any more: an alert on it would be false", off)
		}
	}

	write(":config:\n  dlq_enabled: true\n  purge_enabled: true\n  health_check_enabled: true\n" + pools)
	hangUp(t)
	e.has(t, "vmpooler_exporter_leader 1", `vmpooler_dlq_entries_total{queue="clone"} 0`,
		"vmpooler_purge_interval_seconds 3600", "vmpooler_publish_failures_total 0")
	if err := e.end(); err != nil {
		t.Fatal(err)
	}
}

func TestANewPasswordIsUsedAfterAReload(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte("first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, c, "ACL", "SETUSER", "exporter", "on", ">first", "+@all", "~*", "&*")
	e := start(t, unixAddr(s), "--redis.username=exporter", "--redis.password-file="+file)
	e.has(t, "vmpooler_up 1")
	must(t, c, "ACL", "SETUSER", "exporter", "<first", ">second")
	must(t, c, "CLIENT", "KILL", "USER", "exporter")
	e.has(t, "vmpooler_up 0")
	if err := os.WriteFile(file, []byte("second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp(t)
	e.has(t, "vmpooler_exporter_config_last_reload_successful 1", "vmpooler_up 1")
	if err := e.end(); err != nil {
		t.Fatal(err)
	}
}

// Prometheus' own way is a POST with nothing in it; what has a body is held to be JSON,
// as every call.
func TestAReloadIsAskedForByAPost(t *testing.T) {
	s := testredis.New(t)
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	writeFile(t, file, ":config:\n  health_thresholds:\n    pending_queue_max: 7\n")
	e := start(t, unixAddr(s), "--config.file="+file, "--web.enable-admin-api")
	ask := func(media, body string) (int, string) {
		return e.ask("POST", "/-/reload", body, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("Content-Type", media)
		})
	}
	writeFile(t, file, ":config:\n  health_thresholds:\n    pending_queue_max: many\n")
	if status, body := ask("", ""); status != http.StatusUnprocessableEntity || !strings.Contains(body, `"errorType":"bad_data"`) || strings.Contains(body, "many") {
		t.Errorf("a bad file: %d %s", status, body)
	}
	e.has(t, "vmpooler_exporter_config_last_reload_successful 0", `vmpooler_health_threshold{name="pending_queue_max"} 7`, "vmpooler_up 1")
	if !strings.Contains(e.log.String(), "pending_queue_max") {
		t.Errorf("the log does not say what is wrong:\n%s", &e.log)
	}
	writeFile(t, file, ":config:\n  health_thresholds:\n    pending_queue_max: 9\n")
	for _, c := range []struct {
		media, body string
		want        int
	}{
		{"application/x-www-form-urlencoded", "a=b", http.StatusForbidden},
		{"text/plain", "{}", http.StatusForbidden},
		{"", "", http.StatusOK},
		{"application/x-www-form-urlencoded", "", http.StatusOK},
		{"application/json", "{}", http.StatusOK},
	} {
		if status, body := ask(c.media, c.body); status != c.want {
			t.Errorf("%q %q: %d %s", c.media, c.body, status, body)
		}
	}
	e.has(t, "vmpooler_exporter_config_last_reload_successful 1", `vmpooler_health_threshold{name="pending_queue_max"} 9`)
}

// An orphan is looked at twice, seconds apart: time for a reload in the middle of a
// purge, which is finished on the connection that it began on.
func TestAReloadCutsNoPurgeOff(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	must(t, c, "SADD", vmpooler.KeyPools, "p")
	must(t, c, "HSET", vmpooler.VMKey("lost"), "pool", "p", "clone", vmpooler.FormatTime(time.Now().Add(-72*time.Hour)))
	e := start(t, unixAddr(s), "--web.enable-admin-api", "--scrape.timeout=1s")
	type answer struct {
		status int
		body   string
	}
	answers := make(chan answer, 1)
	go func() {
		status, body := e.ask("POST", "/api/v1/queue/purge", "{}", func(r *http.Request) { r.Header.Del("Authorization") })
		answers <- answer{status, body}
	}()
	e.until("the purge has begun", func() bool { return c.Exists(t.Context(), lease.KeyPurge).Val() == 1 })
	hangUp(t)
	e.until("a reload", func() bool { return strings.Contains(e.log.String(), "the configuration is reloaded") })
	if len(answers) > 0 {
		t.Fatal("the purge had ended before the reload")
	}
	if a := <-answers; a.status != http.StatusOK || !strings.Contains(a.body, `"outcome":"applied"`) {
		t.Errorf("%d %s\n%s", a.status, a.body, &e.log)
	}
	if ttl := c.TTL(t.Context(), vmpooler.VMKey("lost")).Val(); ttl <= 0 {
		t.Errorf("the metadata lives for %v", ttl)
	}
	// What the reload has put in force is what admins ask now.
	if status, body := e.ask("GET", "/api/v1/queue/purge", "", nil); status != http.StatusOK || !strings.Contains(body, `"by":"web:local"`) {
		t.Errorf("%d %s", status, body)
	}
}
