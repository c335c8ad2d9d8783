package web

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// AheadText is what is to be expected.
type AheadText struct {
	Text     string
	Severity severity
}

// soon is how far ahead an emptying pool makes its row one to look at.
const soon = 30 * time.Minute

func (m *maker) ahead(row *Pool) {
	hour := m.Hours[row.Name]
	if hour == nil {
		return
	}
	for _, a := range hour.Ahead {
		sev := none
		if a.In <= soon {
			sev, row.order.soon = warn, true
			row.Severity = worse(row.Severity, warn)
		}
		row.Ahead = append(row.Ahead, AheadText{aheadText(a) + " in " + about(a.In), sev})
	}
}

func aheadText(a live.Ahead) string {
	switch a.Event {
	case live.Empty:
		return "empty"
	case live.PendingLimit:
		return "pending over " + count(a.Limit)
	case live.ReadyLimit:
		return "ready over " + count(a.Limit)
	}
	return string(a.Event)
}

// about writes how far away something is that nobody knows to the second.
func about(d time.Duration) string {
	if d < time.Minute {
		return "under 1m"
	}
	return "≈\u00a0" + span(d.Round(time.Minute))
}
