package incidents

import "strings"

// replace puts other values in the place of a series' from a scrape on. Named are the
// metric and a part of the labels.
func (r *recording) replace(metric, labels string, from int, value func(old float64, since int) float64) {
	for series, samples := range r.series {
		name, rest, _ := strings.Cut(series, "{")
		if name != metric || !strings.Contains(rest, labels) {
			continue
		}
		for i := from; i < len(samples); i++ {
			samples[i] = value(samples[i], i-from)
		}
	}
}

// always is the same value, whatever was there.
func always(v float64) func(float64, int) float64 { return func(float64, int) float64 { return v } }
