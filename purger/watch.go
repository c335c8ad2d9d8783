package purger

import (
	"sync"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	// cliffWindow is how fast a pool must lose its VMs for it to be a cliff: a
	// provider that lists nothing for a moment empties it within seconds.
	cliffWindow = 2 * time.Minute
	// lossWindow is how fast their metadata goes with them: vmpooler drops all of a
	// pool in one look at its provider.
	lossWindow = 15 * time.Second
	// cliffLeast is how many VMs it must lose: a pool of four that are taken and
	// given back is no cliff. A smaller pool has fallen off one if it had at least
	// cliffSmall, and all of them are gone with their metadata.
	cliffLeast = 5
	cliffSmall = 2
	// cliffKeeps is how long a cliff is one, unless the pool has recovered: vmpooler
	// then destroys what the provider lists again.
	cliffKeeps = 15 * time.Minute
)

// Watch sees where every VM is at each look at the queues, and remembers what a
// plan needs to know of the past: since when a VM has been in completed, and which
// pools have just lost most of their VMs. It is safe for concurrent use.
type Watch struct {
	mu        sync.Mutex
	began     time.Time                                // the first look
	looked    time.Time                                // the last
	completed map[vmpooler.Member]map[string]time.Time // place → VM → first seen there
	alive     map[string]*aliveCount                   // by pool
	in        map[string]string                        // VM that is alive → pool
	left      map[string]departure                     // VM that was, within cliffWindow
}

// departure is when a VM was first seen not to be ready or with a user any more.
type departure struct {
	pool string
	at   time.Time
}

// aliveCount follows how many VMs of a pool are ready or with users.
type aliveCount struct {
	recent []countAt // of the last cliffWindow, the first being the largest
	now    int
	lost   []time.Time // when VMs that had left were seen to have lost their hashes, within lossWindow
	fallen time.Time   // when it last had less than half of what it had within the window
	before int         // how many there were before the cliff; 0 if there was none
	until  time.Time   // when the cliff is over
}

type countAt struct {
	at time.Time
	n  int
}

// NewWatch returns a Watch that has seen nothing.
func NewWatch() *Watch {
	return &Watch{
		completed: make(map[vmpooler.Member]map[string]time.Time), alive: make(map[string]*aliveCount),
		in: make(map[string]string), left: make(map[string]departure),
	}
}

// Look takes where every VM is, and the VMs that have just moved or gone and of
// which there is no hash. Looks come in the order of time.
func (w *Watch) Look(places map[string][]vmpooler.Member, hashless []string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = now
	if w.began.IsZero() {
		w.began = now
	}
	completed := make(map[vmpooler.Member]map[string]time.Time)
	in, counts := make(map[string]string, len(w.in)), make(map[string]int, len(w.alive))
	for vm, members := range places {
		for _, m := range members {
			switch m.Queue {
			case vmpooler.Ready, vmpooler.Running:
				in[vm] = m.Pool
				counts[m.Pool]++
			case vmpooler.Completed:
				since, ok := w.completed[m][vm]
				if !ok {
					since = now
				}
				if completed[m] == nil {
					completed[m] = make(map[string]time.Time)
				}
				completed[m][vm] = since
			case vmpooler.Pending, vmpooler.Discovered, vmpooler.Migrating:
			}
		}
	}
	w.completed = completed
	w.depart(in, hashless, now)
	w.count(counts, now)
}

// depart follows the VMs that were alive, until their metadata tells how they ended:
// one that was given back or that vmpooler destroys keeps its hash, of one that
// the provider does not have vmpooler deletes it at once.
func (w *Watch) depart(in map[string]string, hashless []string, now time.Time) {
	for vm, pool := range w.in {
		if _, still := in[vm]; !still {
			w.left[vm] = departure{pool: pool, at: now}
		}
	}
	w.in = in
	for _, vm := range hashless {
		if d, ok := w.left[vm]; ok && w.alive[d.pool] != nil {
			w.alive[d.pool].lost = append(w.alive[d.pool].lost, now)
			delete(w.left, vm)
		}
	}
	for vm, d := range w.left {
		if now.Sub(d.at) > cliffWindow {
			delete(w.left, vm)
		}
	}
}

func (w *Watch) count(counts map[string]int, now time.Time) {
	for pool := range w.alive {
		counts[pool] += 0 // one that has nothing left, too
	}
	for pool, n := range counts {
		a := w.alive[pool]
		if a == nil {
			a = &aliveCount{}
			w.alive[pool] = a
		}
		a.take(n, now)
		if n == 0 && a.before == 0 && len(a.lost) == 0 && a.recent[0].n == 0 {
			delete(w.alive, pool)
		}
	}
}

func (a *aliveCount) take(n int, now time.Time) {
	a.now = n
	for len(a.recent) > 0 && now.Sub(a.recent[0].at) > cliffWindow {
		a.recent = a.recent[1:]
	}
	for len(a.lost) > 0 && now.Sub(a.lost[0]) > lossWindow {
		a.lost = a.lost[1:]
	}
	for len(a.recent) > 0 && a.recent[len(a.recent)-1].n <= n { // it can't be the largest any more
		a.recent = a.recent[:len(a.recent)-1]
	}
	a.recent = append(a.recent, countAt{now, n})
	most := a.recent[0].n
	if fell(most, n) {
		a.fallen = now
	}
	// A single VM loses its hash in ordinary times too: one that is destroyed twice.
	switch {
	case now.Sub(a.fallen) <= cliffWindow && len(a.lost) >= cliffLeast && 2*len(a.lost) > most,
		n == 0 && most >= cliffSmall && most < cliffLeast && len(a.lost) >= most:
		a.before, a.until = max(a.before, most), now.Add(cliffKeeps)
	case a.before > 0 && (now.After(a.until) || len(a.lost) == 0 && 2*n >= a.before):
		a.before = 0
	}
}

func fell(from, to int) bool { return from-to >= cliffLeast && 2*to < from }

// CompletedSince returns since when the VM has been seen in completed of this
// pool without a pause.
func (w *Watch) CompletedSince(pool, vm string) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	since, ok := w.completed[vmpooler.Member{Pool: pool, Queue: vmpooler.Completed}][vm]
	return since, ok
}

// Looked returns when the last look was, zero if there was none.
func (w *Watch) Looked() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.looked
}

// follows says whether the last look is no older than that at now.
func (w *Watch) follows(now time.Time, most time.Duration) bool {
	looked := w.Looked()
	return !looked.IsZero() && now.Sub(looked) <= most
}

// watchedFor returns how long before now the first look was.
func (w *Watch) watchedFor(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return now.Sub(w.began)
}

// Cliff is a pool that has just lost most of its VMs.
type Cliff struct {
	Before, Now int // VMs that were ready or with users
	// Sure says that their metadata went with them, as it does if the provider did
	// not have them. Else users may have given them back at once.
	Sure bool
}

// Cliffs returns the pools that have, by name.
func (w *Watch) Cliffs() map[string]Cliff {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make(map[string]Cliff)
	for pool, a := range w.alive {
		switch most := a.recent[0].n; {
		case a.before > 0:
			out[pool] = Cliff{Before: a.before, Now: a.now, Sure: true}
		case fell(most, a.now):
			out[pool] = Cliff{Before: most, Now: a.now}
		}
	}
	return out
}

// Checks returns a condition for each pool that had VMs ready or with users, which
// holds if it has surely just lost most of them.
func (w *Watch) Checks() []health.Check {
	w.mu.Lock()
	defer w.mu.Unlock()
	checks := make([]health.Check, 0, len(w.alive))
	for pool, a := range w.alive {
		c := health.Check{Condition: health.QueueCliff, Pool: pool, Severity: health.Critical}
		if a.before > 0 {
			c.Value = 1
		}
		checks = append(checks, c)
	}
	return checks
}
