package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// HealthOptions say how WriteHealth writes. The zero value is right for a file
// or a pipe.
type HealthOptions struct {
	Color    bool
	Width    int    // columns of the terminal; 0 is no limit
	Address  string // of Redis, without user and password; may be ""
	SweepErr error  // why the report has no sweep, where one was tried
}

// manyPools is from how many pools on the verdict has scrolled away by the time
// that the prompt is back.
const manyPools = 25

// WriteHealth writes r for a terminal: the verdict, the reasons for it, what is
// wrong besides, what is not known, all pools with the ones in trouble first, and
// the totals. snap is the snapshot that r was evaluated from. The error is the
// writer's.
func WriteHealth(w io.Writer, r *health.Report, snap *vmpooler.Snapshot, opts HealthOptions) error {
	p := &healthPrinter{r: r, snap: snap, opts: opts, color: painter(opts.Color)}
	remarks, gaps := healthRemarks(r, snap), healthGaps(r, snap, opts.SweepErr)

	p.headline(len(remarks) + len(gaps))
	p.reasons()
	p.list("Not part of the status, but wrong:", remarks)
	p.list("Not known:", gaps)
	if len(r.Pools) > 0 {
		p.b.WriteByte('\n')
		p.table()
	}
	p.b.WriteByte('\n')
	p.totals()
	if len(r.Pools) >= manyPools {
		word, st := healthVerdict(r, snap)
		fmt.Fprintf(&p.b, "\n%s  (why: see the top)\n", p.color.paint(st, word))
	}
	_, err := w.Write(p.b.Bytes())
	return err
}

// healthPrinter is one WriteHealth under way.
type healthPrinter struct {
	b     bytes.Buffer
	r     *health.Report
	snap  *vmpooler.Snapshot
	opts  HealthOptions
	color painter
}

// headline writes the verdict, then when and where it was found: on lines of
// their own where there is no room beside the verdict.
func (p *healthPrinter) headline(remarks int) {
	word, st := healthVerdict(p.r, p.snap)
	facts := p.facts(word, remarks)
	about := []string{p.r.CheckedAt.UTC().Format("2006-01-02 15:04:05 UTC")}
	if p.opts.Address != "" {
		about = append(about, printable(p.opts.Address))
	}
	const gap = "  "
	oneLine := strings.Join(facts, ", ") + gap + p.color.paint(dim, strings.Join(about, gap))
	length := cells(word + gap + strings.Join(facts, ", ") + gap + strings.Join(about, gap))
	p.b.WriteString(p.color.paint(st, word))
	if p.opts.Width <= 0 || length <= p.opts.Width {
		p.b.WriteString(gap + oneLine + "\n")
		return
	}
	for i, line := range fill(facts, ", ", p.room(cells(word+gap))) {
		if i > 0 {
			p.spaces(cells(word))
		}
		p.b.WriteString(gap + line + "\n")
	}
	for _, line := range fill(about, gap, p.room(0)) {
		fmt.Fprintln(&p.b, p.color.paint(dim, line))
	}
}

// facts are what stands beside the verdict.
func (p *healthPrinter) facts(verdict string, remarks int) []string {
	facts := []string{"no pools"}
	switch n := len(p.r.Pools); {
	case n > 0:
		facts[0] = plural(n, "pool")
	case !p.r.Known:
		facts[0] = "the pools could not be read"
	}
	if n := len(p.r.Reasons()); n > 0 {
		facts = append(facts, plural(n, "reason"))
	}
	if remarks > 0 {
		facts = append(facts, plural(remarks, "remark"))
	}
	switch {
	case verdict == healthUnknown && len(p.r.Pools) > 0:
		facts = append(facts, "nothing wrong in what could be read")
	case verdict != healthUnknown && statusUncertain(p.r, p.snap):
		facts = append(facts, "not all could be read")
	case verdict != healthUnknown && p.r.Status == health.Healthy && remarks == 0:
		facts = append(facts, "nothing wrong")
	}
	return facts
}

// reasons writes the reasons for the status, each after its severity.
func (p *healthPrinter) reasons() {
	reasons, more := healthReasons(p.r)
	if len(reasons) == 0 {
		return
	}
	p.b.WriteByte('\n')
	for _, reason := range reasons {
		p.item(fmt.Sprintf("%-8s", reason.severity), severityStyle(reason.severity), reason.text)
	}
	if more > 0 {
		p.item("        ", plain, "and "+plural(more, "more pool")+" beyond a limit: see the notes below")
	}
}

// list writes items under a heading, or nothing where there are none.
func (p *healthPrinter) list(heading string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(&p.b, "\n%s\n", p.color.paint(bold, heading))
	for _, text := range items {
		p.item("-", yellow, text)
	}
}

// item writes text beside its label; the lines that it is wrapped to begin
// below its first.
func (p *healthPrinter) item(label string, st style, text string) {
	indent := 2 + cells(label) + 2
	if label == "-" {
		indent-- // a bullet stands one space before its text
	}
	lines := fill(strings.Fields(text), " ", p.room(indent))
	fmt.Fprintf(&p.b, "  %s%s%s\n", p.color.paint(st, label), strings.Repeat(" ", indent-2-cells(label)), lines[0])
	for _, line := range lines[1:] {
		fmt.Fprintf(&p.b, "%s%s\n", strings.Repeat(" ", indent), line)
	}
}

// room is how many columns are left beside an indent: 0 for no limit, and
// never so few that words are broken for nothing.
func (p *healthPrinter) room(indent int) int {
	const least = 20
	if p.opts.Width <= 0 {
		return 0
	}
	return max(least, p.opts.Width-indent)
}

func severityStyle(s health.Severity) style {
	switch s {
	case health.Critical:
		return boldRed
	case health.Warning:
		return boldAmber
	}
	return plain
}
