package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// skewWorthSaying is by how much two clocks have to differ to be worth a line.
const skewWorthSaying = 5 * time.Second

// healthRemarks words what is wrong though no part of the status, worst first.
func healthRemarks(r *health.Report, snap *vmpooler.Snapshot) []string {
	var remarks []string
	add := func(format string, args ...any) { remarks = append(remarks, fmt.Sprintf(format, args...)) }

	if len(r.Pools) == 0 && snap.Errs[vmpooler.PartPools] == nil && snap.Lost == nil {
		add("no pools: %s is empty. Is this vmpooler's Redis, and the right database?", vmpooler.KeyPools)
	}
	if n := r.CloneSlotsLeaked; n.Known && n.Value > 0 {
		// A clone that just begins looks the same for a moment.
		add("clone slots leaked: %s of %s in use. If a second look shows them too, only a restart of vmpooler's manager frees them",
			count(n.Value), count(r.Tasks.Clone.Value+r.Tasks.OndemandClone.Value))
	}
	if s := r.Sweep; s != nil {
		if s.LostRequests > 0 {
			add("on-demand requests lost: %s. vmpooler has forgotten them, their users wait in vain", count(s.LostRequests))
		}
		if s.NameCollisions > 0 {
			add("name collisions: %s. Such VMs are live in two pools and share one hash", count(s.NameCollisions))
		}
		if s.Leaked > 0 {
			add("orphaned metadata leaked: %s. These hashes of VMs are in no queue and never expire", count(s.Leaked))
		}
	}
	if n := emptyPools(r, snap); n > 0 {
		add("%s without a ready VM", plural(n, "pool"))
	}
	if n := unknownAges(r); n > 0 {
		add("ages unknown: %s without a readable time, which never count as stuck", plural(n, "VM"))
	}
	if skew := snap.Skew.Abs(); snap.SkewKnown && skew > skewWorthSaying {
		side := "ahead of"
		if snap.Skew < 0 {
			side = "behind"
		}
		add("clocks differ: Redis' is %s %s this host's", age(int64(skew/time.Second)), side)
	}
	return remarks
}

func emptyPools(r *health.Report, snap *vmpooler.Snapshot) int {
	n := 0
	for i := range r.Pools {
		if poolEmpty(&r.Pools[i], &snap.Pools[i]) {
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

func unknownAges(r *health.Report) int {
	var n int64
	for i := range r.Pools {
		n += poolUnknownAges(&r.Pools[i])
	}
	return int(n)
}

// poolUnknownAges counts the VMs that should have an age and have none. The
// other queues don't count: vmpooler keeps no time for discovered, and a VM is in
// completed and in migrating for a while before it writes theirs.
func poolUnknownAges(p *health.PoolReport) int64 {
	var n int64
	for _, q := range [...]vmpooler.Queue{vmpooler.Pending, vmpooler.Ready, vmpooler.Running} {
		if s := p.Queues[q]; s != nil {
			n += s.AgeUnknown
		}
	}
	return n
}

var partNames = [vmpooler.NumParts]string{
	vmpooler.PartServer:   "Redis' clock",
	vmpooler.PartPools:    "pools",
	vmpooler.PartQueues:   "queues",
	vmpooler.PartTasks:    "clones in progress",
	vmpooler.PartDLQ:      "dead letters",
	vmpooler.PartOndemand: "on-demand requests",
}

// healthGaps words what is not known and why. The errors of a lost connection
// are all the same, so that is said once.
func healthGaps(r *health.Report, snap *vmpooler.Snapshot, sweepErr error) []string {
	var gaps, cutOff []string
	for part, err := range snap.Errs {
		switch {
		case err == nil:
		case snap.Lost != nil && vmpooler.IsConnectionError(err):
			cutOff = append(cutOff, partNames[part])
		case vmpooler.Part(part) == vmpooler.PartServer:
			gaps = append(gaps, partNames[part]+" not read, ages go by this host's: "+errorLine(err))
		default:
			gaps = append(gaps, partNames[part]+" not read: "+errorLine(err))
		}
	}
	if snap.Lost != nil {
		text := "connection lost: " + errorLine(snap.Lost)
		if len(cutOff) > 0 {
			text += ". Not read, or not all: " + strings.Join(cutOff, ", ")
		}
		gaps = append([]string{text}, gaps...)
	}
	if r.Sweep == nil {
		text := "no sweep of the keys: leaked metadata, lost requests and name collisions are unknown"
		if sweepErr != nil {
			text += " (" + errorLine(sweepErr) + ")"
		}
		gaps = append(gaps, text)
	}
	return gaps
}

// errorLine writes an error, joined ones too, on one line that is safe for a
// terminal.
func errorLine(err error) string {
	return printable(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}
