package dlq

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestEventMetricsAreWellFormed(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	e := NewEvents(reg)
	e.Know("p", "p", "bad\xff")
	e.vm(lifecycle.Event{Kind: lifecycle.CheckedOut, Pool: "bad\xff", Ends: lifecycle.ReadyPhase, Took: time.Hour})
	e.request(lifecycle.RequestEvent{Kind: lifecycle.Fulfilled, Pools: []string{"p"}, Took: time.Minute})
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
	text := expose(t, reg)
	for _, want := range []string{
		`vmpooler_vm_events_total{event="timed_out",pool="p"} 0`,
		`vmpooler_vm_events_total{event="checked_out",pool="bad\\xff"} 1`,
		`vmpooler_ondemand_request_events_total{event="deleted",pool="bad\\xff"} 0`,
		`vmpooler_vm_ready_duration_seconds_bucket{pool="bad\\xff",le="3600"} 1`,
		`vmpooler_vm_ready_duration_seconds_bucket{pool="bad\\xff",le="900"} 0`,
		`vmpooler_ondemand_fulfilment_duration_seconds_sum{pool="p"} 60`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "lease") {
		t.Error("there is a duration of what never happened")
	}
}

func TestHistogramsAreNativeToo(t *testing.T) {
	reg := prometheus.NewRegistry()
	NewEvents(reg).vm(lifecycle.Event{Kind: lifecycle.Cloned, Pool: "p", Ends: lifecycle.ClonePhase, Took: time.Minute})
	h := histogram(t, reg, "vmpooler_vm_clone_duration_seconds", "p")
	if h.GetSchema() != 3 || len(h.GetPositiveSpan()) != 1 {
		t.Errorf("%v", h)
	}
}

func TestWhatNobodySawIsNotCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	e := NewEvents(reg)
	e.vm(lifecycle.Event{Kind: lifecycle.FailedClone, Pool: "p", Past: true})
	e.vm(lifecycle.Event{Kind: lifecycle.Destroyed})
	if text := expose(t, reg); text != "" {
		t.Error(text)
	}
}

func expose(t *testing.T, reg prometheus.Gatherer) string {
	t.Helper()
	var names []string
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		names = append(names, f.GetName())
	}
	if len(names) == 0 {
		return ""
	}
	text, err := testutil.CollectAndFormat(gatherer{reg}, expfmt.TypeTextPlain, names...)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// gatherer makes a Collector of a registry that is one already.
type gatherer struct{ prometheus.Gatherer }

func (g gatherer) Describe(ch chan<- *prometheus.Desc) {
	g.Gatherer.(*prometheus.Registry).Describe(ch)
}

func (g gatherer) Collect(ch chan<- prometheus.Metric) { g.Gatherer.(*prometheus.Registry).Collect(ch) }

func histogram(t *testing.T, reg prometheus.Gatherer, name, pool string) *dto.Histogram {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == pool {
				return m.GetHistogram()
			}
		}
	}
	return &dto.Histogram{}
}

// vmpooler keeps how long each clone and each boot took, by day: what the
// histograms hold must be that, and what the requests' own writes say.
func TestDurationsAreVmpoolersOwn(t *testing.T) {
	r := newReplay(t, hard)
	reg := prometheus.NewRegistry()
	e := r.exporter()
	e.opts.Events, e.store = NewEvents(reg), nil
	r.live([]*exporter{e}, nil)

	type sum struct {
		count int
		took  float64
	}
	clones, boots := map[string]*sum{}, map[string]*sum{}
	add := func(to map[string]*sum, pool, seconds string) {
		n, err := strconv.ParseFloat(seconds, 64)
		if err != nil {
			t.Fatal(err)
		}
		if to[pool] == nil {
			to[pool] = &sum{}
		}
		to[pool].count++
		to[pool].took += n
	}
	var fulfilled int
	ready := map[string]bool{}
	for _, w := range r.trace.Writes {
		key := w.Command[1]
		switch {
		case w.T > r.end || w.Command[0] != "hset":
		case strings.HasPrefix(key, vmpooler.CloneTimesKey("")):
			pool, vm, _ := strings.Cut(w.Command[2], ":")
			if !r.c.SIsMember(t.Context(), vmpooler.Pending.Key(pool), vm).Val() { // told when it leaves
				add(clones, pool, w.Command[3])
			}
		case strings.HasPrefix(key, vmpooler.BootTimesKey("")):
			pool, _, _ := strings.Cut(w.Command[2], ":")
			add(boots, pool, w.Command[3])
		case strings.HasPrefix(key, vmpooler.RequestKey("")) && w.Command[3] == "ready" && !ready[key]:
			ready[key] = true
			fulfilled++
		}
	}
	for _, c := range []struct {
		name  string
		truth map[string]*sum
		share float64 // of the count that may be missing, or be told twice
		each  float64 // seconds that a duration may be off, for whole seconds
	}{
		{"vmpooler_vm_clone_duration_seconds", clones, 0.02, 0.01},
		{"vmpooler_vm_boot_duration_seconds", boots, 0.02, 1},
	} {
		if len(c.truth) == 0 {
			t.Fatal("the recording has none of ", c.name)
		}
		for pool, want := range c.truth {
			got := histogram(t, reg, c.name, pool)
			n := float64(got.GetSampleCount())
			t.Logf("%s %s: %v, vmpooler %d; mean %.2f, vmpooler %.2f", c.name, pool, n, want.count, got.GetSampleSum()/n, want.took/float64(want.count))
			if math.Abs(n-float64(want.count)) > c.share*float64(want.count)+1 {
				t.Errorf("%s of %s: %v, vmpooler has %d", c.name, pool, n, want.count)
			}
			if d := got.GetSampleSum()/n - want.took/float64(want.count); math.Abs(d) > c.each+0.05*want.took/float64(want.count) {
				t.Errorf("%s of %s: the mean is off by %v s", c.name, pool, d)
			}
		}
	}
	var requests float64
	for _, m := range families(t, reg)["vmpooler_ondemand_request_events_total"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetValue() == "fulfilled" {
				requests += m.GetCounter().GetValue()
			}
		}
	}
	t.Logf("%v pools of %d requests fulfilled", requests, fulfilled)
	if requests < float64(fulfilled) {
		t.Errorf("%v requests were fulfilled, vmpooler has %d", requests, fulfilled)
	}
}

func families(t *testing.T, reg prometheus.Gatherer) map[string]*dto.MetricFamily {
	t.Helper()
	gathered, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily, len(gathered))
	for _, f := range gathered {
		byName[f.GetName()] = f
	}
	return byName
}
