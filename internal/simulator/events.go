package simulator

import (
	"container/heap"
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// event is something that happens at a moment of the simulated clock.
type event struct {
	at  time.Time
	seq uint64 // of two at the same moment, the one that was added first comes first
	run func(ctx context.Context, at time.Time) error
}

// events is a queue ordered by time.
type events struct {
	heap eventHeap
	seq  uint64
}

func (e *events) add(at time.Time, run func(ctx context.Context, at time.Time) error) {
	e.seq++
	heap.Push(&e.heap, event{at: at, seq: e.seq, run: run})
}

// next removes the first event, if it is not after now.
func (e *events) next(now time.Time) (event, bool) {
	if len(e.heap) == 0 || e.heap[0].at.After(now) {
		return event{}, false
	}
	return heap.Pop(&e.heap).(event), true
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = event{} // lets go of the closure
	*h = (*h)[:last]
	return e
}

// draw returns a duration of the span, in whole milliseconds.
func draw(rng *rand.Rand, s Span) time.Duration {
	d := s.Min
	if s.Max > s.Min {
		d += time.Duration(rng.Int64N(int64(s.Max - s.Min)))
	}
	return d.Truncate(time.Millisecond)
}

// drawWait returns the time until the next of events that come at random, so
// many an hour.
func drawWait(rng *rand.Rand, perHour float64) time.Duration {
	const longest = 365 * 24 * time.Hour
	wait := rng.ExpFloat64() / perHour * float64(time.Hour)
	return time.Duration(math.Min(wait, float64(longest))).Truncate(time.Millisecond)
}

func (s *Simulator) chance(p float64) bool { return p > 0 && s.rng.Float64() < p }
