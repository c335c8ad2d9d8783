package cli

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/explain"
)

// ExplainOptions say how a story is written. The zero value is right for a file or a
// pipe.
type ExplainOptions struct {
	Color bool
	Width int // columns of the terminal; 0 is no limit
}

// explainNarrow is a terminal on which a full time would leave too little for what
// happened.
const explainNarrow = 72

// WriteExplain writes the story of one VM or request for people. The error is the
// writer's.
func WriteExplain(w io.Writer, r *explain.Report, opts ExplainOptions) error {
	var b bytes.Buffer
	color := painter(opts.Color)
	title := "VM "
	if r.Kind == explain.KindRequest {
		title = "On-demand request "
	}
	fmt.Fprintln(&b, color.paint(bold, title+printable(r.Name)))
	f := &explainFacts{b: &b, width: opts.Width, color: color}
	f.line("where", explainWhere(r))
	f.facts(r)
	f.vms(r.VMs)
	f.line("next", printable(r.Next))
	for _, warning := range r.Warnings {
		f.styled("warning", printable(warning), yellow)
	}
	if len(r.Events) > 0 {
		b.WriteByte('\n')
		writeEvents(&b, r.Events, opts, color)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// explainFacts writes what is known, a name a line.
type explainFacts struct {
	b     *bytes.Buffer
	width int
	color painter
}

func (f *explainFacts) line(name, text string) { f.styled(name, text, plain) }

// styled writes one fact, its text within the width; an empty one is left out.
func (f *explainFacts) styled(name, text string, s style) {
	if text == "" {
		return
	}
	const indent = 11 // the longest name and the gap
	room := 0
	if f.width > 0 {
		room = max(leastMessage, f.width-indent)
	}
	for _, part := range fill([]string{text}, "", room) {
		fmt.Fprintf(f.b, "%s%s\n", f.color.paint(dim, fmt.Sprintf("%-*s", indent, name)), f.color.paint(s, part))
		name = ""
	}
}

func (f *explainFacts) facts(r *explain.Report) {
	of := &r.Facts
	pool := of.Pool
	if len(r.Where) == 1 && r.Where[0].Pool == pool { // said already
		pool = ""
	}
	f.line("pool", printable(pool))
	if of.Template != of.Pool {
		f.line("template", printable(of.Template))
	}
	f.line("alias", printable(of.PoolAlias))
	f.line("domain", printable(of.Domain))
	request := printable(of.RequestID)
	if request != "" && of.Status != "" {
		request += ", " + printable(of.Status)
	}
	f.line("request", request)
	f.line("requested", printable(of.Requested))
	if r.Kind == explain.KindRequest {
		f.line("status", explainStatus(of))
	}
	if of.LifetimeSeconds != nil {
		f.line("lifetime", explainSpan(*of.LifetimeSeconds))
	}
	f.line("error", printable(of.Error))
	f.line("metadata", explainMetadata(of))
}

// explainStatus is the status of a request, and what it came from.
func explainStatus(of *explain.Facts) string {
	if !of.Metadata {
		return ""
	}
	parts := []string{"none yet"}
	if of.Status != "" {
		parts[0] = printable(of.Status)
	}
	if of.FailureReason != "" {
		parts[0] += ": " + printable(of.FailureReason)
	}
	if of.RetryCount != nil {
		parts = append(parts, plural(*of.RetryCount, "clone")+" tried again")
	}
	if of.Requeued != nil && *of.Requeued > 0 {
		again := "put back " + strconv.Itoa(*of.Requeued) + "×"
		if of.RequeuedAt != nil {
			again += ", last at " + of.RequeuedAt.Format(dlqTime) + " UTC"
		}
		parts = append(parts, again)
	}
	return strings.Join(parts, "; ")
}

// explainSpan writes seconds as the report's sentences do.
func explainSpan(seconds int64) string { return explain.Span(time.Duration(seconds) * time.Second) }

func explainMetadata(of *explain.Facts) string {
	switch {
	case !of.Metadata:
		return "none"
	case of.TTLSeconds == nil:
		return "kept, without a TTL"
	default:
		return "forgotten in " + explainSpan(*of.TTLSeconds)
	}
}

// explainWhere names the queues that it is in, and for how long it has been there.
func explainWhere(r *explain.Report) string {
	if len(r.Where) == 0 {
		return "in no queue"
	}
	places := make([]string, len(r.Where))
	for i, p := range r.Where {
		places[i] = printable(p.Queue)
		if p.Pool != "" {
			places[i] += " of " + printable(p.Pool)
		}
		if p.AgeSeconds != nil {
			places[i] += " for " + explainSpan(*p.AgeSeconds)
		}
	}
	return strings.Join(places, "; ")
}

// vms lists a request's VMs.
func (f *explainFacts) vms(vms []explain.RequestVM) {
	name := "VMs"
	for i := range vms {
		v := &vms[i]
		where := "in no queue"
		switch {
		case len(v.Queues) > 0:
			where = strings.Join(v.Queues, ", ")
		case v.Destroyed:
			where = "destroyed"
		}
		if v.Given {
			where = "given, " + where
		}
		f.line(name, printable(v.VM)+" of "+printable(v.Pool)+": "+where)
		name = ""
	}
}

func writeEvents(b *bytes.Buffer, events []explain.Event, opts ExplainOptions, color painter) {
	const from, what = 1, 2
	t := table{titles: []string{"TIME (UTC)", "FROM", "WHAT"}}
	layout := dlqTime
	if opts.Width > 0 && opts.Width < explainNarrow {
		layout = dlqDay
	}
	for _, e := range events {
		s := plain
		if e.Source == explain.FromDeadLetter {
			s = red
		}
		t.rows = append(t.rows, tableRow{style: s, cells: []string{e.At.UTC().Format(layout), string(e.Source), printable(e.What)}})
	}
	if opts.Width > 0 { // what happened is told in full, on as many lines as it takes
		t.wrap(what, opts.Width)
	}
	t.write(b, opts.Width, []cut{{from, 0}, {what, leastMessage}}, color)
}

// wrap breaks the cells of the last column, so that the table is at most width wide;
// the rest of a cell becomes a row of its own.
func (t *table) wrap(column, width int) {
	widths := t.widths()
	room := max(leastMessage, width-(lineWidth(widths)-widths[column]))
	var rows []tableRow
	for _, row := range t.rows {
		for i, part := range fill([]string{row.cells[column]}, "", room) {
			cells := make([]string, len(row.cells))
			if i == 0 {
				copy(cells, row.cells)
			}
			cells[column] = part
			rows = append(rows, tableRow{style: row.style, cells: cells})
		}
	}
	t.rows = rows
}

// explainedJSON is the JSON of what is known under a name.
type explainedJSON struct {
	Name    string            `json:"name"`
	Reports []*explain.Report `json:"reports"`
}

// WriteExplainJSON writes all that is known under a name for programs: the report of
// a VM, of a request, of both or of none. Names are as they stand in Redis. The error
// is the writer's.
func WriteExplainJSON(w io.Writer, name string, reports []*explain.Report) error {
	if reports == nil {
		reports = []*explain.Report{}
	}
	return writeSafely(w, explainedJSON{Name: name, Reports: reports})
}

// ExplainRemarks are the warnings of a report with nothing else in it, fit for a
// terminal.
func ExplainRemarks(warnings []string) []string {
	remarks := make([]string, len(warnings))
	for i, w := range warnings {
		remarks[i] = printable(w)
	}
	return remarks
}
