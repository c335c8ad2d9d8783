package inventory

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// vms are names of this many VMs.
func vms(n int) []string { return manyNames(n) }

// listing is a round's answer for the pool p, and what is in its queues.
type listing struct {
	at     int // minutes
	vms    []string
	err    error
	queued []string
}

func (l listing) time() time.Time { return newClock().now.Add(time.Duration(l.at) * time.Minute) }

func take(h *History, l listing) *View {
	return h.Take([]Listing{{Pool: "p", Began: l.time(), VMs: l.vms, Err: l.err}}, func(string) []string { return l.queued })
}

func TestHistoryRelies(t *testing.T) {
	failed := errors.New("no route to host")
	for name, c := range map[string]struct {
		rounds []listing
		want   string // why the last can't be relied on
	}{
		"on a first listing":                     {[]listing{{vms: vms(3), queued: vms(3)}}, ""},
		"on a first listing with strangers":      {[]listing{{vms: vms(30), queued: vms(3)}}, ""},
		"on one that lacks a few":                {[]listing{{vms: vms(7), queued: vms(10)}}, ""},
		"on an empty one of an empty pool":       {[]listing{{}}, ""},
		"on half":                                {[]listing{{vms: vms(10), queued: vms(10)}, {vms: vms(5), queued: vms(10)}}, ""},
		"on many more":                           {[]listing{{vms: vms(2), queued: vms(2)}, {vms: vms(500), queued: vms(2)}}, ""},
		"not on an error":                        {[]listing{{err: failed}}, "no route to host"},
		"not on an error with a list":            {[]listing{{vms: vms(3), err: failed, queued: vms(3)}}, "no route to host"},
		"not on a first one of less than half":   {[]listing{{vms: vms(4), queued: vms(9)}}, "the provider's first listing has 4 of the 9 VMs that vmpooler has"},
		"not on an empty one":                    {[]listing{{queued: vms(1)}}, "the provider lists no VM, vmpooler has 1"},
		"not on a list of other VMs":             {[]listing{{vms: []string{"x", "y"}, queued: vms(2)}, {vms: []string{"x", "y"}, queued: vms(2)}}, "the provider lists 2 VMs, and none of the 2 that vmpooler has"},
		"not on a first one of mostly others":    {[]listing{{vms: append(vms(1), "x", "y"), queued: vms(3)}}, "the provider's first listing has 1 of the 3 VMs that vmpooler has"},
		"not on an empty one, however often":     {[]listing{{queued: vms(1)}, {queued: vms(1)}, {queued: vms(1)}}, "the provider lists no VM, vmpooler has 1"},
		"not on a fall of more than half":        {[]listing{{vms: vms(11), queued: vms(2)}, {vms: vms(5), queued: vms(2)}}, "the provider lists 5 VMs, 11 the time before"},
		"not on a fall to nothing":               {[]listing{{vms: vms(11)}, {}}, "the provider lists 0 VMs, 11 the time before"},
		"not on a fall behind an error":          {[]listing{{vms: vms(11)}, {err: failed}, {vms: vms(5)}}, "the provider lists 5 VMs, 11 the time before"},
		"not on a name that is there many times": {[]listing{{vms: vms(10), queued: vms(10)}, {vms: slices.Repeat(vms(1), 10), queued: vms(10)}}, "the provider lists 1 VMs, 10 the time before"},
		"again after an error":                   {[]listing{{err: failed, queued: vms(3)}, {vms: vms(3), queued: vms(3)}}, ""},
		"again after a fall":                     {[]listing{{vms: vms(11)}, {vms: vms(2)}, {vms: vms(11)}}, ""},
		"on a fall that lasts":                   {[]listing{{vms: vms(11)}, {vms: vms(5)}, {vms: vms(5)}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory()
			var v *View
			for i, l := range c.rounds {
				l.at = 5 * i
				v = take(h, l)
			}
			state := v.States()["p"]
			if state.Why != c.want || state.Known != (c.want == "") {
				t.Errorf("got %+v", state)
			}
			if last := c.rounds[len(c.rounds)-1]; state.Known && (state.VMs != len(last.vms) || state.At != newClock().now.Add(time.Duration(5*(len(c.rounds)-1))*time.Minute)) {
				t.Errorf("got %+v", state)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	h := NewHistory()
	queued := []string{"a", "b", "c"}
	v := take(h, listing{at: 1, vms: []string{"a", "b", "x"}, queued: queued})
	for vm, want := range map[string]Verdict{"a": Present, "c": Absent, "x": Present, "nosuch": Absent} {
		if got := v.Verdict("p", vm); got != want {
			t.Errorf("%s is %s", vm, got)
		}
	}
	if got := v.Verdict("another", "a"); got != Unknown {
		t.Errorf("a pool that was not asked about: %s", got)
	}
	unknown := take(h, listing{at: 6, err: errors.New("no"), queued: queued})
	for _, vm := range []string{"a", "c", "x", "nosuch"} {
		if got := unknown.Verdict("p", vm); got != Unknown {
			t.Errorf("%s is %s", vm, got)
		}
	}
	if v.Verdict("p", "a") != Present {
		t.Error("a View changed afterwards")
	}
	var none *View
	if none.Verdict("p", "a") != Unverified || len(none.States()) != 0 || len(none.Strangers(nil)) != 0 {
		t.Error("a nil View knows something")
	}
}

func TestMissing(t *testing.T) {
	failed := errors.New("no")
	all, but := []string{"a", "b", "c"}, []string{"a", "b"}
	for name, c := range map[string]struct {
		rounds []listing
		want   string // the minutes of the first and the last listing without c
	}{
		"once":                            {[]listing{{at: 1, vms: but, queued: all}}, "1-1"},
		"twice":                           {[]listing{{at: 1, vms: but, queued: all}, {at: 6, vms: but, queued: all}}, "1-6"},
		"never":                           {[]listing{{at: 1, vms: all, queued: all}}, ""},
		"not queued":                      {[]listing{{at: 1, vms: but, queued: but}}, ""},
		"back again":                      {[]listing{{at: 1, vms: but, queued: all}, {at: 6, vms: all, queued: all}}, ""},
		"anew":                            {[]listing{{at: 1, vms: but, queued: all}, {at: 6, vms: all, queued: all}, {at: 11, vms: but, queued: all}}, "11-11"},
		"across an error":                 {[]listing{{at: 1, vms: but, queued: all}, {at: 6, err: failed, queued: all}, {at: 11, vms: but, queued: all}}, "1-11"},
		"during an error":                 {[]listing{{at: 1, vms: but, queued: all}, {at: 6, err: failed, queued: all}}, ""},
		"across an empty list":            {[]listing{{at: 1, vms: but, queued: all}, {at: 6, queued: all}, {at: 11, vms: but, queued: all}}, "1-11"},
		"but listed beside an error":      {[]listing{{at: 1, vms: but, queued: all}, {at: 6, vms: []string{"c"}, err: failed, queued: all}, {at: 11, vms: but, queued: all}}, "11-11"},
		"first of all in what is doubted": {[]listing{{at: 1, vms: []string{"a"}, queued: all}, {at: 6, vms: but, queued: all}}, "6-6"},
		"out of the queues meanwhile":     {[]listing{{at: 1, vms: but, queued: all}, {at: 6, vms: but, queued: but}, {at: 11, vms: but, queued: all}}, "11-11"},
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory()
			var v *View
			for _, l := range c.rounds {
				v = take(h, l)
			}
			got := ""
			if first, last, ok := v.Missing("p", "c"); ok {
				start := newClock().now
				got = fmt.Sprintf("%d-%d", int(first.Sub(start).Minutes()), int(last.Sub(start).Minutes()))
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestStrangers(t *testing.T) {
	h := NewHistory()
	v := h.Take([]Listing{
		{Pool: "p", VMs: []string{"y", "a", "x"}}, {Pool: "q", VMs: []string{"b"}}, {Pool: "r", VMs: []string{"z"}, Err: errors.New("no")},
	}, func(string) []string { return nil })
	got := v.Strangers(func(vm string) bool { return vm == "a" || vm == "b" })
	if diff := cmp.Diff(map[string][]string{"p": {"x", "y"}, "q": {}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPoolThatIsNotAskedAboutAnyMoreIsForgotten(t *testing.T) {
	h := NewHistory()
	take(h, listing{vms: vms(11)})
	if v := h.Take(nil, nil); v.Verdict("p", "a") != Unknown {
		t.Error("it is not")
	}
	if v := take(h, listing{vms: vms(1)}); !v.States()["p"].Known {
		t.Error("its last listing is remembered")
	}
}
