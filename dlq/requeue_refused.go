package dlq

import "fmt"

// Refusal says which precondition of a requeue does not hold. The values are
// the codes of requeue.lua, and those of letters that name no request.
type Refusal string

// The refusals. In those of the second group vmpooler may still be cleaning up
// after the failure: time mends them.
const (
	RefusedGone      Refusal = "gone"      // there is no hash of the request
	RefusedType      Refusal = "type"      // a key of it is of another type
	RefusedMalformed Refusal = "malformed" // a field of its hash can't be read
	RefusedChanged   Refusal = "changed"   // its hash changed between reading and writing
	RefusedStatus    Refusal = "status"    // it has not failed
	RefusedQueued    Refusal = "queued"    // it waits for vmpooler's manager already
	RefusedLimit     Refusal = "limit"     // it was put back as often as it may be

	RefusedProcessing Refusal = "processing" // it is in vmpooler__provisioning__processing
	RefusedTask       Refusal = "task"       // a clone for it is in vmpooler__odcreate__task
	RefusedRunning    Refusal = "running"    // a VM that was given to it still runs
	RefusedPending    Refusal = "pending"    // a VM is still being made for it

	RefusedNoRequest  Refusal = "no_request" // a dead letter of no request
	RefusedUnreadable Refusal = "unreadable" // a dead letter that is none
)

// RefusedError says that a request was not put back, and that nothing has
// changed.
type RefusedError struct {
	ID       string // the request; of the last two Refusals, the dead letter
	Reason   Refusal
	Detail   string // the key, field, status, task or VM, as Redis has it
	Requeues int    // how often the request was put back before, if that is known
}

// Error implements error. It is fit to be shown.
func (e *RefusedError) Error() string {
	return Clean(e.ID) + " is not requeued: " + e.Why()
}

// Why returns the reason as a sentence without its full stop, fit to be shown.
func (e *RefusedError) Why() string {
	const cleaning = "vmpooler may still be cleaning up, try again later: "
	detail := Clean(e.Detail)
	switch e.Reason {
	case RefusedGone:
		return "there is no such request: it has expired, or never was"
	case RefusedType:
		return "the key " + detail + " is of another type"
	case RefusedMalformed:
		return "its field " + detail + " can't be read"
	case RefusedChanged:
		return "it changed while it was read, try again"
	case RefusedStatus:
		if e.Detail == "" {
			return "it has no status, so it has not failed"
		}
		return "its status is " + detail + ", and only a failed request can be requeued"
	case RefusedQueued:
		return "it waits for vmpooler's manager already"
	case RefusedLimit:
		return fmt.Sprintf("it was requeued %s before, and more is not allowed", times(e.Requeues))
	case RefusedProcessing:
		return cleaning + "it counts as being worked on until its time (ondemand_request_ttl) is over"
	case RefusedTask:
		return cleaning + "a clone for it waits, " + detail
	case RefusedRunning:
		return cleaning + "the VM " + detail + ", which was given to it, is still running"
	case RefusedPending:
		return cleaning + "the VM " + detail + " is still being made for it"
	case RefusedNoRequest:
		return "it belongs to no on-demand request, and pools refill themselves"
	case RefusedUnreadable:
		return "it is no dead letter that can be read, so it names no request"
	default:
		return fmt.Sprintf("the reason is %q", string(e.Reason))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
