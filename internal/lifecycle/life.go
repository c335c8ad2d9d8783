package lifecycle

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// EventKind is a step in the life of a VM.
type EventKind uint8

// The steps, in the order of a life. The last three are failures.
const (
	CloneStarted EventKind = iota
	Cloned
	BecameReady
	CheckedOut
	Returned
	Destroyed
	FailedClone
	FailedTimeout
	FailedUnreachable
)

// EventKinds lists all steps, in the order of their constants.
func EventKinds() []EventKind {
	return []EventKind{CloneStarted, Cloned, BecameReady, CheckedOut, Returned, Destroyed, FailedClone, FailedTimeout, FailedUnreachable}
}

// String returns the step's name as a label has it.
func (k EventKind) String() string {
	return [...]string{
		"clone_started", "cloned", "ready", "checked_out", "returned", "destroyed", "clone_failed", "timed_out", "unreachable",
	}[k]
}

// Event is one step of one VM.
type Event struct {
	Kind EventKind
	VM   string
	Pool string
	At   time.Time // by the VM's hash, to the second; of a return, when it was seen
	// Ends is the phase that this step ended, after Took; NoPhase where it ended
	// none or where nothing says how long it was.
	Ends Phase
	Took time.Duration
	// Failure is what a dead letter needs; nil for a step that is none.
	Failure *Failure
	// Past marks a failure that was found to have happened before anybody
	// watched: it is for the dead letters, not for rates.
	Past bool
}

// Life is what has been told of one life of a VM's name so far. The zero value
// is one of which nothing has. It is a value: Observe returns the next one.
type Life struct {
	began time.Time // tells this life from the name's next
	told  uint16    // a bit for each EventKind
}

// Place is the queue that a VM was seen in; none of its pools' queues if In is
// false.
type Place struct {
	In    bool
	Queue vmpooler.Queue
}

// Observe returns the steps that the evidence shows and that were not told
// before, in the order of a life, and the life that follows. A VM that came and
// went between two looks is told of all at once: times are those of its hash,
// so a look that comes late changes nothing about them.
//
// Told is what this process saw happen: with first, the first look at a VM that
// was there before, its past is taken as told, but for its failure.
func (l Life) Observe(h Hash, at Place, seen time.Time, rules Rules, first bool) (Life, []Event) {
	if !h.Clone.IsZero() && !h.Clone.Equal(l.began) {
		if !l.began.IsZero() {
			first = false // the name's next life, which began while we watched
		}
		l = Life{began: h.Clone}
	}
	var events []Event
	tell := func(kind EventKind, when time.Time, f *Failure) {
		bit := uint16(1) << kind
		if l.told&bit != 0 || when.IsZero() {
			return
		}
		l.told |= bit
		if !first || f != nil { // a dead letter is due for a failure that nobody saw, too
			e := Event{Kind: kind, VM: h.VM, Pool: h.Pool, At: when, Failure: f, Past: first}
			e.Ends, e.Took = h.phase(kind, when)
			events = append(events, e)
		}
	}
	tell(CloneStarted, h.Clone, nil)
	tell(Cloned, h.cloned(), nil)
	if !h.madeForRequest() {
		tell(BecameReady, h.Ready, nil)
	}
	tell(CheckedOut, h.Checkout, nil)
	if f, failed := rules.Judge(h); failed {
		tell(failureEvents[f.Kind], f.At, &f)
	}
	// Nothing in Redis says when a user gave a VM back: only that it was with
	// one and waits for its destruction now.
	if !h.Checkout.IsZero() && (at.In && at.Queue == vmpooler.Completed || !h.Destroy.IsZero()) {
		tell(Returned, earlier(seen, h.Destroy), nil)
	}
	tell(Destroyed, h.Destroy, nil)
	return l, events
}

var failureEvents = [...]EventKind{CloneFailed: FailedClone, TimedOut: FailedTimeout, Unreachable: FailedUnreachable}

// Over says whether nothing more can be told of this life.
func (l Life) Over() bool {
	return l.told&(1<<Destroyed|1<<FailedClone) != 0
}

// earlier returns the earlier of two times, of which the second may be zero.
func earlier(a, b time.Time) time.Time {
	if !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
