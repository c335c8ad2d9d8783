package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// PurgeOptions say how a purge is written. The zero value is right for a file or a
// pipe.
type PurgeOptions struct {
	Color bool
	Width int // columns of the terminal; 0 is no limit
}

// WritePurgePlan writes a plan for people before anything of it is done: its entries
// with their reasons, the pools that are held, what the providers have besides, and
// a summary. The error is the writer's.
func WritePurgePlan(w io.Writer, p *purger.Plan, opts PurgeOptions) error {
	var b bytes.Buffer
	color := painter(opts.Color)
	if len(p.Actions) > 0 {
		writePurgeEntries(&b, p.Actions, opts, color)
		b.WriteByte('\n')
	}
	writeHolds(&b, p.Held, opts, color)
	writeUnknownVMs(&b, p.UnknownVMs, opts)
	writeLines(&b, planSummary(p), opts.Width)
	_, err := w.Write(b.Bytes())
	return err
}

// WritePurgeOutcomes writes for people what became of a plan that was applied: the
// entries that were not purged, and why, and a summary. The error is the writer's.
func WritePurgeOutcomes(w io.Writer, p *purger.Plan, opts PurgeOptions) error {
	var b bytes.Buffer
	b.WriteByte('\n') // the plan stands above
	color := painter(opts.Color)
	var rows []tableRow
	for i := range p.Actions {
		a := &p.Actions[i]
		if a.Outcome == purger.Skipped || a.Outcome == purger.Refused || a.Outcome == purger.Failed {
			rows = append(rows, tableRow{
				cells: []string{string(a.Outcome), string(a.Target), printable(a.Pool), entryName(a), shownText(a.Why)},
				style: outcomeStyle(a.Outcome),
			})
		}
	}
	if len(rows) > 0 {
		t := table{titles: []string{"OUTCOME", "TARGET", "POOL", "VM / REQUEST", "WHY"}, rows: rows, caps: map[int]int{2: 40, 3: 40, 4: widestMessage}}
		t.write(&b, opts.Width, []cut{{2, 20}, {3, 20}, {4, 40}, {2, 12}, {3, 12}, {4, leastMessage}, {2, 8}, {3, 8}, {4, 8}}, color)
		b.WriteByte('\n')
	}
	writeLines(&b, outcomeSummary(p), opts.Width)
	_, err := w.Write(b.Bytes())
	return err
}

// The columns of a plan's table.
const (
	purgeOutcome = iota
	purgeTarget
	purgePool
	purgeName
	purgeAge
	purgeReason
	purgeProvider
	purgeDoes
)

func writePurgeEntries(b *bytes.Buffer, actions []purger.Action, opts PurgeOptions, color painter) {
	t := table{
		titles: []string{"OUTCOME", "TARGET", "POOL", "VM / REQUEST", "AGE", "REASON", "PROVIDER", "DOES"},
		caps:   map[int]int{purgePool: 40, purgeName: 40},
	}
	verified := anyVerified(actions)
	for i := range actions {
		a := &actions[i]
		provider := ""
		if verified && a.Target != purger.Request {
			provider = string(a.Provider)
		}
		t.rows = append(t.rows, tableRow{style: outcomeStyle(a.Outcome), cells: []string{
			string(a.Outcome), string(a.Target), printable(a.Pool), entryName(a), age(int64(a.Age / time.Second)),
			shownText(a.Reason), provider, shownText(a.Does),
		}})
	}
	left := t.write(b, opts.Width, []cut{
		{purgeDoes, 0},
		{purgeAge, 0},
		{purgePool, 20},
		{purgeName, 20},
		{purgeReason, 40},
		{purgePool, 12},
		{purgeName, 12},
		{purgeReason, leastMessage},
		{purgePool, 8},
		{purgeName, 8},
		{purgeProvider, 0},
		{purgeReason, 8},
	}, color)
	if slices.Contains(left, purgeDoes) { // it is much the same for all entries of a target
		b.WriteByte('\n')
		writeDoes(b, actions, opts.Width)
	}
	if slices.Contains(left, purgeProvider) { // the age is in the reason as well
		fmt.Fprintln(b, color.paint(dim, t.noRoom([]int{purgeProvider}, opts.Width)))
	}
}

// writeDoes says once for each target what its entries' purge does.
func writeDoes(b *bytes.Buffer, actions []purger.Action, width int) {
	const indent = 11 // "completed" and the gap
	seen := make(map[string]bool)
	for i := range actions {
		a := &actions[i]
		key := string(a.Target) + "\n" + a.Does
		if seen[key] {
			continue
		}
		seen[key] = true
		room := 0
		if width > 0 {
			room = max(leastMessage, width-indent)
		}
		name := string(a.Target)
		for _, line := range fill([]string{shownText(a.Does)}, "", room) {
			fmt.Fprintf(b, "%-*s%s\n", indent, name, line)
			name = ""
		}
	}
}

func anyVerified(actions []purger.Action) bool {
	return slices.ContainsFunc(actions, func(a purger.Action) bool {
		return a.Target != purger.Request && a.Provider != "" && a.Provider != inventory.Unverified
	})
}

// entryName is the VM's or the request's.
func entryName(a *purger.Action) string {
	if a.Target == purger.Request {
		return printable(a.RequestID)
	}
	return printable(a.VM)
}

// shownText makes a sentence fit to be shown, which may hold the name of a key or
// what Redis said.
func shownText(s string) string { return printable(dlq.Clean(s)) }

func outcomeStyle(o purger.Outcome) style {
	switch o {
	case purger.Held, purger.Refused:
		return yellow
	case purger.Failed:
		return red
	case purger.Skipped:
		return dim
	case purger.Planned, purger.Applied:
	}
	return plain
}

func writeLines(b *bytes.Buffer, lines []string, width int) {
	for _, line := range lines {
		for _, part := range fill([]string{line}, "", width) {
			fmt.Fprintln(b, part)
		}
	}
}

// Purges tells how many entries of a plan have been tried.
func (p *Progress) Purges(done, total int) {
	if !p.enabled || total < 2 {
		return
	}
	now := p.now()
	if now.Sub(p.shown) < progressEvery && done < total {
		return
	}
	p.shown = now
	p.show(fmt.Sprintf("purging: %s of %s", count(int64(done)), count(int64(total))))
}
