package cli

import (
	"bytes"
	"fmt"
	"strings"
)

// table is rows under titles. A column whose every cell is empty is left out.
type table struct {
	titles []string
	rows   []tableRow
	caps   map[int]int // most columns of a terminal that a cell of a column gets
}

type tableRow struct {
	cells []string
	style style
}

// cut is one way to make room: the cells of a column are shortened to no less than
// least; 0 leaves the column out.
type cut struct{ column, least int }

// write writes the table within width columns of a terminal, for which it makes the
// cuts in their order until it fits; 0 is no limit. It returns which columns it left
// out for want of room.
func (t *table) write(b *bytes.Buffer, width int, cuts []cut, color painter) (left []int) {
	widths := t.widths()
	for _, c := range cuts {
		short := lineWidth(widths) - width
		if width <= 0 || short <= 0 {
			break
		}
		switch w := &widths[c.column]; {
		case *w == 0:
		case c.least == 0:
			*w = 0
			left = append(left, c.column)
		case *w > c.least:
			*w = max(c.least, *w-short)
		}
	}
	fmt.Fprintln(b, color.paint(bold, tableLine(t.titles, widths)))
	for _, row := range t.rows {
		fmt.Fprintln(b, color.paint(row.style, tableLine(row.cells, widths)))
	}
	return left
}

// widths returns what each column takes where there is room for all.
func (t *table) widths() []int {
	widths := make([]int, len(t.titles))
	for c, title := range t.titles {
		for _, row := range t.rows {
			widths[c] = max(widths[c], cells(row.cells[c]))
		}
		if widths[c] > 0 {
			widths[c] = max(widths[c], cells(title))
		}
		if most, ok := t.caps[c]; ok {
			widths[c] = min(widths[c], most)
		}
	}
	return widths
}

func lineWidth(widths []int) int {
	n := 0
	for _, w := range widths {
		if w > 0 {
			n += w + columnGap
		}
	}
	return n - columnGap
}

func tableLine(row []string, widths []int) string {
	var line strings.Builder
	for c, cell := range row {
		if widths[c] == 0 {
			continue
		}
		if line.Len() > 0 {
			line.WriteString(strings.Repeat(" ", columnGap))
		}
		cell = shorten(cell, widths[c])
		line.WriteString(cell)
		line.WriteString(strings.Repeat(" ", max(0, widths[c]-cells(cell))))
	}
	return strings.TrimRight(line.String(), " ")
}

// noRoom names the columns that were left out.
func (t *table) noRoom(left []int, width int) string {
	titles := make([]string, len(left))
	for i, c := range left {
		titles[i] = t.titles[c]
	}
	return fmt.Sprintf("(no room in %d columns for %s)", width, strings.Join(titles, ", "))
}
