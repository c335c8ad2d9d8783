package health

import "fmt"

// Status is the one verdict on a vmpooler.
type Status int

// The statuses; their numbers are the values of vmpooler_health_status.
const (
	Healthy Status = iota
	Degraded
	Unhealthy
)

var statusNames = [...]string{"healthy", "degraded", "unhealthy"}

// String returns the name that vmpooler writes to vmpooler__health.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return fmt.Sprintf("Status(%d)", int(s))
	}
	return statusNames[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Severity says which status a condition leads to.
type Severity string

// The severities, named as the thresholds are.
const (
	Warning  Severity = "warning"  // degraded
	Critical Severity = "critical" // unhealthy
)

// Condition names what can be wrong.
type Condition string

// The conditions behind the status. The first two are of the whole vmpooler,
// the others of one pool.
const (
	DLQSize      Condition = "dlq_size"
	StuckVMs     Condition = "stuck_vms"
	PendingQueue Condition = "pending_queue"
	ReadyQueue   Condition = "ready_queue"
)

// Conditions that do not lead to the status, which follows vmpooler's own rule:
// the exporter itself observes them, over time.
const (
	QueueCliff Condition = "queue_cliff" // a pool has just lost most of its VMs
	PurgeHeld  Condition = "purge_held"  // a pool is not purged
)

// Check is one comparison of a value with its threshold. All comparisons are
// strict, as vmpooler's are.
type Check struct {
	Condition Condition `json:"condition"`
	Pool      string    `json:"pool"` // "" for the whole vmpooler
	Severity  Severity  `json:"severity"`
	Value     int64     `json:"value"`
	Threshold int64     `json:"threshold"`
}

// Holds says whether the value is beyond the threshold.
func (c Check) Holds() bool { return c.Value > c.Threshold }
