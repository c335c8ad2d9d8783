package cli

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

func writeHolds(b *bytes.Buffer, holds []purger.Hold, opts PurgeOptions, color painter) {
	if len(holds) == 0 {
		return
	}
	fmt.Fprintln(b, color.paint(boldAmber, "Held, and left alone:"))
	limit := false
	for _, h := range holds {
		limit = limit || h.Cause.Overridable()
		text := fmt.Sprintf("%s: %s (%s)", holdOf(h), shownText(h.Reason), h.Cause)
		writeItem(b, text, opts.Width)
	}
	if limit {
		writeItem(b, "if all of that is to go: --override-limit goes beyond the limits of entries, once", opts.Width)
	}
	b.WriteByte('\n')
}

func holdOf(h purger.Hold) string {
	switch {
	case h.Pool != "":
		return "pool " + printable(h.Pool)
	case h.Target == purger.Request:
		return "on-demand requests"
	case h.Target != "":
		return "all " + string(h.Target)
	}
	return "all pools"
}

// writeItem writes a line of a list, and goes on below it where it is too long.
func writeItem(b *bytes.Buffer, text string, width int) {
	room, mark := 0, "  - "
	if width > 0 {
		room = max(leastMessage, width-len(mark))
	}
	for _, line := range fill([]string{text}, "", room) {
		b.WriteString(mark + line + "\n")
		mark = "    "
	}
}

// mostUnknown is how many VMs of a pool are named; programs get all.
const mostUnknown = 10

func writeUnknownVMs(b *bytes.Buffer, unknown map[string][]string, opts PurgeOptions) {
	title := "At the provider, and in no queue of vmpooler's (nothing is done about them):\n"
	for _, pool := range slices.Sorted(maps.Keys(unknown)) {
		vms := unknown[pool]
		if len(vms) == 0 {
			continue
		}
		names := make([]string, 0, mostUnknown)
		for _, vm := range vms[:min(len(vms), mostUnknown)] {
			names = append(names, printable(vm))
		}
		list := strings.Join(names, ", ")
		if more := len(vms) - len(names); more > 0 {
			list += " and " + count(int64(more)) + " more"
		}
		b.WriteString(title)
		title = ""
		writeItem(b, fmt.Sprintf("pool %s: %s", printable(pool), list), opts.Width)
	}
	if title == "" {
		b.WriteByte('\n')
	}
}

// PurgeInventory returns what there is to say about the providers' listings, a line
// for each that can't be relied on.
func PurgeInventory(states map[string]inventory.PoolState) []string {
	var lines []string
	for _, pool := range slices.Sorted(maps.Keys(states)) {
		if s := states[pool]; !s.Known {
			lines = append(lines, fmt.Sprintf("pool %s: its VMs at the provider are unknown: %s", printable(pool), shownText(s.Why)))
		}
	}
	return lines
}
