package cli

import (
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// ExitUnknown is the health command's exit code where there is no verdict.
const ExitUnknown = 3

// ExitCode returns the health command's exit code for a status that is certain:
// 0 healthy, 1 degraded, 2 unhealthy.
func ExitCode(s health.Status) int {
	switch s {
	case health.Healthy, health.Degraded, health.Unhealthy:
		return int(s)
	}
	return ExitUnknown
}

// HealthExitCode returns the health command's exit code for a report and the
// snapshot that it was evaluated from. It is ExitCode's, except that nothing
// wrong in a part of vmpooler is no all-clear: healthy becomes ExitUnknown where
// something that the status depends on could not be read, and where there is no
// pool at all. Degraded and
// unhealthy stay: what is missing could only be worse.
func HealthExitCode(r *health.Report, snap *vmpooler.Snapshot) int {
	if r.Status == health.Healthy && statusUncertain(r, snap) {
		return ExitUnknown
	}
	return ExitCode(r.Status)
}

// healthUnknown is the verdict beside ExitUnknown.
const healthUnknown = "UNKNOWN"

// healthVerdict returns the word that goes with HealthExitCode.
func healthVerdict(r *health.Report, snap *vmpooler.Snapshot) (word string, st style) {
	switch HealthExitCode(r, snap) {
	case int(health.Healthy):
		st = boldGreen
	case int(health.Degraded):
		st = boldAmber
	case int(health.Unhealthy):
		st = boldRed
	default:
		return healthUnknown, boldAmber
	}
	return strings.ToUpper(r.Status.String()), st
}

// statusUncertain says whether something that the status depends on could not
// be read, or was not there to be read. Pools' sizes, counters of clones and the like have no part in it.
func statusUncertain(r *health.Report, snap *vmpooler.Snapshot) bool {
	if snap.Lost != nil || !r.DLQTotal.Known {
		return true
	}
	for _, q := range r.DLQ {
		if !q.Size.Known {
			return true
		}
	}
	for i := range r.Pools {
		if r.Pools[i].Queues[vmpooler.Pending] == nil || r.Pools[i].Queues[vmpooler.Ready] == nil {
			return true
		}
	}
	// vmpooler does not run without pools: their names could not be read, or this
	// is not its Redis.
	return len(r.Pools) == 0
}
