package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// report makes the story of the evidence.
func (e *vmEvidence) report() *Report {
	r := &Report{
		Kind: KindVM, Name: e.name, AsOf: e.now.UTC().Truncate(time.Second),
		Where: []Place{}, Facts: e.facts(), Warnings: e.warnings, Events: e.events(),
		DeadLetters: newestFirst(append(slices.Clone(e.letters), e.related...)), Purges: e.history,
	}
	r.Known = len(e.at) > 0 || e.hash.exists || len(e.letters) > 0 || len(e.history) > 0
	for _, at := range e.at {
		p := Place{Queue: at.Queue.String(), Pool: at.Pool, Since: second(e.since(at))}
		if age, known := e.age(e.since(at)); known {
			p.AgeSeconds = seconds(age)
		}
		r.Where = append(r.Where, p)
	}
	if r.Known {
		r.Next = e.next()
		r.Warnings = append(r.Warnings, e.oddities()...)
	}
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	return r
}

// since is when the VM came to this place, zero if nothing says it. What the pool
// has noted of a checkout is its own, where two VMs of one name share a hash.
func (e *vmEvidence) since(at vmpooler.Member) time.Time {
	if t, ok := e.active[at.Pool]; ok && (at.Queue == vmpooler.Running || at.Queue == vmpooler.Migrating) {
		return t
	}
	t, err := vmpooler.ParseTime(e.hash.fields[at.Queue.AgeField()])
	if err != nil {
		return time.Time{}
	}
	return t
}

// age is how long ago t is, and whether that is known: contract section 1.
func (g *gathered) age(t time.Time) (time.Duration, bool) {
	if t.IsZero() || g.now.Sub(t) < -vmpooler.AgeTolerance {
		return 0, false
	}
	return max(0, g.now.Sub(t)), true
}

func (e *vmEvidence) facts() Facts {
	of := e.hash.fields
	f := Facts{
		Metadata: e.hash.exists,
		Pool:     e.life.Pool, Template: of[vmpooler.FieldTemplate], Domain: of[vmpooler.FieldDomain],
		RequestID: e.life.RequestID, PoolAlias: e.life.PoolAlias,
		Checkout: second(e.life.Checkout),
	}
	if e.hash.ttl > 0 {
		f.TTLSeconds = seconds(e.hash.ttl)
	}
	if lifetime, ok := e.lifetime(); ok {
		f.LifetimeSeconds = seconds(lifetime)
	}
	if e.request.exists {
		f.Status = dlq.Clean(e.request.fields[vmpooler.FieldStatus])
	}
	switch {
	case e.life.CloneFailed:
		f.Error = errorText(e.life.CloneErrorClass, e.life.CloneError)
	case e.life.OpenSocketError != "":
		f.Error = dlq.Clean(e.life.OpenSocketError)
	}
	return f
}

// lifetime is how long the VM's user may keep it, if the hash says so.
func (e *vmEvidence) lifetime() (time.Duration, bool) {
	hours, err := strconv.ParseFloat(e.hash.fields[vmpooler.FieldLifetime], 64)
	const century = 24 * 365 * 100
	if err != nil || !(hours > 0 && hours < century) { // NaN is neither
		return 0, false
	}
	return time.Duration(hours * float64(time.Hour)), true
}

// oddities are what is not as it should be.
func (e *vmEvidence) oddities() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, sentence(fmt.Sprintf(format, args...))) }
	if pools := e.pools(); len(pools) > 1 {
		add("the name is live in %s: two VMs share one hash, and what it says is true of the one that was cloned later, in %s",
			list(pools), orUnknown(e.life.Pool))
	}
	if len(e.at) > 0 && !e.hash.exists {
		add("it has no hash: its metadata is gone, or was never written")
	}
	for _, at := range e.at {
		if e.hash.exists && e.life.Pool != "" && e.life.Pool != at.Pool && len(e.pools()) == 1 {
			add("it is in a queue of %s, and its hash says that it is of %s", at.Pool, e.life.Pool)
		}
		// A TTL is given with a VM's destruction, or when its clone failed.
		if e.hash.ttl > 0 && at.Queue != vmpooler.Completed && at.Queue != vmpooler.Discovered {
			add("it is in %s, and its hash expires in %s all the same: vmpooler will not know it any more then", at.Queue, Span(e.hash.ttl))
		}
		if _, known := e.age(e.since(at)); !known && at.Queue.AgeField() != "" && e.hash.exists && !destructionDue(at, e) {
			add("since when it has been in %s is not known: %s is missing from its hash, or can't be read", at.Queue, at.Queue.AgeField())
		}
	}
	if e.placed && len(e.at) == 0 && e.hash.exists && e.hash.ttl == 0 {
		add("its hash is in no queue and has no TTL")
	}
	if len(e.at) > 0 && e.life.RequestID != "" && !e.request.exists {
		add("its request, %s, is gone", e.life.RequestID)
	}
	return out
}

// destructionDue says whether it is in completed and its destruction has not begun,
// which is no fault.
func destructionDue(at vmpooler.Member, e *vmEvidence) bool {
	_, begun := e.hash.fields[vmpooler.FieldDestroy]
	return at.Queue == vmpooler.Completed && !begun
}

// pools are those in whose queues it is, each once.
func (e *vmEvidence) pools() []string {
	var pools []string
	for _, at := range e.at {
		if !slices.Contains(pools, at.Pool) {
			pools = append(pools, at.Pool)
		}
	}
	slices.Sort(pools)
	return pools
}

func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func orUnknown(pool string) string {
	if pool == "" {
		return "a pool that it does not name"
	}
	return pool
}

// errorText is the class and the message of an error, fit to be shown.
func errorText(class, message string) string {
	switch {
	case class == "":
		return dlq.Clean(message)
	case message == "":
		return dlq.Clean(class)
	}
	return dlq.Clean(class + ": " + message)
}
