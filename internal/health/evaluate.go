package health

import (
	"cmp"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Thresholds are the limits of the status (health_thresholds in vmpooler.yaml).
type Thresholds = config.Thresholds

// criticalFactor is how many times a queue's limit makes it critical.
const criticalFactor = 2

// QueueStats are the numbers of one queue of one pool. Ages are whole seconds.
type QueueStats struct {
	Size       int64
	Known      int64 // VMs whose age is known
	AgeUnknown int64 // VMs whose age is not: in the size, in no age, never stuck
	OldestAge  int64 // 0 where Known is 0
	AverageAge int64 // over Known, cut to whole seconds
	Stuck      int64 // older than StuckVMAge; counted in pending only
}

// PoolReport is one pool's part of a Report.
type PoolReport struct {
	Name string
	// Queues holds nil for a queue that could not be read.
	Queues [vmpooler.NumQueues]*QueueStats
}

// Report is what a Snapshot means.
type Report struct {
	// Status is the worst that the readable part of the state gives. Known is
	// false where no queue could be read at all: a verdict would be a guess.
	Status     Status
	Known      bool
	CheckedAt  time.Time
	Thresholds Thresholds
	Pools      []PoolReport // in the snapshot's order

	// Checks are all comparisons that could be made, held or not. One whose
	// value is unknown is missing.
	Checks []Check

	DLQ      []vmpooler.DLQ
	DLQTotal vmpooler.Number // of the queues that could be read
	Stuck    int64           // of the pending queues that could be read
	Tasks    vmpooler.Tasks
	Ondemand vmpooler.Ondemand
	// CloneSlotsLeaked is by how much vmpooler's counters of clones in progress
	// exceed the pending VMs whose clone could still be in progress.
	CloneSlotsLeaked vmpooler.Number
	// Sweep is the last sweep's result, or nil where none has produced one.
	Sweep *vmpooler.SweepResult
}

// Evaluate computes a Report by the rules of vmpooler 3.9.1's own health check.
// sweep may be nil. What the snapshot does not know takes no part in the
// status.
func Evaluate(s *vmpooler.Snapshot, sweep *vmpooler.SweepResult, t Thresholds) *Report {
	r := &Report{
		CheckedAt: s.Now, Thresholds: t, Sweep: sweep,
		DLQ: s.DLQ, Tasks: s.Tasks, Ondemand: s.Ondemand,
		Pools:  make([]PoolReport, len(s.Pools)),
		Checks: make([]Check, 0, 4+4*len(s.Pools)),
	}
	for _, q := range s.DLQ {
		if q.Size.Known {
			r.DLQTotal.Known = true
			r.DLQTotal.Value += q.Size.Value
		}
	}
	if r.DLQTotal.Known {
		r.check(DLQSize, "", r.DLQTotal.Value, t.DLQMaxWarning, t.DLQMaxCritical)
	}
	r.Known = len(s.Pools) == 0 && s.Errs[vmpooler.PartPools] == nil
	for i := range s.Pools {
		r.Pools[i] = poolReport(&s.Pools[i], s.Now, t)
		if p := r.Pools[i].Queues[vmpooler.Pending]; p != nil {
			r.Known = true
			r.Stuck += p.Stuck
			r.check(PendingQueue, s.Pools[i].Name, p.Size, t.PendingQueueMax, criticalFactor*t.PendingQueueMax)
		}
		if q := r.Pools[i].Queues[vmpooler.Ready]; q != nil {
			r.Known = true
			r.check(ReadyQueue, s.Pools[i].Name, q.Size, t.ReadyQueueMax, criticalFactor*t.ReadyQueueMax)
		}
	}
	if r.Known {
		r.check(StuckVMs, "", r.Stuck, t.StuckVMMaxWarning, t.StuckVMMaxCritical)
	}
	r.CloneSlotsLeaked = cloneSlotsLeaked(s)
	return r
}

// check adds a condition's two comparisons and raises the status by them.
func (r *Report) check(c Condition, pool string, value int64, warning, critical int) {
	for _, k := range [...]Check{
		{c, pool, Warning, value, int64(warning)},
		{c, pool, Critical, value, int64(critical)},
	} {
		r.Checks = append(r.Checks, k)
		if k.Holds() {
			r.Status = max(r.Status, k.Severity.status())
		}
	}
}

func (s Severity) status() Status {
	if s == Critical {
		return Unhealthy
	}
	return Degraded
}

// Reasons are the checks that hold, the worst of each condition and pool only:
// critical ones first, then by condition, largest excess first.
func (r *Report) Reasons() []Check {
	reasons := make([]Check, 0)
	for i, k := range r.Checks {
		superseded := k.Severity == Warning && i+1 < len(r.Checks) && r.Checks[i+1].Holds() &&
			r.Checks[i+1].Condition == k.Condition && r.Checks[i+1].Pool == k.Pool
		if k.Holds() && !superseded {
			reasons = append(reasons, k)
		}
	}
	slices.SortStableFunc(reasons, func(a, b Check) int {
		return cmp.Or(
			-cmp.Compare(a.Severity.status(), b.Severity.status()),
			cmp.Compare(a.Condition, b.Condition),
			-cmp.Compare(a.Value-a.Threshold, b.Value-b.Threshold),
			cmp.Compare(a.Pool, b.Pool),
		)
	})
	return reasons
}

func poolReport(p *vmpooler.Pool, now time.Time, t Thresholds) PoolReport {
	out := PoolReport{Name: p.Name}
	for q, state := range p.Queues {
		if state.Err != nil {
			continue
		}
		limit := time.Duration(-1)
		if vmpooler.Queue(q) == vmpooler.Pending {
			limit = t.StuckVMAge
		}
		out.Queues[q] = queueStats(state.VMs, now, limit)
	}
	return out
}

// queueStats counts a queue; stuck is left at 0 where limit is negative.
func queueStats(vms []vmpooler.VM, now time.Time, limit time.Duration) *QueueStats {
	s := &QueueStats{Size: int64(len(vms))}
	var sum int64
	for i := range vms {
		age, known := vms[i].Age(now)
		if !known {
			s.AgeUnknown++
			continue
		}
		s.Known++
		sum += age
		s.OldestAge = max(s.OldestAge, age)
		if limit >= 0 && age > int64(limit/time.Second) {
			s.Stuck++
		}
	}
	if s.Known > 0 {
		s.AverageAge = sum / s.Known
	}
	return s
}

// cloneSlotsLeaked compares the counters of clones in progress with the pending
// VMs that are still being cloned. vmpooler takes a slot before it names the VM,
// so a clone that just begins shows as one leaked slot for a moment; a slot
// that was never given back shows until the manager restarts.
func cloneSlotsLeaked(s *vmpooler.Snapshot) vmpooler.Number {
	if !s.Tasks.Clone.Known || !s.Tasks.OndemandClone.Known {
		return vmpooler.Number{}
	}
	var cloning int64
	for i := range s.Pools {
		pending := &s.Pools[i].Queues[vmpooler.Pending]
		if pending.Err != nil {
			return vmpooler.Number{}
		}
		for _, vm := range pending.VMs {
			if !vm.Cloned {
				cloning++
			}
		}
	}
	return vmpooler.Known(max(0, s.Tasks.Clone.Value+s.Tasks.OndemandClone.Value-cloning))
}
