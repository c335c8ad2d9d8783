package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/purger"
)

// Entries writes how many there are: "1 entry", "1,204 entries".
func Entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return count(int64(n)) + " entries"
}

// PurgeTally counts the entries of a plan by what became of them and by target.
type PurgeTally map[purger.Outcome]map[purger.Target]int

// TallyPurge counts p's.
func TallyPurge(p *purger.Plan) PurgeTally {
	t := make(PurgeTally)
	for i := range p.Actions {
		a := &p.Actions[i]
		if t[a.Outcome] == nil {
			t[a.Outcome] = make(map[purger.Target]int)
		}
		t[a.Outcome][a.Target]++
	}
	return t
}

// Count returns how many have this outcome.
func (t PurgeTally) Count(o purger.Outcome) (n int) {
	for _, of := range t[o] {
		n += of
	}
	return n
}

// Describe writes how many have this outcome, and what they are: "3 entries (2
// pending, 1 ready)".
func (t PurgeTally) Describe(o purger.Outcome) string {
	var parts []string
	for _, target := range purger.Targets() {
		if n := t[o][target]; n > 0 {
			parts = append(parts, count(int64(n))+" "+string(target))
		}
	}
	if len(parts) == 0 {
		return Entries(0)
	}
	return fmt.Sprintf("%s (%s)", Entries(t.Count(o)), strings.Join(parts, ", "))
}

// planSummary says in sentences what a plan would do.
func planSummary(p *purger.Plan) []string {
	t := TallyPurge(p)
	var lines []string
	switch n := t.Count(purger.Planned); {
	case len(p.Actions) == 0:
		lines = append(lines, "nothing is stale")
	case n == 0:
		lines = append(lines, "nothing to purge")
	case p.DryRun:
		lines = append(lines, "would purge "+t.Describe(purger.Planned))
	default:
		lines = append(lines, "to be purged: "+t.Describe(purger.Planned))
	}
	if t.Count(purger.Held) > 0 {
		lines = append(lines, "held "+t.Describe(purger.Held))
	}
	ofVMs := func(a purger.Action) bool { return a.Target != purger.Request }
	if slices.ContainsFunc(p.Actions, ofVMs) && !anyVerified(p.Actions) {
		lines = append(lines, "unverified: no provider was asked whether these VMs exist")
	}
	if p.DryRun {
		lines = append(lines, "nothing was written")
	}
	return lines
}

// outcomeSummary says in sentences what became of a plan that was applied.
func outcomeSummary(p *purger.Plan) []string {
	t := TallyPurge(p)
	lines := []string{"purged " + t.Describe(purger.Applied)}
	for _, of := range []struct {
		outcome purger.Outcome
		before  string
		after   string
	}{
		{purger.Skipped, "skipped ", ": moved on meanwhile, and left alone"},
		{purger.Refused, "refused ", ": nothing of that was written"},
		{purger.Failed, "failed ", ": Redis gave no answer; purged, or not"},
		{purger.Planned, "not tried ", ""},
		{purger.Held, "held ", ""},
	} {
		if t.Count(of.outcome) > 0 {
			lines = append(lines, of.before+t.Describe(of.outcome)+of.after)
		}
	}
	return append(lines, "plan "+printable(p.ID)+": purge history --plan="+printable(p.ID)+" shows it again")
}
