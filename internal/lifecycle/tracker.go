package lifecycle

import (
	"maps"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	// watchFor is how long the hash of a VM that has left its queues is looked
	// at again: vmpooler writes what became of it at about the same time.
	watchFor = 2 * time.Minute
	// remember is how long the end of a life is known, so that a sweep does not
	// tell it again; a sweep tells of nothing that is older. It must be longer
	// than any pause between two sweeps.
	remember = 30 * time.Minute
)

// Tracker follows all VMs of a vmpooler. It is told where they are (Look), says
// whose hashes it needs, and tells what these and the hashes that a sweep finds
// (Take, Sweep) have to say. Between two looks about four in ten failed clones
// come and go: only a sweep finds these.
//
// It reaches for nothing itself, is for one goroutine, and its memory grows with
// the VMs that live or have just ended.
type Tracker struct {
	rules  Rules
	began  time.Time                    // when the first look was
	places map[string][]vmpooler.Member // nil before it
	lives  map[string]Life              // of VMs that are in a queue, or were a moment ago
	watch  map[string]time.Time         // VMs to be looked at again, until then
	ended  map[string]ending            // lives that are over
	left   map[string]time.Time         // when a VM was first seen not to be pending any more
	swept  bool                         // whether a whole sweep has been taken
	forgot bool                         // whether Forget was called since the last sweep's end
}

type ending struct {
	began time.Time // of the life
	until time.Time // when it may be forgotten
}

// NewTracker returns a Tracker that knows nothing yet.
func NewTracker(r Rules) *Tracker {
	return &Tracker{
		rules: r, lives: make(map[string]Life), watch: make(map[string]time.Time),
		ended: make(map[string]ending), left: make(map[string]time.Time),
	}
}

// Look takes where every VM is now and returns the VMs whose hashes are needed,
// for Take: those that came, moved or went, and those whose end is awaited.
func (t *Tracker) Look(places map[string][]vmpooler.Member, now time.Time) []string {
	need := make(map[string]struct{})
	for vm, at := range places {
		if before, ok := t.places[vm]; !ok || !slices.Equal(before, at) {
			need[vm] = struct{}{}
		}
		if where(at).Queue == vmpooler.Completed && !t.lives[vm].Over() { // its destruction comes without a move
			t.watch[vm] = now.Add(watchFor)
		}
	}
	for vm, before := range t.places {
		if isPending(before) && !isPending(places[vm]) {
			t.left[vm] = now
		}
		if _, ok := places[vm]; !ok {
			need[vm] = struct{}{}
			t.watch[vm] = now.Add(watchFor)
		}
	}
	for vm, until := range t.watch {
		need[vm] = struct{}{}
		if now.After(until) {
			delete(t.watch, vm)
			if _, in := places[vm]; !in {
				delete(t.lives, vm)
				delete(t.left, vm)
			}
		}
	}
	for vm, e := range t.ended {
		if now.After(e.until) {
			delete(t.ended, vm)
		}
	}
	if t.places == nil {
		t.began = now
	}
	t.places = places
	return slices.Sorted(maps.Keys(need))
}

// Take takes hashes that Look asked for and returns what they tell. first is
// to be set for those of the first look: they were there before us.
func (t *Tracker) Take(hashes []Hash, now time.Time, first bool) []Event {
	var events []Event
	for _, h := range hashes {
		events = append(events, t.observe(h, now, first)...)
	}
	return events
}

// Sweep takes a hash that a sweep found and returns what nobody has told yet.
// In the first sweep, of what ended before we watched, that is the failures
// alone, marked as past.
func (t *Tracker) Sweep(h Hash, now time.Time) []Event {
	if _, live := t.places[h.VM]; live {
		return nil // Look asks for it when something happens
	}
	if e, ok := t.ended[h.VM]; ok && e.began.Equal(h.Clone) {
		return nil
	}
	if _, known := t.lives[h.VM]; known {
		return t.observe(h, now, false)
	}
	f, failed := t.rules.Judge(h)
	last := h.Destroy
	if failed && f.At.After(last) {
		last = f.At
	}
	switch {
	case last.IsZero():
		return nil
	case !t.swept:
		if !failed {
			return nil
		}
		t.end(h, now)
		return []Event{{Kind: failureEvents[f.Kind], VM: h.VM, Pool: h.Pool, At: f.At, Failure: &f, Past: true}}
	case now.Sub(last) > remember || last.Before(t.began):
		return nil
	}
	return t.observe(h, now, false)
}

// SweepDone says that a sweep has come to its end. One that Forget came into has
// shown some hashes too early, and the next is to tell of them.
func (t *Tracker) SweepDone() { t.swept, t.forgot = !t.forgot, false }

func (t *Tracker) observe(h Hash, now time.Time, first bool) []Event {
	if !isPending(t.places[h.VM]) {
		h.LeftPending = t.left[h.VM]
	}
	life, events := t.lives[h.VM].Observe(h, where(t.places[h.VM]), now, t.rules, first)
	if !life.Over() {
		t.lives[h.VM] = life
		return events
	}
	if e, ok := t.ended[h.VM]; ok && e.began.Equal(h.Clone) {
		events = nil // a sweep was faster
	}
	t.end(h, now)
	delete(t.watch, h.VM)
	if _, in := t.places[h.VM]; in {
		t.lives[h.VM] = life // it is in completed still; it must not be told anew
	} else {
		delete(t.lives, h.VM)
		delete(t.left, h.VM)
	}
	return events
}

func (t *Tracker) end(h Hash, now time.Time) {
	t.ended[h.VM] = ending{began: h.Clone, until: now.Add(remember)}
}

func isPending(places []vmpooler.Member) bool {
	return slices.ContainsFunc(places, func(p vmpooler.Member) bool { return p.Queue == vmpooler.Pending })
}

// where is the place that says most of a VM that may have several: completed
// only if it is nowhere else.
func where(places []vmpooler.Member) Place {
	if len(places) == 0 {
		return Place{}
	}
	queue := places[0].Queue
	for _, p := range places[1:] {
		if queue == vmpooler.Completed || queue == vmpooler.Migrating {
			queue = p.Queue
		}
	}
	return Place{In: true, Queue: queue}
}

// Forget makes the next sweep tell of every failure that still has evidence
// anew: for whoever could not keep what was told.
func (t *Tracker) Forget() {
	t.swept, t.forgot = false, true
	clear(t.ended)
}
