package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// requeueReport has a request of each outcome, hostile ones among them.
func requeueReport() *RequeueReport {
	at := time.Date(2026, 11, 23, 9, 59, 30, 0, time.UTC)
	done := func(id string, n int) dlq.RequeueOutcome {
		return dlq.RequeueOutcome{Requeued: dlq.Requeued{ID: id, Requeues: n, At: at}, State: dlq.RequeueDone}
	}
	failed := func(id, reason string) dlq.RequeueOutcome {
		o := done(id, 1)
		o.State, o.FailureReason = dlq.RequeueFailed, reason
		return o
	}
	refused := func(id string, reason dlq.Refusal, detail string, n int) dlq.RequeueOutcome {
		return dlq.RequeueOutcome{
			Requeued: dlq.Requeued{ID: id}, State: dlq.RequeueRefused,
			Refused: &dlq.RefusedError{ID: id, Reason: reason, Detail: detail, Requeues: n},
		}
	}
	return &RequeueReport{
		Selection: dlq.RequeueSelection{
			NoRequest: 1204,
			Refused:   []*dlq.RefusedError{{ID: "clone-11aa22bb33cc", Reason: dlq.RefusedNoRequest}},
		},
		Outcomes: []dlq.RequeueOutcome{
			done("3a367972-058e-4da6-a1f6-298ffebc7630", 1),
			done("d82dc250-0eef-4c9b-bae9-c8cbaf50888f", 2),
			refused("89904d02-496c-40bd-906f-175e9f3e04eb", dlq.RefusedProcessing, "", 0),
			refused("ee87b2f4-fc21-4068-a208-5d2a62d05185", dlq.RefusedLimit, "", 3),
			refused("\x1b[31m", dlq.RefusedStatus, "\u202eydaer", 0),
			failed("94ca07bb-add7-44c6-8f7a-998e042d0c7a", ""),
			failed("0ac4c650-9dae-4558-8762-543776fb7eb3", "Max retry attempts exceeded, \x1b[31m雪が降る"),
			{Requeued: dlq.Requeued{ID: "781a87fe-091e-4e7b-a8a3-5b1daa96f463"}, State: dlq.RequeueUnknown},
			{Requeued: dlq.Requeued{ID: "a-request-with-a-name-that-is-much-longer-than-any-uuid-could-ever-be"}, State: dlq.RequeueNotTried},
		},
	}
}

func TestRequeuePrints(t *testing.T) {
	one := &RequeueReport{Outcomes: requeueReport().Outcomes[:1]}
	dry := &RequeueReport{Outcomes: requeueReport().Outcomes[:4], DryRun: true}
	none := &RequeueReport{Selection: dlq.RequeueSelection{NoRequest: 1}}
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"requeue-pipe.txt": func(b *bytes.Buffer) error { return WriteRequeue(b, requeueReport(), DLQOptions{}) },
		"requeue-80.txt":   func(b *bytes.Buffer) error { return WriteRequeue(b, requeueReport(), DLQOptions{Width: 80}) },
		"requeue-180.txt": func(b *bytes.Buffer) error {
			return WriteRequeue(b, requeueReport(), DLQOptions{Width: 180, Color: true})
		},
		"requeue-one.txt":   func(b *bytes.Buffer) error { return WriteRequeue(b, one, DLQOptions{Width: 120}) },
		"requeue-dry.txt":   func(b *bytes.Buffer) error { return WriteRequeue(b, dry, DLQOptions{}) },
		"requeue-none.txt":  func(b *bytes.Buffer) error { return WriteRequeue(b, none, DLQOptions{}) },
		"requeue-empty.txt": func(b *bytes.Buffer) error { return WriteRequeue(b, &RequeueReport{}, DLQOptions{}) },
		"requeue.json":      func(b *bytes.Buffer) error { return WriteRequeueJSON(b, requeueReport()) },
		"requeue-dry.json":  func(b *bytes.Buffer) error { return WriteRequeueJSON(b, dry) },
		"requeue-none.json": func(b *bytes.Buffer) error { return WriteRequeueJSON(b, &RequeueReport{}) },
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

func TestRefusedRequeuesAreCounted(t *testing.T) {
	r := requeueReport()
	if !r.Refused() || r.count(dlq.RequeueRefused) != 4 || r.count(dlq.RequeueDone) != 2 {
		t.Errorf("%d, %d", r.count(dlq.RequeueRefused), r.count(dlq.RequeueDone))
	}
	if (&RequeueReport{Outcomes: r.Outcomes[:2]}).Refused() {
		t.Error("nothing was refused")
	}
}

func TestRequeueProgress(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, true, func() time.Time { return time.Time{} })
	p.Requeues(1, 1) // a line that would be gone at once
	p.Requeues(12, 1200)
	p.Done()
	p.Requeues(13, 1200)
	if want := "\rrequeueing: 12 of 1,200\r                       \r"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}
