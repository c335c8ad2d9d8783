package cli

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// WritePurgeHistory writes a page of what was purged as a table for people. The
// error is the writer's.
func WritePurgeHistory(w io.Writer, page *purger.HistoryPage, opts PurgeOptions) error {
	var b bytes.Buffer
	if len(page.Records) == 0 {
		b.WriteString("Nothing was purged.\n")
	} else {
		writeHistoryTable(&b, page.Records, opts)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// The columns of the history.
const (
	historyTime = iota
	historyOutcome
	historyTarget
	historyPool
	historyName
	historyReason
	historyWho
	historyPlan
)

func writeHistoryTable(b *bytes.Buffer, records []purger.Record, opts PurgeOptions) {
	t := table{
		titles: []string{"TIME (UTC)", "OUTCOME", "TARGET", "POOL", "VM / REQUEST", "REASON", "WHO", "PLAN"},
		caps: map[int]int{
			historyOutcome: 16, historyTarget: 16, historyPool: 40, historyName: 40,
			historyReason: widestMessage, historyWho: 40, historyPlan: 40,
		},
	}
	layout := dlqTime
	if opts.Width > 0 && opts.Width < narrow {
		layout = dlqDay
	}
	for i := range records {
		r := &records[i]
		reason := shownText(r.Reason)
		if r.Why != "" {
			reason += "; " + shownText(r.Why)
		}
		t.rows = append(t.rows, tableRow{style: outcomeStyle(r.Outcome), cells: []string{
			r.At.UTC().Format(layout), printable(string(r.Outcome)), printable(string(r.Target)), printable(r.Pool),
			printable(cmp.Or(r.VM, r.RequestID)), reason, printable(r.Who), printable(r.Plan),
		}})
	}
	color := painter(opts.Color)
	left := t.write(b, opts.Width, []cut{
		{historyPlan, 0},
		{historyPool, 20},
		{historyName, 20},
		{historyWho, 0},
		{historyReason, 40},
		{historyPool, 12},
		{historyName, 12},
		{historyReason, leastMessage},
		{historyPool, 8},
		{historyName, 8},
		{historyTarget, 0},
		{historyReason, 8},
	}, color)
	if len(left) > 0 {
		fmt.Fprintln(b, color.paint(dim, t.noRoom(left, opts.Width)))
	}
}

// PurgeHistoryRemarks returns what there is to say about a page besides its records,
// a line each.
func PurgeHistoryRemarks(page *purger.HistoryPage) []string {
	var remarks []string
	switch n := page.Unreadable; {
	case n == 1:
		remarks = append(remarks, "1 entry of the stream is no record, and passed over")
	case n > 1:
		remarks = append(remarks, Entries(n)+" of the stream are no records, and passed over")
	}
	if page.Next != "" {
		remarks = append(remarks, fmt.Sprintf("%s shown, there are more: --cursor=%s, or a higher --limit",
			count(int64(len(page.Records))), page.Next))
	}
	return remarks
}

// WritePurgeHistoryJSON writes a page for programs, as a purger.HistoryPage is.
// The error is the writer's.
func WritePurgeHistoryJSON(w io.Writer, page *purger.HistoryPage) error {
	out := *page
	out.Records = make([]purger.Record, len(page.Records))
	copy(out.Records, page.Records)
	for i := range out.Records {
		out.Records[i].Why = dlq.Clean(out.Records[i].Why)
	}
	return writeSafely(w, out)
}

var historyHeader = []string{
	"at", "who", "plan_id", "target", "pool", "vm", "request_id", "age_seconds", "reason", "does", "provider", "outcome", "why",
}

// WritePurgeHistoryCSV writes a page as RFC 4180 says, with a header. The error is
// the writer's.
func WritePurgeHistoryCSV(w io.Writer, page *purger.HistoryPage) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(historyHeader); err != nil {
		return err
	}
	for i := range page.Records {
		r := &page.Records[i]
		row := []string{
			r.At.UTC().Format(time.RFC3339), r.Who, r.Plan, string(r.Target), r.Pool, r.VM, r.RequestID,
			strconv.FormatInt(r.AgeSeconds, 10), r.Reason, r.Does, r.Provider, string(r.Outcome), dlq.Clean(r.Why),
		}
		for c := range row {
			row[c] = csvCell(row[c])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
