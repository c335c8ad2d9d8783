package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// totals writes the numbers that belong to no single pool.
func (p *healthPrinter) totals() {
	r := p.r
	p.total("VMs", vmTotals(r))
	p.total("dead letters", deadLetters(r))
	p.total("clones", fmt.Sprintf("%s active, %s on-demand active, %s on-demand waiting",
		number(r.Tasks.Clone), number(r.Tasks.OndemandClone), number(r.Ondemand.CreateTasks)))
	p.total("requests", requestTotals(r))
	p.total("metadata", metadataTotals(r.Sweep))
}

// total writes one line, wrapped to the terminal.
func (p *healthPrinter) total(name, text string) {
	const column = len("dead letters") + columnGap
	for i, line := range fill(strings.Split(text, ", "), ", ", p.room(column)) {
		label := name
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(&p.b, "%s%s%s\n", p.color.paint(bold, label), strings.Repeat(" ", column-len(label)), line)
	}
}

// vmTotals sums the queues of all pools; the stations on the side, only where
// there is something in them.
func vmTotals(r *health.Report) string {
	var sums [vmpooler.NumQueues]healthSum
	if len(r.Pools) == 0 && !r.Known { // the list of pools could not be read
		for q := range sums {
			sums[q].missing = 1
		}
	}
	for i := range r.Pools {
		for _, q := range vmpooler.Queues() {
			sums[q] = sums[q].plus(queueSize(r.Pools[i].Queues[q]))
		}
	}
	texts := make([]string, 0, vmpooler.NumQueues)
	for _, q := range vmpooler.Queues() {
		aside := q == vmpooler.Discovered || q == vmpooler.Migrating
		if text := sums[q].String(); !aside || text != "0" {
			texts = append(texts, text+" "+q.String())
		}
	}
	return strings.Join(texts, ", ")
}

func deadLetters(r *health.Report) string {
	sum := healthSum{}
	for _, q := range r.DLQ {
		if q.Size.Known {
			sum.value += q.Size.Value
			sum.known++
		} else {
			sum.missing++
		}
	}
	if len(r.DLQ) == 0 {
		sum.missing = 1 // which queues there are was not read either
	}
	return sum.String() + deadLetterQueues(r.DLQ)
}

func requestTotals(r *health.Report) string {
	o := r.Ondemand
	text := fmt.Sprintf("%s waiting, %s processing", number(o.Waiting), number(o.Processing))
	switch {
	case !o.OldestKnown:
		text += ", oldest " + unknown
	case !o.OldestRequest.IsZero():
		text += ", oldest " + age(int64(r.CheckedAt.Sub(o.OldestRequest)/time.Second))
	}
	return text
}

func metadataTotals(s *vmpooler.SweepResult) string {
	if s == nil {
		return "? leaked, ? expiring"
	}
	took := age(int64(s.Duration / time.Second))
	if s.Duration < time.Second {
		took = s.Duration.Round(time.Millisecond).String()
	}
	return fmt.Sprintf("%s leaked, %s expiring, %s keys swept in %s", count(s.Leaked), count(s.Expiring), count(s.Keys), took)
}
