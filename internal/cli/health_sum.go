package cli

import "github.com/vmpooler/vmpooler_exporter/internal/health"

// healthSum adds numbers of which some may be unknown.
type healthSum struct {
	value          int64
	known, missing int // how many numbers were, and were not
}

// queueSize is the sum of one queue.
func queueSize(q *health.QueueStats) healthSum {
	if q == nil {
		return healthSum{missing: 1}
	}
	return healthSum{value: q.Size, known: 1}
}

func (s healthSum) plus(o healthSum) healthSum {
	return healthSum{s.value + o.value, s.known + o.known, s.missing + o.missing}
}

// String writes the sum, "≥" before it where a part is missing: it is at least
// that. "?" where nothing is known.
func (s healthSum) String() string {
	switch {
	case s.missing == 0:
		return count(s.value)
	case s.known == 0 || s.value == 0:
		return unknown
	}
	return "≥" + count(s.value)
}
