package inventory

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Listing is a provider's answer for one pool.
type Listing struct {
	Pool     string
	Provider string
	Began    time.Time // a VM that was made later may be missing from it
	Took     time.Duration
	VMs      []string
	Err      error // why there is none, or not the whole of it
}

// History judges listings by those before them. It is for one goroutine.
type History struct {
	pools map[string]*poolView
	sizes map[string]int // of the last listing that succeeded, relied on or not
}

// NewHistory returns a History that has seen no listing.
func NewHistory() *History {
	return &History{pools: make(map[string]*poolView), sizes: make(map[string]int)}
}

// Take judges a round of listings and returns the View after it. Queued returns the
// VMs that vmpooler had of a pool, in whatever queue, before the round began: those
// of a later time would have VMs among them that no listing can have. Pools that
// the round does not name are dropped.
//
// A listing can't be relied on if it failed or is not whole; if none of the VMs
// that the pool has are in it, for then it is empty, or of another folder; or if it
// is less than half as long as the one before: an operator's mistake and a
// provider's bad moment look the same. A first one has to have half of the VMs
// that the pool has.
func (h *History) Take(round []Listing, queued func(pool string) []string) *View {
	v := &View{pools: make(map[string]*poolView, len(round))}
	sizes := make(map[string]int, len(round))
	for _, l := range round {
		before := h.pools[l.Pool]
		if before == nil {
			before = &poolView{}
		}
		vms := unique(queued(l.Pool)) // migrating is a second place
		l.VMs = unique(l.VMs)         // a name on two pages is one VM
		if l.Err == nil {
			sizes[l.Pool] = len(l.VMs)
		} else if n, ok := h.sizes[l.Pool]; ok {
			sizes[l.Pool] = n
		}
		last, seen := h.sizes[l.Pool]
		if why := doubt(l, vms, last, seen); why != "" {
			v.pools[l.Pool] = before.doubted(l, why)
			continue
		}
		v.pools[l.Pool] = before.follows(l, vms)
	}
	h.pools, h.sizes = v.pools, sizes
	return v
}

func unique(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// doubt says why a listing, whose names are sorted, can't be relied on, "" if it can.
func doubt(l Listing, queued []string, last int, seen bool) string {
	found := 0
	for _, vm := range queued {
		if _, ok := slices.BinarySearch(l.VMs, vm); ok {
			found++
		}
	}
	switch n := len(queued); {
	case l.Err != nil:
		return l.Err.Error()
	case len(l.VMs) == 0 && n > 0:
		return fmt.Sprintf("the provider lists no VM, vmpooler has %d", n)
	case found == 0 && n > 0:
		return fmt.Sprintf("the provider lists %d VMs, and none of the %d that vmpooler has", len(l.VMs), n)
	case seen && 2*len(l.VMs) < last:
		return fmt.Sprintf("the provider lists %d VMs, %d the time before", len(l.VMs), last)
	case !seen && 2*found < n:
		return fmt.Sprintf("the provider's first listing has %d of the %d VMs that vmpooler has", found, n)
	}
	return ""
}

// doubted keeps what was known, but for the VMs that are there after all.
func (p *poolView) doubted(l Listing, why string) *poolView {
	next := &poolView{vms: p.vms, missing: maps.Clone(p.missing), state: p.state}
	next.state.Known, next.state.Why = false, why
	for _, vm := range l.VMs {
		delete(next.missing, vm)
	}
	return next
}

// follows takes a listing that is relied on.
func (p *poolView) follows(l Listing, queued []string) *poolView {
	next := &poolView{
		vms: make(map[string]struct{}, len(l.VMs)), missing: make(map[string]time.Time),
		state: PoolState{Known: true, At: l.Began, VMs: len(l.VMs)},
	}
	for _, vm := range l.VMs {
		next.vms[vm] = struct{}{}
	}
	for _, vm := range queued {
		if _, ok := next.vms[vm]; ok {
			continue
		}
		since, ok := p.missing[vm]
		if !ok {
			since = l.Began
		}
		next.missing[vm] = since
	}
	return next
}
