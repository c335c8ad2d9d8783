package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// WriteDLQJSON writes a page as {"entries":[…],"next_cursor":"…"}, each entry
// as dlq.MarshalRecord gives it; next_cursor is "" on the last page. The error
// is the writer's.
func WriteDLQJSON(w io.Writer, p *dlq.Page) error {
	entries := make([]json.RawMessage, len(p.Records))
	for i := range p.Records {
		line, err := dlq.MarshalRecord(&p.Records[i])
		if err != nil {
			return err
		}
		entries[i] = line
	}
	return writeIndented(w, struct {
		Entries    []json.RawMessage `json:"entries"`
		NextCursor string            `json:"next_cursor"`
	}{entries, p.NextCursor})
}

// WriteDLQRecordJSON writes one entry as dlq.MarshalRecord gives it, indented.
// The error is the writer's.
func WriteDLQRecordJSON(w io.Writer, r *dlq.Record) error {
	line, err := dlq.MarshalRecord(r)
	if err != nil {
		return err
	}
	return writeIndented(w, json.RawMessage(line))
}

func writeIndented(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

var dlqHeader = []string{
	"id", "queue", "vm", "pool", "queue_from", "error_class", "error_message", "failed_at",
	"retry_count", "request_id", "pool_alias", "unreadable",
}

// WriteDLQCSV writes a page as RFC 4180 says, with a header. An unreadable
// member has the reason in the last column and itself as the message. The error
// is the writer's.
func WriteDLQCSV(w io.Writer, p *dlq.Page) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(dlqHeader); err != nil {
		return err
	}
	for i := range p.Records {
		r := &p.Records[i]
		row := []string{r.ID, r.Queue, r.VM, r.Pool, r.QueueFrom, r.ErrorClass, r.ErrorMessage, "", "", r.RequestID, r.PoolAlias, ""}
		if !r.FailedAt.IsZero() {
			row[7] = r.FailedAt.UTC().Format(time.RFC3339)
		}
		if r.RetryCount != nil {
			row[8] = strconv.Itoa(*r.RetryCount)
		}
		if r.Err != nil {
			row[6], row[11] = dlq.Clean(r.Raw), dlq.Clean(r.Err.Error())
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

// csvCell keeps a spreadsheet from taking text for a formula, and a terminal
// from taking it for commands.
func csvCell(s string) string {
	s = printable(s)
	if s != "" && strings.IndexByte("=+-@", s[0]) >= 0 {
		return "'" + s
	}
	return s
}

// DLQExported returns what there is to say about an export, a line each.
func DLQExported(e dlq.Exported) []string {
	done := "exported " + DeadLetters(e.Entries)
	if e.Unreadable > 0 {
		done += ", of them " + count(int64(e.Unreadable)) + " unreadable"
	}
	return append([]string{done}, dlqGaps(0, e.WrongType)...)
}
