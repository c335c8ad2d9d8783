package lifecycle

import "time"

// Phase is a part of a VM's life whose length is worth knowing.
type Phase uint8

// The phases.
const (
	NoPhase    Phase = iota
	ClonePhase       // the provider made it, by vmpooler's own watch
	BootPhase        // from the beginning of its clone until somebody could have it
	ReadyPhase       // it was ready and nobody wanted it
	LeasePhase       // a user had it
)

// phase returns which phase of the VM this step, at that time, ended, and how
// long that was. vmpooler's times are whole seconds, but for the clone's. One
// that would be negative tells of a clock that was set, or of two VMs that share
// a hash, and is none.
func (h Hash) phase(step EventKind, at time.Time) (Phase, time.Duration) {
	var p Phase
	var began time.Time
	switch step {
	case Cloned:
		return ClonePhase, h.CloneTook
	case BecameReady:
		p, began = BootPhase, h.Clone
	case CheckedOut:
		p, began = ReadyPhase, h.Ready
		if h.madeForRequest() {
			p, began = BootPhase, h.Clone
		}
	case Returned:
		p, began = LeasePhase, h.Checkout
	case CloneStarted, Destroyed, FailedClone, FailedTimeout, FailedUnreachable:
	}
	if began.IsZero() || at.Before(began) {
		return NoPhase, 0
	}
	return p, at.Sub(began)
}

// cloned is when the VM's clone was done, zero if it isn't, or if nothing says
// when.
func (h Hash) cloned() time.Time {
	if h.Clone.IsZero() || h.CloneTook == 0 || h.CloneFailed {
		return time.Time{}
	}
	return h.Clone.Add(h.CloneTook)
}
