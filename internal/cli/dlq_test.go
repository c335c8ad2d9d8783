package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

var dlqNow = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// dlqRecords are a usual entry, one of a request, a hostile one and one that
// is unreadable.
func dlqRecords() []dlq.Record {
	record := func(id string, e dlq.Entry) dlq.Record {
		e.QueueFrom = e.Queue
		return dlq.Record{ID: id, Entry: e, Score: float64(e.FailedAt.Unix())}
	}
	retries := 2
	return []dlq.Record{
		record("pending-3f9a01bc22de", dlq.Entry{
			Queue: "pending", VM: "pix-steep-arrow", Pool: "ubuntu-22.04-x86_64", ErrorClass: "Timeout", FailedAt: dlqNow.Add(-8 * time.Minute),
			ErrorMessage: `No route to host - connect(2) for "pix-steep-arrow.example.com" port 22 (timed out)`,
		}),
		record("clone-11aa22bb33cc", dlq.Entry{
			Queue: "clone", VM: "pix-happy-cherry", Pool: "debian-12-x86_64", ErrorClass: "RuntimeError", FailedAt: dlqNow.Add(-46 * time.Minute),
			ErrorMessage: "Dummy Failure for createvm_fail_percent", RetryCount: &retries,
			RequestID: "3a367972-058e-4da6-a1f6-298ffebc7630", PoolAlias: "debian-12",
		}),
		record("clone-445566778899", dlq.Entry{
			Queue: "clone", VM: "=HYPERLINK(\"x\")", Pool: "-pool,\"with\"\nlines", ErrorClass: "@class", FailedAt: dlqNow.Add(-26 * time.Hour),
			ErrorMessage: "+1 \x1b[31mred\u202e, 雪が降る",
		}),
		{
			ID: "ready-ffeeddccbbaa", Entry: dlq.Entry{Queue: "ready"}, Raw: "garbage \xff\x1b]0;title\x07", Score: 1,
			Err: errors.New("not a dead letter: it has not the form <vm>:<epoch>:<JSON>"),
		},
	}
}

func dlqPage() *dlq.Page {
	return &dlq.Page{Records: dlqRecords(), NextCursor: "AUHaxLUAAAAA", Unreadable: 1, WrongType: []string{"custom\x1b"}}
}

func dlqStats() *dlq.Stats {
	r := dlqRecords()
	return &dlq.Stats{
		Entries: 1219, Unreadable: 2, First: dlqNow.Add(-26 * time.Hour), Last: dlqNow.Add(-8 * time.Minute), WrongType: []string{"custom"},
		Groups: []dlq.Group{
			{
				Fingerprint: `Timeout: No route to host - connect(2) for "<vm>" port <n> (timed out)`, Count: 1214, Pools: []string{"a", "b", "c", "d"},
				First: dlqNow.Add(-46 * time.Minute), Last: dlqNow.Add(-8 * time.Minute), Example: r[0],
			},
			{
				Fingerprint: "RuntimeError: Dummy Failure for createvm_fail_percent", Count: 4, Pools: []string{"debian-12-x86_64"},
				First: dlqNow.Add(-26 * time.Hour), Last: dlqNow.Add(-46 * time.Minute), Example: r[1],
			},
			{Fingerprint: "@class: \x1b[31m", Count: 1, Pools: []string{"x"}, Example: r[2]},
		},
		Pools:  []dlq.Tally{{Name: "ubuntu-22.04-x86_64", Count: 1215}, {Name: "debian-12-x86_64", Count: 4}},
		Queues: []dlq.Tally{{Name: "pending", Count: 1214}, {Name: "clone", Count: 5}},
		Hours: []dlq.Hour{
			{Start: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Count: 1},
			{Start: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), Count: 1218},
		},
	}
}

func dlqGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "dlq", name)
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

func TestDLQPrints(t *testing.T) {
	usual := dlqPage()
	usual.Records = usual.Records[:1]
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"list-pipe.txt":   func(b *bytes.Buffer) error { return WriteDLQ(b, dlqPage(), DLQOptions{}) },
		"list-80.txt":     func(b *bytes.Buffer) error { return WriteDLQ(b, dlqPage(), DLQOptions{Width: 80}) },
		"list-180.txt":    func(b *bytes.Buffer) error { return WriteDLQ(b, dlqPage(), DLQOptions{Width: 180, Color: true}) },
		"list-usual.txt":  func(b *bytes.Buffer) error { return WriteDLQ(b, usual, DLQOptions{Width: 120}) },
		"list-empty.txt":  func(b *bytes.Buffer) error { return WriteDLQ(b, &dlq.Page{}, DLQOptions{}) },
		"list.json":       func(b *bytes.Buffer) error { return WriteDLQJSON(b, dlqPage()) },
		"list.csv":        func(b *bytes.Buffer) error { return WriteDLQCSV(b, dlqPage()) },
		"list-empty.json": func(b *bytes.Buffer) error { return WriteDLQJSON(b, &dlq.Page{}) },
		"stats-pipe.txt":  func(b *bytes.Buffer) error { return WriteDLQStats(b, dlqStats(), DLQOptions{Now: dlqNow}) },
		"stats-80.txt":    func(b *bytes.Buffer) error { return WriteDLQStats(b, dlqStats(), DLQOptions{Now: dlqNow, Width: 80}) },
		"stats-empty.txt": func(b *bytes.Buffer) error { return WriteDLQStats(b, &dlq.Stats{}, DLQOptions{Now: dlqNow}) },
		"stats.json":      func(b *bytes.Buffer) error { return WriteDLQStatsJSON(b, dlqStats()) },
		"show.txt":        func(b *bytes.Buffer) error { return WriteDLQRecord(b, &dlqPage().Records[1], dlqNow) },
		"show-bad.txt":    func(b *bytes.Buffer) error { return WriteDLQRecord(b, &dlqPage().Records[3], dlqNow) },
		"show.json":       func(b *bytes.Buffer) error { return WriteDLQRecordJSON(b, &dlqPage().Records[1]) },
		"remarks.txt": func(b *bytes.Buffer) error {
			b.WriteString(strings.Join(DLQRemarks(dlqPage()), "\n") + "\n")
			return nil
		},
		"exported.txt": func(b *bytes.Buffer) error {
			b.WriteString(strings.Join(DLQExported(dlq.Exported{Entries: 30_000, Unreadable: 3, WrongType: []string{"custom"}}), "\n") + "\n")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			dlqGolden(t, name, b.String())
			if !strings.Contains(name, "180") && strings.ContainsAny(b.String(), "\x1b\x07\u202e") {
				t.Errorf("it would be a terminal's command: %q", b.String())
			}
			if strings.Contains(name, "-80") {
				for line := range strings.Lines(b.String()) {
					if n := cells(strings.TrimRight(line, "\n")); n > 80 {
						t.Errorf("%d columns: %s", n, line)
					}
				}
			}
		})
	}
}

func TestDLQCSVIsReadBack(t *testing.T) {
	var b bytes.Buffer
	if err := WriteDLQCSV(&b, dlqPage()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.IndexByte("=+-@", cell[0]) >= 0 {
				t.Errorf("a spreadsheet's formula: %q", cell)
			}
		}
	}
}

func TestDLQJSONHasTheEntrysOwnKeys(t *testing.T) {
	var b bytes.Buffer
	if err := WriteDLQJSON(&b, dlqPage()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Entries []map[string]any `json:"entries"`
		Next    string           `json:"next_cursor"`
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"id", "queue", "vm", "pool", "queue_from", "error_class", "error_message", "failed_at", "retry_count", "request_id", "pool_alias",
	} {
		if _, ok := got.Entries[1][key]; !ok {
			t.Errorf("no %s in %v", key, got.Entries[1])
		}
	}
	if got.Next != "AUHaxLUAAAAA" || len(got.Entries) != 4 {
		t.Errorf("%+v", got)
	}
}
