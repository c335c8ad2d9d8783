package health

import (
	"maps"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// JSON is a Report as `health --output=json` and the API print it.
type JSON struct {
	Status    Status    `json:"status"`
	CheckedAt time.Time `json:"checked_at"` // RFC 3339, to the second
	Reasons   []Check   `json:"reasons"`
	// Thresholds are those in force, by their names in vmpooler.yaml; the age
	// is in seconds.
	Thresholds map[string]float64 `json:"thresholds"`
	Metrics    Metrics            `json:"metrics"`
}

// Metrics is the object that vmpooler writes to vmpooler__health. What is not
// known is left out.
type Metrics struct {
	// Queues maps each pool to a PoolMetrics and, while the dead-letter queue
	// is on, "dlq" to a map of queue to SizeMetrics.
	Queues map[string]any `json:"queues"`
	Tasks  TaskMetrics    `json:"tasks"`
	Errors ErrorMetrics   `json:"errors"`
}

// PoolMetrics are the numbers of one pool.
type PoolMetrics struct {
	Pending   *PendingMetrics `json:"pending,omitempty"`
	Ready     *AgeMetrics     `json:"ready,omitempty"`
	Completed *SizeMetrics    `json:"completed,omitempty"`
}

// SizeMetrics is the size of a queue.
type SizeMetrics struct {
	Size int64 `json:"size"`
}

// AgeMetrics is a size with ages in whole seconds, 0 for an empty queue.
type AgeMetrics struct {
	Size      int64 `json:"size"`
	OldestAge int64 `json:"oldest_age"`
	AvgAge    int64 `json:"avg_age"`
}

// PendingMetrics adds the stuck VMs.
type PendingMetrics struct {
	AgeMetrics

	StuckCount int64 `json:"stuck_count"`
}

// TaskMetrics are the clones in progress and in wait.
type TaskMetrics struct {
	Clone struct {
		Active *int64 `json:"active,omitempty"`
	} `json:"clone"`
	Ondemand struct {
		Active  *int64 `json:"active,omitempty"`
		Pending *int64 `json:"pending,omitempty"`
	} `json:"ondemand"`
}

// ErrorMetrics are the totals.
type ErrorMetrics struct {
	DLQTotalSize *int64 `json:"dlq_total_size,omitempty"`
	StuckVMCount int64  `json:"stuck_vm_count"`
	// OrphanedMetadataCount has vmpooler's meaning: leaked and expiring
	// hashes together.
	OrphanedMetadataCount *int64 `json:"orphaned_metadata_count,omitempty"`
}

// JSON returns the Report's published form. dlqEnabled says whether
// metrics.queues has the dead-letter queues that are not empty, as vmpooler's
// has.
func (r *Report) JSON(dlqEnabled bool) JSON {
	return JSON{
		Status: r.Status, CheckedAt: r.CheckedAt.Truncate(time.Second), Reasons: r.Reasons(),
		Thresholds: maps.Collect(r.Thresholds.All()), Metrics: r.Metrics(dlqEnabled),
	}
}

// Metrics returns the object that vmpooler writes to vmpooler__health.
func (r *Report) Metrics(dlqEnabled bool) Metrics {
	m := Metrics{Queues: make(map[string]any, len(r.Pools)+1)}
	for i := range r.Pools {
		m.Queues[r.Pools[i].Name] = r.Pools[i].metrics()
	}
	if dlq := r.dlqMetrics(); dlqEnabled && len(dlq) > 0 {
		m.Queues["dlq"] = dlq
	}
	m.Tasks.Clone.Active = pointer(r.Tasks.Clone)
	m.Tasks.Ondemand.Active = pointer(r.Tasks.OndemandClone)
	m.Tasks.Ondemand.Pending = pointer(r.Ondemand.CreateTasks)
	m.Errors = ErrorMetrics{DLQTotalSize: pointer(r.DLQTotal), StuckVMCount: r.Stuck}
	if r.Sweep != nil {
		m.Errors.OrphanedMetadataCount = pointer(vmpooler.Known(r.Sweep.Leaked + r.Sweep.Expiring))
	}
	return m
}

func (p *PoolReport) metrics() PoolMetrics {
	var m PoolMetrics
	if q := p.Queues[vmpooler.Pending]; q != nil {
		m.Pending = &PendingMetrics{AgeMetrics{q.Size, q.OldestAge, q.AverageAge}, q.Stuck}
	}
	if q := p.Queues[vmpooler.Ready]; q != nil {
		m.Ready = &AgeMetrics{q.Size, q.OldestAge, q.AverageAge}
	}
	if q := p.Queues[vmpooler.Completed]; q != nil {
		m.Completed = &SizeMetrics{q.Size}
	}
	return m
}

// dlqMetrics lists the queues that are not empty: vmpooler finds them by their
// keys, and Redis has no key for an empty one.
func (r *Report) dlqMetrics() map[string]SizeMetrics {
	m := make(map[string]SizeMetrics, len(r.DLQ))
	for _, q := range r.DLQ {
		if q.Size.Known && q.Size.Value > 0 {
			m[q.Queue] = SizeMetrics{q.Size.Value}
		}
	}
	return m
}

func pointer(n vmpooler.Number) *int64 {
	if !n.Known {
		return nil
	}
	return &n.Value
}
