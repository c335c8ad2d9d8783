package lifecycle

import (
	"maps"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// RequestTracker follows the on-demand requests that wait. As Tracker does for
// VMs, it is told which there are (Look), says whose hashes it needs, and tells
// what these say (Take).
//
// vmpooler takes a request out of one queue before it puts it into the next, and
// a failed one stays for minutes: what became of a request is what its hash says
// when it is in neither queue any more.
type RequestTracker struct {
	waiting map[string]time.Time // id → when it was made; nil before the first look
	fresh   map[string]time.Time // those whose beginning is not told yet
	gone    map[string]goneRequest
}

type goneRequest struct {
	made  time.Time
	until time.Time // when nobody waits for its end any more
}

// NewRequestTracker returns a RequestTracker that knows nothing yet.
func NewRequestTracker() *RequestTracker {
	return &RequestTracker{fresh: make(map[string]time.Time), gone: make(map[string]goneRequest)}
}

// Look takes the requests that wait, each with the time when it was made, and
// returns those whose hashes are needed, for Take. Those of the first look began
// before anybody watched.
func (t *RequestTracker) Look(waiting map[string]time.Time, now time.Time) []string {
	for id, made := range waiting {
		_, known := t.waiting[id]
		_, back := t.gone[id]
		if t.waiting != nil && !known && !back {
			t.fresh[id] = made
		}
		delete(t.gone, id)
	}
	for id, made := range t.waiting {
		if _, ok := waiting[id]; !ok {
			t.gone[id] = goneRequest{made: made, until: now.Add(watchFor)}
		}
	}
	for id, g := range t.gone {
		if now.After(g.until) { // its hash is gone, or it was lost
			delete(t.gone, id)
			delete(t.fresh, id)
		}
	}
	t.waiting = waiting
	need := slices.AppendSeq(slices.Collect(maps.Keys(t.gone)), maps.Keys(t.fresh))
	slices.Sort(need)
	return slices.Compact(need)
}

// Take takes hashes that Look asked for and returns what they tell.
func (t *RequestTracker) Take(requests []Request, now time.Time) []RequestEvent {
	var events []RequestEvent
	for _, r := range requests {
		if made, ok := t.fresh[r.ID]; ok && len(r.Pools) > 0 {
			events = append(events, RequestEvent{Kind: Requested, ID: r.ID, Pools: r.Pools, At: made})
			delete(t.fresh, r.ID)
		}
		g, ok := t.gone[r.ID]
		if !ok {
			continue
		}
		if e, over := r.end(g.made, now); over {
			events = append(events, e)
			delete(t.gone, r.ID)
		}
	}
	return events
}

// end returns how a request that waits no more ended, if it has.
func (r Request) end(made, now time.Time) (RequestEvent, bool) {
	e := RequestEvent{ID: r.ID, Pools: r.Pools, At: now}
	switch r.Status {
	case vmpooler.RequestReady:
		e.Kind, e.At = Fulfilled, r.fulfilled(made, now)
	case vmpooler.RequestFailed:
		e.Kind = RequestFailed
	case vmpooler.RequestDeleted:
		e.Kind = RequestDeleted
	case vmpooler.RequestPending, vmpooler.RequestOther:
		return RequestEvent{}, false
	default: // pending has no status yet
		return RequestEvent{}, false
	}
	e.Took = max(0, e.At.Sub(made))
	return e, true
}
