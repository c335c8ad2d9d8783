package main

import (
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// A clone that failed before the exporter started is recorded if that is turned
// on; else nothing at all is written.
func TestDeadLettersAreRecordedOnlyWhereThatIsTurnedOn(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	pending(t, c, "p", 1, time.Minute)
	must(t, c, "HSET", vmpooler.VMKey("failed"), "pool", "p", "template", "p", "clone", vmpooler.FormatTime(time.Now().Add(-time.Minute)),
		"clone_error", "the datastore is full", "clone_error_class", "RuntimeError")
	must(t, c, "EXPIRE", vmpooler.VMKey("failed"), int((168*time.Hour).Seconds())-30)
	keys := func() string { return strings.Join(c.Keys(t.Context(), "*").Val(), " ") }

	before := c.DBSize(t.Context()).Val()
	off := start(t, unixAddr(s))
	if body := off.untilSwept(); strings.Contains(body, "vmpooler_dlq_") {
		t.Error("there are metrics of what is off")
	}
	if err := off.end(); err != nil {
		t.Fatal(err)
	}
	if n := c.DBSize(t.Context()).Val(); n != before {
		t.Errorf("%d keys, before it were %d: %s", n, before, keys())
	}

	on := start(t, unixAddr(s), "--dlq.enabled", "--dlq.interval=20ms")
	for c.ZCard(t.Context(), vmpooler.DLQKey("clone")).Val() == 0 {
		if t.Context().Err() != nil {
			t.Fatalf("no dead letter:\n%s", &on.log)
		}
		on.get("/metrics")
	}
	members := c.ZRange(t.Context(), vmpooler.DLQKey("clone"), 0, -1).Val()
	if len(members) != 1 || !strings.HasPrefix(members[0], "failed:") || !strings.Contains(members[0], "the datastore is full") {
		t.Errorf("%q", members)
	}
	want := `vmpooler_dlq_entries_total{queue="clone"} 1`
	for {
		_, body := on.get("/metrics")
		if strings.Contains(body, want) {
			break
		}
		if t.Context().Err() != nil {
			t.Fatalf("/metrics lacks %s", want)
		}
	}
}

// Steps of VMs are counted with dead letters off, and those of a pool that only
// Redis names begin at 0 with the first scrape.
func TestEventsAreCountedWithDeadLettersOff(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	pending(t, c, "p", 1, time.Minute)
	r := start(t, unixAddr(s), "--dlq.interval=20ms")
	_, first := r.get("/metrics")
	for _, event := range []string{"clone_failed", "returned"} {
		if want := `vmpooler_vm_events_total{event="` + event + `",pool="p"} 0`; !strings.Contains(first, want) {
			t.Errorf("the first scrape lacks %s", want)
		}
	}
	r.untilSwept()
	must(t, c, "HSET", vmpooler.VMKey("new"), "pool", "p", "template", "p", "clone", vmpooler.FormatTime(time.Now()), "clone_time", "2.5")
	must(t, c, "SADD", vmpooler.Pending.Key("p"), "new")
	for {
		_, body := r.get("/metrics")
		if strings.Contains(body, `vmpooler_vm_events_total{event="cloned",pool="p"} 1`) &&
			strings.Contains(body, `vmpooler_vm_clone_duration_seconds_sum{pool="p"} 2.5`) {
			break
		}
		if t.Context().Err() != nil {
			t.Fatalf("the clone is not counted:\n%s", body)
		}
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	off := start(t, unixAddr(s), "--no-collector.events")
	if body := off.untilSwept(); strings.Contains(body, "vmpooler_vm_") {
		t.Error("events are counted though they are off")
	}
}
