package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

const purgeRequest = "3a367972-058e-4da6-a1f6-298ffebc7630"

// purgePlan has an entry of each target, hostile names among them, as it stands
// before anything is done. Providers were asked.
func purgePlan() *purger.Plan {
	action := func(t purger.Target, pool, vm string, age time.Duration, reason, does string, provider inventory.Verdict) purger.Action {
		return purger.Action{Target: t, Pool: pool, VM: vm, Age: age, Reason: reason, Does: does, Provider: provider, Outcome: purger.Planned}
	}
	const (
		pending = "dead letter, out of pending, metadata expires in 7d0h"
		windows = "win-2022-x86_64"
	)
	p := &purger.Plan{
		ID: "U6D3BONBATCK",
		Actions: []purger.Action{
			action(purger.Pending, windows, "pix-dusty-elm", 3*time.Hour+12*time.Minute, "pending for 3h12m, limit 2h0m", pending, inventory.Present),
			action(purger.Pending, "\x1b[31mpool\u202e", "=cmd\n|calc 雪が降る", 50*time.Hour, "pending for 2d2h, limit 2h0m", pending, inventory.Unverified),
			action(purger.Ready, "debian-12-x86_64", "pix-icy-maple", 26*time.Hour, "ready for 1d2h, limit 1d0h", "to completed, where vmpooler destroys it", inventory.Present),
			action(purger.Orphaned, "a-pool-with-a-name-that-is-longer-than-any-terminal-is-wide-x86_64", "pix-lost-pearl", 75*time.Hour,
				"in no queue and without a TTL, cloned 3d3h ago, limit 1d0h", "metadata expires in 1h0m", inventory.Absent),
			{
				Target: purger.Request, RequestID: purgeRequest, Age: 28 * time.Hour, Reason: "waiting for 1d4h, limit 1d0h",
				Does: "failed, out of its queues, its hash expires in 7d0h", Provider: inventory.Unverified, Outcome: purger.Planned,
			},
			action(purger.Ghost, windows, "pix-neat-owl", 6*time.Minute, "in ready, and missing from its provider's listings for 6m0s", "to completed", inventory.Absent),
		},
		Held: []purger.Hold{
			{Cause: purger.HoldClock, Reason: "this host's clock and Redis' differ by 2m0s, limit 1m0s"},
			{Pool: windows, Cause: purger.HoldLimit, Reason: "412 entries are stale, more than 200 are not purged at once"},
			{Target: purger.Request, Cause: purger.HoldRequests, Reason: "300 requests are stale, more than 200 are not purged at once"},
		},
		UnknownVMs: map[string][]string{
			"debian-12-x86_64": {},
			windows:            {"a\x1b", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"},
		},
	}
	p.Actions[5].Queue = vmpooler.Ready
	for _, i := range []int{4, 5} {
		p.Actions[i].Outcome, p.Actions[i].Why = purger.Held, p.Held[1].Reason
	}
	return p
}

// purgeDone is the same plan, applied and interrupted.
func purgeDone() *purger.Plan {
	p := purgePlan()
	for i, of := range []struct {
		outcome purger.Outcome
		why     string
	}{
		{purger.Applied, ""},
		{purger.Skipped, "it is in another queue: vmpooler__running__\x1b[31mpool\u202e"},
		{purger.Refused, "NOPERM this user has no permissions to run the 'smove' command (vmpooler__ready__debian-12-x86_64)"},
		{purger.Failed, "dial tcp: redis://ada:hunter2@redis.example.org: connection refused"},
	} {
		p.Actions[i].Outcome, p.Actions[i].Why = of.outcome, of.why
	}
	p.Actions[4].Outcome = purger.Planned
	return p
}

// purgeUsual is what one mostly sees: no provider was asked, nothing is held.
func purgeUsual() *purger.Plan {
	p := purgePlan()
	p.Actions = append([]purger.Action{}, p.Actions[0], p.Actions[2])
	for i := range p.Actions {
		p.Actions[i].Provider = inventory.Unverified
	}
	p.Held, p.UnknownVMs, p.DryRun = nil, nil, true
	return p
}

func purgeHistory() *purger.HistoryPage {
	at := time.Date(2026, 11, 23, 9, 59, 30, 123e6, time.UTC)
	return &purger.HistoryPage{
		Records: []purger.Record{
			{
				At: at, Who: "loop", Plan: "U6D3BONBATCK", Target: purger.Pending, Pool: "win-2022-x86_64", VM: "pix-dusty-elm", AgeSeconds: 11520,
				Reason: "pending for 3h12m, limit 2h0m", Does: "out of pending", Provider: "unverified", Outcome: purger.Applied,
			},
			{
				At: at.Add(-time.Minute), Who: "=ada\x1b", Plan: "\u202ex", Target: "\x1b[31m", Pool: "雪が降る", VM: "@vm\r\n", AgeSeconds: -1,
				Reason: "r\x07", Does: "d", Provider: "unverified", Outcome: purger.Skipped, Why: "its metadata has changed",
			},
			{
				At: at.Add(-time.Hour), Who: "command", Plan: "5AGNM5GTUW3Y", Target: purger.Request, RequestID: purgeRequest, AgeSeconds: 100000,
				Reason: "waiting for 1d3h, limit 1d0h", Does: "failed", Provider: "unverified", Outcome: purger.Refused, Why: "OOM password=hunter2",
			},
		},
		Next: "1795473582465-0", Unreadable: 2,
	}
}

func purgeGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "purge", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

func TestPurgePrints(t *testing.T) {
	empty, held := &purger.Plan{ID: "X", DryRun: true}, purgePlan()
	for i := range held.Actions {
		held.Actions[i].Outcome = purger.Held
	}
	plan := func(p *purger.Plan, o PurgeOptions) func(b *bytes.Buffer) error {
		return func(b *bytes.Buffer) error { return WritePurgePlan(b, p, o) }
	}
	outcomes := func(p *purger.Plan, o PurgeOptions) func(b *bytes.Buffer) error {
		return func(b *bytes.Buffer) error { return WritePurgeOutcomes(b, p, o) }
	}
	applied := purgeUsual()
	applied.Actions[0].Outcome, applied.Actions[1].Outcome = purger.Applied, purger.Applied
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"plan-pipe.txt":        plan(purgePlan(), PurgeOptions{}),
		"plan-80.txt":          plan(purgePlan(), PurgeOptions{Width: 80}),
		"plan-120.txt":         plan(purgePlan(), PurgeOptions{Width: 120}),
		"plan-220.txt":         plan(purgePlan(), PurgeOptions{Width: 220, Color: true}),
		"plan-usual.txt":       plan(purgeUsual(), PurgeOptions{Width: 140}),
		"plan-usual-80.txt":    plan(purgeUsual(), PurgeOptions{Width: 80}),
		"plan-empty.txt":       plan(empty, PurgeOptions{}),
		"plan-held.txt":        plan(held, PurgeOptions{Width: 80}),
		"outcomes-pipe.txt":    outcomes(purgeDone(), PurgeOptions{}),
		"outcomes-80.txt":      outcomes(purgeDone(), PurgeOptions{Width: 80}),
		"outcomes-220.txt":     outcomes(purgeDone(), PurgeOptions{Width: 220, Color: true}),
		"outcomes-applied.txt": outcomes(applied, PurgeOptions{Width: 80}),
		"plan.json":            func(b *bytes.Buffer) error { return WritePurgeJSON(b, purgePlan()) },
		"done.json":            func(b *bytes.Buffer) error { return WritePurgeJSON(b, purgeDone()) },
		"empty.json":           func(b *bytes.Buffer) error { return WritePurgeJSON(b, empty) },
		"history-pipe.txt":     func(b *bytes.Buffer) error { return WritePurgeHistory(b, purgeHistory(), PurgeOptions{}) },
		"history-80.txt":       func(b *bytes.Buffer) error { return WritePurgeHistory(b, purgeHistory(), PurgeOptions{Width: 80}) },
		"history-220.txt": func(b *bytes.Buffer) error {
			return WritePurgeHistory(b, purgeHistory(), PurgeOptions{Width: 220, Color: true})
		},
		"history-empty.txt": func(b *bytes.Buffer) error { return WritePurgeHistory(b, &purger.HistoryPage{}, PurgeOptions{}) },
		"history.json":      func(b *bytes.Buffer) error { return WritePurgeHistoryJSON(b, purgeHistory()) },
		"history.csv":       func(b *bytes.Buffer) error { return WritePurgeHistoryCSV(b, purgeHistory()) },
		"remarks.txt": func(b *bytes.Buffer) error {
			lines := append(PurgeHistoryRemarks(purgeHistory()), PurgeInventory(map[string]inventory.PoolState{
				"known": {Known: true}, "b\x1b": {Why: "the command says: \x1b[31m"}, "a": {Why: "the provider lists no VM, vmpooler has 17"},
			})...)
			b.WriteString(strings.Join(lines, "\n") + "\n")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			purgeGolden(t, name, b.String())
			if !strings.Contains(name, "220") && strings.ContainsAny(b.String(), "\x1b\x07\u202e") {
				t.Errorf("it would be a terminal's command: %q", b.String())
			}
			if strings.Contains(b.String(), "hunter2") {
				t.Error("it tells a password")
			}
			for line := range strings.Lines(b.String()) {
				if n := cells(strings.TrimRight(line, "\n")); strings.Contains(name, "-80") && n > 80 || strings.Contains(name, "-120") && n > 120 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

func TestPurgeJSONHasTheKeysThatWerePromised(t *testing.T) {
	var b bytes.Buffer
	if err := WritePurgeJSON(&b, purgeDone()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		PlanID  string           `json:"plan_id"`
		DryRun  *bool            `json:"dry_run"`
		Actions []map[string]any `json:"actions"`
		Held    []struct {
			Pool, Cause, Reason string
		} `json:"held"`
		UnknownVMs map[string][]string `json:"unknown_vms"`
		Summary    struct {
			Entries  int
			Outcomes map[string]int
			Targets  map[string]map[string]int
		}
	}
	dec := json.NewDecoder(&b)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil && !strings.Contains(err.Error(), `"target"`) {
		t.Fatal(err)
	}
	for _, key := range []string{"target", "pool", "vm", "age_seconds", "reason", "does", "provider", "outcome"} {
		if _, ok := got.Actions[0][key]; !ok {
			t.Errorf("no %s in %v", key, got.Actions[0])
		}
	}
	if got.Actions[0]["age_seconds"] != 11520.0 || got.Actions[4]["request_id"] != purgeRequest || got.Actions[4]["vm"] != nil {
		t.Errorf("%v, %v", got.Actions[0], got.Actions[4])
	}
}

func TestPurgeHistoryCSVIsReadBack(t *testing.T) {
	var b bytes.Buffer
	if err := WritePurgeHistoryCSV(&b, purgeHistory()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 4 || len(rows[0]) != 13 {
		t.Fatalf("%v, %v", rows, err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.IndexByte("=+-@", cell[0]) >= 0 {
				t.Errorf("a spreadsheet's formula: %q", cell)
			}
		}
	}
}

func TestPurgeTally(t *testing.T) {
	tally := TallyPurge(purgePlan())
	if got := tally.Describe(purger.Planned); got != "4 entries (2 pending, 1 ready, 1 orphaned)" {
		t.Error(got)
	}
	if got := tally.Describe(purger.Applied); got != "0 entries" {
		t.Error(got)
	}
}

func TestPurgeProgress(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	p := NewProgress(&b, true, func() time.Time { return now })
	p.Purges(1, 1) // a line that would be gone at once
	p.Purges(1, 1200)
	p.Purges(2, 1200) // too soon
	now = now.Add(time.Second)
	p.Purges(12, 1200)
	p.Done()
	p.Purges(13, 1200)
	if want := "\rpurging: 1 of 1,200\rpurging: 12 of 1,200\r                    \r"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}
