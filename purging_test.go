package main

import (
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// The exporter clears a stuck VM in the background, under its leases, and says so.
func TestTheExporterPurgesInTheBackground(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	pending(t, c, "p", 1, 3*time.Hour)
	r := start(t, unixAddr(s), "--purge.enabled", "--dlq.enabled", "--purge.start-delay=1s", "--dlq.interval=20ms", "--sweep.confirm-after=0s")
	for c.SCard(t.Context(), vmpooler.Pending.Key("p")).Val() > 0 || c.ZCard(t.Context(), vmpooler.DLQKey("pending")).Val() == 0 {
		if t.Context().Err() != nil {
			t.Fatalf("it is still pending:\n%s", &r.log)
		}
		r.get("/metrics")
	}
	for _, want := range []string{
		`vmpooler_purge_entries_total{dry_run="false",pool="p",queue="pending"} 1`, "vmpooler_exporter_leader 1",
		`vmpooler_health_condition{condition="purge_held",pool="p",severity="warning"} 0`,
	} {
		for body := ""; !strings.Contains(body, want+"\n"); _, body = r.get("/metrics") {
			if t.Context().Err() != nil {
				t.Fatalf("/metrics lacks %s", want)
			}
		}
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if c.Exists(t.Context(), lease.KeyLeader, lease.KeyPurge).Val() != 0 {
		t.Error("it kept a lease")
	}
	if out, _, code := command(t, "purge", "history", unixAddr(s)); code != 0 || !strings.Contains(out, "applied") {
		t.Errorf("purge history: %d\n%s", code, out)
	}
}

func TestOnlyOneOfTwoExportersWrites(t *testing.T) {
	s := testredis.New(t)
	first := start(t, unixAddr(s), "--dlq.enabled")
	second := start(t, unixAddr(s), "--dlq.enabled")
	leads := func(e *exporter) bool {
		_, body := e.get("/metrics")
		return strings.Contains(body, "vmpooler_exporter_leader 1\n")
	}
	if !leads(first) || leads(second) {
		t.Errorf("the first leads: %v, the second: %v", leads(first), leads(second))
	}
	if err := first.end(); err != nil {
		t.Fatal(err)
	}
	for !leads(second) { // within a third of the lease
		if t.Context().Err() != nil {
			t.Fatal("nobody leads")
		}
	}
}

func TestTheHealthIsPublishedWhereThatIsTurnedOn(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	pending(t, c, "p", 1, time.Minute)
	e := start(t, unixAddr(s), "--health.publish", "--sweep.confirm-after=0s", "--sweep.pause=0s", "--sweep.max-share=1")
	for c.HGet(t.Context(), vmpooler.KeyHealth, "status").Val() != "healthy" {
		if t.Context().Err() != nil {
			t.Fatalf("nothing is published:\n%s", &e.log)
		}
		e.get("/metrics")
	}
	if err := e.end(); err != nil {
		t.Fatal(err)
	}
}
