package purger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// crowd puts n VMs into a queue of a pool.
func crowd(st *State, pool string, q vmpooler.Queue, n int, h Hash) {
	for i := range n {
		vm := fmt.Sprintf("%s-%s-%d-%s", pool, q, i, h.Destroy)
		st.Places[vm] = at(pool, q)
		h.VM = vm
		st.Hashes[vm] = h
	}
}

func empty() State {
	return State{Now: noon, SkewKnown: true, Places: map[string][]vmpooler.Member{}, Hashes: map[string]Hash{}}
}

// stuck, idle and fresh are hashes of VMs that are stale, or not.
var (
	stuck = Hash{Clone: ago(9 * time.Hour)}
	idle  = Hash{Clone: ago(99 * time.Hour), Ready: ago(98 * time.Hour)}
	fresh = Hash{Clone: ago(time.Minute), Ready: ago(time.Minute)}
)

func TestAPoolBeyondTheLimitsIsHeld(t *testing.T) {
	for name, c := range map[string]struct {
		fill     func(*State)
		override bool
		want     string // holds
		planned  int
	}{
		"every pending VM of a big pool is stuck": {func(st *State) { crowd(st, "p", vmpooler.Pending, 200, stuck) }, false, "", 200},
		"one more than the limit": {
			func(st *State) { crowd(st, "p", vmpooler.Pending, 201, stuck) }, false,
			"hold p limit: 201 entries are stale, more than 200 of a pool are not purged at once\n", 0,
		},
		"one more, and it is to go on": {func(st *State) { crowd(st, "p", vmpooler.Pending, 201, stuck) }, true, "", 201},
		"another pool is not held with it": {
			func(st *State) {
				crowd(st, "p", vmpooler.Pending, 201, stuck)
				crowd(st, "q", vmpooler.Pending, 3, stuck)
			}, false,
			"hold p limit: 201 entries are stale, more than 200 of a pool are not purged at once\n", 3,
		},
		"half of the ready VMs": {
			func(st *State) {
				crowd(st, "p", vmpooler.Ready, 5, idle)
				crowd(st, "p", vmpooler.Running, 0, fresh)
				for i := range 5 {
					vm := fmt.Sprint("fresh", i)
					st.Places[vm], st.Hashes[vm] = at("p", vmpooler.Ready), fresh
				}
			}, false, "", 5,
		},
		"all of the ready VMs": {
			func(st *State) { crowd(st, "p", vmpooler.Ready, 10, idle) }, false,
			"hold p limit: 10 of 10 ready VMs are stale, more than 5 are not purged at once\n", 0,
		},
		"more than half, of an odd number": {
			func(st *State) {
				crowd(st, "p", vmpooler.Ready, 3, idle)
				for i := range 2 {
					vm := fmt.Sprint("fresh", i)
					st.Places[vm], st.Hashes[vm] = at("p", vmpooler.Ready), fresh
				}
			}, false,
			"hold p limit: 3 of 5 ready VMs are stale, more than 2 are not purged at once\n", 0,
		},
		"both of a pool's two": {
			func(st *State) { crowd(st, "p", vmpooler.Ready, 2, idle) }, false,
			"hold p limit: 2 of 2 ready VMs are stale, more than 1 are not purged at once\n", 0,
		},
		"a pool's only one": {func(st *State) { crowd(st, "p", vmpooler.Ready, 1, idle) }, false, "", 1},
		"too many requests": {
			func(st *State) {
				for i := range 201 {
					st.Requests = append(st.Requests, OpenRequest{ID: fmt.Sprint(i), Made: noon.Add(-99 * time.Hour)})
				}
				crowd(st, "p", vmpooler.Pending, 1, stuck)
			}, false,
			"hold  requests: 201 requests are stale, more than 200 are not purged at once\n", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			st, s := empty(), settings()
			c.fill(&st)
			s.Limits.Override = c.override
			p := Make(Input{State: st}, s)
			if d := cmp.Diff(c.want, holdLines(p)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if n := p.Count(Planned); n != c.planned || n+p.Count(Held) != len(p.Actions) {
				t.Errorf("%d of %d planned, not %d", n, len(p.Actions), c.planned)
			}
		})
	}
}

func TestNoReadyVMGoesWhereNonePercentMay(t *testing.T) {
	st, s := empty(), settings()
	s.Limits.ReadyPercent = 0
	crowd(&st, "p", vmpooler.Ready, 1, idle)
	want := "hold p limit: 1 of 1 ready VMs are stale, more than 0 are not purged at once\n"
	if got := holdLines(Make(Input{State: st}, s)); got != want {
		t.Error(got)
	}
}

func TestGhostsCountAmongTheReadyVMs(t *testing.T) {
	st, s := empty(), settings()
	young := fresh
	young.Clone, young.CloneTook = ago(3*time.Hour), "9"
	crowd(&st, "p", vmpooler.Ready, 6, young)
	there := []string{"p-ready-0-", "p-ready-1-", "a", "b", "c", "d"}
	queued := append([]string{"p-ready-2-", "p-ready-3-", "p-ready-4-", "p-ready-5-"}, there...)
	view := listed(t, queued, map[int][]string{10: there, 1: there}, 10, 1)
	want := "hold p limit: 4 of 6 ready VMs are stale, more than 3 are not purged at once\n"
	if got := holdLines(Make(Input{State: st, View: view}, s)); got != want {
		t.Error(got)
	}
}

func holdLines(p *Plan) string {
	_, holds, found := strings.Cut("\n"+lines(p), "\nhold ")
	if !found {
		return ""
	}
	return "hold " + holds
}

func TestNothingIsPurgedWhileTheClocksDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		skew  time.Duration
		known bool
		held  bool
	}{
		"a little": {30 * time.Second, true, false}, "too much": {61 * time.Second, true, true},
		"too much, the other way": {-61 * time.Second, true, true}, "nobody knows": {0, false, true},
	} {
		st := empty()
		crowd(&st, "p", vmpooler.Pending, 1, stuck)
		st.Skew, st.SkewKnown = c.skew, c.known
		s := settings()
		s.Limits.Override = true // goes beyond numbers only
		if p := Make(Input{State: st}, s); (p.Count(Held) == 1) != c.held {
			t.Errorf("%s: %s", name, lines(p))
		}
	}
}

// fall is a look at the pool "p", of which so many VMs are alive; those that it lost
// since the last one have a hash or not.
type fall struct {
	second, alive int
	hashless      bool
}

func TestAPoolThatFellOffACliffIsHeld(t *testing.T) {
	const no, suspect, cliff = "", "suspect", "cliff"
	for name, c := range map[string]struct {
		looks []fall
		want  string
	}{
		"all at once, without a hash":     {[]fall{{0, 20, false}, {1, 0, true}}, cliff},
		"most within a few seconds":       {[]fall{{0, 20, false}, {5, 14, true}, {10, 9, true}}, cliff},
		"most, a few at a time":           {[]fall{{0, 20, false}, {30, 14, true}, {60, 9, true}}, suspect},
		"half":                            {[]fall{{0, 20, false}, {1, 10, true}}, no},
		"all of a small pool":             {[]fall{{0, 4, false}, {1, 0, true}}, cliff},
		"all of a small pool, recovered":  {[]fall{{0, 4, false}, {1, 0, true}, {60, 2, false}}, no},
		"all of it, given back":           {[]fall{{0, 4, false}, {1, 0, false}}, no},
		"most of a small pool":            {[]fall{{0, 4, false}, {1, 1, true}}, no},
		"its only one":                    {[]fall{{0, 1, false}, {1, 0, true}}, no},
		"all given back at once":          {[]fall{{0, 20, false}, {1, 0, false}}, suspect},
		"given back, two minutes ago":     {[]fall{{0, 20, false}, {1, 0, false}, {123, 0, false}}, no},
		"a build's, one after another":    {[]fall{{0, 20, false}, {121, 12, false}, {242, 7, false}, {363, 4, false}}, no},
		"still fallen after ten minutes":  {[]fall{{0, 20, false}, {1, 0, true}, {600, 2, false}}, cliff},
		"over after a quarter of an hour": {[]fall{{0, 20, false}, {1, 0, true}, {140, 0, false}, {1040, 2, false}}, no},
		"recovered":                       {[]fall{{0, 20, false}, {1, 0, true}, {150, 12, false}}, no},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWatch()
			before := 0
			for _, l := range c.looks {
				places := empty()
				crowd(&places, "p", vmpooler.Running, l.alive, fresh)
				var gone []string
				for i := l.alive; i < before && l.hashless; i++ {
					gone = append(gone, fmt.Sprintf("p-%s-%d-", vmpooler.Running, i))
				}
				before = l.alive
				w.Look(places.Places, gone, noon.Add(time.Duration(l.second)*time.Second))
			}
			st := empty()
			crowd(&st, "p", vmpooler.Pending, 1, stuck)
			crowd(&st, "q", vmpooler.Pending, 1, stuck)
			s := settings()
			s.Limits.Override = true
			p := Make(Input{State: st, Watch: w}, s)
			if got := strings.HasPrefix(holdLines(p), "hold p cliff: "); got != (c.want != no) || len(p.Held) > 1 {
				t.Errorf("%s", lines(p))
			}
			for _, check := range w.Checks() {
				if check.Holds() != (c.want == cliff) {
					t.Errorf("%+v", check)
				}
			}
		})
	}
}

func TestACommandTakesManyFreshDestructionsForACliff(t *testing.T) {
	for name, c := range map[string]struct {
		destroyed, others int
		age               time.Duration
		want              bool
	}{
		"more than all others": {17, 3, time.Minute, true}, "as many as the others": {8, 8, time.Minute, false},
		"few": {4, 0, time.Minute, false}, "long ago": {17, 3, time.Hour, false}, "not begun": {17, 3, -1, true},
	} {
		st := empty()
		h := Hash{Clone: ago(9 * time.Hour), Destroy: ago(c.age)}
		if c.age < 0 {
			h.Destroy = ""
		}
		crowd(&st, "p", vmpooler.Completed, c.destroyed, h)
		crowd(&st, "p", vmpooler.Ready, c.others, fresh)
		if p := Make(Input{State: st}, settings()); (len(p.Held) == 1) != c.want {
			t.Errorf("%s: %s", name, holdLines(p))
		}
	}
}
