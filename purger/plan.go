package purger

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Input is all that a plan is made of.
type Input struct {
	State State
	// View is nil where the providers are not asked.
	View *inventory.View
	// Watch is nil for a command: nobody has seen then since when a VM has been in
	// completed, nor how many VMs a pool had a minute ago. One whose last look is older
	// than Limits.MaxStale is as good as none.
	Watch *Watch
	// Only restricts the plan to these pools and targets; empty means all.
	Pools   []string
	Targets []Target
	// Holds are the caller's own: it has just started, it knows too little.
	Holds []Hold

	DryRun bool
}

// Make plans a cycle. It is pure, but for the plan's random ID. An age that is
// unknown is never too old, and a VM that is in several places is never touched.
func Make(in Input, s Settings) *Plan {
	p := &Plan{ID: newID(), Made: in.State.Now, Redis: in.State.Redis, DryRun: in.DryRun, skew: in.State.Skew}
	if in.Watch != nil && !in.Watch.follows(in.State.Now, s.Limits.MaxStale) {
		in.Watch = nil
	}
	m := &maker{in: in, settings: s, plan: p}
	m.vms()
	m.orphans()
	m.requests()
	p.sort()
	p.pools = m.pools()
	p.UnknownVMs = m.strangers()
	p.Held = m.holds()
	for i := range p.Actions {
		a := &p.Actions[i]
		a.Outcome = Planned
		if h, held := p.held(a); held {
			a.Outcome, a.Why = Held, h.Reason
		}
	}
	return p
}

// newID returns a name that no other plan has.
func newID() string { return rand.Text()[:12] }

type maker struct {
	in       Input
	settings Settings
	plan     *Plan
}

// wants says whether the target is switched on and asked for.
func (m *maker) wants(t Target) bool { return m.settings.Targets[t] && among(m.in.Targets, t) }

func (m *maker) wantsPool(pool string) bool { return among(m.in.Pools, pool) }

// among says whether x is in the list, in which nothing stands for everything.
func among[T comparable](list []T, x T) bool {
	return len(list) == 0 || slices.Contains(list, x)
}

// age returns how old a text of a hash is at now, and what it says. It is unknown
// for one that is missing, unreadable or in the future.
func (m *maker) age(text string) (age time.Duration, since time.Time, known bool) {
	since, err := vmpooler.ParseTime(text)
	if err != nil {
		return 0, time.Time{}, false
	}
	age = m.in.State.Now.Sub(since)
	return age, since, age >= 0
}

// pools returns every pool that has a VM in a queue, by name.
func (m *maker) pools() []string {
	seen := make(map[string]struct{})
	for _, places := range m.in.State.Places {
		for _, at := range places {
			seen[at.Pool] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func (m *maker) add(a Action) {
	if a.Provider == "" {
		a.Provider = m.in.View.Verdict(a.Pool, a.VM)
	}
	m.plan.Actions = append(m.plan.Actions, a)
}

// tooOld is the reason of an action whose rule is an age.
func tooOld(what string, age, limit time.Duration) string {
	return fmt.Sprintf("%s for %s, limit %s", what, short(age), short(limit))
}

// short prints a duration in its two largest units.
func short(d time.Duration) string {
	d = d.Truncate(time.Second)
	switch {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
