package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
)

// WriteHealthJSON writes r.JSON(dlqEnabled), indented, with checked_at in UTC
// and whole seconds. The error is the writer's.
func WriteHealthJSON(w io.Writer, r *health.Report, dlqEnabled bool) error {
	report := r.JSON(dlqEnabled)
	report.CheckedAt = report.CheckedAt.UTC().Truncate(time.Second)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "<" in a pool's name is for people to read
	enc.SetIndent("", "  ")
	if err := enc.Encode(report); err != nil {
		return err
	}
	_, err := w.Write(escapeInvisible(b.Bytes()))
	return err
}

// escapeInvisible escapes what encoding/json leaves as it is though a terminal
// obeys it: DEL, C1 control characters, marks that turn the direction of
// writing. Outside of strings, JSON has none of them.
func escapeInvisible(doc []byte) []byte {
	out := make([]byte, 0, len(doc))
	for len(doc) > 0 {
		r, size := utf8.DecodeRune(doc)
		if r < 0x7f || unicode.IsPrint(r) {
			out = append(out, doc[:size]...)
		} else {
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
		doc = doc[size:]
	}
	return out
}
