package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"
)

// samples are the durations of one operation.
type samples []time.Duration

func (s *samples) time(f func()) {
	began := time.Now()
	f()
	*s = append(*s, time.Since(began))
}

func (s *samples) quantile(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(*s))
	return sorted[int(math.Ceil(q*float64(len(sorted)-1)))]
}

func (s *samples) median() time.Duration { return s.quantile(0.5) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// report collects the rows of the table.
type report struct{ rows []row }

type row struct{ what, measured, target string }

// target is what a measured number is held to.
type target struct {
	text string
	most float64 // in the number's unit; +Inf where nothing is held to it
}

func atMost(n float64, unit string) target {
	return target{"≤ " + strconv.FormatFloat(n, 'f', -1, 64) + unit, n}
}

// unchecked is a target in words, or none, for a row that is there to be looked
// at.
func unchecked(text string) target { return target{text, math.Inf(1)} }

// add adds a row. A number over its target fails the benchmark, and so `make
// bench`, once the whole table is there; its row says so too.
func (r *report) add(b *testing.B, what string, t target, number float64, format string, args ...any) {
	b.Helper()
	x := row{what, fmt.Sprintf(format, args...), t.text}
	if !(number <= t.most) { // a NaN is a miss
		b.Errorf("%s: %s misses its target, %s (%.4g)", x.what, x.measured, x.target, number)
		x.target += ", MISSED"
	}
	r.rows = append(r.rows, x)
}

// enough says whether there are as many rounds as a row needs. With fewer, where
// BENCHTIME is short, there is no row, and its target is not looked at.
func enough(b *testing.B, rounds, least int) bool {
	b.Helper()
	if rounds < least {
		b.Logf("%d rounds are too few for a row, which takes %d", rounds, least)
	}
	return rounds >= least
}

func (r *report) print(w io.Writer) {
	if len(r.rows) == 0 {
		return
	}
	head := row{"what", "measured", "target"}
	width := [2]int{len(head.what), len(head.measured)}
	for _, x := range r.rows {
		width[0], width[1] = max(width[0], len([]rune(x.what))), max(width[1], len([]rune(x.measured)))
	}
	line := func(x row) {
		fmt.Fprintf(w, "| %-*s | %-*s | %s |\n", width[0], x.what, width[1], x.measured, x.target)
	}
	fmt.Fprintln(w)
	line(head)
	fmt.Fprintln(w, "| --- | --- | --- |")
	for _, x := range r.rows {
		line(x)
	}
}
