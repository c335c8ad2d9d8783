package health_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// limits are small enough to be crossed by hand.
var limits = config.Thresholds{
	PendingQueueMax: 2, ReadyQueueMax: 3, DLQMaxWarning: 10, DLQMaxCritical: 20,
	StuckVMAge: time.Hour, StuckVMMaxWarning: 1, StuckVMMaxCritical: 3,
}

// vms makes one VM for each age; a negative one is unknown.
func vms(ages ...time.Duration) (out []vmpooler.VM) {
	for i, age := range ages {
		vm := vmpooler.VM{Name: fmt.Sprint("vm-", i)}
		if age >= 0 {
			vm.Since = now.Add(-age)
		}
		out = append(out, vm)
	}
	return out
}

func pool(name string, pending, ready []vmpooler.VM) vmpooler.Pool {
	p := vmpooler.Pool{Name: name}
	p.Queues[vmpooler.Pending].VMs = pending
	p.Queues[vmpooler.Ready].VMs = ready
	return p
}

func snapshot(pools ...vmpooler.Pool) *vmpooler.Snapshot {
	return &vmpooler.Snapshot{
		Now: now, Pools: pools,
		DLQ:   []vmpooler.DLQ{{Queue: "clone", Size: vmpooler.Known(0)}},
		Tasks: vmpooler.Tasks{Clone: vmpooler.Known(0), OndemandClone: vmpooler.Known(0)},
	}
}

func some(n int, age time.Duration) []vmpooler.VM {
	ages := make([]time.Duration, n)
	for i := range ages {
		ages[i] = age
	}
	return vms(ages...)
}

func TestStatus(t *testing.T) {
	dlq := func(n int64) *vmpooler.Snapshot {
		s := snapshot(pool("p", nil, nil))
		s.DLQ = []vmpooler.DLQ{{Queue: "clone", Size: vmpooler.Known(n - 1)}, {Queue: "ready", Size: vmpooler.Known(1)}}
		return s
	}
	const fresh, old = time.Minute, time.Hour + time.Second
	for name, tc := range map[string]struct {
		snap *vmpooler.Snapshot
		want health.Status
	}{
		"nothing at all":             {snapshot(), health.Healthy},
		"pending at its limit":       {snapshot(pool("p", some(2, fresh), nil)), health.Healthy},
		"pending beyond":             {snapshot(pool("p", some(3, fresh), nil)), health.Degraded},
		"pending at twice":           {snapshot(pool("p", some(4, fresh), nil)), health.Degraded},
		"pending beyond twice":       {snapshot(pool("p", some(5, fresh), nil)), health.Unhealthy},
		"ready at its limit":         {snapshot(pool("p", nil, some(3, fresh))), health.Healthy},
		"ready beyond":               {snapshot(pool("p", nil, some(4, fresh))), health.Degraded},
		"ready at twice":             {snapshot(pool("p", nil, some(6, fresh))), health.Degraded},
		"ready beyond twice":         {snapshot(pool("p", nil, some(7, fresh))), health.Unhealthy},
		"queues of pools don't add":  {snapshot(pool("p", some(2, fresh), nil), pool("q", some(2, fresh), nil)), health.Healthy},
		"stuck at the warning":       {snapshot(pool("p", some(1, old), nil)), health.Healthy},
		"stuck VMs of pools do add":  {snapshot(pool("p", some(1, old), nil), pool("q", some(1, old), nil)), health.Degraded},
		"stuck beyond the critical":  {snapshot(pool("p", some(2, old), nil), pool("q", some(2, old), nil)), health.Unhealthy},
		"as old as the limit":        {snapshot(pool("p", some(2, time.Hour), nil)), health.Healthy},
		"half a second more":         {snapshot(pool("p", some(2, time.Hour+500*time.Millisecond), nil)), health.Healthy},
		"old but ready":              {snapshot(pool("p", nil, some(3, 99*time.Hour))), health.Healthy},
		"of unknown age":             {snapshot(pool("p", some(2, -1), nil)), health.Healthy},
		"dead letters at warning":    {dlq(10), health.Healthy},
		"dead letters beyond":        {dlq(11), health.Degraded},
		"dead letters at critical":   {dlq(20), health.Degraded},
		"dead letters beyond it too": {dlq(21), health.Unhealthy},
	} {
		t.Run(name, func(t *testing.T) {
			r := health.Evaluate(tc.snap, nil, limits)
			if r.Status != tc.want || !r.Known {
				t.Errorf("%v (known: %v), want %v; reasons %+v", r.Status, r.Known, tc.want, r.Reasons())
			}
			if (len(r.Reasons()) > 0) != (tc.want != health.Healthy) {
				t.Errorf("%v for the reasons %+v", r.Status, r.Reasons())
			}
		})
	}
}

func TestQueueStats(t *testing.T) {
	r := health.Evaluate(snapshot(pool("p", vms(10*time.Second, 15500*time.Millisecond, -1, -1, 2*time.Hour), nil)), nil, limits)
	want := health.QueueStats{Size: 5, Known: 3, AgeUnknown: 2, OldestAge: 7200, AverageAge: (10 + 15 + 7200) / 3, Stuck: 1}
	if d := cmp.Diff(&want, r.Pools[0].Queues[vmpooler.Pending]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestReasonsAreTheWorstOfEachConditionWorstFirst(t *testing.T) {
	s := snapshot(
		pool("a", some(3, time.Minute), nil),
		pool("b", some(9, 2*time.Hour), nil),
		pool("c", some(4, time.Minute), some(4, 0)),
	)
	want := []health.Check{
		{Condition: health.PendingQueue, Pool: "b", Severity: health.Critical, Value: 9, Threshold: 4},
		{Condition: health.StuckVMs, Severity: health.Critical, Value: 9, Threshold: 3},
		{Condition: health.PendingQueue, Pool: "c", Severity: health.Warning, Value: 4, Threshold: 2},
		{Condition: health.PendingQueue, Pool: "a", Severity: health.Warning, Value: 3, Threshold: 2},
		{Condition: health.ReadyQueue, Pool: "c", Severity: health.Warning, Value: 4, Threshold: 3},
	}
	if d := cmp.Diff(want, health.Evaluate(s, nil, limits).Reasons()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

var errBroken = errors.New("WRONGTYPE")

func TestWhatIsUnknownTakesNoPart(t *testing.T) {
	broken := pool("broken", nil, nil)
	broken.Queues[vmpooler.Pending].Err = errBroken
	s := snapshot(broken, pool("p", some(3, time.Minute), nil))
	s.DLQ = []vmpooler.DLQ{{Queue: "clone"}}
	s.Tasks = vmpooler.Tasks{Clone: vmpooler.Known(5), OndemandClone: vmpooler.Known(0)}
	r := health.Evaluate(s, nil, limits)
	if r.Status != health.Degraded || !r.Known {
		t.Errorf("%v, known %v", r.Status, r.Known)
	}
	for _, c := range r.Checks {
		if c.Condition == health.DLQSize || c.Pool == "broken" && c.Condition == health.PendingQueue {
			t.Errorf("%+v was compared", c)
		}
	}
	if r.CloneSlotsLeaked.Known {
		t.Errorf("leaked slots %d, though not all pending VMs are known", r.CloneSlotsLeaked.Value)
	}
	b, err := json.Marshal(r.Metrics(true))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"queues":{"broken":{"ready":{"size":0,"oldest_age":0,"avg_age":0},"completed":{"size":0}},` +
		`"p":{"pending":{"size":3,"oldest_age":60,"avg_age":60,"stuck_count":0},"ready":{"size":0,"oldest_age":0,"avg_age":0},"completed":{"size":0}}},` +
		`"tasks":{"clone":{"active":5},"ondemand":{"active":0}},"errors":{"stuck_vm_count":0}}`
	if d := cmp.Diff(want, string(b)); d != "" {
		t.Errorf("metrics (-want +got):\n%s", d)
	}
}

func TestThereIsNoVerdictOnNothing(t *testing.T) {
	p := pool("p", nil, nil)
	for q := range p.Queues {
		p.Queues[q].Err = errBroken
	}
	noList := snapshot()
	noList.Errs[vmpooler.PartPools] = errBroken
	for name, s := range map[string]*vmpooler.Snapshot{"no queue is readable": snapshot(p), "the pools are unknown": noList} {
		r := health.Evaluate(s, nil, limits)
		if r.Known {
			t.Errorf("%s: %v", name, r.Status)
		}
		for _, c := range r.Checks {
			if c.Condition != health.DLQSize {
				t.Errorf("%s: %+v was compared", name, c)
			}
		}
	}
}

func TestCloneSlotsLeaked(t *testing.T) {
	pending := some(4, time.Minute)
	pending[0].Cloned = true // boots; its slot should have been given back
	for name, tc := range map[string]struct {
		clone, ondemand, want int64
	}{
		"all accounted for":    {2, 1, 0},
		"two more than clones": {3, 2, 2},
		"fewer than clones":    {0, 1, 0},
	} {
		s := snapshot(pool("p", pending, nil))
		s.Tasks = vmpooler.Tasks{Clone: vmpooler.Known(tc.clone), OndemandClone: vmpooler.Known(tc.ondemand)}
		if got := health.Evaluate(s, nil, limits).CloneSlotsLeaked; got != vmpooler.Known(tc.want) {
			t.Errorf("%s: %+v, want %d", name, got, tc.want)
		}
	}
}

func TestStatusText(t *testing.T) {
	for s, want := range map[health.Status]string{health.Healthy: "healthy", health.Degraded: "degraded", health.Unhealthy: "unhealthy", 7: "Status(7)"} {
		if got := s.String(); got != want {
			t.Errorf("Status %d is %q, want %q", int(s), got, want)
		}
	}
}

// The recorded run's leaked slots: name collisions three in a row keep a slot.
func TestTheRecordedRunsLeakedSlotsAreSeen(t *testing.T) {
	c := server.Client(t)
	tr := testredis.Capture()
	if err := tr.Replay(t.Context(), c, 470, 0); err != nil {
		t.Fatal(err)
	}
	s, err := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return tr.At(470) }}).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// 18 of 20 slots stand at the end, of which the trace's own bookkeeping
	// finds few to belong to a VM that is still being cloned.
	leaked := health.Evaluate(s, nil, limits).CloneSlotsLeaked
	if !leaked.Known || leaked.Value < 10 {
		t.Errorf("%+v, with the counters at %+v", leaked, s.Tasks)
	}
}

// With its dead-letter queue on, vmpooler lists the queues that are not empty.
// Its health checks of the hard run say which; it counted a moment before it
// wrote that down.
func TestDeadLettersAreListedAsVmpoolerListsThem(t *testing.T) {
	const moment = 0.5 // s
	c := server.Client(t)
	r := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return now }})
	type state struct {
		until float64 // when the next dead letter came
		dlq   any
		total any
	}
	read := func() state {
		s, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(health.Evaluate(s, nil, limits).Metrics(true))
		if err != nil {
			t.Fatal(err)
		}
		m := normal(t, b)
		return state{math.Inf(1), at(m, "queues.dlq"), at(m, "errors.dlq_total_size")}
	}
	states, compared := []state{read()}, 0
	for _, w := range testredis.CaptureHardOwn().Writes {
		switch {
		case w.Command[0] == "zadd":
			if err := testredis.Apply(t.Context(), c, []testredis.Write{w}, 0); err != nil {
				t.Fatal(err)
			}
			states[len(states)-1].until = w.T
			states = append(states, read())
		case w.Command[0] == "hset" && w.Command[2] == "metrics":
			theirs := normal(t, []byte(w.Command[3]))
			compared++
			if !slices.ContainsFunc(states, func(s state) bool {
				return s.until > w.T-moment && cmp.Equal(s.dlq, at(theirs, "queues.dlq")) && cmp.Equal(s.total, at(theirs, "errors.dlq_total_size"))
			}) {
				t.Errorf("at %v s vmpooler has %v, ours is %v", w.T, at(theirs, "queues.dlq"), states[len(states)-1].dlq)
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d of vmpooler's reports were compared", compared)
	}
}

// at follows a path of keys into decoded JSON; nil where it ends early.
func at(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}
