package purger

import (
	"fmt"
	"strconv"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// ghostAfter is how far apart the listings are at least that make a VM a ghost.
const ghostAfter = 5 * time.Minute

// vms plans for the VMs in pending, ready and completed. One that is in a second
// place as well is migrating, or shares its name and so its metadata with another.
func (m *maker) vms() {
	for vm, places := range m.in.State.Places {
		if len(places) != 1 || !m.wantsPool(places[0].Pool) {
			continue
		}
		pool, h := places[0].Pool, m.in.State.Hashes[vm]
		a := Action{
			Pool: pool, VM: vm, Queue: places[0].Queue, Check: Check{Clone: h.Clone},
			request: h.RequestID, alias: h.PoolAlias, retries: m.in.State.Retries[h.RequestID],
		}
		switch places[0].Queue {
		case vmpooler.Pending, vmpooler.Ready, vmpooler.Completed:
			if m.ghost(a, h) {
				continue
			}
		case vmpooler.Running, vmpooler.Discovered, vmpooler.Migrating:
			continue // never
		}
		switch places[0].Queue {
		case vmpooler.Pending:
			m.pending(a, h)
		case vmpooler.Ready:
			m.ready(a, h)
		case vmpooler.Completed:
			m.completed(a, h)
		case vmpooler.Running, vmpooler.Discovered, vmpooler.Migrating:
		}
	}
}

func (m *maker) pending(a Action, h Hash) {
	age, since, known := m.age(h.Clone)
	if !m.wants(Pending) || !known || age <= m.settings.MaxPendingAge || h.Checkout != "" { // on its way to a user
		return
	}
	a.Target, a.Age, a.Reason = Pending, age, tooOld("pending", age, m.settings.MaxPendingAge)
	a.Does = m.outOfPending(h)
	a.Check.Field, a.Check.Text, a.Check.Since, a.Check.MinAge = vmpooler.FieldClone, h.Clone, since, m.settings.MaxPendingAge
	m.add(a)
}

// outOfPending says what is done to a pending VM.
func (m *maker) outOfPending(h Hash) string {
	does := "out of pending"
	if m.settings.DeadLetters {
		does = "dead letter, " + does
	}
	if h.TTL == 0 {
		does += ", metadata expires in " + short(m.settings.DataTTL)
	}
	return does
}

func (m *maker) ready(a Action, h Hash) {
	age, since, known := m.age(h.Ready)
	if !m.wants(Ready) || !known || age <= m.settings.MaxReadyAge || h.Checkout != "" {
		return
	}
	a.Target, a.Age, a.Reason = Ready, age, tooOld("ready", age, m.settings.MaxReadyAge)
	a.Does = "to completed, where vmpooler destroys it"
	a.Check.Field, a.Check.Text, a.Check.Since, a.Check.MinAge = vmpooler.FieldReady, h.Ready, since, m.settings.MaxReadyAge
	m.add(a)
}

// completed judges by destroy, and where that is missing by how long the VM has
// been seen there: when it was checked out says nothing of how long it waits for its
// destruction.
func (m *maker) completed(a Action, h Hash) {
	if !m.wants(Completed) {
		return
	}
	limit := m.settings.MaxCompletedAge
	age, since, known := m.age(h.Destroy)
	a.Check.Field, a.Check.Text, a.Check.Since, a.Check.MinAge = vmpooler.FieldDestroy, h.Destroy, since, limit
	a.Reason = tooOld("being destroyed", age, limit)
	if h.Destroy == "" && m.in.Watch != nil {
		if since, known = m.in.Watch.CompletedSince(a.Pool, a.VM); known {
			age = m.in.State.Now.Sub(since)
			a.Check.Since, a.Check.MinAge = time.Time{}, 0
			a.Reason = tooOld("completed, and its destruction not begun,", age, limit)
		}
	}
	a.Target, a.Age, a.Does = Completed, age, "out of completed"
	a.Provider = m.verdict(a.Pool, a.VM, h)
	// With the providers asked, only what is not there any more may go: vmpooler
	// destroys what it finds and does not know, and so would not lose it, but it
	// would begin all over again.
	if known && age > limit && (a.Provider == inventory.Unverified || a.Provider == inventory.Absent) {
		m.add(a)
	}
}

// verdict is the provider's of a VM with this hash.
func (m *maker) verdict(pool, vm string, h Hash) inventory.Verdict {
	_, made, _ := m.age(h.Clone) // unknown is long ago: a hash that was deleted already
	return m.in.View.Since(pool, vm, made)
}

// ghost plans for a VM that its provider does not have, if it is one. A VM whose
// clone is not done is none yet, nor one that was made after the first of the two
// listings.
func (m *maker) ghost(a Action, h Hash) bool {
	first, last, missing := m.in.View.Missing(a.Pool, a.VM)
	if !m.wants(Ghost) || !missing || last.Sub(first) < ghostAfter || h.Checkout != "" && a.Queue != vmpooler.Completed {
		return false
	}
	_, since, known := m.age(h.Clone)
	took, err := strconv.ParseFloat(h.CloneTook, 64)
	if !known || err != nil || !first.After(since.Add(time.Duration(took*float64(time.Second)))) {
		return false
	}
	a.Target, a.Age = Ghost, m.in.State.Now.Sub(first)
	a.Reason = fmt.Sprintf("in %s, and missing from its provider's listings for %s", a.Queue, short(last.Sub(first)))
	a.Check.Field, a.Check.Text, a.Check.Since = vmpooler.FieldClone, h.Clone, since
	switch a.Queue {
	case vmpooler.Pending:
		a.Does = m.outOfPending(h)
	case vmpooler.Ready:
		a.Does = "to completed"
	case vmpooler.Completed:
		a.Does = "out of completed"
	case vmpooler.Running, vmpooler.Discovered, vmpooler.Migrating:
		return false
	}
	m.add(a)
	return true
}
