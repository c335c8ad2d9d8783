package purger

import "slices"

// Target is a kind of stale entry.
type Target string

// The targets, in the order in which a cycle goes through them.
const (
	Pending   Target = "pending"   // a VM that has been cloning or booting for too long
	Ready     Target = "ready"     // a VM that nobody wanted for too long
	Completed Target = "completed" // a VM whose destruction did not end
	Orphaned  Target = "orphaned"  // metadata of a VM in no queue that has no TTL
	Request   Target = "request"   // an on-demand request that waits for ever
	Ghost     Target = "ghost"     // a VM in a queue that its provider does not have
)

// Targets lists all, in their order.
func Targets() []Target {
	return []Target{Pending, Ready, Completed, Orphaned, Request, Ghost}
}

func (t Target) rank() int { return slices.Index(Targets(), t) }

// Outcome is what became of an action.
type Outcome string

// The outcomes. Those of a plan that was not applied are Planned and Held.
const (
	Planned Outcome = "planned" // it would be done
	Held    Outcome = "held"    // its pool is held: see Hold
	Applied Outcome = "applied"
	Skipped Outcome = "skipped" // what it was for has moved on: nothing was touched
	Refused Outcome = "refused" // Redis refused it, or the lease had passed on: nothing was touched
	Failed  Outcome = "failed"  // Redis did not answer: nobody knows
)
