package inventory

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

var update = flag.Bool("update", false, "write the goldens")

// world is providers and queues that a test sets, and a Poller of them.
type world struct {
	*Poller

	clock  *clock
	listed map[string][]string
	errs   map[string]error
	panics bool
	queues map[string][]string
	after  map[string][]string // the queues once the providers have been asked, if not nil
	redis  error
	asked  bool

	reg *prometheus.Registry
	log bytes.Buffer
}

func (w *world) List(_ context.Context, pools []config.Pool) []Listing {
	if w.panics {
		panic("no such index")
	}
	w.asked = true
	var round []Listing
	for _, pool := range pools {
		l := Listing{Pool: pool.Name, Provider: ProviderOf(pool), Began: w.clock.now, Took: 2 * time.Second, VMs: w.listed[pool.Name]}
		if err := w.errs[pool.Name]; err != nil {
			l.Err = newListError(pool.Name, l.Provider, err)
		}
		round = append(round, l)
	}
	return round
}

func newWorld(t *testing.T, pools ...config.Pool) *world {
	t.Helper()
	w := &world{clock: newClock(), errs: map[string]error{}, reg: prometheus.NewPedanticRegistry()}
	w.Poller = NewPoller(PollerOptions{
		Inventory: w, Pools: pools, Logger: log.NewLogfmtLogger(&w.log), Metrics: NewMetrics(w.reg, pools), Now: w.clock.Now,
		Queued: func(context.Context) (map[string][]string, error) {
			if w.asked && w.after != nil {
				return w.after, w.redis
			}
			return w.queues, w.redis
		},
	})
	return w
}

func (w *world) round(t *testing.T) {
	t.Helper()
	w.asked = false
	w.Round(t.Context())
	w.clock.advance(5 * time.Minute)
}

func (w *world) metrics(t *testing.T) string {
	t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestPollersMetrics(t *testing.T) {
	w := newWorld(t, config.Pool{Name: "a", Provider: "vsphere"}, config.Pool{Name: "b", Provider: "vsphere"}, config.Pool{Name: "c"})
	w.listed = map[string][]string{"a": {"a1", "a2", "stranger"}, "b": {"b1"}, "c": {"c1"}}
	w.queues = map[string][]string{"a": {"a1", "a2"}, "b": {"b1"}, "c": {"c1"}}
	got := "before the first round\n" + w.metrics(t)
	w.round(t)
	got += "\nafter a round\n" + w.metrics(t)
	w.errs["a"] = errors.New("no route to host")
	w.round(t)
	got += "\nafter a failure of a\n" + w.metrics(t)

	if problems, err := testutil.GatherAndLint(w.reg); err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsKnownBeforeTheFirstRound(t *testing.T) {
	w := newWorld(t, config.Pool{Name: "a"})
	if got := w.View().Verdict("a", "a1"); got != Unknown {
		t.Errorf("got %s", got)
	}
	if _, _, ok := w.View().Missing("a", "a1"); ok {
		t.Error("it is missing")
	}
}

func TestAVMThatCameWhileTheProviderAnsweredIsNoStranger(t *testing.T) {
	w := newWorld(t, config.Pool{Name: "a"})
	w.listed = map[string][]string{"a": {"gone", "stays", "new", "stranger"}}
	w.queues = map[string][]string{"a": {"gone", "stays"}}
	w.after = map[string][]string{"a": {"stays", "new"}}
	w.round(t)
	if n := testutil.ToFloat64(w.opts.Metrics.strangers.WithLabelValues("a")); n != 1 {
		t.Errorf("%v strangers", n)
	}
}

func TestAVMThatCameAfterTheListingBeganIsNotMissing(t *testing.T) {
	w := newWorld(t, config.Pool{Name: "a"})
	w.listed = map[string][]string{"a": {"stays"}}
	w.queues = map[string][]string{"a": {"stays"}}
	w.after = map[string][]string{"a": {"stays", "new"}}
	w.round(t)
	if _, _, ok := w.View().Missing("a", "new"); ok {
		t.Error("it is missing")
	}
}

func TestWithoutTheQueuesNothingIsKnown(t *testing.T) {
	w := newWorld(t, config.Pool{Name: "a"})
	w.redis = errors.New("connection refused")
	w.round(t)
	state := w.View().States()["a"]
	if state.Known || w.asked || !strings.Contains(state.Why, "vmpooler's queues can't be read: connection refused") {
		t.Errorf("got %+v, asked: %v", state, w.asked)
	}
}

func TestAPanicIsARoundWithoutAnswers(t *testing.T) {
	w := newWorld(t, config.Pool{Name: "a"})
	w.panics = true
	w.round(t)
	if state := w.View().States()["a"]; state.Known || !strings.Contains(state.Why, "panicked: no such index") {
		t.Errorf("got %+v", state)
	}
	w.panics = false
	w.round(t)
	if !w.View().States()["a"].Known {
		t.Error("it does not recover")
	}
}

func TestAnErrorAndItsEndAreLoggedOnce(t *testing.T) {
	w := newWorld(t, config.Pool{Name: "a"}, config.Pool{Name: "b"})
	for _, err := range []error{nil, errors.New("one"), errors.New("one"), errors.New("two"), nil, nil} {
		w.errs["a"] = err
		w.round(t)
	}
	want := `level=warn msg="the provider's listing can't be relied on; nothing is purged that needs it" pool=a err="pool \"a\": provider \"dummy\": one"
level=warn msg="the provider's listing can't be relied on; nothing is purged that needs it" pool=a err="pool \"a\": provider \"dummy\": two"
level=info msg="the provider's listing can be relied on again" pool=a
`
	if diff := cmp.Diff(want, w.log.String()); diff != "" {
		t.Error(diff)
	}
}

func TestRunAsksAtOnceAndThenAtIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		p := NewPoller(PollerOptions{
			Inventory: listFunc(func(ctx context.Context) []Listing {
				at = append(at, time.Since(start))
				if len(at) == 2 {
					<-ctx.Done() // until the round's deadline
				}
				if len(at) == 4 {
					cancel()
				}
				return nil
			}),
			Queued: func(context.Context) (map[string][]string, error) { return nil, nil },
			Logger: log.NewNopLogger(), Metrics: NewMetrics(prometheus.NewRegistry(), nil), Interval: 10 * time.Minute,
		})
		p.Run(ctx)
		if len(at) != 4 || at[0] != 0 {
			t.Fatalf("asked at %v", at)
		}
		for i, pause := range []time.Duration{10 * time.Minute, 18 * time.Minute, 10 * time.Minute} {
			if got := at[i+1] - at[i]; got < pause-time.Minute || got > pause+time.Minute {
				t.Errorf("round %d came %v after the one before", i+1, got)
			}
		}
	})
}

type listFunc func(ctx context.Context) []Listing

func (f listFunc) List(ctx context.Context, _ []config.Pool) []Listing { return f(ctx) }

func TestARoundThatIsCutOffPublishesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newWorld(t, config.Pool{Name: "a"})
	before := w.View()
	w.opts.Inventory = listFunc(func(context.Context) []Listing {
		cancel()
		return []Listing{{Pool: "a", Err: context.Canceled}}
	})
	w.Round(ctx)
	if w.View() != before || w.log.Len() > 0 {
		t.Errorf("it did: %s", w.log.String())
	}
}
