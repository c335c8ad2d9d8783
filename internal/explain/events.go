package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// sameFailure is how far apart a dead letter and the hash may date one failure:
// each has its own way to tell.
const sameFailure = 2 * time.Minute

// timeline collects events.
type timeline []Event

func (t *timeline) add(source Source, at time.Time, format string, args ...any) {
	if !at.IsZero() {
		*t = append(*t, Event{At: at.UTC().Truncate(time.Second), What: fmt.Sprintf(format, args...), Source: source})
	}
}

// sorted returns them oldest first; those of one second stay as they were added,
// which is the order of a life.
func (t *timeline) sorted() []Event {
	slices.SortStableFunc(*t, func(a, b Event) int { return a.At.Compare(b.At) })
	if *t == nil {
		return []Event{}
	}
	return *t
}

// events are the steps of the VM's life, as the hash, dead letters and the purge
// tell them.
func (e *vmEvidence) events() []Event {
	var t timeline
	h := &e.life
	t.add(FromHash, h.Clone, "clone began%s", forRequest(h.RequestID))
	if h.CloneTook > 0 && !h.CloneFailed && !h.Clone.IsZero() {
		t.add(FromHash, h.Clone.Add(h.CloneTook), "cloned, which took %s", Span(max(time.Second, h.CloneTook)))
	}
	t.add(FromHash, h.Ready, "became ready")
	for _, at := range e.pools() { // the pool's own note, where the hash has another or none
		if active, ok := e.active[at]; ok && !active.Equal(h.Checkout) {
			t.add(FromQueue, active, "checked out, as pool %s has it", at)
		}
	}
	if h.RequestID != "" && !h.Checkout.IsZero() {
		t.add(FromHash, h.Checkout, "given to the user of its request")
	} else {
		t.add(FromHash, h.Checkout, "checked out by a user")
	}
	t.add(FromHash, h.Check, "vmpooler's last check while it was ready")
	e.failure(&t)
	t.add(FromHash, h.Destroy, "destruction began, for the last time if more than once")
	t.letters(e.letters, unnamed)
	t.letters(e.related, ", another VM of its request")
	t.purges(e.history)
	return t.sorted()
}

// failure adds what the hash alone tells of a failure, unless a dead letter does.
func (e *vmEvidence) failure(t *timeline) {
	rules := lifecycle.Rules{DataTTL: e.dataTTL, Timeout: func(pool string) time.Duration { return e.rules[pool].timeout }}
	f, failed := rules.Judge(e.life)
	if !failed {
		return
	}
	// It may come from the TTL, by data_ttl, which then is another than vmpooler's.
	wrong := f.At.Before(f.CloneBegan) || f.At.After(e.now.Add(time.Minute))
	for i := range e.letters {
		l := &e.letters[i]
		same := l.FailedAt.Sub(f.At).Abs() <= sameFailure || wrong && !l.FailedAt.Before(f.CloneBegan)
		if l.Err == nil && l.Queue == f.Kind.Queue() && same {
			return
		}
	}
	what := map[lifecycle.Kind]string{
		lifecycle.CloneFailed: "clone failed",
		lifecycle.TimedOut:    "not ready within its pool's timeout of " + Span(e.rules[f.Pool].timeout),
		lifecycle.Unreachable: "could not be reached any more",
	}[f.Kind]
	text := errorText(f.Class, f.Message)
	if f.Kind != lifecycle.CloneFailed { // whose class is the judgement itself
		text = dlq.Clean(f.Message)
	}
	if wrong {
		t.add(FromHash, f.CloneBegan, "%s, when is not known: %s", what, text)
		return
	}
	t.add(FromHash, f.At, "%s: %s", what, text)
}

// unnamed keeps the VM's name out of what its dead letters tell.
const unnamed = "-"

// letters adds dead letters, each with its VM's name and who that is, unless it is
// unnamed.
func (t *timeline) letters(records []dlq.Record, who string) {
	records = newestFirst(slices.Clone(records))
	slices.Reverse(records)
	for i := range records {
		r := &records[i]
		if r.Err != nil {
			t.add(FromDeadLetter, r.FailedAt, "dead letter %s, which can't be read", r.ID)
			continue
		}
		whose := ""
		if who != unnamed {
			whose = r.VM + who + ": "
		}
		t.add(FromDeadLetter, r.FailedAt, "%s%s: %s (%s)", whose, failedIn(r.Queue), errorText(r.ErrorClass, r.ErrorMessage), r.ID)
	}
}

// failedIn says what failed, by the dead letter's queue.
func failedIn(queue string) string {
	switch queue {
	case lifecycle.CloneFailed.Queue():
		return "clone failed"
	case lifecycle.TimedOut.Queue():
		return "failed while it was pending"
	case lifecycle.Unreachable.Queue():
		return "failed while it was ready"
	}
	return "failed, in " + queue
}

func (t *timeline) purges(records []purger.Record) {
	for i := range slices.Backward(records) {
		r := &records[i]
		what := r.Why
		if r.Outcome == purger.Applied {
			what = r.Does
		}
		if what != "" && r.Reason != "" {
			what = "; " + what
		}
		t.add(FromPurge, r.At, "purge (%s) %s: %s%s", r.Target, r.Outcome, r.Reason, what)
	}
}

// newestFirst sorts dead letters, those of one second by their ids.
func newestFirst(records []dlq.Record) []dlq.Record {
	slices.SortFunc(records, func(a, b dlq.Record) int {
		return cmp.Or(b.FailedAt.Compare(a.FailedAt), strings.Compare(a.ID, b.ID))
	})
	return records
}

func forRequest(id string) string {
	if id == "" {
		return ""
	}
	return ", for request " + id
}
