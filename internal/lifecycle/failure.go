package lifecycle

import "time"

// Kind is how a VM failed.
type Kind uint8

// The kinds, each with the dead-letter queue that vmpooler keeps for it.
const (
	CloneFailed Kind = iota // clone: it was never made
	TimedOut                // pending: it did not become ready within its pool's timeout
	Unreachable             // ready: it died before anybody got it
)

// Queue returns the dead-letter queue of the kind.
func (k Kind) Queue() string { return [...]string{"clone", "pending", "ready"}[k] }

// Classes of errors, as a dead letter has them. vmpooler writes the first; of a
// ready VM it leaves only the message in Redis.
const (
	ClassTimeout     = "Timeout"
	ClassUnreachable = "Unreachable"
	classUnknown     = "StandardError" // Ruby's own word for any error
)

// messageTimeout is vmpooler's own for a VM that was never even connected to.
const messageTimeout = "VM timed out during pending phase"

// Failure is one VM that failed.
type Failure struct {
	Kind       Kind
	VM         string
	Pool       string
	RequestID  string // empty for a VM that was made for its pool
	PoolAlias  string
	Class      string
	Message    string
	At         time.Time // to the second
	CloneBegan time.Time // tells this life of the name from others; zero if unknown
}

// Rules are what has to be known of a vmpooler to judge its VMs.
type Rules struct {
	DataTTL time.Duration                   // how long the hash of a failed or destroyed VM stays
	Timeout func(pool string) time.Duration // how long a VM of the pool may take to become ready; 0 if unknown
}

// Judge says whether the evidence of a hash is that of a failure.
//
// A clone failed if vmpooler wrote down why. A VM timed out if it was destroyed
// without ever having been ready, or with a user, and not before its pool's
// timeout: younger ones are excess, drained or reset, or their request has
// ended. A ready VM was unreachable if it was destroyed with an error of its
// last connection and without a user: one that reached its ready_ttl has none.
//
// A VM that is still in a queue is judged once it is destroyed.
func (r Rules) Judge(h Hash) (Failure, bool) {
	f := Failure{
		VM: h.VM, Pool: h.Pool, RequestID: h.RequestID, PoolAlias: h.PoolAlias, CloneBegan: h.Clone,
	}
	switch {
	case h.CloneFailed:
		f.Kind, f.Class, f.Message = CloneFailed, h.CloneErrorClass, h.CloneError
		if f.Class == "" {
			f.Class = classUnknown
		}
		f.At = r.cloneFailedAt(h)
	case h.Destroy.IsZero() || h.Clone.IsZero() || h.Pool == "" || !h.Checkout.IsZero():
		return Failure{}, false
	case !h.Ready.IsZero():
		if h.OpenSocketError == "" {
			return Failure{}, false
		}
		f.Kind, f.Class, f.Message = Unreachable, ClassUnreachable, h.OpenSocketError
		f.At = h.Destroy
		if !h.Check.IsZero() && h.Check.Before(h.Destroy) { // the check that it failed
			f.At = h.Check
		}
	default:
		timeout := r.Timeout(h.Pool)
		if timeout <= 0 || h.Destroy.Sub(h.Clone) < timeout { // both are cut to the second
			return Failure{}, false
		}
		f.Kind, f.Class, f.Message = TimedOut, ClassTimeout, h.OpenSocketError
		if f.Message == "" {
			f.Message = messageTimeout
		}
		f.At = h.Clone.Add(timeout) // vmpooler noticed at its next look, which may have been long after
		if left := earlier(h.LeftPending, h.Destroy).Truncate(time.Second); left.After(f.At) && !h.LeftPending.IsZero() {
			f.At = left
		}
	}
	return f, !f.At.IsZero()
}

// cloneFailedAt is when vmpooler gave the hash its TTL. If what was made of the
// VM was found and destroyed later, that set the TTL anew: then the failure was
// before that, and nothing says how long.
func (r Rules) cloneFailedAt(h Hash) time.Time {
	switch {
	case !h.Expires.IsZero():
		return h.Expires.Add(-r.DataTTL).Truncate(time.Second)
	case !h.Destroy.IsZero():
		return h.Destroy
	default: // it lost its TTL: the moment of the clone is the only one left
		return h.Clone
	}
}
