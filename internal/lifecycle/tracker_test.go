package lifecycle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// run is a recorded run that is followed on its own clock.
type run struct {
	trace    *testredis.Trace
	end      float64
	truth    string
	timeouts map[string]time.Duration
}

func (r run) rules() lifecycle.Rules {
	return lifecycle.Rules{DataTTL: 168 * time.Hour, Timeout: func(pool string) time.Duration {
		if d, ok := r.timeouts[pool]; ok {
			return d
		}
		return time.Minute
	}}
}

var (
	ordinary = run{testredis.Capture(), 480, "capture/dlq.jsonl", nil}
	hard     = run{testredis.CaptureHard(), 442, "capture-hard/dlq.jsonl", map[string]time.Duration{
		"redhat-9-x86_64": 2 * time.Minute, "windows-2022-x86_64": 3 * time.Minute, "sles-15-ppc64le": 2 * time.Minute,
	}}
)

// follow replays a run, looks every second and sweeps every minute, as a
// recorder does, and returns every event.
func follow(t *testing.T, r run, every, sweepEvery float64) []lifecycle.Event {
	t.Helper()
	c := server.Client(t)
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{})
	tracker := lifecycle.NewTracker(r.rules())
	expiry := map[string]time.Time{}
	var events []lifecycle.Event
	hash := func(rec vmpooler.HashRecord) lifecycle.Hash {
		var expires time.Time
		if rec.TTL > 0 {
			expires = expiry[vmpooler.VMKey(rec.VM)]
		}
		return lifecycle.NewHash(rec.VM, rec.Fields, expires)
	}
	from, nextSweep := -1.0, sweepEvery
	for at := every; at <= r.end; at += every {
		writes := r.trace.Between(from, at)
		for _, w := range writes { // TTLs are from the replay's moment on: take the recording's
			if w.Command[0] == "expire" {
				seconds, err := time.ParseDuration(w.Command[2] + "s")
				if err != nil {
					t.Fatal(err)
				}
				expiry[w.Command[1]] = r.trace.At(w.T).Add(seconds)
			}
		}
		if err := testredis.Apply(t.Context(), c, writes, 0); err != nil {
			t.Fatal(err)
		}
		first, now := from < 0, r.trace.At(at)
		from = at
		places, _, err := reader.Members(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		records, err := reader.Hashes(t.Context(), tracker.Look(places, now), lifecycle.HashFields())
		if err != nil {
			t.Fatal(err)
		}
		hashes := make([]lifecycle.Hash, len(records))
		for i, rec := range records {
			hashes[i] = hash(rec)
		}
		events = append(events, tracker.Take(hashes, now, first)...)
		if at >= nextSweep {
			nextSweep += sweepEvery
			_, err := reader.Sweep(t.Context(), vmpooler.SweepOptions{
				Fields: lifecycle.HashFields(),
				Visit:  func(rec vmpooler.HashRecord) { events = append(events, tracker.Sweep(hash(rec), now)...) },
			})
			if err != nil {
				t.Fatal(err)
			}
			tracker.SweepDone()
		}
	}
	return events
}

func TestFailuresAreFoundWhileTheyHappen(t *testing.T) {
	for name, r := range map[string]run{"the ordinary run": ordinary, "the hard run": hard} {
		t.Run(name, func(t *testing.T) {
			late = map[string]bool{}
			found := map[string]lifecycle.Failure{}
			for _, e := range follow(t, r, 1, 60) {
				if e.Failure == nil {
					continue
				}
				key := e.Failure.Kind.Queue() + " " + e.VM
				if before, twice := found[key]; twice && before.CloneBegan.Equal(e.Failure.CloneBegan) {
					t.Errorf("%s was told twice", key)
				}
				found[key] = *e.Failure
			}
			report(t, found, letters(t, r.truth), 0.985, 0.985)
		})
	}
}

// What vmpooler wrote says how many of each step there were.
func TestStepsAreCountedAsOftenAsTheyHappen(t *testing.T) {
	for name, r := range map[string]run{"the ordinary run": ordinary, "the hard run": hard} {
		t.Run(name, func(t *testing.T) {
			got := map[lifecycle.EventKind]int{}
			told := map[string]bool{}
			for _, e := range follow(t, r, 1, 60) {
				got[e.Kind]++
				key := fmt.Sprint(e.Kind, e.VM, e.At)
				if told[key] {
					t.Errorf("%v of %s at %v was told twice", e.Kind, e.VM, e.At)
				}
				told[key] = true
			}
			want := map[lifecycle.EventKind]int{}
			destroyed, withUser := map[string]bool{}, map[string]bool{}
			for _, w := range r.trace.Writes {
				if w.Command[0] != "hset" || len(w.Command) < 3 {
					continue
				}
				vm, ok := vmpooler.VMFromKey(w.Command[1])
				switch {
				case !ok:
				case w.Command[2] == vmpooler.FieldClone:
					want[lifecycle.CloneStarted]++
					destroyed[vm], withUser[vm] = false, false
				case w.Command[2] == vmpooler.FieldReady && !withUser[vm]: // else made for a request
					want[lifecycle.BecameReady]++
				case w.Command[2] == vmpooler.FieldCheckout:
					want[lifecycle.CheckedOut]++
					withUser[vm] = true
				case w.Command[2] == vmpooler.FieldDestroy && !destroyed[vm]:
					want[lifecycle.Destroyed]++
					destroyed[vm] = true
				}
			}
			for _, kind := range []lifecycle.EventKind{lifecycle.CloneStarted, lifecycle.BecameReady, lifecycle.CheckedOut, lifecycle.Destroyed} {
				t.Logf("%-13v %d of %d", kind, got[kind], want[kind])
				if low, high := want[kind]*95/100, want[kind]*101/100; got[kind] < low || got[kind] > high {
					t.Errorf("%v: %d, vmpooler wrote %d", kind, got[kind], want[kind])
				}
			}
		})
	}
}
