package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// DLQOptions say how dead letters are written. The zero value is right for a
// file or a pipe.
type DLQOptions struct {
	Color bool
	Width int       // columns of the terminal; 0 is no limit
	Now   time.Time // times of its day (UTC) are written without a date in statistics
}

// The layouts of times, which are in UTC all.
const (
	dlqTime  = "2006-01-02 15:04:05"
	dlqClock = "15:04"
	dlqDay   = "01-02 15:04"
)

const (
	// widestMessage is how much of a message a pipe gets, where nothing else
	// limits it: `show` and `export` have all of it.
	widestMessage = 200
	leastMessage  = 24

	// narrow terminals get times without year and seconds.
	narrow = 120
)

// WriteDLQ writes a page of dead letters as a table for people. The error is
// the writer's.
func WriteDLQ(w io.Writer, p *dlq.Page, opts DLQOptions) error {
	var b bytes.Buffer
	if len(p.Records) == 0 {
		b.WriteString("No dead letters.\n")
	} else {
		writeDLQTable(&b, p.Records, opts)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// DLQRemarks returns what there is to say about a page besides its entries, a
// line each: what could not be read, and how to go on.
func DLQRemarks(p *dlq.Page) []string {
	remarks := dlqGaps(p.Unreadable, p.WrongType)
	if p.NextCursor != "" {
		remarks = append(remarks, fmt.Sprintf("%s shown, there are more: --cursor=%s, or a higher --limit",
			count(int64(len(p.Records))), p.NextCursor))
	}
	return remarks
}

func dlqGaps(unreadable int, wrongType []string) []string {
	var gaps []string
	if unreadable > 0 {
		gaps = append(gaps, plural(unreadable, "unreadable member")+": show and export say why")
	}
	for _, queue := range wrongType {
		gaps = append(gaps, fmt.Sprintf("the key of queue %s is no sorted set: nothing of it is here", printable(queue)))
	}
	return gaps
}

// dlqRow is an entry as the table shows it.
type dlqRow struct {
	cells [dlqColumns]string
	bad   bool
}

const (
	dlqColID = iota
	dlqColTime
	dlqColQueue
	dlqColPool
	dlqColVM
	dlqColClass
	dlqColMessage
	dlqColRequest
	dlqColumns
)

var dlqTitles = [dlqColumns]string{"ID", "TIME (UTC)", "QUEUE", "POOL", "VM", "CLASS", "MESSAGE", "REQUEST"}

// newDLQRow writes times in layout.
func newDLQRow(r *dlq.Record, layout string) dlqRow {
	at := "-"
	if !r.FailedAt.IsZero() {
		at = r.FailedAt.UTC().Format(layout)
	}
	if r.Err != nil {
		return dlqRow{bad: true, cells: [dlqColumns]string{
			printable(r.ID), at, printable(r.Queue), unknown, unknown, "unreadable", printable(dlq.Clean(r.Raw)), "",
		}}
	}
	return dlqRow{cells: [dlqColumns]string{
		printable(r.ID), at, printable(r.Queue), printable(r.Pool), printable(r.VM), printable(r.ErrorClass), printable(r.ErrorMessage), printable(r.RequestID),
	}}
}

func writeDLQTable(b *bytes.Buffer, records []dlq.Record, opts DLQOptions) {
	rows := make([]dlqRow, len(records))
	var widths [dlqColumns]int
	layout := dlqTime
	if opts.Width > 0 && opts.Width < narrow {
		layout = dlqDay
	}
	for i := range records {
		rows[i] = newDLQRow(&records[i], layout)
		for c, cell := range rows[i].cells {
			widths[c] = max(widths[c], cells(cell))
		}
	}
	for c, title := range dlqTitles {
		if c != dlqColRequest || widths[c] > 0 { // most pools have no requests
			widths[c] = max(widths[c], len(title))
		}
	}
	left := fitDLQ(&widths, opts.Width)

	color := painter(opts.Color)
	fmt.Fprintln(b, color.paint(bold, dlqLine(&dlqTitles, &widths)))
	for i := range rows {
		st := plain
		if rows[i].bad {
			st = yellow
		}
		fmt.Fprintln(b, color.paint(st, dlqLine(&rows[i].cells, &widths)))
	}
	if len(left) > 0 {
		text := fmt.Sprintf("(no room in %d columns for %s)", opts.Width, strings.Join(left, ", "))
		fmt.Fprintln(b, color.paint(dim, text))
	}
}

// dlqCaps are the most columns that hostile or unusual names get.
var dlqCaps = map[int]int{dlqColID: 40, dlqColQueue: 16, dlqColPool: 40, dlqColVM: 40, dlqColClass: 32, dlqColRequest: 40}

// fitDLQ makes room: names get no more than their caps, and the message what
// is left. Where that is too little, names are cut, then columns left out, whose
// titles it returns: `show` has them, and an id begins with its queue.
func fitDLQ(widths *[dlqColumns]int, terminal int) (left []string) {
	for c, most := range dlqCaps {
		widths[c] = min(widths[c], most)
	}
	if terminal <= 0 {
		widths[dlqColMessage] = min(widths[dlqColMessage], widestMessage)
		return nil
	}
	missing := func() int {
		used := min(widths[dlqColMessage], leastMessage)
		for c, w := range widths {
			if c != dlqColMessage && w > 0 {
				used += w + columnGap
			}
		}
		return used - terminal
	}
	for _, cut := range []struct{ column, least int }{
		{dlqColRequest, 13}, {dlqColPool, 12}, {dlqColVM, 12}, {dlqColRequest, 0}, {dlqColQueue, 0}, {dlqColClass, 0}, {dlqColPool, 8}, {dlqColVM, 8},
	} {
		short := missing()
		if short <= 0 {
			break
		}
		w := &widths[cut.column]
		if cut.least == 0 && *w > 0 {
			*w = 0
			left = append(left, dlqTitles[cut.column])
		} else if *w > cut.least {
			*w = max(cut.least, *w-short)
		}
	}
	room := min(widths[dlqColMessage], leastMessage) - missing()
	widths[dlqColMessage] = min(widths[dlqColMessage], max(room, 1))
	return left
}

func dlqLine(row *[dlqColumns]string, widths *[dlqColumns]int) string {
	var line strings.Builder
	for c, cell := range row {
		if widths[c] == 0 {
			continue
		}
		if c > 0 {
			line.WriteString(strings.Repeat(" ", columnGap))
		}
		cell = shorten(cell, widths[c])
		line.WriteString(cell)
		line.WriteString(strings.Repeat(" ", max(0, widths[c]-cells(cell))))
	}
	return strings.TrimRight(line.String(), " ")
}
