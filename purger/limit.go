package purger

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// beyond returns a hold for each pool of which the plan would take too much.
func (m *maker) beyond() []Hold {
	type count struct{ all, ready int }
	planned := make(map[string]count)
	requests := 0
	for i := range m.plan.Actions {
		a := &m.plan.Actions[i]
		if a.Target == Request {
			requests++
			continue
		}
		c := planned[a.Pool]
		c.all++
		if a.Target == Ready || a.Target == Ghost && a.Queue == vmpooler.Ready {
			c.ready++
		}
		planned[a.Pool] = c
	}
	limits := m.settings.Limits
	ready := m.sizes(vmpooler.Ready)
	var holds []Hold
	for pool, c := range planned {
		most := ready[pool] * limits.ReadyPercent / 100
		if limits.ReadyPercent > 0 { // else a pool of one could never be cleared
			most = max(most, 1)
		}
		switch {
		case c.all > limits.PerPool:
			holds = append(holds, Hold{Pool: pool, Cause: HoldLimit, Reason: fmt.Sprintf(
				"%d entries are stale, more than %d of a pool are not purged at once", c.all, limits.PerPool)})
		case c.ready > most:
			holds = append(holds, Hold{Pool: pool, Cause: HoldLimit, Reason: fmt.Sprintf(
				"%d of %d ready VMs are stale, more than %d are not purged at once", c.ready, ready[pool], most)})
		}
	}
	if requests > limits.PerPool {
		holds = append(holds, Hold{Target: Request, Cause: HoldRequests, Reason: fmt.Sprintf(
			"%d requests are stale, more than %d are not purged at once", requests, limits.PerPool)})
	}
	sortHolds(holds)
	return holds
}

// sizes returns how many VMs each pool has in a queue.
func (m *maker) sizes(q vmpooler.Queue) map[string]int {
	n := make(map[string]int)
	for _, places := range m.in.State.Places {
		for _, at := range places {
			if at.Queue == q {
				n[at.Pool]++
			}
		}
	}
	return n
}

// freshly is how young a destruction is that counts for a cliff.
const freshly = 10 * time.Minute

// cliffs returns a hold for each pool that has just lost most of its VMs (contract
// 3.13), as the Watch saw it. A command has none, and one that is young has not seen
// the fall: then what a cliff leaves behind in completed is taken for one, more VMs
// whose destruction has just begun, or has not, than the pool has others.
func (m *maker) cliffs() []Hold {
	var holds []Hold
	seen := m.seenCliffs()
	for pool, c := range seen {
		reason := fmt.Sprintf("its VMs that were ready or in use have just fallen from %d to %d", c.Before, c.Now)
		if c.Sure {
			reason += ", and vmpooler deleted their metadata: the provider does not list them"
		}
		holds = append(holds, Hold{Pool: pool, Cause: HoldCliff, Reason: reason})
	}
	if m.in.Watch != nil && m.in.Watch.watchedFor(m.in.State.Now) > freshly {
		sortHolds(holds)
		return holds
	}
	fresh, rest := m.leaving()
	for pool, n := range fresh {
		if _, held := seen[pool]; !held && n >= cliffLeast && n > rest[pool] {
			holds = append(holds, Hold{Pool: pool, Cause: HoldCliff, Reason: fmt.Sprintf(
				"%d of its VMs are being destroyed at once, and it has %d others", n, rest[pool])})
		}
	}
	sortHolds(holds)
	return holds
}

func (m *maker) seenCliffs() map[string]Cliff {
	if m.in.Watch == nil {
		return nil
	}
	return m.in.Watch.Cliffs()
}

// leaving counts the VMs of each pool whose destruction has just begun, or has not,
// and all that are in its other queues.
func (m *maker) leaving() (fresh, rest map[string]int) {
	fresh, rest = make(map[string]int), make(map[string]int)
	for vm, places := range m.in.State.Places {
		for _, at := range places {
			if at.Queue != vmpooler.Completed {
				rest[at.Pool]++
				continue
			}
			h := m.in.State.Hashes[vm]
			if age, _, known := m.age(h.Destroy); h.Destroy == "" || known && age < freshly {
				fresh[at.Pool]++
			}
		}
	}
	return fresh, rest
}

func sortHolds(holds []Hold) {
	slices.SortFunc(holds, func(a, b Hold) int { return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Target, b.Target)) })
}
