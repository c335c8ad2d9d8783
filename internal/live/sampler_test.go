package live

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// watched is a source of a pool whose ready queue has as many VMs as there were
// readings.
type watched struct {
	mu       sync.Mutex
	readings int
	skew     time.Duration
	err      error
	fault    any
}

func (w *watched) State(context.Context) *collector.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readings++
	if w.fault != nil {
		panic(w.fault)
	}
	if w.err != nil {
		return &collector.State{Err: w.err}
	}
	s := taken(time.Now().Add(w.skew), map[string]int{"p": w.readings})
	s.Skew, s.SkewKnown = w.skew, true
	return &collector.State{Snapshot: s}
}

func (w *watched) breaks(err error, fault any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err, w.fault = err, fault
}

func ready(h *History) []int64 { return tail(h.Hours(config.DefaultThresholds())["p"].Ready) }

// sampled runs a Sampler in a world of its own time, for as long as during lasts.
func sampled(t *testing.T, w *watched, during func(*History)) *History {
	t.Helper()
	h := NewHistory()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go NewSampler(w, h, log.NewNopLogger(), nil).Run(ctx)
		during(h)
		cancel() // it is seen to end: synctest waits
	})
	return h
}

func TestEveryMinuteHasASampleThoughNobodyAsks(t *testing.T) {
	w := &watched{}
	h := sampled(t, w, func(*History) { time.Sleep(5 * time.Minute) })
	if want := []int64{1, 2, 3, 4, 5}; !slices.Equal(ready(h), want) {
		t.Errorf("%v, want %v", ready(h), want)
	}
}

func TestAScrapeServesAsTheSampleOfItsMinute(t *testing.T) {
	w := &watched{}
	h := sampled(t, w, func(h *History) {
		for range 20 { // every 15 s until the sixth minute begins
			time.Sleep(15 * time.Second)
			h.Add(w.State(t.Context()).Snapshot)
		}
		time.Sleep(2 * time.Minute)
	})
	if w.readings != 21 {
		t.Errorf("%d readings, want those of 20 scrapes and one, of the minute that no scrape was in", w.readings)
	}
	if got := ready(h); len(got) != 7 || slices.Contains(got, missing) {
		t.Errorf("%v", got)
	}
}

func TestMinutesAreThoseOfRedis(t *testing.T) {
	for _, skew := range []time.Duration{20 * time.Second, -20 * time.Second, 7 * time.Hour} {
		w := &watched{skew: skew}
		h := sampled(t, w, func(*History) { time.Sleep(10 * time.Minute) })
		if got := ready(h); len(got) < 9 || slices.Contains(got, missing) {
			t.Errorf("%v ahead: %v", skew, got)
		}
		if w.readings > 11 {
			t.Errorf("%v ahead: %d readings in ten minutes", skew, w.readings)
		}
	}
}

func TestAReadingThatFailsLeavesAGapOnly(t *testing.T) {
	w := &watched{}
	h := sampled(t, w, func(*History) {
		time.Sleep(time.Minute)
		w.breaks(errors.New("connection refused"), nil)
		time.Sleep(time.Minute)
		w.breaks(nil, "oh")
		time.Sleep(time.Minute)
		w.breaks(nil, nil)
		time.Sleep(time.Minute)
	})
	if want := []int64{1, missing, missing, 4}; !slices.Equal(ready(h), want) {
		t.Errorf("%v, want %v", ready(h), want)
	}
	var logged bytes.Buffer
	s := NewSampler(&watched{fault: "oh"}, NewHistory(), log.NewLogfmtLogger(&logged), func() time.Time { return start.Add(sampleAt) })
	if left := s.Turn(t.Context()); left != time.Minute || !strings.Contains(logged.String(), "panic=oh") {
		t.Errorf("%v, logged %q", left, logged.String())
	}
}

func TestASampleCostsRedisWhatAScrapeDoes(t *testing.T) {
	c := server.Client(t)
	put(t, c)
	clk := newClock()
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{})
	source := collector.NewSource(reader, nil, config.DefaultThresholds(), 10*time.Second)
	s := NewSampler(source, NewHistory(), log.NewNopLogger(), clk.now)
	scrape := func() map[string]int {
		if st := source.State(t.Context()); st.Err != nil {
			t.Fatal(st.Err)
		}
		return commands(t, c)
	}
	scrape() // the first one asks for more
	one := scrape()
	if left := s.Turn(t.Context()); left != sampleAt || len(commands(t, c)) > 0 {
		t.Errorf("too early it waits for %v", left)
	}
	clk.pass(sampleAt)
	s.Turn(t.Context())
	if got := commands(t, c); len(got) == 0 || !maps.Equal(got, one) {
		t.Errorf("a sample asks for %v, a scrape for %v", got, one)
	}
}
