package cli

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// CheckConfig writes the settings in force as a table with the place that each
// came from, secrets redacted; then the warnings, one a line; then a line that
// begins with OK, for the settings would not exist otherwise. The error is
// the writer's.
func CheckConfig(w io.Writer, s *config.Settings) error {
	var b bytes.Buffer
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for _, item := range s.Explain() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", item.Key, item.Value, item.Source)
	}
	if err := table.Flush(); err != nil {
		return err
	}

	b.WriteByte('\n')
	if len(s.Files) == 0 {
		b.WriteString("No file was read: name one, or set VMPOOLER_CONFIG_FILE.\n")
	}
	for _, warning := range s.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	switch n := len(s.Warnings); n {
	case 0:
		b.WriteString("OK\n")
	case 1:
		b.WriteString("OK, with 1 warning\n")
	default:
		fmt.Fprintf(&b, "OK, with %d warnings\n", n)
	}
	_, err := w.Write(b.Bytes())
	return err
}
