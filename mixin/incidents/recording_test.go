package incidents

import (
	"math"
	"slices"
	"strings"
	"time"
)

// scrapeEvery is the time between two scrapes, and between two evaluations.
const scrapeEvery = 30 * time.Second

// recording is what the targets said, scrape by scrape. Where a target did not say
// something the sample is NaN.
type recording struct {
	began   time.Time
	scrapes int
	series  map[string][]float64 // by name and labels, as in PromQL
}

func newRecording(began time.Time) *recording {
	return &recording{began: began, series: make(map[string][]float64)}
}

// add takes a sample of the scrape that is under way.
func (r *recording) add(series string, v float64) {
	samples, ok := r.series[series]
	if !ok {
		samples = make([]float64, 0, 512)
	}
	for len(samples) < r.scrapes {
		samples = append(samples, math.NaN())
	}
	r.series[series] = append(samples, v)
}

// done ends a scrape.
func (r *recording) done() {
	r.scrapes++
	for name, samples := range r.series {
		if len(samples) < r.scrapes {
			r.series[name] = append(samples, math.NaN())
		}
	}
}

// names are those of the series, in order.
func (r *recording) names() []string {
	names := make([]string, 0, len(r.series))
	for name := range r.series {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// withLabels puts further labels, written as in PromQL, into a series.
func withLabels(series, further string) string {
	name, labels, ok := strings.Cut(series, "{")
	if !ok {
		return name + "{" + further + "}"
	}
	return name + "{" + further + "," + labels
}

// inPromtoolsTime are the samples of a series on promtool's clock, which begins at 0.
// A time of 0 stands for never on both.
func (r *recording) inPromtoolsTime(series string) []float64 {
	samples := r.series[series]
	name, _, _ := strings.Cut(series, "{")
	if !strings.HasSuffix(name, "_timestamp_seconds") && name != "process_start_time_seconds" {
		return samples
	}
	moved := slices.Clone(samples)
	for i, v := range moved {
		if v > 0 {
			moved[i] = v - float64(r.began.Unix())
		}
	}
	return moved
}

// of are the samples of a series of the first exporter, named as for lasting.
func (r *recording) of(metric, labels string) []float64 {
	for series, samples := range r.series {
		name, rest, _ := strings.Cut(series, "{")
		if name == metric && strings.Contains(rest, at(instances[0])) && strings.HasSuffix(rest, labels+"}") {
			return samples
		}
	}
	return nil
}

// lasting is when a series of the first exporter began to fulfil what it fulfils to the
// end. Named are the metric and the end of its labels. It is the end where there is no
// such series.
func (r *recording) lasting(metric, labels string, holds func(float64) bool) time.Duration {
	samples := r.of(metric, labels)
	if samples == nil {
		return time.Duration(r.scrapes) * scrapeEvery
	}
	from := len(samples)
	for from > 0 && holds(samples[from-1]) {
		from--
	}
	return time.Duration(from) * scrapeEvery
}
