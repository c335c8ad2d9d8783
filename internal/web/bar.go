package web

import (
	"strconv"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Bar is a number against its limit, drawn 60 units wide.
type Bar struct {
	Length string // of 60; "" for no bar
	Class  string // of CSS: its severity, and "half" for room for the mark
	Mark   bool   // in the middle, the limit
}

const barWidth = 60

// limitBar is full where a queue's size is critical, twice its limit.
func limitBar(size, limit int64, s severity) Bar {
	return Bar{Length: barLength(size, 2*limit), Class: string(s) + " half", Mark: true}
}

// readyBar is full where the pool has what it is to have: its limit is so far above
// the sizes of pools that a bar against it would be empty. Beyond the limit, or where
// nobody knows what the pool is to have, the bar is against the limit.
func readyBar(size int64, wanted vmpooler.Number, limit int64, s severity) Bar {
	if s != good || !wanted.Known || wanted.Value == 0 {
		return limitBar(size, limit, s)
	}
	if size == 0 {
		s = warn
	}
	return Bar{Length: barLength(size, wanted.Value), Class: string(s)}
}

// barLength is how much of a bar is filled: something wherever there is something.
func barLength(value, full int64) string {
	if full <= 0 {
		full = 1
	}
	n := min(barWidth, value*barWidth/full)
	if value > 0 {
		n = max(n, 1)
	}
	return strconv.FormatInt(n, 10)
}
