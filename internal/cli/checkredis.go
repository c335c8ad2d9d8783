package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/vmpooler/vmpooler_exporter/internal/checkredis"
)

// CheckRedis writes what keeps the exporter from its work, one problem a line;
// then warnings; then a table of what was found; then the smallest ACLs, to copy
// from; then a line that begins with OK or NOT OK. What is missing for writing
// is a problem only where a feature that writes is on, else no more than a note.
// The error is the writer's.
func CheckRedis(w io.Writer, r *checkredis.Report) error {
	var b bytes.Buffer
	aboutWriting := "note"
	if r.Needs.Write {
		aboutWriting = "problem"
	}
	redisLines(&b, "problem", r.Problems)
	redisLines(&b, "problem", missingLines("reading", r.Read.Missing))
	redisLines(&b, aboutWriting, writingLines(r.Write))
	redisLines(&b, "warning", r.Warnings)
	if b.Len() > 0 {
		b.WriteByte('\n')
	}

	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"ADDRESS", r.Address},
		{"VERSION", r.Version.String()},
		{"ROLE", cmp.Or(string(r.Role), "unknown")},
		{"USER", r.User},
		{"DATABASE", strconv.Itoa(r.Database)},
		{"POOLS", pools(r.Pools)},
		{"READING", reading(r)},
		{"WRITING", writing(r)},
	} {
		fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
	}
	if err := table.Flush(); err != nil {
		return err
	}

	for _, l := range r.ACL {
		fmt.Fprintf(&b, "\nThe smallest ACL for %s:\n  %s\n", l.Purpose, l.Line)
	}
	fmt.Fprintf(&b, "\n%s\n", redisVerdict(r))
	_, err := w.Write(b.Bytes())
	return err
}

func redisLines(b *bytes.Buffer, kind string, lines []string) {
	for _, l := range lines {
		fmt.Fprintf(b, "%s: %s\n", kind, l)
	}
}

func writingLines(w checkredis.Write) []string {
	switch w.State {
	case checkredis.Impossible:
		return []string{"writing is impossible: " + w.Reason}
	case checkredis.Unknown:
		return []string{"whether writing is permitted is unknown: " + w.Reason}
	case checkredis.Refused:
		return missingLines("writing", w.Missing)
	case checkredis.Possible:
	}
	return nil
}

// missingLines says in one line which commands are missing, and in one for each
// pattern of keys which are refused on it.
func missingLines(what string, missing []checkredis.Missing) []string {
	var patterns []string
	commands := map[string][]string{}
	for _, m := range missing {
		if commands[m.Keys] == nil {
			patterns = append(patterns, m.Keys)
		}
		commands[m.Keys] = append(commands[m.Keys], m.Command)
	}
	lines := make([]string, 0, len(patterns))
	for _, keys := range patterns {
		list := strings.Join(commands[keys], ", ")
		if keys == "" {
			lines = append(lines, fmt.Sprintf("%s: not permitted: %s", what, list))
		} else {
			lines = append(lines, fmt.Sprintf("%s: not permitted on the keys %s: %s", what, keys, list))
		}
	}
	return lines
}

func pools(n int) string {
	if n < 0 {
		return "unknown"
	}
	return strconv.Itoa(n)
}

func reading(r *checkredis.Report) string {
	switch {
	case !r.OK():
		return "not possible"
	case r.Read.Fast != "":
		return "possible, the fast way (" + r.Read.Fast + ")"
	}
	return "possible, with HMGET, which takes about twice as long: " + r.Read.NotFast
}

func writing(r *checkredis.Report) string {
	switch {
	case r.Write.State == checkredis.Unknown:
		return "unknown"
	case r.WriteOK():
		return "possible"
	}
	return "not possible"
}

func redisVerdict(r *checkredis.Report) string {
	switch {
	case r.WriteOK() && r.Needs.Write:
		return "OK: the exporter can read and write"
	case r.WriteOK():
		return "OK: the exporter can read, which is all that it does; writing would be permitted too"
	case r.Satisfied():
		return "OK: the exporter can read, which is all that it is set to do"
	case r.OK() && r.Write.State == checkredis.Unknown:
		return "NOT OK: the exporter can read, and it is unknown whether it can write"
	case r.OK():
		return "NOT OK: the exporter can read, but not write"
	}
	return "NOT OK: the exporter cannot read"
}
