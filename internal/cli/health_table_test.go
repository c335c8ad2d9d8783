package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Every pool is in the table, however many and however narrow.
func TestHealthPrintsAllPools(t *testing.T) {
	c := manyCase()
	for _, width := range []int{0, 40, 80, 140} {
		out := c.print(t, HealthOptions{Width: width})
		_, table, _ := strings.Cut(out, "\nPOOL ")
		for i := range c.snap.Pools {
			if row := "\n" + c.snap.Pools[i].Name + " "; strings.Count(table, row) != 1 {
				t.Errorf("width %d: %q is there %d times", width, row, strings.Count(table, row))
			}
		}
	}
}

func TestHealthTableOrder(t *testing.T) {
	stuck := func(name string, n int) vmpooler.Pool {
		return pool(name, 1, queues{vmpooler.Ready: aged(1, 0, 0), vmpooler.Pending: aged(n, 3*time.Hour, 3*time.Hour)})
	}
	unread := fine("g-unread", 1)
	unread.Queues[vmpooler.Running].Err = errors.New("WRONGTYPE")
	ageUnknown := fine("f-ages", 1)
	ageUnknown.Queues[vmpooler.Running].VMs = ageless(1)
	snap := snapshot(
		fine("a", 1), fine("b", 1), stuck("c-stuck-2", 2), stuck("d-stuck-5", 5),
		pool("e-size-0", 0, nil), ageUnknown, unread, pool("h-empty", 1, nil),
		pool("i-warning", 1, queues{vmpooler.Ready: aged(1, 0, 0), vmpooler.Pending: aged(150, 0, 0)}),
		pool("j-worse-warning", 1, queues{vmpooler.Ready: aged(1, 0, 0), vmpooler.Pending: aged(160, 0, 0)}),
		pool("k-critical", 1, queues{vmpooler.Ready: aged(1, 0, 0), vmpooler.Pending: aged(201, 0, 0)}),
	)
	c := healthCase{snap: snap}
	var got []string
	for _, row := range healthRows(c.report(), snap) {
		got = append(got, row.name)
	}
	want := []string{
		"k-critical", "j-worse-warning", "i-warning", "d-stuck-5", "c-stuck-2", "h-empty", "g-unread", "f-ages",
		"a", "b", "e-size-0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What could not be read is "?", in the table and in the totals, never 0.
func TestHealthUnknownIsNotZero(t *testing.T) {
	snap := snapshot(fine("p", 1))
	snap.Pools[0].Size, snap.Pools[0].LastReady = vmpooler.Number{}, time.Time{}
	for q := range snap.Pools[0].Queues {
		snap.Pools[0].Queues[q] = vmpooler.QueueState{Err: errors.New("WRONGTYPE")}
	}
	snap.DLQ = nil
	snap.Tasks, snap.Ondemand = vmpooler.Tasks{}, vmpooler.Ondemand{}
	out := healthCase{snap: snap}.print(t, HealthOptions{})
	_, table, _ := strings.Cut(out, "\nPOOL ")
	if digits := regexp.MustCompile(`[0-9]`).FindAllString(table, -1); digits != nil {
		t.Errorf("digits %q in:\n%s", digits, table)
	}
	row := strings.Fields(strings.Split(table, "\n")[1])
	want := []string{"p", "?/?", "?", "?", "?", "?", "?", "?", "?", "?", "all", "queues", "unreadable"}
	if d := cmp.Diff(want, row); d != "" {
		t.Error(d)
	}
}

// Notes stand beside the rows where the longest just fits, else below them.
func TestHealthNotesWhereTheyFit(t *testing.T) {
	row := healthRow{name: "win-2022-x", notes: []string{"3 stuck", "empty"}}
	l := layoutHealth([]healthRow{row}, 0)
	exactly := len("win-2022-x") + l.numbers() + columnGap + len("3 stuck, empty")
	if l = layoutHealth([]healthRow{row}, exactly); l.note != len("3 stuck, empty") || l.name != len("win-2022-x") {
		t.Errorf("room for all: %d columns for notes, %d for names", l.note, l.name)
	}
	if l = layoutHealth([]healthRow{row}, exactly-1); l.note != notesBelow {
		t.Errorf("a column too few: %d columns for notes", l.note)
	}
	row.notes = nil
	if l = layoutHealth([]healthRow{row}, exactly); l.note != noNotes {
		t.Errorf("no notes: %d columns for them", l.note)
	}
}

// The columns that are left out are named, in the table's own order.
func TestHealthNamesWhatItLeavesOut(t *testing.T) {
	c := healthyCase()
	wide := c.print(t, HealthOptions{})
	for width := 40; width <= 140; width++ {
		out := c.print(t, HealthOptions{Width: width})
		_, after, found := strings.Cut(strings.ReplaceAll(out, "\n", " "), fmt.Sprintf("(no room in %d columns for ", width))
		var left []string
		if found {
			list, _, _ := strings.Cut(after, ")")
			left = strings.Split(list, ", ")
		}
		_, table, _ := strings.Cut(out, "\nPOOL ")
		head, _, _ := strings.Cut(table, "\n")
		for _, title := range healthTitles {
			if title == "OLDEST" { // also the end of another
				continue
			}
			if !strings.Contains(wide, title) {
				t.Errorf("no %s without a limit", title)
			}
			shown := slices.Contains(columnTitles(head), title)
			if shown == slices.Contains(left, title) {
				t.Errorf("width %d: %s is shown: %v, left out: %q", width, title, shown, left)
			}
		}
	}
}

// columnTitles splits a heading at runs of two spaces and more.
func columnTitles(head string) []string { return regexp.MustCompile(` {2,}`).Split(head, -1) }
