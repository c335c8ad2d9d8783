package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestHealthExitCodes(t *testing.T) {
	for status, want := range map[health.Status]int{
		health.Healthy: 0, health.Degraded: 1, health.Unhealthy: 2, health.Status(7): ExitUnknown, health.Status(-1): ExitUnknown,
	} {
		if got := ExitCode(status); got != want {
			t.Errorf("ExitCode(%s) = %d, want %d", status, got, want)
		}
	}
	unreadSize := healthyCase()
	unreadSize.snap.Errs[vmpooler.PartPools] = errors.New("vmpooler__config__poolsize: WRONGTYPE")
	unreadNames := emptyCase()
	unreadNames.snap.Errs[vmpooler.PartPools] = errors.New("vmpooler__pools: NOPERM")
	unreadDLQ := healthyCase()
	unreadDLQ.snap.DLQ[2].Size.Known = false
	noDLQ := healthyCase()
	noDLQ.snap.DLQ = nil
	lostAtTheEnd := healthyCase()
	lostAtTheEnd.snap.Lost = errors.New("reset")
	lostYetDegraded := degradedCase()
	lostYetDegraded.snap.Lost = errors.New("reset")
	for name, c := range map[string]struct {
		healthCase

		want int
	}{
		"healthy":                      {healthyCase(), 0},
		"degraded":                     {degradedCase(), 1},
		"unhealthy":                    {unhealthyCase(), 2},
		"no pools":                     {emptyCase(), ExitUnknown},
		"a size unread":                {unreadSize, 0},
		"names unread":                 {unreadNames, ExitUnknown},
		"a queue unread":               {unreadableCase(), ExitUnknown},
		"a dead-letter queue unread":   {unreadDLQ, ExitUnknown},
		"no dead-letter queue known":   {noDLQ, ExitUnknown},
		"connection lost":              {lostCase(), ExitUnknown},
		"connection lost at the end":   {lostAtTheEnd, ExitUnknown},
		"connection lost yet degraded": {lostYetDegraded, 1},
	} {
		r := c.report()
		if got := HealthExitCode(r, c.snap); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		word := []string{"HEALTHY", "DEGRADED", "UNHEALTHY", "UNKNOWN"}[c.want]
		if out := c.print(t, HealthOptions{}); !strings.HasPrefix(out, word+"  ") {
			t.Errorf("%s: no %s in %q", name, word, out[:20])
		}
	}
}
