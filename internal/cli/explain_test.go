package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

var explainNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// explainVM is a VM with all that can be told of one, hostile texts among them.
func explainVM() *explain.Report {
	before := func(d time.Duration) time.Time { return explainNow.Add(-d) }
	return &explain.Report{
		Kind: explain.KindVM, Name: "pix-\x1b[31mevil\u202e", Known: true, AsOf: explainNow,
		Where: []explain.Place{
			{Queue: "ready", Pool: "win-2022-x86_64", Since: new(before(3 * time.Hour)), AgeSeconds: new(int64(3 * 3600))},
			{Queue: "running", Pool: "debian\n12"},
		},
		Facts: explain.Facts{
			Metadata: true, TTLSeconds: new(int64(600)), Pool: "win-2022-x86_64", Template: "win-2022-base", Domain: "example.com",
			RequestID: "3a367972-058e-4da6-a1f6-298ffebc7630", PoolAlias: "win-2022-64", Status: "pending",
			LifetimeSeconds: new(int64(24 * 3600)), Error: `Connection refused - connect(2) for "pix-evil.example.com" port 22`,
		},
		Next: "In pool win-2022-x86_64: It waits for a user. Its pool has no ready_ttl, so it may stay for as long as it likes. In pool debian\n12: A user has it, until they give it back or its lifetime is over.",
		Warnings: []string{
			"The name is live in debian\n12 and win-2022-x86_64: two VMs share one hash, and what it says is true of the one that was cloned later, in win-2022-x86_64.",
			"It is in ready, and its hash expires in 10m all the same: vmpooler will not know it any more then.",
		},
		Events: []explain.Event{
			{At: before(26 * time.Hour), What: "failed while it was pending: Timeout: execution expired (pending-fe81e1cf9299)", Source: explain.FromDeadLetter},
			{At: before(25 * time.Hour), What: "purge (pending) applied: pending for 2h30m, limit 2h0m; dead letter, out of pending, metadata expires in 7d0h", Source: explain.FromPurge},
			{At: before(4 * time.Hour), What: "clone began, for request 3a367972-058e-4da6-a1f6-298ffebc7630", Source: explain.FromHash},
			{At: before(3 * time.Hour), What: "became ready", Source: explain.FromHash},
			{At: before(time.Hour), What: "checked out, as pool debian\n12 has it", Source: explain.FromQueue},
		},
		DeadLetters: explain.Letters{}, Purges: []purger.Record{},
	}
}

func explainRequest() *explain.Report {
	return &explain.Report{
		Kind: explain.KindRequest, Name: "3a367972-058e-4da6-a1f6-298ffebc7630", Known: true, AsOf: explainNow,
		Where: []explain.Place{
			{Queue: "provisioning__processing", Since: new(explainNow.Add(-4 * time.Minute)), AgeSeconds: new(int64(240))},
			{Queue: "odcreate__task", Pool: "win-2022-x86_64"},
		},
		Facts: explain.Facts{
			Metadata: true, Requested: "debian-12-64:debian-12-x86_64:2,win-2022-64:win-2022-x86_64:1", Status: "pending",
			FailureReason: "Max retry attempts exceeded", RetryCount: new(1), Requeued: new(2), RequeuedAt: new(explainNow.Add(-4 * time.Minute)),
		},
		VMs: []explain.RequestVM{
			{VM: "pix-given", Pool: "debian-12-x86_64", Alias: "debian-12-64", Given: true, Queues: []string{"running"}},
			{VM: "pix-gone", Pool: "debian-12-x86_64", Alias: "debian-12-64", Given: true, Queues: []string{}, Destroyed: true},
			{VM: "pix-lost", Pool: "debian-12-x86_64", Alias: "debian-12-64", Given: true, Queues: []string{}},
			{VM: "pix-made", Pool: "win-2022-x86_64", Alias: "win-2022-64", Queues: []string{"pending"}},
		},
		Next:     "It has 1 of 3 VMs, 1 being made. It becomes ready with the last of them.",
		Warnings: []string{},
		Events:   []explain.Event{{At: explainNow.Add(-4 * time.Minute), What: "put back into vmpooler's queue", Source: explain.FromQueue}},
	}
}

func explainGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "explain", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestStoriesForPeople(t *testing.T) {
	forgotten := &explain.Report{
		Kind: explain.KindVM, Name: "pix-old", Known: true, Next: "Nothing: it is in no queue and has no metadata. Only what is told of it here is left.",
	}
	for name, tc := range map[string]struct {
		r    *explain.Report
		opts ExplainOptions
	}{
		"vm-pipe.txt":       {explainVM(), ExplainOptions{}},
		"vm-100.txt":        {explainVM(), ExplainOptions{Width: 100}},
		"vm-50.txt":         {explainVM(), ExplainOptions{Width: 50}},
		"vm-color.txt":      {explainVM(), ExplainOptions{Width: 120, Color: true}},
		"request-pipe.txt":  {explainRequest(), ExplainOptions{}},
		"request-80.txt":    {explainRequest(), ExplainOptions{Width: 80}},
		"forgotten-120.txt": {forgotten, ExplainOptions{Width: 120}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteExplain(&b, tc.r, tc.opts); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(b.String(), "\u202e\x00\r") || !tc.opts.Color && strings.Contains(b.String(), "\x1b") {
				t.Errorf("hostile text: %q", b.String())
			}
			for line := range strings.Lines(b.String()) {
				if line = strings.TrimSuffix(line, "\n"); tc.opts.Width > 0 && !tc.opts.Color && cells(line) > tc.opts.Width {
					t.Errorf("%d columns: %s", cells(line), line)
				}
			}
			explainGolden(t, name, b.String())
		})
	}
}

func TestStoriesForPrograms(t *testing.T) {
	for name, reports := range map[string][]*explain.Report{
		"both.json": {explainVM(), explainRequest()}, "none.json": nil,
	} {
		var b bytes.Buffer
		if err := WriteExplainJSON(&b, "pix", reports); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\u202e") {
			t.Errorf("hostile text: %q", b.String())
		}
		explainGolden(t, name, b.String())
	}
}

func TestTheStoryOfAMessageOfAnyLengthFitsTheTerminal(t *testing.T) {
	r := explainVM()
	for _, text := range []string{strings.Repeat("word ", 2000), strings.Repeat("x", 10_000), strings.Repeat("雪が降る", 500)} {
		r.Events[0].What, r.Facts.Error = text, text
		for _, width := range []int{40, 79, 200} {
			var b bytes.Buffer
			if err := WriteExplain(&b, r, ExplainOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := cells(strings.TrimSuffix(line, "\n")); n > width {
					t.Fatalf("%d columns on a terminal of %d: %s", n, width, line)
				}
			}
		}
	}
	if got := fmt.Sprint(ExplainRemarks([]string{"a\x1bb"})); got != `[a\x1bb]` {
		t.Error(got)
	}
}
