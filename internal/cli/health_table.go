package cli

import (
	"fmt"
	"strings"
)

// The columns between the pool's name and the note.
const (
	colReady = iota
	colPending
	colStuck
	colOldest
	colRunning
	colCompleted
	colOther
	colReadyOldest
	colLastReady
	numHealthColumns
)

var healthTitles = [numHealthColumns]string{
	colReady: "READY", colPending: "PENDING", colStuck: "STUCK", colOldest: "OLDEST", colRunning: "RUNNING",
	colCompleted: "COMPLETED", colOther: "OTHER", colReadyOldest: "READY OLDEST", colLastReady: "LAST READY",
}

// dispensable are the columns to leave out where the terminal is too narrow, in
// this order. The others are what one looks for at night.
var dispensable = [...]int{colOther, colReadyOldest, colCompleted, colRunning, colLastReady}

const (
	columnGap = 2
	wholeName = 24 // columns are left out before a name is cut to less
	leastName = 12 // a name is never cut to less: the line is too long then
	leastNote = 24 // with less room beside the table, notes go below their rows
)

// healthLayout is how the table fits the terminal.
type healthLayout struct {
	name   int // columns of the pools' names
	hidden [numHealthColumns]bool
	widths [numHealthColumns]int
	note   int // columns for the notes beside the rows, or one of the below
}

const (
	notesUnlimited = 0
	notesBelow     = -1 // each on lines of its own, below its row
	noNotes        = -2
)

// layoutHealth finds the best layout for a terminal of that width, 0 for none.
func layoutHealth(rows []healthRow, terminal int) healthLayout {
	l := healthLayout{name: len("POOL"), note: noNotes}
	longest := 0
	for c, title := range healthTitles {
		l.widths[c] = len(title)
	}
	for i := range rows {
		l.name = max(l.name, cells(rows[i].name))
		longest = max(longest, cells(strings.Join(rows[i].notes, ", ")))
		for c, cell := range rows[i].cells {
			l.widths[c] = max(l.widths[c], cells(cell.text))
		}
	}
	if longest > 0 {
		l.note = notesUnlimited
	}
	if terminal > 0 {
		l.fit(terminal, longest)
	}
	return l
}

// fit makes room: by leaving columns out, then by putting the notes below the
// rows, then by cutting names. longest is the width of the longest notes.
func (l *healthLayout) fit(terminal, longest int) {
	for _, c := range dispensable {
		if min(l.name, wholeName)+l.numbers() <= terminal {
			break
		}
		l.hidden[c] = true
	}
	room := terminal - l.numbers()
	if l.note == notesUnlimited {
		beside := columnGap + min(longest, leastNote)
		if room-beside < min(l.name, wholeName) {
			l.note = notesBelow
		} else {
			l.name = min(l.name, room-beside)
			l.note = room - l.name - columnGap
		}
	}
	l.name = min(l.name, max(leastName, room))
}

// numbers is how many columns the shown numbers take, gaps included.
func (l *healthLayout) numbers() int {
	n := 0
	for c, w := range l.widths {
		if !l.hidden[c] {
			n += columnGap + w
		}
	}
	return n
}

// table writes all pools.
func (p *healthPrinter) table() {
	rows := healthRows(p.r, p.snap)
	l := layoutHealth(rows, p.opts.Width)
	p.tableHead(&l)
	for i := range rows {
		p.row(&rows[i], &l)
	}
	var left []string
	for c, hidden := range l.hidden {
		if hidden {
			left = append(left, healthTitles[c])
		}
	}
	if len(left) > 0 {
		text := fmt.Sprintf("(no room in %d columns for %s)", p.opts.Width, strings.Join(left, ", "))
		for _, line := range fill(strings.Fields(text), " ", p.room(0)) {
			fmt.Fprintln(&p.b, p.color.paint(dim, line))
		}
	}
}

func (p *healthPrinter) tableHead(l *healthLayout) {
	var line strings.Builder
	fmt.Fprintf(&line, "%-*s", l.name, "POOL")
	for c, title := range healthTitles {
		if !l.hidden[c] {
			fmt.Fprintf(&line, "%*s", columnGap+l.widths[c], title)
		}
	}
	if l.note >= notesUnlimited {
		line.WriteString("  NOTE")
	}
	fmt.Fprintln(&p.b, p.color.paint(bold, line.String()))
}

func (p *healthPrinter) row(row *healthRow, l *healthLayout) {
	name := shorten(row.name, l.name)
	p.b.WriteString(p.color.paint(row.style, name))
	p.spaces(l.name - cells(name))
	for c := range row.cells {
		if l.hidden[c] {
			continue
		}
		cell := row.cells[c]
		p.spaces(columnGap + l.widths[c] - cells(cell.text))
		p.b.WriteString(p.color.paint(cell.style, cell.text))
	}
	p.notes(row, l)
}

// notes ends the row's line with its notes, or writes them below it.
func (p *healthPrinter) notes(row *healthRow, l *healthLayout) {
	if len(row.notes) == 0 {
		p.b.WriteByte('\n')
		return
	}
	beside := l.name + l.numbers() + columnGap
	if l.note != notesBelow {
		for i, line := range fill(row.notes, ", ", l.note) {
			if i > 0 {
				p.spaces(beside - columnGap)
			}
			p.spaces(columnGap)
			fmt.Fprintln(&p.b, p.color.paint(row.style, line))
		}
		return
	}
	const corner = "  └ "
	p.b.WriteByte('\n')
	for i, line := range fill(row.notes, ", ", p.room(cells(corner))) {
		if i == 0 {
			p.b.WriteString(corner)
		} else {
			p.spaces(cells(corner))
		}
		fmt.Fprintln(&p.b, p.color.paint(row.style, line))
	}
}

func (p *healthPrinter) spaces(n int) { p.b.WriteString(strings.Repeat(" ", max(0, n))) }
