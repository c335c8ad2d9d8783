package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// mostReasons is how many pools beyond a limit are listed above the table,
// which has all of them: 300 pools in trouble must not push each other away.
const mostReasons = 10

// healthReason is one reason for the status, in words.
type healthReason struct {
	severity health.Severity
	text     string
}

// healthReasons words the reasons, worst first, and says how many more there
// are, all of them of single pools.
func healthReasons(r *health.Report) (reasons []healthReason, more int) {
	ofPools := 0
	for _, k := range r.Reasons() {
		if k.Pool != "" {
			if ofPools++; ofPools > mostReasons {
				more++
				continue
			}
		}
		reasons = append(reasons, healthReason{k.Severity, reasonText(k, r)})
	}
	return reasons, more
}

func reasonText(k health.Check, r *health.Report) string {
	value, limit := count(k.Value), count(k.Threshold)
	switch k.Condition {
	case health.StuckVMs:
		return fmt.Sprintf("stuck VMs: %s, limit %s (pending for over %s, oldest %s)",
			value, limit, age(int64(r.Thresholds.StuckVMAge/time.Second)), age(oldestPending(r)))
	case health.DLQSize:
		return fmt.Sprintf("%s dead letters, limit %s%s", value, limit, deadLetterQueues(r.DLQ))
	case health.PendingQueue:
		return fmt.Sprintf("pool %s: %s pending, limit %s", poolName(k.Pool), value, poolLimit(k, r.Thresholds.PendingQueueMax))
	case health.ReadyQueue:
		return fmt.Sprintf("pool %s: %s ready, limit %s", poolName(k.Pool), value, poolLimit(k, r.Thresholds.ReadyQueueMax))
	case health.QueueCliff, health.PurgeHeld: // no reasons of the status
	}
	return fmt.Sprintf("%s %s: %s, limit %s", k.Condition, poolName(k.Pool), value, limit)
}

// poolLimit writes the limit that is set, and where critical begins: nobody
// would look for that number in vmpooler.yaml.
func poolLimit(k health.Check, set int) string {
	if k.Threshold == int64(set) {
		return count(k.Threshold)
	}
	return fmt.Sprintf("%s, %s above %s", count(int64(set)), k.Severity, count(k.Threshold))
}

func oldestPending(r *health.Report) int64 {
	var oldest int64
	for i := range r.Pools {
		if q := r.Pools[i].Queues[vmpooler.Pending]; q != nil {
			oldest = max(oldest, q.OldestAge)
		}
	}
	return oldest
}

// deadLetterQueues lists the sizes of the queues that are not empty, in
// parentheses; "" where all are.
func deadLetterQueues(queues []vmpooler.DLQ) string {
	var sizes []string
	for _, q := range queues {
		if !q.Size.Known || q.Size.Value > 0 {
			sizes = append(sizes, printable(q.Queue)+" "+number(q.Size))
		}
	}
	if len(sizes) == 0 {
		return ""
	}
	return " (" + strings.Join(sizes, ", ") + ")"
}
