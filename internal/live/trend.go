package live

import (
	"cmp"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
)

// Event is what a pool may be heading for.
type Event string

// The events.
const (
	Empty        Event = "empty"         // no VM is ready
	PendingLimit Event = "pending_queue" // pending is beyond pending_queue_max
	ReadyLimit   Event = "ready_queue"   // ready is beyond ready_queue_max
)

// Ahead is an event that is to be expected.
type Ahead struct {
	Event Event
	Limit int64         // VMs
	In    time.Duration // from the last sample on
}

// What a line through the last samples has to be for it to say anything.
const (
	trendSamples = 15  // looked at, at the most
	leastSamples = 6   // known among them
	leastChange  = 2.0 // VMs, over the samples
	leastFit     = 0.8 // R², the share of what varies that the line explains
	farthest     = 6 * time.Hour
)

func ahead(h *Hour, t health.Thresholds) []Ahead {
	var list []Ahead
	for _, e := range [...]struct {
		event   Event
		samples []int64
		limit   int64
		beyond  int64 // how far from the limit it happens
	}{
		{Empty, h.Ready, 0, 0},
		{PendingLimit, h.Pending, int64(t.PendingQueueMax), 1},
		{ReadyLimit, h.Ready, int64(t.ReadyQueueMax), 1},
	} {
		if e.event != Empty && last(e.samples) >= e.limit+e.beyond { // it has happened, and may be over soon
			continue
		}
		if steps, ok := stepsUntil(e.samples, e.limit+e.beyond); ok && steps <= float64(farthest/h.Step) {
			in := time.Duration(steps * float64(h.Step)).Round(time.Second)
			list = append(list, Ahead{Event: e.event, Limit: e.limit, In: in})
		}
	}
	slices.SortStableFunc(list, func(a, b Ahead) int { return cmp.Compare(a.In, b.In) })
	return list
}

func last(samples []int64) int64 {
	if len(samples) == 0 {
		return missing
	}
	return samples[len(samples)-1]
}

// stepsUntil returns how many steps after the last sample a queue's size reaches
// limit, if it goes on as in the last samples. It is false where these are too few
// or too old, where they do not follow a line in both of their halves (a pool that is
// drained and filled in turn, or was resized once, has no trend), and where the line
// leads away from the limit or has reached it.
func stepsUntil(samples []int64, limit int64) (float64, bool) {
	var xs, ys []float64
	from := max(0, len(samples)-trendSamples)
	for i, n := range samples[from:] {
		if n != missing {
			xs, ys = append(xs, float64(i)), append(ys, float64(n))
		}
	}
	n := len(xs)
	if n < leastSamples || int(xs[n-1]) != len(samples)-from-1 {
		return 0, false
	}
	slope, fit := line(xs, ys)
	half := n / 2
	first, _ := line(xs[:half+1], ys[:half+1])
	second, _ := line(xs[half:], ys[half:])
	change := slope * (xs[n-1] - xs[0])
	left := float64(limit) - ys[n-1]
	switch {
	case max(change, -change) < leastChange, fit < leastFit:
		return 0, false
	case slope*first <= 0, slope*second <= 0, slope*left <= 0:
		return 0, false
	}
	return left / slope, true
}

// line fits a line by least squares and returns its slope and R². There are at least
// two different xs.
func line(xs, ys []float64) (slope, fit float64) {
	n := float64(len(xs))
	var mx, my float64
	for i := range xs {
		mx += xs[i] / n
		my += ys[i] / n
	}
	var sxx, sxy, syy float64
	for i := range xs {
		sxx += (xs[i] - mx) * (xs[i] - mx)
		sxy += (xs[i] - mx) * (ys[i] - my)
		syy += (ys[i] - my) * (ys[i] - my)
	}
	if syy == 0 {
		return 0, 0
	}
	return sxy / sxx, sxy * sxy / (sxx * syy)
}
