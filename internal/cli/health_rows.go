package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// healthCell is a value of the table, without its padding.
type healthCell struct {
	text  string
	style style
}

// healthRow is one pool as the table shows it.
type healthRow struct {
	name  string
	style style // of the name and the note
	cells [numHealthColumns]healthCell
	notes []string

	// What the order goes by.
	reason  int // index of the pool's worst reason, or math.MaxInt
	stuck   int64
	empty   bool
	unread  int   // weight of the queues that could not be read
	unaware int64 // VMs of unknown age
}

// healthRows makes a row of each pool: first those of the reasons, in the order
// of these, then by stuck VMs, then the empty ones, those that could not be read
// and those with unknown ages, then by name.
func healthRows(r *health.Report, snap *vmpooler.Snapshot) []healthRow {
	type held struct {
		first  int
		checks []health.Check
	}
	byPool := make(map[string]held)
	for i, k := range r.Reasons() {
		h, ok := byPool[k.Pool]
		if !ok {
			h.first = i
		}
		h.checks = append(h.checks, k)
		byPool[k.Pool] = h
	}
	rows := make([]healthRow, len(r.Pools))
	for i := range r.Pools {
		row := &rows[i]
		row.reason = math.MaxInt
		h, ok := byPool[r.Pools[i].Name]
		if ok {
			row.reason = h.first
		}
		row.set(&r.Pools[i], &snap.Pools[i], h.checks, r.CheckedAt)
	}
	slices.SortStableFunc(rows, compareRows)
	return rows
}

func compareRows(a, b healthRow) int {
	return cmp.Or(
		cmp.Compare(a.reason, b.reason),
		-cmp.Compare(a.stuck, b.stuck),
		-compareBool(a.empty, b.empty),
		-cmp.Compare(a.unread, b.unread),
		-cmp.Compare(a.unaware, b.unaware),
		cmp.Compare(a.name, b.name),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// set fills in the row. held are the pool's checks that hold.
func (row *healthRow) set(p *health.PoolReport, s *vmpooler.Pool, held []health.Check, now time.Time) {
	row.name = poolName(p.Name)
	row.empty = poolEmpty(p, s)
	row.unaware = poolUnknownAges(p)
	pending, ready := p.Queues[vmpooler.Pending], p.Queues[vmpooler.Ready]
	if pending != nil {
		row.stuck = pending.Stuck
	}

	row.cells = [numHealthColumns]healthCell{
		colReady:       {text: queueSize(ready).String() + "/" + number(s.Size)},
		colPending:     {text: queueSize(pending).String()},
		colStuck:       {text: unknown},
		colOldest:      {text: oldestAge(pending)},
		colRunning:     {text: queueSize(p.Queues[vmpooler.Running]).String()},
		colCompleted:   {text: queueSize(p.Queues[vmpooler.Completed]).String()},
		colOther:       {text: queueSize(p.Queues[vmpooler.Discovered]).plus(queueSize(p.Queues[vmpooler.Migrating])).String()},
		colReadyOldest: {text: oldestAge(ready)},
		colLastReady:   {text: ago(s.LastReady, now)},
	}
	if pending != nil {
		row.cells[colStuck].text = count(pending.Stuck)
	}
	for i := range row.cells {
		if strings.HasPrefix(row.cells[i].text, unknown) {
			row.cells[i].style = yellow
		}
	}
	row.judge(p, held)
}

// judge says in the notes, and by colours, what is wrong.
func (row *healthRow) judge(p *health.PoolReport, held []health.Check) {
	note := func(st style, format string, args ...any) {
		row.notes = append(row.notes, fmt.Sprintf(format, args...))
		if row.style != red {
			row.style = st
		}
	}
	for _, k := range held {
		st, column := yellow, colPending
		if k.Severity == health.Critical {
			st = red
		}
		if k.Condition == health.ReadyQueue {
			column = colReady
		}
		row.cells[column].style = st
		note(st, "%s %s > %s", strings.TrimSuffix(string(k.Condition), "_queue"), count(k.Value), count(k.Threshold))
	}
	if row.stuck > 0 {
		row.cells[colStuck].style = yellow
		row.cells[colOldest].style = yellow
		note(yellow, "%s stuck", count(row.stuck))
	}
	if row.empty {
		row.cells[colReady].style = yellow
		if pending := p.Queues[vmpooler.Pending]; pending != nil && pending.Size == 0 {
			note(yellow, "empty and nothing pending")
		} else {
			note(yellow, "empty")
		}
	}
	if text, weight := unreadableQueues(p); weight > 0 {
		row.unread = weight
		note(yellow, "%s unreadable", text)
	}
	if row.unaware > 0 {
		note(yellow, "%s unknown", plural(int(row.unaware), "age"))
	}
}

// unreadableQueues names the queues that could not be read and weighs them: one
// that the status depends on is worse than all of the others.
func unreadableQueues(p *health.PoolReport) (names string, weight int) {
	var list []string
	for _, q := range vmpooler.Queues() {
		if p.Queues[q] != nil {
			continue
		}
		list = append(list, q.String())
		weight++
		if q == vmpooler.Pending || q == vmpooler.Ready {
			weight += vmpooler.NumQueues
		}
	}
	switch n := len(list); {
	case n == vmpooler.NumQueues:
		return "all queues", weight
	case n > 2: // the cells say which
		return plural(n, "queue"), weight
	}
	return strings.Join(list, ", "), weight
}

// poolName writes a pool's name for a terminal, one that can't be seen in quotes.
func poolName(name string) string {
	if strings.TrimSpace(name) == "" {
		return `"` + printable(name) + `"`
	}
	return printable(name)
}

// oldestAge writes a queue's greatest age: "-" where it holds no VM, "?" where
// it was not read or no VM's age is known.
func oldestAge(q *health.QueueStats) string {
	switch {
	case q == nil:
		return unknown
	case q.Size == 0:
		return "-"
	case q.Known == 0:
		return unknown
	}
	return age(q.OldestAge)
}

// ago writes how long before now t was, "?" for none and for a time too far in
// the future to be a matter of clocks that differ a little.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	if t.IsZero() || d < -vmpooler.AgeTolerance {
		return unknown
	}
	return age(int64(d/time.Second)) + " ago"
}
