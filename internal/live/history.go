package live

import (
	"sync"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	// Step is the time between two samples of a History.
	Step = time.Minute
	// Samples are how many a History keeps of each pool: an hour's.
	Samples = 60
	// mostPools bounds a History's memory, to some 3 MB.
	mostPools = 2000

	// missing is a sample that there is not.
	missing = -1
)

// tracked are the queues that a History follows, in the order of its samples.
var tracked = [...]vmpooler.Queue{vmpooler.Ready, vmpooler.Pending, vmpooler.Running}

// History holds how many VMs the ready, pending and running queues of each pool had
// in each minute of the last hour, in memory only. It is safe for concurrent use.
type History struct {
	mu     sync.Mutex
	newest int64         // the number, since the epoch, of the last minute that has a sample
	skew   time.Duration // of Redis' clock, which the minutes are of, against this host's
	pools  map[string]*ring
}

// ring holds a pool's samples; a minute's place is its number modulo Samples.
type ring struct {
	minutes [Samples]int64 // which minute stands at a place; 0 for none
	sizes   [Samples][len(tracked)]int32
	last    int64
}

// NewHistory returns a History that has seen nothing.
func NewHistory() *History { return &History{pools: make(map[string]*ring)} }

// Add takes the first snapshot of each minute, and no other.
func (h *History) Add(s *vmpooler.Snapshot) {
	minute := minuteOf(s.Now)
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.SkewKnown {
		h.skew = s.Skew
	}
	switch {
	case minute == h.newest:
		return
	case minute < h.newest: // the clock was set back: what stands at later minutes is not true
		clear(h.pools)
	}
	h.newest = minute
	for i := range s.Pools {
		p := &s.Pools[i]
		r := h.pools[p.Name]
		if r == nil {
			if len(h.pools) >= mostPools {
				continue
			}
			r = &ring{}
			h.pools[p.Name] = r
		}
		place := minute % Samples
		r.minutes[place], r.last = minute, minute
		for k, q := range tracked {
			r.sizes[place][k] = missing
			if p.Queues[q].Err == nil {
				r.sizes[place][k] = int32(len(p.Queues[q].VMs)) //nolint:gosec // no queue has two thousand million VMs
			}
		}
	}
	for name, r := range h.pools {
		if minute-r.last >= Samples {
			delete(h.pools, name)
		}
	}
}

func minuteOf(t time.Time) int64 { return t.Unix() / int64(Step/time.Second) }

// clock is what Redis' clock shows when this host's shows now, by the last snapshot.
func (h *History) clock(now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Add(h.skew)
}

// has says whether the last sample is that of the minute of t, by Redis' clock.
func (h *History) has(t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.newest == minuteOf(t)
}

// Hour is a pool's last hour. Each slice has one number for each of Samples minutes,
// the oldest first; -1 is a sample that is missing.
type Hour struct {
	Step                    time.Duration // between two samples
	End                     time.Time     // the minute of the last sample
	Ready, Pending, Running []int64
	// Ahead is what is to be expected if it goes on like this, the soonest first.
	Ahead []Ahead
}

// Hours returns the last hour of every pool that had a sample in it, by name, with
// what is ahead by these thresholds.
func (h *History) Hours(t health.Thresholds) map[string]*Hour {
	h.mu.Lock()
	defer h.mu.Unlock()
	hours := make(map[string]*Hour, len(h.pools))
	for name, r := range h.pools {
		hour := &Hour{Step: Step, End: time.Unix(h.newest*int64(Step/time.Second), 0).UTC()}
		for k, into := range []*[]int64{&hour.Ready, &hour.Pending, &hour.Running} {
			*into = r.series(h.newest, k)
		}
		hour.Ahead = ahead(hour, t)
		hours[name] = hour
	}
	return hours
}

// series returns the samples of one queue, up to a minute.
func (r *ring) series(newest int64, k int) []int64 {
	out := make([]int64, Samples)
	for i := range out {
		minute := newest - Samples + 1 + int64(i)
		out[i] = missing
		if place := minute % Samples; place >= 0 && r.minutes[place] == minute {
			out[i] = int64(r.sizes[place][k])
		}
	}
	return out
}
