package live

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// falling is n samples that fall by a step each, down to last.
func falling(n int, step, last int64) []int64 {
	s := make([]int64, n)
	for i := range s {
		s[i] = last + step*int64(n-1-i)
	}
	return s
}

func rising(n int, step, last int64) []int64 { return falling(n, -step, last) }

func TestStepsUntil(t *testing.T) {
	const none = -1
	for name, tc := range map[string]struct {
		samples []int64
		limit   int64
		want    float64
	}{
		"falls by one a minute":            {falling(15, 1, 10), 0, 10},
		"falls by two":                     {falling(15, 2, 10), 0, 5},
		"rises":                            {rising(15, 3, 50), 101, 17},
		"what was long ago has no part":    {append(rising(45, 5, 300), falling(15, 1, 10)...), 0, 10},
		"with gaps":                        {[]int64{missing, 9, missing, 8, 8, 7, 6, missing, 5, 4}, 0, 6.3},
		"steady":                           {slices.Repeat([]int64{5}, 15), 0, none},
		"nothing":                          {nil, 0, none},
		"too few":                          {falling(5, 1, 10), 0, none},
		"too little":                       {[]int64{5, 5, 5, 5, 5, 4, 4, 4, 4, 4}, 0, none},
		"the last sample is missing":       {append(falling(14, 1, 10), missing), 0, none},
		"leads away":                       {rising(15, 1, 20), 0, none},
		"is there already":                 {falling(15, 1, 0), 0, none},
		"was resized once":                 {[]int64{20, 20, 20, 20, 20, 20, 20, 5, 5, 5, 5, 5, 5, 5, 5}, 0, none},
		"was resized early":                {[]int64{20, 20, 20, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, 0, none},
		"drained and filled in turn":       {[]int64{8, 6, 4, 2, 8, 6, 4, 2, 8, 6, 4, 2, 8, 6, 4}, 0, none},
		"has turned":                       {[]int64{20, 18, 16, 14, 12, 10, 8, 6, 4, 4, 5, 6, 7, 8, 9}, 0, none},
		"fell, and has stopped to":         {[]int64{20, 18, 16, 14, 12, 10, 8, 6, 6, 6, 6, 6, 6, 6, 6}, 0, none},
		"falls with some that come back":   {[]int64{20, 19, 18, 19, 17, 16, 15, 15, 13, 12, 13, 11, 10, 9, 8}, 0, 9.4},
		"one bad sample does not hide it":  {[]int64{20, 19, 18, 17, 16, 15, 14, 14, 12, 11, 10, 9, 8, 7, 6}, 0, 6},
		"all missing":                      {slices.Repeat([]int64{missing}, 60), 0, none},
		"just one sample after a long gap": {append(slices.Repeat([]int64{missing}, 59), 5), 0, none},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := stepsUntil(tc.samples, tc.limit)
			if ok != (tc.want != none) || ok && math.Abs(got-tc.want) > 0.25 {
				t.Errorf("%.2f, %v; want %.2f", got, ok, tc.want)
			}
		})
	}
}

// Noise around a size that stays must hardly ever look like a trend.
func TestNoiseIsNoTrend(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	const runs = 20_000
	for range runs {
		samples := make([]int64, 15)
		for i := range samples {
			samples[i] = 10 + r.Int64N(7) - 3
		}
		if _, ok := stepsUntil(samples, 0); ok {
			found++
		}
	}
	if found > runs/1000 {
		t.Errorf("%d of %d", found, runs)
	}
}

func TestAhead(t *testing.T) {
	limits := config.Thresholds{PendingQueueMax: 100, ReadyQueueMax: 30}
	for name, tc := range map[string]struct {
		hour Hour
		want []Ahead
	}{
		"nothing":                     {Hour{}, nil},
		"soonest first":               {Hour{Ready: falling(15, 1, 30), Pending: rising(15, 10, 91)}, []Ahead{{PendingLimit, 100, time.Minute}, {Empty, 0, 30 * time.Minute}}},
		"too many ready":              {Hour{Ready: rising(15, 1, 20)}, []Ahead{{ReadyLimit, 30, 11 * time.Minute}}},
		"at the limit, not beyond it": {Hour{Pending: rising(15, 1, 100)}, []Ahead{{PendingLimit, 100, time.Minute}}},
		"beyond it already":           {Hour{Pending: rising(15, 1, 101)}, nil},
		"beyond and falling":          {Hour{Pending: falling(15, 1, 150)}, nil},
		"too far away":                {Hour{Ready: falling(15, 1, 1000), Pending: slices.Repeat([]int64{3}, 15)}, nil},
		"absurdly far away":           {Hour{Ready: falling(15, 1, math.MaxInt32)}, nil},
		"pending falls to 0":          {Hour{Pending: falling(15, 2, 3)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			tc.hour.Step = Step
			if d := cmp.Diff(tc.want, ahead(&tc.hour, limits)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Whatever the samples, an answer is a number of steps that lie ahead.
func FuzzStepsUntil(f *testing.F) {
	f.Add([]byte{9, 8, 7, 6, 5, 4, 3}, int64(0))
	f.Add([]byte{0, 0, 1, 1, 2, 2, 3, 3, 255}, int64(100))
	f.Fuzz(func(t *testing.T, sizes []byte, limit int64) {
		samples := make([]int64, len(sizes))
		for i, n := range sizes {
			samples[i] = int64(n) + missing
		}
		if got, ok := stepsUntil(samples, limit); ok && !(got > 0) {
			t.Errorf("%v until %d: %v", samples, limit, got)
		}
	})
}
