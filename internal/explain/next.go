package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// orphanTTL is what the purge gives metadata that nothing else removes.
const orphanTTL = time.Hour

// next says what vmpooler will do with the VM, by the rules of contract section 1.
// What depends on a setting that is not in Redis is said to.
func (e *vmEvidence) next() string {
	if !e.placed {
		return "Not known, since not all queues could be read."
	}
	if len(e.at) == 0 {
		return e.nextInNoQueue()
	}
	var parts []string
	for _, at := range e.at {
		if at.Queue == vmpooler.Migrating && slices.Contains(e.at, vmpooler.Member{Pool: at.Pool, Queue: vmpooler.Running}) {
			continue // a mark of the checkout's, and no place of its own
		}
		text := e.nextIn(at)
		if len(e.pools()) > 1 {
			text = "In pool " + at.Pool + ": " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func (e *vmEvidence) nextIn(at vmpooler.Member) string {
	switch at.Queue {
	case vmpooler.Pending:
		return e.nextPending(at)
	case vmpooler.Ready:
		return e.nextReady(at)
	case vmpooler.Running:
		return e.nextRunning(at)
	case vmpooler.Completed:
		return e.nextCompleted(at)
	case vmpooler.Discovered:
		return "vmpooler found it at its provider and in no queue: it moves it to completed, and then destroys it."
	case vmpooler.Migrating:
		return "Not known: it is in migrating alone, which vmpooler empties a loop after a checkout."
	}
	return "Not known."
}

// nextPending: ready, or running for a request, unless the pool's timeout is over
// first or the request has ended.
func (e *vmEvidence) nextPending(at vmpooler.Member) string {
	becomes := "it becomes ready once it answers"
	if id := e.life.RequestID; id != "" {
		status := vmpooler.RequestStatus(e.request.fields[vmpooler.FieldStatus])
		if status == vmpooler.RequestFailed || status == vmpooler.RequestDeleted {
			return sentence(fmt.Sprintf("its request is %s: vmpooler moves it to completed, and then destroys it", status))
		}
		becomes = "it goes to the user of its request once it answers"
	}
	clone := ""
	if e.life.CloneTook == 0 && e.hash.exists {
		clone = "its clone is not done, and if it fails, vmpooler drops the VM"
	}
	age, known := e.age(e.since(at))
	timeout := e.rules[at.Pool].timeout
	const after = "vmpooler moves it to completed then, and destroys it"
	switch {
	case !known:
		return sentences(clone, becomes, "when its pool's timeout is over is not known, since nothing says when its clone began")
	case timeout <= 0:
		return sentences(clone, becomes, "its pool's timeout is not known")
	case age < timeout:
		return sentences(clone, fmt.Sprintf("%s, or fails in %s, when its pool's timeout of %s is over", becomes, Span(timeout-age), Span(timeout)), after)
	default:
		return sentences(clone, fmt.Sprintf("its pool's timeout of %s has been over for %s: vmpooler moves it to completed at its next look, and destroys it",
			Span(timeout), Span(age-timeout)), e.purgedIn(purger.Pending, e.purge.MaxPendingAge, age))
	}
}

// nextReady: a checkout, or completed when it can't be reached or its ready_ttl is
// over.
func (e *vmEvidence) nextReady(at vmpooler.Member) string {
	waits := "it waits for a user"
	if e.life.OpenSocketError != "" {
		waits = "the last connection to it failed: vmpooler moves it to completed, and destroys it, unless the next one succeeds"
	}
	age, known := e.age(e.since(at))
	ttl := e.rules[at.Pool].readyTTL
	purged := ""
	if known {
		purged = e.purgedIn(purger.Ready, e.purge.MaxReadyAge, age)
	}
	switch {
	case ttl <= 0:
		return sentences(waits, "its pool has no ready_ttl, so it may stay for as long as it likes", purged)
	case !known:
		return sentences(waits, fmt.Sprintf("when its pool's ready_ttl of %s is over is not known, since nothing says when it became ready", Span(ttl)))
	case age < ttl:
		return sentences(waits, fmt.Sprintf("if none comes, vmpooler moves it to completed in %s, when its pool's ready_ttl of %s is over", Span(ttl-age), Span(ttl)), purged)
	default:
		return sentences(waits, fmt.Sprintf("its pool's ready_ttl of %s has been over for %s: vmpooler moves it to completed at its next look", Span(ttl), Span(age-ttl)), purged)
	}
}

// nextRunning: it is its user's until they give it back or its lifetime is over.
// The exporter never touches it.
func (e *vmEvidence) nextRunning(at vmpooler.Member) string {
	const end = "then vmpooler moves it to completed, and destroys it"
	const users = "a user has it, until they give it back or its lifetime is over"
	lifetime, set := e.lifetime()
	out := e.since(at)
	age, known := e.age(out)
	switch {
	case !set:
		return sentences(users, end, "it has no lifetime of its own, so vmpooler's vm_lifetime counts, which is not in Redis")
	case !known:
		return sentences(users, end, fmt.Sprintf("its lifetime is %s, and since when is not known", Span(lifetime)))
	case age < lifetime:
		return sentences(users, fmt.Sprintf("its lifetime of %s ends in %s, at %s", Span(lifetime), Span(lifetime-age), moment(out.Add(lifetime))), end)
	default:
		return sentences(fmt.Sprintf("its lifetime of %s has been over for %s: vmpooler moves it to completed at its next look, and destroys it",
			Span(lifetime), Span(age-lifetime)))
	}
}

// nextCompleted: destroyed.
func (e *vmEvidence) nextCompleted(at vmpooler.Member) string {
	age, known := e.age(e.since(at))
	if !known {
		return "vmpooler destroys it at its next look at the pool."
	}
	return sentences(
		fmt.Sprintf("its destruction began %s ago; it leaves completed once its provider has destroyed it", Span(age)),
		"if that fails, vmpooler tries again",
		e.purgedIn(purger.Completed, e.purge.MaxCompletedAge, age))
}

// nextInNoQueue: only the hash is left, if anything is.
func (e *vmEvidence) nextInNoQueue() string {
	const found = "should its provider still have the VM, vmpooler files it under discovered at its next inventory, and destroys it"
	switch {
	case !e.hash.exists:
		return "Nothing: it is in no queue and has no metadata. Only what is told of it here is left."
	case e.hash.ttl == 0:
		return sentences("it is in no queue and its metadata has no TTL: if that stays so, vmpooler never removes it", found, e.orphan())
	case e.life.CloneFailed && e.life.Destroy.IsZero():
		return sentences("nothing: its clone failed, and its metadata is forgotten in " + Span(e.hash.ttl))
	case !e.life.Destroy.IsZero():
		return sentences("nothing: it was destroyed, and its metadata is forgotten in " + Span(e.hash.ttl))
	default:
		return sentences(fmt.Sprintf("its metadata is forgotten in %s, though nothing says that it was destroyed", Span(e.hash.ttl)), found)
	}
}

// orphan says what the purge does about metadata that vmpooler never removes.
func (e *vmEvidence) orphan() string {
	age, known := e.age(e.life.Clone)
	switch {
	case !e.purges(purger.Orphaned):
		return "the purge, which could, is off or a dry run"
	case !known || e.life.Pool == "":
		return "the purge leaves it alone, since its hash lacks its pool, or when its clone began"
	case age > e.purge.MaxOrphanedAge:
		return fmt.Sprintf("the purge gives it a TTL of %s in its next cycle", Span(orphanTTL))
	default:
		return fmt.Sprintf("the purge gives it a TTL of %s in %s, unless it is in a queue again", Span(orphanTTL), Span(e.purge.MaxOrphanedAge-age))
	}
}

// purges says whether the purge acts on this target at all.
func (g *gathered) purges(target purger.Target) bool {
	return g.purge.Enabled && !g.purge.DryRun && (g.targets == nil || g.targets[target])
}

// purgedIn says when the purge takes a VM out of the target's queue; "" if it does
// not.
func (g *gathered) purgedIn(target purger.Target, limit, age time.Duration) string {
	switch {
	case !g.purges(target):
		return ""
	case age > limit:
		return fmt.Sprintf("the purge takes it out of %s in its next cycle, unless its pool is held", target)
	default:
		return fmt.Sprintf("the purge takes it out of %s in %s, if it is still there", target, Span(limit-age))
	}
}
