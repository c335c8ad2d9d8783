package explain

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// report makes the story of the evidence.
func (e *requestEvidence) report() *Report {
	r := &Report{
		Kind: KindRequest, Name: e.id, AsOf: e.now.UTC().Truncate(time.Second),
		Where: e.where(), Facts: e.facts(), VMs: e.shown(), Warnings: e.warnings, Events: e.events(),
		DeadLetters: newestFirst(slices.Clone(e.letters)), Purges: e.history,
	}
	r.Known = len(r.Where) > 0 || e.hash.exists || len(e.letters) > 0 || len(e.history) > 0
	if r.Known {
		r.Next = e.next()
		r.Warnings = append(r.Warnings, e.oddities()...)
	}
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	return r
}

// queueName is the rest of a key's name behind vmpooler's prefix.
func queueName(key string) string { return key[len(vmpooler.Prefix):] }

func (e *requestEvidence) where() []Place {
	places := []Place{}
	for _, q := range []struct {
		key string
		at  time.Time
	}{{vmpooler.KeyRequestQueue, e.waiting}, {vmpooler.KeyRequestProcessing, e.processing}} {
		if q.at.IsZero() {
			continue
		}
		// The score is when the request was made, and stays when it is taken up.
		p := Place{Queue: queueName(q.key), Since: second(q.at)}
		if age, known := e.age(q.at); known {
			p.AgeSeconds = seconds(age)
		}
		places = append(places, p)
	}
	for _, t := range e.tasks {
		places = append(places, Place{Queue: queueName(vmpooler.KeyOndemandCreate), Pool: t.pool})
	}
	return places
}

func (e *requestEvidence) facts() Facts {
	of := e.hash.fields
	f := Facts{
		Metadata:  e.hash.exists,
		Requested: dlq.Clean(of[vmpooler.FieldRequested]), Status: dlq.Clean(of[vmpooler.FieldStatus]),
		FailureReason: dlq.Clean(of[vmpooler.FieldFailureReason]),
		RetryCount:    number(of[vmpooler.FieldRetryCount]), Requeued: number(of[dlq.FieldRequeued]),
	}
	if e.hash.ttl > 0 {
		f.TTLSeconds = seconds(e.hash.ttl)
	}
	if t, err := vmpooler.ParseTime(of[dlq.FieldRequeuedAt]); err == nil {
		f.RequeuedAt = second(t)
	}
	return f
}

func number(text string) *int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	return &n
}

// shown are the request's VMs, as many as are shown.
func (e *requestEvidence) shown() []RequestVM {
	var vms []RequestVM
	for i := range e.vms[:min(len(e.vms), mostVMs)] {
		v := &e.vms[i]
		out := RequestVM{VM: v.name, Pool: v.pool, Alias: v.alias, Given: v.given, Queues: []string{}, Destroyed: !v.life.Destroy.IsZero()}
		for _, q := range v.queues {
			out.Queues = append(out.Queues, q.String())
		}
		vms = append(vms, out)
	}
	return vms
}

// events are the steps of the request and of its VMs.
func (e *requestEvidence) events() []Event {
	var t timeline
	made := e.waiting
	if made.IsZero() {
		made = e.processing
	}
	what := "requested"
	if e.hash.fields[dlq.FieldRequeued] != "" {
		what = "put back into vmpooler's queue" // which gave it a new score
	}
	t.add(FromQueue, made, "%s", what)
	if at, err := vmpooler.ParseTime(e.hash.fields[dlq.FieldRequeuedAt]); err == nil && !at.Equal(made) {
		t.add(FromHash, at, "put back into vmpooler's queue")
	}
	for i := range e.vms[:min(len(e.vms), mostVMs)] {
		v := &e.vms[i]
		h := &v.life
		t.add(FromHash, h.Clone, "clone of %s began, in pool %s", v.name, v.pool)
		t.add(FromHash, h.Checkout, "%s given to its user", v.name)
		t.add(FromHash, h.Destroy, "destruction of %s began", v.name)
	}
	t.letters(e.letters, "")
	t.purges(e.history)
	return t.sorted()
}

// oddities are what is not as it should be.
func (e *requestEvidence) oddities() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, sentence(fmt.Sprintf(format, args...))) }
	queued := !e.waiting.IsZero() || !e.processing.IsZero()
	if queued && !e.hash.exists {
		add("it is in vmpooler's queue and has no hash")
	}
	if e.hash.exists && !e.partsKnown {
		add("what it asks for can't be read")
	}
	if queued && e.hash.ttl > 0 && e.status() != vmpooler.RequestFailed && e.status() != vmpooler.RequestDeleted {
		add("it is in vmpooler's queue, and its hash expires in %s all the same", Span(e.hash.ttl))
	}
	if e.lost() {
		add("it is lost: it waits, and is in none of vmpooler's queues")
	}
	for i := range e.vms[:min(len(e.vms), mostVMs)] {
		v := &e.vms[i]
		if e.placed && v.given && len(v.queues) == 0 && v.life.Destroy.IsZero() {
			add("the VM %s, which it was given, is in no queue of %s", v.name, v.pool)
		}
	}
	return out
}

// status is the hash's; vmpooler's API leaves it out until the request is over.
func (e *requestEvidence) status() vmpooler.RequestStatus {
	s := vmpooler.RequestStatus(e.hash.fields[vmpooler.FieldStatus])
	if s == "" {
		return vmpooler.RequestPending
	}
	return s
}

// lost says whether it waits in none of the queues: contract section 3, 12.
func (e *requestEvidence) lost() bool {
	return e.hash.fields[vmpooler.FieldRequested] != "" && e.status() == vmpooler.RequestPending &&
		e.waiting.IsZero() && e.processing.IsZero() && len(e.tasks) == 0
}
