package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// The health needs a sweep, whoever else does.
func TestTheHealthIsPublishedWithAllElseOff(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	must(t, c, "SADD", vmpooler.KeyPools, "p")
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	writeFile(t, file, ":config:\n  health_check_interval: 1\n:pools:\n- name: p\n  size: 1\n")
	e := start(t, unixAddr(s), "--config.file="+file, "--health.publish", "--no-collector.events", "--no-collector.orphans", "--no-collector.ondemand")
	e.until("the health is published", func() bool { return c.Exists(t.Context(), vmpooler.KeyHealth).Val() == 1 })
	_, body := e.get("/metrics")
	if strings.Contains(body, "vmpooler_health_orphaned_metadata{") {
		t.Error("a collector that is off is shown")
	}
	e.has(t, "vmpooler_publish_failures_total 0")
}

// A sweep that can't be made is one, and the log says once that nothing is published.
func TestASweepThatFailsShowsInWhatIsPublished(t *testing.T) {
	s := testredis.New(t)
	must(t, s.Client(t), "ACL", "SETUSER", "default", "-scan")
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	writeFile(t, file, ":config:\n  health_check_interval: 1\n:pools:\n- name: p\n  size: 1\n")
	e := start(t, unixAddr(s), "--config.file="+file, "--health.publish")
	e.has(t, "vmpooler_publish_failures_total 1")
	if n := strings.Count(e.log.String(), "no sweep over all keys"); n != 1 {
		t.Errorf("%d lines:\n%s", n, &e.log)
	}
}
