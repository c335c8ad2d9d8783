package explain

import (
	"fmt"
	"slices"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// timesOut is what ends a request that is being worked on.
const timesOut = "until its time is over (vmpooler's ondemand_request_ttl, which is not in Redis)"

// next says what vmpooler will do with the request, by the rules of contract
// section 1 and section 3, 12.
func (e *requestEvidence) next() string {
	switch {
	case !e.waiting.IsZero() && !e.hash.exists:
		return "Its hash is not written yet: if vmpooler's manager looks before it is, it drops the request, which is lost then."
	case !e.waiting.IsZero():
		return sentences("vmpooler's manager takes it up in its next loop", e.purgedIfOpen())
	case !e.processing.IsZero():
		return e.nextProcessing()
	case !e.hash.exists:
		return "Nothing: it is in no queue and has no hash. Only what is told of it here is left."
	}
	switch e.status() {
	case vmpooler.RequestReady:
		return sentences("nothing: it has got all its VMs"+e.running(), e.forgotten())
	case vmpooler.RequestFailed:
		return sentences("nothing by itself: it has failed", "`dlq requeue` puts it back into vmpooler's queue", e.forgotten())
	case vmpooler.RequestDeleted:
		return sentences("nothing: its user deleted it, and vmpooler moves its VMs to completed", e.forgotten())
	case vmpooler.RequestPending:
		if len(e.tasks) > 0 {
			return "Clones for it wait to be begun, and vmpooler does not count it among the requests that it is working on: it will not notice when they are done."
		}
		if e.lost() {
			return sentences("nothing: it is lost, and nothing will take it up again; its user has to ask anew", e.forgotten())
		}
	case vmpooler.RequestOther:
	}
	return "Not known: its status is none that vmpooler is known to give."
}

// nextProcessing: ready with its last VM, or failed.
func (e *requestEvidence) nextProcessing() string {
	switch e.status() {
	case vmpooler.RequestFailed:
		return sentences("it has failed, and vmpooler counts it as being worked on "+timesOut,
			"then it moves the request's VMs to completed, and the request can be put back with `dlq requeue`")
	case vmpooler.RequestDeleted:
		return sentences("its user deleted it; vmpooler counts it as being worked on "+timesOut, e.forgotten())
	case vmpooler.RequestReady:
		return sentences("all its VMs are with their user; vmpooler is about to take it out of its queue")
	case vmpooler.RequestPending, vmpooler.RequestOther:
	}
	if !e.partsKnown {
		return sentences("it counts as being worked on "+timesOut, "whether that comes to anything is not known, since what it asks for can't be read")
	}
	want, given, making, wait := e.tally()
	has := fmt.Sprintf("it has %d of %s", given, count(want, "VM"))
	if making > 0 {
		has += fmt.Sprintf(", %d being made", making)
	}
	if wait > 0 {
		has += fmt.Sprintf(", %d whose clone has not begun", wait)
	}
	over := "otherwise vmpooler waits " + timesOut + ", and it fails"
	switch missing := want - given; {
	case missing < 0:
		return sentences(has, "it will not become ready: vmpooler waits for the exact number", "it fails when its time is over (vmpooler's ondemand_request_ttl, which is not in Redis)")
	case e.placed && making+wait < missing:
		return sentences(has, "as it stands it can't fill, since fewer are coming than are missing (two clones that fail at once become one retry)",
			"it fails when its time is over (vmpooler's ondemand_request_ttl, which is not in Redis)", e.purgedIfOpen())
	default:
		return sentences(has, "it becomes ready with the last of them", over, e.purgedIfOpen())
	}
}

// running says how many of its VMs its user still has.
func (e *requestEvidence) running() string {
	if !e.placed || !slices.ContainsFunc(e.vms, func(v requestVM) bool { return v.given }) {
		return "" // nobody knows, or the sets of them are gone
	}
	n := 0
	for i := range e.vms {
		if e.vms[i].given && slices.Contains(e.vms[i].queues, vmpooler.Running) {
			n++
		}
	}
	if n == 0 {
		return ", and its user has none of them any more"
	}
	return fmt.Sprintf(", and its user still has %d, each until its own lifetime is over", n)
}

// tally counts the VMs that it wants, has, that are being made, and whose clones
// have not begun.
func (e *requestEvidence) tally() (want, given, making, wait int) {
	for _, p := range e.parts {
		want += p.count
	}
	for _, t := range e.tasks {
		wait += t.count
	}
	for i := range e.vms {
		if e.vms[i].given {
			given++
		} else {
			making++
		}
	}
	return want, given, making, wait
}

// forgotten says when the hash goes.
func (e *requestEvidence) forgotten() string {
	switch {
	case !e.hash.exists:
		return ""
	case e.hash.ttl == 0:
		return "its hash has no TTL: nothing ever removes it"
	default:
		return "its hash is forgotten in " + Span(e.hash.ttl)
	}
}

// purgedIfOpen says when the purge fails it; "" if it does not.
func (e *requestEvidence) purgedIfOpen() string {
	made := e.waiting
	if made.IsZero() {
		made = e.processing
	}
	age, known := e.age(made)
	switch limit := e.purge.MaxRequestAge; {
	case !known || !e.purges(purger.Request):
		return ""
	case age > limit:
		return "the purge fails it in its next cycle"
	default:
		return fmt.Sprintf("the purge fails it in %s, if it is still open", Span(limit-age))
	}
}
