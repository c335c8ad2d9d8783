package purger

import (
	"fmt"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// orphans plans for metadata that nothing will ever remove. A hash that has a TTL
// goes by itself: it is never touched, nor its TTL lengthened.
func (m *maker) orphans() {
	if !m.wants(Orphaned) {
		return
	}
	limit := m.settings.MaxOrphanedAge
	for _, h := range m.in.State.Orphans {
		_, queued := m.in.State.Places[h.VM]
		age, since, known := m.age(h.Clone)
		if queued || h.Pool == "" || h.TTL != 0 || !known || age <= limit || !m.wantsPool(h.Pool) {
			continue
		}
		provider := m.verdict(h.Pool, h.VM, h)
		if provider == inventory.Present || provider == inventory.Unknown {
			continue
		}
		m.add(Action{
			Target: Orphaned, Pool: h.Pool, VM: h.VM, Age: age, Provider: provider,
			Reason: fmt.Sprintf("in no queue and without a TTL, cloned %s ago, limit %s", short(age), short(limit)),
			Does:   "metadata expires in " + short(orphanTTL),
			Check:  Check{Field: vmpooler.FieldClone, Text: h.Clone, Since: since, MinAge: limit, Clone: h.Clone},
		})
	}
}

// requests plans for on-demand requests. Their VMs stay: they are their users'.
func (m *maker) requests() {
	if !m.wants(Request) || len(m.in.Pools) > 0 { // a request is of no one pool
		return
	}
	limit := m.settings.MaxRequestAge
	for _, r := range m.in.State.Requests {
		age := m.in.State.Now.Sub(r.Made)
		open := r.Status == "" || r.Status == vmpooler.RequestPending
		if !open || age <= limit {
			continue
		}
		does := "failed, out of its queues"
		if r.TTL == 0 {
			does += ", its hash expires in " + short(m.settings.DataTTL)
		}
		m.add(Action{
			Target: Request, RequestID: r.ID, Age: age, Provider: inventory.Unverified,
			Reason: tooOld("waiting", age, limit), Does: does,
			Check: Check{Field: vmpooler.FieldStatus, Text: string(r.Status), Since: r.Made, MinAge: limit},
		})
	}
}

// strangers are the VMs that a provider has and no queue knows. Nothing is done
// about them: vmpooler finds and destroys them itself, and what it does not
// is for somebody who looks first.
func (m *maker) strangers() map[string][]string {
	return m.in.View.Strangers(func(vm string) bool {
		_, queued := m.in.State.Places[vm]
		return queued
	})
}

// holds are the caller's, and what the state and the plan itself give reason for.
func (m *maker) holds() []Hold {
	holds := append([]Hold{}, m.in.Holds...)
	st, limits := &m.in.State, m.settings.Limits
	switch {
	case !st.SkewKnown:
		holds = append(holds, Hold{Cause: HoldClock, Reason: "the difference between this host's clock and Redis' is not known"})
	case st.Skew.Abs() > limits.MaxSkew:
		holds = append(holds, Hold{Cause: HoldClock, Reason: fmt.Sprintf(
			"this host's clock and Redis' differ by %s, limit %s", short(st.Skew.Abs()), short(limits.MaxSkew))})
	}
	holds = append(holds, m.cliffs()...)
	if !limits.Override {
		holds = append(holds, m.beyond()...)
	}
	return holds
}
