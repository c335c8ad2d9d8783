package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func poolOf(t *testing.T, s *scene, name, raw string) *PoolPage {
	t.Helper()
	q, err := parsePool(raw)
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{picture: &picture{View: s.view, Now: now}}
	return m.poolPage(name, q)
}

func TestPoolListsItsStuckVMsTheOldestFirst(t *testing.T) {
	s := troubledScene()
	pending := s.view.State.Snapshot.Pools[5].Queues[vmpooler.Pending].VMs
	pending[0].Since = time.Time{}
	s.judge()
	p := poolOf(t, s, "win-2022-x86_64", "")
	if len(p.VMs) != 63 || p.Shown != "63 VMs, the oldest first" {
		t.Fatalf("%d VMs, %q", len(p.VMs), p.Shown)
	}
	stuck := int64(0)
	for i, vm := range p.VMs {
		if vm.Stuck {
			stuck++
		}
		if vm.Stuck != (i < 60) {
			t.Errorf("number %d, there for %s, is stuck: %v", i, vm.For, vm.Stuck)
		}
	}
	if first := (PoolVM{"vm-60", "/vm/vm-60", "3h 1m", true, "cloned, not ready yet"}); p.VMs[0] != first {
		t.Errorf("the first is %+v", p.VMs[0])
	}
	if last := (PoolVM{"vm-0", "/vm/vm-0", "?", false, "being cloned"}); p.VMs[62] != last {
		t.Errorf("the one whose age is not known is %+v", p.VMs[62])
	}
	if row := s.view.State.Report.Pools[5].Queues[vmpooler.Pending]; row.Stuck != stuck {
		t.Errorf("the list has %d stuck VMs, the overview %d", stuck, row.Stuck)
	}
}

func TestPoolPagesItsVMs(t *testing.T) {
	s := newScene(pool("p q", 5, aged(1, time.Minute), aged(0, 0), aged(241, 300*time.Hour)))
	for query, want := range map[string]struct {
		vms                  int
		shown, before, after string
	}{
		"queue=running":        {100, "1–100 of 241 VMs, the oldest first", "", "/pool/p%20q?page=2&queue=running#vms"},
		"queue=running&page=3": {41, "201–241 of 241 VMs, the oldest first", "/pool/p%20q?page=2&queue=running#vms", ""},
		"queue=running&page=9": {41, "201–241 of 241 VMs, the oldest first", "/pool/p%20q?page=2&queue=running#vms", ""},
		"":                     {1, "1 VM, the oldest first", "", ""},
		"queue=ready":          {0, "", "", ""},
	} {
		p := poolOf(t, s, "p q", query)
		if len(p.VMs) != want.vms || p.Shown != want.shown || p.Before != want.before || p.After != want.after {
			t.Errorf("%q: %d VMs, %q, %q, %q", query, len(p.VMs), p.Shown, p.Before, p.After)
		}
	}
	if first := s.view.State.Snapshot.Pools[0].Queues[vmpooler.Running].VMs[0].Name; first != "vm-0" {
		t.Errorf("the shared snapshot was put into another order: %s comes first", first)
	}
	if p := poolOf(t, s, "q", ""); p != nil {
		t.Error("a pool that there is not has a page")
	}
}

func TestPoolSaysWhyItIsNotPurged(t *testing.T) {
	page := get(t, troubledScene().handler(Options{}), "/pool/debian-12-x86_64").body
	contains(t, page, "Purge held", "it would remove 41 of 141 VMs")
}

// TestPoolsWorstFirst has pools that are reasons of the status, and ones that look
// worse and are none.
func TestPoolsWorstFirst(t *testing.T) {
	old := func(n int) []vmpooler.VM {
		vms := aged(n, time.Hour)
		for i := range vms {
			vms[i].Since = ago(3 * time.Hour)
		}
		return vms
	}
	for stuck, want := range map[int]string{
		3:  "far-over over stuck-empty stuck-1 empty missing-2 well", // no reason: the limit is 10
		11: "far-over over stuck-empty stuck-1 empty missing-2 well", // a warning, as over is
		51: "far-over stuck-empty over stuck-1 empty missing-2 well", // critical
	} {
		s := newScene(
			fine("well", 5), pool("missing-2", 5, nil, aged(3, time.Hour), nil), pool("empty", 5, nil, nil, nil),
			pool("stuck-1", 5, old(1), nil, nil), pool("stuck-empty", 5, old(stuck), nil, nil), pool("over", 5, aged(101, time.Minute), aged(5, time.Hour), nil),
			pool("far-over", 5, aged(201, time.Minute), aged(5, time.Hour), nil),
		)
		if got := names(page(t, s, "").Pools); got != want {
			t.Errorf("%d stuck: %s, want %s", stuck, got, want)
		}
	}
}

func manyKinds(n int) *scene {
	s := troubledScene()
	s.view.Letters.Groups = nil
	for i := range n {
		s.view.Letters.Groups = append(s.view.Letters.Groups, dlq.Group{
			Fingerprint: fmt.Sprintf("Error%d: the datastore number %d is full", i, i), Count: n - i, Pools: []string{"p"}, Last: ago(time.Minute),
		})
	}
	return s
}

func TestEveryKindOfDeadLetterCanBeReached(t *testing.T) {
	s := manyKinds(71)
	contains(t, get(t, s.handler(Options{}), "/").body, `<a href="/dlq/kinds">63 kinds more</a>`)
	m := &maker{picture: &picture{View: s.view, Now: now}}
	seen := map[string]bool{}
	for page, want := range map[int]Kinds{
		1: {Shown: "1–50 of 71 kinds, the most frequent first", After: "/dlq/kinds?page=2"},
		2: {Shown: "51–71 of 71 kinds, the most frequent first", Before: "/dlq/kinds"},
		9: {Shown: "51–71 of 71 kinds, the most frequent first", Before: "/dlq/kinds"},
	} {
		k := m.kinds(page)
		if k.Shown != want.Shown || k.Before != want.Before || k.After != want.After {
			t.Errorf("page %d: %q, %q, %q", page, k.Shown, k.Before, k.After)
		}
		for _, g := range k.Letters.Groups {
			if !strings.HasPrefix(g.Href, "/dlq?error=") {
				t.Errorf("%s leads to %q", g.Error, g.Href)
			}
			seen[g.Error] = true
		}
	}
	if len(seen) != 71 {
		t.Errorf("%d kinds can be reached", len(seen))
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "under 1ms", 0: "under 1ms", 999 * time.Microsecond: "under 1ms", 1198520 * time.Nanosecond: "1ms",
		55709947 * time.Nanosecond: "56ms", 999499 * time.Microsecond: "999ms", 999600 * time.Microsecond: "1s",
		1440 * time.Millisecond: "1.4s", 2 * time.Second: "2s", 9949 * time.Millisecond: "9.9s", 9960 * time.Millisecond: "10s", 75 * time.Minute: "1h 15m",
	} {
		if got := took(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[vmpooler.Number]string{{}: "? clones", vmpooler.Known(0): "0 clones", vmpooler.Known(1): "1 clone", vmpooler.Known(1204): "1,204 clones"} {
		if got := clonesToBegin(n); got != want+" to be begun" {
			t.Errorf("%+v: %q", n, got)
		}
	}
}
