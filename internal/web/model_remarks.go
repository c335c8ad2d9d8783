package web

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// remarks words what is wrong though no part of the status, the worst first.
func (m *maker) remarks() []Phrase {
	r, snap := m.State.Report, m.State.Snapshot
	var out []Phrase
	add := func(parts ...any) { out = append(out, say(parts...)) }
	if len(r.Pools) == 0 && snap.Errs[vmpooler.PartPools] == nil && snap.Lost == nil {
		add("no pools: " + vmpooler.KeyPools + " is empty. Is this vmpooler's Redis, and the right database?")
	}
	for i := range r.Pools {
		if k, ok := m.observed(health.QueueCliff, r.Pools[i].Name); ok {
			add("pool ", poolName(k.Pool), " has just lost most of its VMs: nothing of it is purged")
		}
	}
	if n := m.emptyPools(); n > 0 {
		add(plural(n, "pool") + " without a ready VM")
	}
	if n := r.CloneSlotsLeaked; n.Known && n.Value > 0 {
		add("clone slots leaked: " + count(n.Value) + " of " + count(r.Tasks.Clone.Value+r.Tasks.OndemandClone.Value) +
			" in use. If they stay, only a restart of vmpooler's manager frees them")
	}
	if s := r.Sweep; s != nil {
		if s.LostRequests > 0 {
			add("on-demand requests lost: " + count(s.LostRequests) + ". vmpooler has forgotten them, their users wait in vain")
		}
		if s.NameCollisions > 0 {
			add("name collisions: " + count(s.NameCollisions) + ". Such VMs are live in two pools and share their metadata")
		}
		if s.Leaked > 0 {
			add("orphaned metadata leaked: " + count(s.Leaked) + ". It is of VMs in no queue, and never expires")
		}
	}
	const worthSaying = 5 * time.Second
	if skew := snap.Skew; snap.SkewKnown && skew.Abs() > worthSaying {
		side := "ahead of"
		if skew < 0 {
			side = "behind"
		}
		add("clocks differ: Redis' is " + span(skew.Abs()) + " " + side + " this host's")
	}
	return out
}

func (m *maker) emptyPools() (n int64) {
	for i := range m.State.Report.Pools {
		if poolEmpty(&m.State.Report.Pools[i], &m.State.Snapshot.Pools[i]) {
			n++
		}
	}
	return n
}

// poolEmpty says whether a pool that is to keep VMs ready is known to have none.
func poolEmpty(p *health.PoolReport, s *vmpooler.Pool) bool {
	q := p.Queues[vmpooler.Ready]
	return q != nil && q.Size == 0 && s.Size.Known && s.Size.Value > 0
}

var partNames = [vmpooler.NumParts]string{
	vmpooler.PartServer: "Redis' clock", vmpooler.PartPools: "pools", vmpooler.PartQueues: "queues",
	vmpooler.PartTasks: "clones in progress", vmpooler.PartDLQ: "dead letters", vmpooler.PartOndemand: "on-demand requests",
}

// gaps words what could not be read, and why.
func (m *maker) gaps() []string {
	var out []string
	if lost := m.State.Snapshot.Lost; lost != nil {
		out = append(out, "the connection was lost: "+reason(lost.Error()))
	}
	for part, err := range m.State.Snapshot.Errs {
		if err != nil && (m.State.Snapshot.Lost == nil || !vmpooler.IsConnectionError(err)) {
			out = append(out, "not read, or not all: "+partNames[part]+": "+reason(err.Error()))
		}
	}
	return out
}
