package cli

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purgeJSON is the JSON of a plan and what became of it.
type purgeJSON struct {
	PlanID     string              `json:"plan_id"`
	DryRun     bool                `json:"dry_run"`
	Actions    []purger.Action     `json:"actions"`
	Held       []purger.Hold       `json:"held"`
	UnknownVMs map[string][]string `json:"unknown_vms"`
	Summary    purgeSummaryJSON    `json:"summary"`
}

// purgeSummaryJSON has every outcome, and of the targets those that are in the plan.
type purgeSummaryJSON struct {
	Entries  int                                      `json:"entries"`
	Outcomes map[purger.Outcome]int                   `json:"outcomes"`
	Targets  map[purger.Target]map[purger.Outcome]int `json:"targets"`
}

// WritePurgeJSON writes a plan and its outcomes for programs. Names are as they
// stand in Redis. The error is the writer's.
func WritePurgeJSON(w io.Writer, p *purger.Plan) error {
	out := purgeJSON{
		PlanID: p.ID, DryRun: p.DryRun, Actions: make([]purger.Action, len(p.Actions)), Held: p.Held, UnknownVMs: p.UnknownVMs,
		Summary: purgeSummaryJSON{Entries: len(p.Actions), Outcomes: make(map[purger.Outcome]int), Targets: make(map[purger.Target]map[purger.Outcome]int)},
	}
	copy(out.Actions, p.Actions)
	for i := range out.Actions { // what Redis said may be anything
		out.Actions[i].Why = dlq.Clean(out.Actions[i].Why)
	}
	if out.Held == nil {
		out.Held = []purger.Hold{}
	}
	if out.UnknownVMs == nil {
		out.UnknownVMs = map[string][]string{}
	}
	tally := TallyPurge(p)
	for _, o := range []purger.Outcome{purger.Planned, purger.Held, purger.Applied, purger.Skipped, purger.Refused, purger.Failed} {
		out.Summary.Outcomes[o] = tally.Count(o)
		for target, n := range tally[o] {
			if out.Summary.Targets[target] == nil {
				out.Summary.Targets[target] = make(map[purger.Outcome]int)
			}
			out.Summary.Targets[target][o] = n
		}
	}
	return writeSafely(w, out)
}

// writeSafely writes v as indented JSON that no terminal takes for commands.
func writeSafely(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // "<" in a pool's name is for people to read
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeInvisible(b.Bytes()))
	return err
}
