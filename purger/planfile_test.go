package purger

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var planMade = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// textAgo is the text of a time that long before planMade, and that time.
func textAgo(d time.Duration) (string, time.Time) {
	since := planMade.Add(-d)
	return vmpooler.FormatTime(since), since
}

// savedPlan has an action of each target.
func savedPlan() *Plan {
	text, since := textAgo(30 * time.Hour)
	action := func(t Target, q vmpooler.Queue, vm, field string) Action {
		return Action{
			Target: t, Pool: "p", VM: vm, Queue: q, Age: 30 * time.Hour, Reason: "too old", Does: "something", Provider: inventory.Unverified,
			Check: Check{Field: field, Text: text, Since: since, MinAge: 2 * time.Hour, Clone: text}, Outcome: Planned,
		}
	}
	p := &Plan{
		ID: "ABC", Made: planMade, Redis: "0123abcd",
		Held: []Hold{{Pool: "other", Cause: HoldLimit, Reason: "too many"}},
		Actions: []Action{
			action(Pending, vmpooler.Pending, "a", vmpooler.FieldClone),
			action(Ready, vmpooler.Ready, "b", vmpooler.FieldReady),
			action(Completed, vmpooler.Completed, "c", vmpooler.FieldDestroy),
			action(Orphaned, 0, "d", vmpooler.FieldClone),
			{
				Target: Request, RequestID: "r", Age: 30 * time.Hour, Reason: "too old", Does: "something", Provider: inventory.Unverified,
				Check: Check{Field: vmpooler.FieldStatus, Text: "pending", Since: since, MinAge: 2 * time.Hour}, Outcome: Planned,
			},
			action(Ghost, vmpooler.Ready, "e", vmpooler.FieldClone),
		},
	}
	p.Actions[0].request, p.Actions[0].alias, p.Actions[0].retries = "r", "deb", 2
	p.Actions[1].Outcome, p.Actions[1].Why = Held, "too many"
	p.Actions[5].Provider, p.Actions[5].Check.MinAge = inventory.Absent, 0
	return p
}

func saved(t *testing.T, p *Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Save(&b, "redis://here:6379/0"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func planOptions() LoadOptions {
	return LoadOptions{Redis: "0123abcd", Address: "redis://here:6379/0", Now: planMade.Add(time.Minute), MaxAge: time.Hour}
}

func TestASavedPlanIsLoadedAsItWas(t *testing.T) {
	want := savedPlan()
	got, err := Load(strings.NewReader(saved(t, want)), planOptions())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Action{}, Plan{}), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

func TestASavedPlanIsRefused(t *testing.T) {
	file := saved(t, savedPlan())
	for name, tc := range map[string]struct {
		old, now string
		options  func(*LoadOptions)
		want     string
	}{
		"too old":              {options: func(o *LoadOptions) { o.Now = planMade.Add(61 * time.Minute) }, want: "it is 1h1m old, limit 1h0m"},
		"from the future":      {options: func(o *LoadOptions) { o.Now = planMade.Add(-2 * time.Minute) }, want: "from the future"},
		"another Redis":        {options: func(o *LoadOptions) { o.Redis = "ffff" }, want: "another Redis"},
		"no word who Redis is": {options: func(o *LoadOptions) { o.Redis = "" }, want: "another Redis"},
		"no id":                {old: `"plan_id": "ABC"`, now: `"plan_id": ""`, want: "no id"},
		"empty":                {old: file, now: "", want: "can't be read"},
		"a list":               {old: file, now: "[]", want: "can't be read"},
		"another version":      {old: `"version": 1`, now: `"version": 0`, want: "version 0"},
		"running":              {old: `"queue": "completed"`, now: `"queue": "running"`, want: `action 3: completed VMs are never purged from "running"`},
		"the wrong queue":      {old: `"queue": "pending"`, now: `"queue": "ready"`, want: `action 1: pending VMs are never purged from "ready"`},
		"a wrong target":       {old: `"target": "ghost"`, now: `"target": "all"`, want: `action 6: there is no target "all"`},
		"the wrong field":      {old: `"field": "ready"`, now: `"field": "checkout"`, want: `action 2: ready entries are not judged by the field "checkout"`},
		"an outcome":           {old: `"outcome": "planned"`, now: `"outcome": "applied"`, want: `action 1: no plan has the outcome "applied"`},
		"no request":           {old: `"request_id": "r"`, now: `"request_id": ""`, want: "action 5: it names no request"},
		"no pool":              {old: `"pool": "p"`, now: `"pool": ""`, want: "action 1: it names no VM or no pool"},
		"no time":              {old: `"text": "2026`, now: `"text": "MMXXVI`, want: "action 1: clone"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(file, tc.old) {
				t.Fatalf("no %s in\n%s", tc.old, file)
			}
			o := planOptions()
			if tc.options != nil {
				tc.options(&o)
			}
			_, err := Load(strings.NewReader(strings.Replace(file, tc.old, tc.now, 1)), o)
			var refused *PlanRefusedError
			if !errors.As(err, &refused) || !strings.Contains(refused.Reason, tc.want) {
				t.Error(err)
			}
		})
	}
}

// Without INFO the address is all that tells one Redis from another.
func TestASavedPlanWithoutARunIDIsForItsAddress(t *testing.T) {
	p := savedPlan()
	p.Redis = ""
	o := planOptions()
	o.Redis = ""
	if _, err := Load(strings.NewReader(saved(t, p)), o); err != nil {
		t.Error(err)
	}
	o.Address = "redis://there:6379/0"
	if _, err := Load(strings.NewReader(saved(t, p)), o); err == nil || !strings.Contains(err.Error(), "redis://here") {
		t.Error(err)
	}
}

func TestRaiseHoldsASavedPlanToWhatIsTrueNow(t *testing.T) {
	settings := Settings{Targets: all(), MaxPendingAge: 5 * time.Hour, MaxReadyAge: time.Hour}
	outcomes := func(p *Plan) string {
		var list []string
		for i := range p.Actions {
			list = append(list, string(p.Actions[i].Outcome))
		}
		return strings.Join(list, " ")
	}
	// A ghost is none without its provider's word.
	p := savedPlan()
	p.Raise(settings, &Plan{}, nil)
	if got := outcomes(p); got != "planned held planned planned planned held" {
		t.Error(got)
	}
	if p.Actions[0].Check.MinAge != 5*time.Hour || p.Actions[1].Check.MinAge != 2*time.Hour {
		t.Errorf("%v, %v: an age must not count for less", p.Actions[0].Check.MinAge, p.Actions[1].Check.MinAge)
	}
	if len(p.Held) != 1 {
		t.Errorf("%v", p.Held)
	}

	off := settings
	off.Targets = all()
	off.Targets[Pending] = false
	p = savedPlan()
	now := &Plan{Held: []Hold{{Cause: HoldClock, Reason: "two minutes"}, {Pool: "p", Cause: HoldLimit, Reason: "too many"}}}
	p.Raise(off, now, nil)
	p.Raise(off, now, nil)
	if got := outcomes(p); got != "held held held held held held" {
		t.Error(got)
	}
	if p.Actions[0].Why != "its target is switched off" || p.Actions[2].Why != "two minutes" || len(p.Held) != 2 {
		t.Errorf("%s, %s, %v", p.Actions[0].Why, p.Actions[2].Why, p.Held)
	}

	// The plan may be larger than a cycle: somebody has looked at it.
	p = savedPlan()
	p.Raise(settings, &Plan{Held: []Hold{{Pool: "p", Cause: HoldLimit, Reason: "too many"}}}, nil)
	if p.Actions[0].Outcome != Planned || len(p.Held) != 1 {
		t.Errorf("%+v", p)
	}

	view := inventory.NewHistory().Take([]inventory.Listing{{Pool: "p", Began: planMade, VMs: []string{"c", "x"}}}, func(string) []string { return nil })
	p = savedPlan()
	p.Raise(settings, &Plan{}, view)
	if got := outcomes(p); got != "planned held held planned planned planned" {
		t.Errorf("the provider has c, and neither d nor e: %s", got)
	}
}

func FuzzLoad(f *testing.F) {
	var b bytes.Buffer
	if err := savedPlan().Save(&b, "redis://here:6379/0"); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"version":1,"plan_id":"A","made":"2026-11-23T10:00:00Z","redis":"0123abcd","actions":[{}]}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := Load(bytes.NewReader(file), planOptions())
		if err != nil {
			var refused *PlanRefusedError
			if p != nil || !errors.As(err, &refused) {
				t.Errorf("%v, %v", p, err)
			}
			return
		}
		for i := range p.Actions {
			a := &p.Actions[i]
			if a.Outcome != Planned && a.Outcome != Held || a.VM == "" && a.RequestID == "" || a.Check.Field != checkedField[a.Target] {
				t.Errorf("%+v", a)
			}
			if a.Queue == vmpooler.Running || a.Queue == vmpooler.Discovered || a.Queue == vmpooler.Migrating {
				t.Errorf("it is for %s", a.Queue)
			}
		}
	})
}
