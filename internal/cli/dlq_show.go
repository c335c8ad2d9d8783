package cli

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// WriteDLQRecord writes all of one entry, a key a line; what is not known is
// left out. The error is the writer's.
func WriteDLQRecord(w io.Writer, r *dlq.Record, now time.Time) error {
	var b bytes.Buffer
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-8s  %s\n", name, printable(value))
		}
	}
	line("ID", r.ID)
	line("QUEUE", r.Queue)
	if !r.FailedAt.IsZero() {
		line("TIME", r.FailedAt.UTC().Format(dlqTime)+" UTC, "+ago(r.FailedAt, now))
	}
	if r.Err != nil {
		line("PROBLEM", dlq.Clean(r.Err.Error()))
		line("MEMBER", dlq.Clean(r.Raw))
	} else {
		line("POOL", r.Pool)
		line("ALIAS", r.PoolAlias)
		line("VM", r.VM)
		line("CLASS", r.ErrorClass)
		line("MESSAGE", r.ErrorMessage)
		line("REQUEST", r.RequestID)
		if r.RetryCount != nil {
			line("RETRIES", strconv.Itoa(*r.RetryCount))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
