package inventory

import (
	"slices"
	"time"
)

// Verdict is what is known of a VM at its provider.
type Verdict string

// The verdicts.
const (
	Unverified Verdict = "unverified" // nobody asked
	Unknown    Verdict = "unknown"    // it was asked, and its answer can't be relied on
	Present    Verdict = "present"
	Absent     Verdict = "absent"
)

// View is what the providers' last listings say. It is immutable; of a nil View
// everything is Unverified.
type View struct {
	pools map[string]*poolView
}

type poolView struct {
	state   PoolState
	vms     map[string]struct{}  // of the last listing that succeeded
	missing map[string]time.Time // VM → when the first of the listings in a row began that lacked it
}

// PoolState says how far a pool's listing can be relied on.
type PoolState struct {
	Known bool
	Why   string    // why it is unknown; no secrets
	At    time.Time // when the last listing that is relied on began; zero if none was
	VMs   int       // of that listing
}

// Verdict returns what is known of the VM. Of a pool that nobody could ask about,
// since no file names it, nothing is known.
func (v *View) Verdict(pool, vm string) Verdict {
	p := v.pool(pool)
	switch {
	case v == nil:
		return Unverified
	case p == nil || !p.state.Known:
		return Unknown
	}
	if _, ok := p.vms[vm]; ok {
		return Present
	}
	return Absent
}

// Missing returns between which listings, by their beginnings, the provider has
// been without the VM: all of them could be relied on and all lacked it. Both are
// the same after the first. It is false for a VM that is not Absent.
func (v *View) Missing(pool, vm string) (first, last time.Time, ok bool) {
	if v.Verdict(pool, vm) != Absent {
		return time.Time{}, time.Time{}, false
	}
	p := v.pool(pool)
	first, ok = p.missing[vm]
	return first, p.state.At, ok
}

// States returns how far each pool's listing can be relied on, by name.
func (v *View) States() map[string]PoolState {
	out := make(map[string]PoolState)
	if v == nil {
		return out
	}
	for name, p := range v.pools {
		out[name] = p.state
	}
	return out
}

// Strangers returns the VMs that the provider has and that are not known, by pool,
// each list in ascending order. A pool whose listing can't be relied on is left
// out.
func (v *View) Strangers(known func(vm string) bool) map[string][]string {
	out := make(map[string][]string)
	if v == nil {
		return out
	}
	for name, p := range v.pools {
		if !p.state.Known {
			continue
		}
		list := []string{}
		for vm := range p.vms {
			if !known(vm) {
				list = append(list, vm)
			}
		}
		slices.Sort(list)
		out[name] = list
	}
	return out
}

// Since returns the Verdict of a VM that was made at this time: a listing that began
// earlier can't have it, so that without it nothing is known.
func (v *View) Since(pool, vm string, made time.Time) Verdict {
	verdict := v.Verdict(pool, vm)
	if verdict == Absent && !v.pools[pool].state.At.After(made) {
		return Unknown
	}
	return verdict
}

func (v *View) pool(name string) *poolView {
	if v == nil {
		return nil
	}
	return v.pools[name]
}
