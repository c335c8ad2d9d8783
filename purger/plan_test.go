package purger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// ago is a time as vmpooler writes it.
func ago(d time.Duration) string { return vmpooler.FormatTime(noon.Add(-d)) }

func at(pool string, queues ...vmpooler.Queue) (places []vmpooler.Member) {
	for _, q := range queues {
		places = append(places, vmpooler.Member{Pool: pool, Queue: q})
	}
	return places
}

// settings are the contract's defaults.
func settings() Settings {
	return Settings{
		Targets: all(), MaxPendingAge: 2 * time.Hour, MaxReadyAge: 24 * time.Hour, MaxCompletedAge: time.Hour,
		MaxOrphanedAge: 24 * time.Hour, MaxRequestAge: 24 * time.Hour,
		DataTTL: 168 * time.Hour, DeadLetters: true, DLQTTL: 168 * time.Hour, Limits: DefaultLimits(),
	}
}

// stateOf has each VM in one place.
func stateOf(hashes map[string]Hash, places map[string][]vmpooler.Member) State {
	st := State{Now: noon, SkewKnown: true, Places: places, Hashes: make(map[string]Hash)}
	for vm, h := range hashes {
		h.VM = vm
		if _, queued := places[vm]; queued {
			st.Hashes[vm] = h
		} else {
			st.Orphans = append(st.Orphans, h)
		}
	}
	return st
}

// lines prints a plan's actions, a line each.
func lines(p *Plan) string {
	var b strings.Builder
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "%s %s %s%s: %s; %s; %s\n", a.Outcome, a.Target, a.VM, a.RequestID, a.Reason, a.Does, a.Provider)
	}
	for _, h := range p.Held {
		fmt.Fprintf(&b, "hold %s %s: %s\n", h.Pool, h.Cause, h.Reason)
	}
	return b.String()
}

// planCase is one VM "vm" in these queues of pool "p".
type planCase struct {
	hash   Hash
	queues []vmpooler.Queue
	want   string // lines
}

func TestAVMIsStaleByTheRuleOfItsQueue(t *testing.T) {
	const pendingDoes = "; dead letter, out of pending, metadata expires in 7d0h; unverified\n"
	pending, ready, completed := []vmpooler.Queue{vmpooler.Pending}, []vmpooler.Queue{vmpooler.Ready}, []vmpooler.Queue{vmpooler.Completed}
	for name, c := range map[string]planCase{
		"pending for longer than the limit":             {Hash{Clone: ago(3*time.Hour + 2*time.Minute)}, pending, "planned pending vm: pending for 3h2m, limit 2h0m" + pendingDoes},
		"pending, with a TTL from a former life":        {Hash{Clone: ago(3 * time.Hour), TTL: time.Hour}, pending, "planned pending vm: pending for 3h0m, limit 2h0m; dead letter, out of pending; unverified\n"},
		"pending for just the limit":                    {Hash{Clone: ago(2 * time.Hour)}, pending, ""},
		"pending since nobody knows when":               {Hash{}, pending, ""},
		"pending since a time that is none":             {Hash{Clone: "yesterday"}, pending, ""},
		"pending since tomorrow":                        {Hash{Clone: ago(-24 * time.Hour)}, pending, ""},
		"pending, and given to a user":                  {Hash{Clone: ago(3 * time.Hour), Checkout: ago(time.Second)}, pending, ""},
		"ready, and given to a user":                    {Hash{Clone: ago(50 * time.Hour), Ready: ago(49 * time.Hour), Checkout: ago(time.Second)}, ready, ""},
		"ready for longer than the limit":               {Hash{Clone: ago(50 * time.Hour), Ready: ago(49 * time.Hour)}, ready, "planned ready vm: ready for 2d1h, limit 1d0h; to completed, where vmpooler destroys it; unverified\n"},
		"ready for a moment, cloned long ago":           {Hash{Clone: ago(99 * time.Hour), Ready: ago(time.Hour)}, ready, ""},
		"being destroyed for longer":                    {Hash{Clone: ago(50 * time.Hour), Destroy: ago(61 * time.Minute)}, completed, "planned completed vm: being destroyed for 1h1m, limit 1h0m; out of completed; unverified\n"},
		"just given back by a user who had it for days": {Hash{Clone: ago(99 * time.Hour), Checkout: ago(98 * time.Hour)}, completed, ""},
		"running for ever":                              {Hash{Clone: ago(999 * time.Hour), Checkout: ago(998 * time.Hour)}, []vmpooler.Queue{vmpooler.Running}, ""},
		"discovered":                                    {Hash{Clone: ago(999 * time.Hour)}, []vmpooler.Queue{vmpooler.Discovered}, ""},
		"migrating":                                     {Hash{Clone: ago(999 * time.Hour)}, []vmpooler.Queue{vmpooler.Migrating}, ""},
		"pending and running":                           {Hash{Clone: ago(9 * time.Hour)}, []vmpooler.Queue{vmpooler.Pending, vmpooler.Running}, ""},
		"ready and completed":                           {Hash{Clone: ago(99 * time.Hour), Ready: ago(98 * time.Hour)}, []vmpooler.Queue{vmpooler.Ready, vmpooler.Completed}, ""},
		"an orphan":                                     {Hash{Pool: "p", Clone: ago(25 * time.Hour)}, nil, "planned orphaned vm: in no queue and without a TTL, cloned 1d1h ago, limit 1d0h; metadata expires in 1h0m; unverified\n"},
		"an orphan that expires":                        {Hash{Pool: "p", Clone: ago(99 * time.Hour), TTL: time.Hour}, nil, ""},
		"a young orphan":                                {Hash{Pool: "p", Clone: ago(23 * time.Hour)}, nil, ""},
		"what is left of a hash":                        {Hash{Pool: "p", Destroy: ago(99 * time.Hour)}, nil, ""},
		"a hash without a pool":                         {Hash{Clone: ago(99 * time.Hour)}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			places := map[string][]vmpooler.Member{}
			if c.queues != nil {
				places["vm"] = at("p", c.queues...)
			}
			p := Make(Input{State: stateOf(map[string]Hash{"vm": c.hash}, places)}, settings())
			if d := cmp.Diff(c.want, lines(p)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestACompletedVMWithoutDestroyCountsFromWhenItWasSeenThere(t *testing.T) {
	places := map[string][]vmpooler.Member{"vm": at("p", vmpooler.Completed)}
	st := stateOf(map[string]Hash{"vm": {Clone: ago(99 * time.Hour), Checkout: ago(98 * time.Hour)}}, places)
	for seen, want := range map[time.Duration]string{
		59 * time.Minute: "",
		61 * time.Minute: "planned completed vm: completed, and its destruction not begun, for 1h1m, limit 1h0m; out of completed; unverified\n",
	} {
		w := NewWatch()
		w.Look(places, nil, noon.Add(-seen))
		w.Look(places, nil, noon)
		if d := cmp.Diff(want, lines(Make(Input{State: st, Watch: w}, settings()))); d != "" {
			t.Errorf("seen for %v (-want +got):\n%s", seen, d)
		}
	}
	left := NewWatch()
	left.Look(places, nil, noon.Add(-2*time.Hour))
	left.Look(map[string][]vmpooler.Member{}, nil, noon.Add(-time.Hour))
	left.Look(places, nil, noon.Add(-time.Minute))
	if got := lines(Make(Input{State: st, Watch: left}, settings())); got != "" {
		t.Errorf("it left and came back: %s", got)
	}
}

func TestARequestThatWaitsForEverIsMadeToFail(t *testing.T) {
	request := func(id string, age time.Duration, status vmpooler.RequestStatus) OpenRequest {
		return OpenRequest{ID: id, Made: noon.Add(-age), Status: status}
	}
	st := State{Now: noon, SkewKnown: true, Requests: []OpenRequest{
		request("new", 30*time.Hour, ""), request("pending", 29*time.Hour, vmpooler.RequestPending),
		request("young", time.Hour, ""), request("ready", 99*time.Hour, vmpooler.RequestReady),
		request("failed", 99*time.Hour, vmpooler.RequestFailed), request("deleted", 99*time.Hour, vmpooler.RequestDeleted),
	}}
	want := "planned request new: waiting for 1d6h, limit 1d0h; failed, out of its queues, its hash expires in 7d0h; unverified\n" +
		"planned request pending: waiting for 1d5h, limit 1d0h; failed, out of its queues, its hash expires in 7d0h; unverified\n"
	if d := cmp.Diff(want, lines(Make(Input{State: st}, settings()))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := lines(Make(Input{State: st, Pools: []string{"p"}}, settings())); got != "" {
		t.Errorf("a request is of no one pool: %s", got)
	}
}

func TestOnlyWhatIsWantedIsPlanned(t *testing.T) {
	st := stateOf(map[string]Hash{
		"a": {Clone: ago(9 * time.Hour)}, "b": {Clone: ago(9 * time.Hour)}, "c": {Clone: ago(99 * time.Hour), Ready: ago(98 * time.Hour)},
		"d": {Pool: "p", Clone: ago(99 * time.Hour)},
	}, map[string][]vmpooler.Member{"a": at("p", vmpooler.Pending), "b": at("q", vmpooler.Pending), "c": at("p", vmpooler.Ready)})
	off := settings()
	off.Targets = map[Target]bool{Ready: true, Orphaned: true}
	for name, c := range map[string]struct {
		in   Input
		s    Settings
		want string
	}{
		"everything":      {Input{}, settings(), "a b c d"},
		"one pool":        {Input{Pools: []string{"q"}}, settings(), "b"},
		"one target":      {Input{Targets: []Target{Pending}}, settings(), "a b"},
		"what is on":      {Input{}, off, "c d"},
		"what is off":     {Input{Targets: []Target{Pending}}, off, ""},
		"one of one pool": {Input{Pools: []string{"p"}, Targets: []Target{Orphaned}}, settings(), "d"},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.State = st
			var got []string
			for _, a := range Make(c.in, c.s).Actions {
				got = append(got, a.VM)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
}

// listed is what a provider says after listings that many minutes ago, of these VMs.
func listed(t *testing.T, queued []string, listings map[int][]string, order ...int) *inventory.View {
	t.Helper()
	h := inventory.NewHistory()
	var v *inventory.View
	for _, minutes := range order {
		l := inventory.Listing{Pool: "p", Began: noon.Add(-time.Duration(minutes) * time.Minute), VMs: listings[minutes]}
		v = h.Take([]inventory.Listing{l}, func(string) []string { return queued })
	}
	return v
}

func TestAGhostIsMissingFromTwoListings(t *testing.T) {
	queued := []string{"vm", "other", "third"}
	there, gone := []string{"vm", "other", "third"}, []string{"other", "third"}
	ready := Hash{Clone: ago(time.Hour), CloneTook: "30", Ready: ago(50 * time.Minute)}
	for name, c := range map[string]struct {
		queue    vmpooler.Queue
		hash     Hash
		listings map[int][]string
		order    []int
		want     string
	}{
		"ready":                  {vmpooler.Ready, ready, map[int][]string{10: gone, 4: gone}, []int{10, 4}, "planned ghost vm: in ready, and missing from its provider's listings for 6m0s; to completed; absent\n"},
		"pending":                {vmpooler.Pending, ready, map[int][]string{10: gone, 4: gone}, []int{10, 4}, "planned ghost vm: in pending, and missing from its provider's listings for 6m0s; dead letter, out of pending, metadata expires in 7d0h; absent\n"},
		"completed":              {vmpooler.Completed, ready, map[int][]string{10: gone, 4: gone}, []int{10, 4}, "planned ghost vm: in completed, and missing from its provider's listings for 6m0s; out of completed; absent\n"},
		"running":                {vmpooler.Running, ready, map[int][]string{10: gone, 4: gone}, []int{10, 4}, ""},
		"missing once":           {vmpooler.Ready, ready, map[int][]string{10: gone}, []int{10}, ""},
		"listings too close":     {vmpooler.Ready, ready, map[int][]string{8: gone, 4: gone}, []int{8, 4}, ""},
		"back in between":        {vmpooler.Ready, ready, map[int][]string{20: gone, 10: there, 4: gone}, []int{20, 10, 4}, ""},
		"the last is unknown":    {vmpooler.Ready, ready, map[int][]string{10: gone, 5: gone, 1: {}}, []int{10, 5, 1}, ""},
		"still being cloned":     {vmpooler.Pending, Hash{Clone: ago(time.Hour)}, map[int][]string{10: gone, 4: gone}, []int{10, 4}, ""},
		"cloned after the first": {vmpooler.Pending, Hash{Clone: ago(11 * time.Minute), CloneTook: "90"}, map[int][]string{10: gone, 4: gone}, []int{10, 4}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			st := stateOf(map[string]Hash{"vm": c.hash}, map[string][]vmpooler.Member{"vm": at("p", c.queue)})
			p := Make(Input{State: st, View: listed(t, queued, c.listings, c.order...)}, settings())
			if d := cmp.Diff(c.want, lines(p)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatTheProviderHasOrDoesNotTellOfStays(t *testing.T) {
	hashes := map[string]Hash{
		"done":   {Clone: ago(9 * time.Hour), Destroy: ago(2 * time.Hour)},
		"orphan": {Pool: "p", Clone: ago(99 * time.Hour)},
		"stuck":  {Clone: ago(3 * time.Hour)},
	}
	places := map[string][]vmpooler.Member{"done": at("p", vmpooler.Completed), "stuck": at("p", vmpooler.Pending)}
	for name, c := range map[string]struct {
		vms  []string
		want string
	}{
		"it has all":        {[]string{"done", "orphan", "stuck", "a", "b"}, "pending stuck present"},
		"it lacks them":     {[]string{"a", "b"}, "pending stuck absent completed done absent orphaned orphan absent"},
		"it lists nothing":  {nil, "pending stuck unknown"}, // an age needs no answer
		"it has the orphan": {[]string{"orphan", "a", "b"}, "pending stuck absent completed done absent"},
	} {
		t.Run(name, func(t *testing.T) {
			v := listed(t, []string{"done", "stuck", "a", "b"}, map[int][]string{1: c.vms}, 1)
			p := Make(Input{State: stateOf(hashes, places), View: v}, settings())
			var got []string
			for _, a := range p.Actions {
				got = append(got, string(a.Target), a.VM, string(a.Provider))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
	young := map[string]Hash{"done": {Clone: ago(time.Minute), Destroy: ago(50 * time.Second)}}
	eager := settings()
	eager.MaxCompletedAge = 0
	before := listed(t, []string{"done", "a", "b", "c"}, map[int][]string{2: {"a", "b", "c"}}, 2)
	if p := Make(Input{State: stateOf(young, places), View: before}, eager); len(p.Actions) != 0 {
		t.Errorf("a VM was made after the listing that lacks it:\n%s", lines(p))
	}
	v := listed(t, []string{"done"}, map[int][]string{1: {"done", "stranger"}}, 1)
	p := Make(Input{State: stateOf(hashes, places), View: v}, settings())
	if d := cmp.Diff(map[string][]string{"p": {"stranger"}}, p.UnknownVMs); d != "" {
		t.Errorf("VMs that no queue knows (-want +got):\n%s", d)
	}
}
