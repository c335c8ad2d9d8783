package web

import (
	"slices"
	"strconv"

	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// The size of a sparkline's drawing. One unit across is one sample.
const (
	sparkMost   = 60
	sparkHeight = 20
)

// Spark is a pool's last hour as two lines.
type Spark struct {
	Ready, Pending string // paths; "" for a line that is 0 all the time
	Label          string // the same in words
}

// newSpark draws an hour; nil where there is no sample yet. A point takes about three
// bytes of the page: what stays the same is one stroke.
func newSpark(h *live.Hour) *Spark {
	if h == nil || !known(h.Ready) && !known(h.Pending) {
		return nil
	}
	ready, pending := thin(h.Ready), thin(h.Pending)
	top := int64(1)
	for i := range ready {
		top = max(top, ready[i], pending[i])
	}
	return &Spark{
		Ready: strokes(ready, top), Pending: strokes(pending, top),
		Label: "last hour: ready " + rangeText(ready) + ", pending " + rangeText(pending),
	}
}

// known says whether any sample is not missing.
func known(v []int64) bool {
	return slices.ContainsFunc(v, func(n int64) bool { return n >= 0 })
}

// thin leaves out samples evenly until they fit, never the newest.
func thin(v []int64) []int64 {
	if len(v) <= sparkMost {
		return v
	}
	out := make([]int64, sparkMost)
	for i := range out {
		out[i] = v[(i+1)*len(v)/sparkMost-1]
	}
	return out
}

// strokes writes the points of a line that ends at the right edge, as strokes from each
// to the next. What is missing is a gap; a point between two gaps is a stroke of no
// length, which is drawn as a dot.
func strokes(v []int64, top int64) string {
	var b []byte
	first := sparkMost - len(v)
	pen := false // down: at a point to draw from
	alone := false
	run, last := 0, int64(0)
	level := func(n int64) int64 { return sparkHeight - n*sparkHeight/top }
	flat := func() {
		if run > 0 {
			b = strconv.AppendInt(append(b, 'h'), int64(run), 10)
			run = 0
		} else if alone {
			b = append(b, "h0"...)
		}
		alone = false
	}
	drawn := false // anything but zeros
	for i, n := range v {
		if n < 0 {
			flat()
			pen = false
			continue
		}
		drawn = drawn || n > 0
		y := level(n)
		switch {
		case !pen:
			b = strconv.AppendInt(append(b, 'M'), int64(first+i), 10)
			b = strconv.AppendInt(append(b, ' '), y, 10)
			pen, alone = true, true
		case y == last:
			run++
		default:
			alone = false
			flat()
			b = append(b, 'l', '1')
			if y > last {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, y-last, 10)
		}
		last = y
	}
	flat()
	if !drawn {
		return ""
	}
	return string(b)
}

// rangeText is the least and the most, and the newest.
func rangeText(v []int64) string {
	least, most, newest := int64(-1), int64(-1), int64(-1)
	for _, n := range v {
		if n < 0 {
			continue
		}
		if least < 0 || n < least {
			least = n
		}
		most, newest = max(most, n), n
	}
	switch {
	case most < 0:
		return unknown
	case least == most:
		return count(most)
	}
	return count(least) + " to " + count(most) + ", now " + count(newest)
}
