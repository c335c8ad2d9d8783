package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// RequeueReport is what there is to tell about a requeue of dead letters.
type RequeueReport struct {
	Selection dlq.RequeueSelection
	Outcomes  []dlq.RequeueOutcome
	DryRun    bool
}

// Refused says whether anything was refused.
func (r *RequeueReport) Refused() bool { return r.count(dlq.RequeueRefused) > 0 }

// count returns how many are in this state. Letters that name no request count
// as refused.
func (r *RequeueReport) count(state dlq.RequeueState) int {
	n := 0
	if state == dlq.RequeueRefused {
		n = len(r.Selection.Refused)
	}
	for i := range r.Outcomes {
		if r.Outcomes[i].State == state {
			n++
		}
	}
	return n
}

// Requests writes how many there are: "1 request", "1,204 requests".
func Requests(n int) string { return plural(n, "request") }

// WriteRequeue writes what became of each request as a table for people, and
// what happens next. The error is the writer's.
func WriteRequeue(w io.Writer, r *RequeueReport, opts DLQOptions) error {
	var b bytes.Buffer
	color := painter(opts.Color)
	rows := r.rows()
	if len(rows) > 0 {
		writeRequeueRows(&b, rows, opts, color)
		b.WriteByte('\n')
	}
	for _, line := range r.summary() {
		for _, part := range fill([]string{line}, "", opts.Width) {
			fmt.Fprintln(&b, part)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// requeueRow is a line of the table, fit to be shown.
type requeueRow struct {
	id, result, detail string
	style              style
}

func (r *RequeueReport) rows() []requeueRow {
	var rows []requeueRow
	for _, e := range r.Selection.Refused {
		rows = append(rows, requeueRow{printable(e.ID), string(dlq.RequeueRefused), printable(e.Why()), yellow})
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		row := requeueRow{id: printable(o.ID), result: string(o.State)}
		switch o.State {
		case dlq.RequeueDone:
			row.detail = o.At.UTC().Format(dlqTime) + " UTC"
			if r.DryRun {
				row.result, row.detail = "would be requeued", ""
			}
			if o.Requeues > 1 {
				row.detail = strings.TrimPrefix(row.detail+", ", ", ") + "time " + count(int64(o.Requeues))
			}
		case dlq.RequeueRefused:
			row.detail, row.style = printable(o.Refused.Why()), yellow
		case dlq.RequeueFailed:
			row.detail, row.style = printable(o.FailureReason), red
			if o.FailureReason == "" {
				row.detail = "vmpooler gives no reason; its dead letters may"
			}
		case dlq.RequeueUnknown:
			row.detail, row.style = "Redis did not answer: it was requeued, or not", red
		case dlq.RequeueNotTried:
			row.style = dim
		}
		rows = append(rows, row)
	}
	return rows
}

func writeRequeueRows(b *bytes.Buffer, rows []requeueRow, opts DLQOptions, color painter) {
	const widestID = 40
	title := requeueRow{id: "REQUEST", result: "RESULT", detail: "DETAIL", style: bold}
	ids, results := len(title.id), len(title.result)
	for _, row := range rows {
		ids = max(ids, min(widestID, cells(row.id)))
		results = max(results, len(row.result))
	}
	for _, row := range append([]requeueRow{title}, rows...) {
		id := shorten(row.id, widestID)
		line := id + strings.Repeat(" ", ids-cells(id)+columnGap) + fmt.Sprintf("%-*s", results, row.result)
		details := []string{row.detail}
		if opts.Width > 0 {
			// A refusal's reason is worth its lines, and none is cut.
			details = fill(details, "", max(leastMessage, opts.Width-ids-results-2*columnGap))
		}
		for i, detail := range details {
			if i > 0 {
				line = strings.Repeat(" ", ids+columnGap+results)
			}
			text := strings.TrimRight(line+strings.Repeat(" ", columnGap)+detail, " ")
			fmt.Fprintln(b, color.paint(row.style, text))
		}
	}
}

// summary says in sentences what the table shows, and what comes next.
func (r *RequeueReport) summary() []string {
	var lines []string
	done, refused := r.count(dlq.RequeueDone), r.count(dlq.RequeueRefused)
	switch {
	case r.DryRun:
		lines = append(lines, "would requeue "+Requests(done)+"; nothing was written")
	case done > 0:
		them := "them"
		if done == 1 {
			them = "it"
		}
		lines = append(lines, fmt.Sprintf("requeued %s: vmpooler's manager takes %s up in its next loop", Requests(done), them))
	case len(r.Outcomes) == 0 && refused == 0:
		lines = append(lines, "no request: nothing to requeue")
	}
	if n := r.count(dlq.RequeueFailed); n > 0 {
		lines = append(lines, Requests(n)+" failed again after the requeue")
	}
	if refused > 0 {
		lines = append(lines, "refused "+count(int64(refused))+", and left as they were")
	}
	if n := r.count(dlq.RequeueUnknown); n > 0 {
		lines = append(lines, Requests(n)+" without an answer: requeued, or not")
	}
	if n := r.count(dlq.RequeueNotTried); n > 0 {
		lines = append(lines, Requests(n)+" not tried")
	}
	if n := r.Selection.NoRequest; n > 0 {
		lines = append(lines, "passed over "+DeadLetters(n)+" of no on-demand request: pools refill themselves")
	}
	return lines
}

// Requeues tells how many of the requests have been tried; it fits
// dlq.RequeueAllOptions.Progress.
func (p *Progress) Requeues(done, total int) {
	if !p.enabled || total < 2 {
		return
	}
	p.show(fmt.Sprintf("requeueing: %s of %s", count(int64(done)), count(int64(total))))
}
