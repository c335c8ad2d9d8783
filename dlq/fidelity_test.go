package dlq

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// truth returns what vmpooler itself recorded in the run.
func (r *replay) truth() *truth {
	r.t.Helper()
	tr := &truth{shared: r.sharedNames(), within: exact}
	for d := json.NewDecoder(bytes.NewReader(testredis.File(r.letters))); ; {
		var l struct {
			Queue string
			Entry Entry
		}
		if err := d.Decode(&l); err == io.EOF {
			return tr
		} else if err != nil {
			r.t.Fatal(err)
		}
		l.Entry.Queue = l.Queue
		l.Entry.FailedAt = l.Entry.FailedAt.Add(r.shift)
		tr.letters = append(tr.letters, l.Entry)
	}
}

// sharedNames are those that were pending in two pools in the run.
func (r *replay) sharedNames() map[string]bool {
	pool, shared := make(map[string]string), make(map[string]bool)
	for _, w := range r.trace.Writes {
		if q, p, ok := vmpooler.QueueFromKey(w.Command[1]); ok && q == vmpooler.Pending && w.Command[0] == "sadd" {
			vm := w.Command[2]
			if pool[vm] != "" && pool[vm] != p {
				shared[vm] = true
			}
			pool[vm] = p
		}
	}
	return shared
}

// afterwards returns the spans for an exporter that read the hashes long after:
// 2 s for a clone's failure; for the others from the timeout, or the moment the
// VM was ready, to its destruction.
func (r *replay) afterwards() func(Entry) (from, to time.Time) {
	r.t.Helper()
	began, ready, destroyed := r.stamps(vmpooler.FieldClone), r.stamps(vmpooler.FieldReady), r.stamps(vmpooler.FieldDestroy)
	return func(want Entry) (from, to time.Time) {
		switch want.Queue {
		case "pending":
			return began[want.VM].Add(r.rules.Timeout(want.Pool)), destroyed[want.VM]
		case "ready":
			return ready[want.VM], destroyed[want.VM]
		}
		from, to = exact(want)
		if at, ok := destroyed[want.VM]; ok { // which set the hash's expiry anew: see internal/lifecycle
			_, to = exact(Entry{FailedAt: at})
		}
		return from, to
	}
}

// stamps returns the last time of a field that was written for each VM.
func (r *replay) stamps(field string) map[string]time.Time {
	r.t.Helper()
	last := make(map[string]time.Time)
	for _, w := range r.trace.Writes {
		vm, ok := vmpooler.VMFromKey(w.Command[1])
		if !ok || w.Command[0] != "hset" {
			continue
		}
		for i := 2; i+1 < len(w.Command); i += 2 {
			if w.Command[i] == field {
				at, err := vmpooler.ParseTime(w.Command[i+1])
				if err != nil {
					r.t.Fatal(err)
				}
				last[vm] = at.Add(r.shift)
			}
		}
	}
	return last
}

func TestTheRecordedRunsDeadLettersAreCaptured(t *testing.T) {
	for name, run := range map[string]run{"the ordinary run": ordinary, "the hard run": hard} {
		t.Run(name, func(t *testing.T) {
			r := newReplay(t, run)
			r.live([]*exporter{r.exporter()}, nil)
			r.truth().hold(t, r.c, 0.985, 0.985)
		})
	}
}

func TestAnExporterThatStartsLaterFindsWhatHappenedBefore(t *testing.T) {
	for name, tc := range map[string]struct {
		run    run
		recall float64
	}{"the ordinary run": {ordinary, 0.98}, "the hard run": {hard, 0.94}} {
		t.Run(name, func(t *testing.T) {
			r := newReplay(t, tc.run)
			r.to(tc.run.end)
			e := r.exporter()
			e.catchUp(t)
			tr := r.truth()
			tr.within = r.afterwards()
			tr.hold(t, r.c, tc.recall, 0.98)
			if n := testutil.CollectAndCount(e.opts.Events.steps); n != 0 {
				t.Errorf("%d rates of what happened before anybody watched", n)
			}
		})
	}
}

func TestBesideVmpoolersOwnDeadLettersEachFailureIsOneEntry(t *testing.T) {
	r := newReplay(t, hard)
	r.own = testredis.CaptureHardOwn()
	r.live([]*exporter{r.exporter()}, nil)
	r.truth().hold(t, r.c, 0.985, 0.985)
}

// Twenty restarts, a second exporter, and vmpooler's own dead-letter queue.
func TestRestartsAndASecondExporterLeaveEachFailureOneEntry(t *testing.T) {
	r := newReplay(t, hard)
	r.own = testredis.CaptureHardOwn()
	rng := rand.New(rand.NewPCG(1, 2))
	exporters := []*exporter{r.exporter(), r.exporter()}
	restarts := 0
	r.live(exporters, func(int) {
		if rng.IntN(20) == 0 {
			exporters[restarts%2] = r.exporter()
			restarts++
		}
	})
	if restarts < 20 {
		t.Errorf("only %d restarts", restarts)
	}
	r.truth().hold(t, r.c, 0.985, 0.985)
}
