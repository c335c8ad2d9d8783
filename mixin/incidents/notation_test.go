package incidents

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

// notation writes samples as promtool reads them: steps of the same size in one, and
// where a sample is missing after one that is there, the mark that Prometheus sets.
func notation(samples []float64) string {
	var out []string
	for i := 0; i < len(samples); {
		n := 1
		if math.IsNaN(samples[i]) {
			for i+n < len(samples) && math.IsNaN(samples[i+n]) {
				n++
			}
			rest := n
			if i > 0 {
				out, rest = append(out, "stale"), n-1
			}
			if rest > 0 {
				out = append(out, "_x"+strconv.Itoa(rest))
			}
			i += n
			continue
		}
		step := 0.0
		if i+1 < len(samples) && !math.IsNaN(samples[i+1]) {
			step = samples[i+1] - samples[i]
		}
		for i+n < len(samples) && samples[i]+float64(n)*step == samples[i+n] {
			n++
		}
		text := strconv.FormatFloat(samples[i], 'f', -1, 64)
		if n > 1 {
			text += signed(step) + "x" + strconv.Itoa(n-1)
		}
		out = append(out, text)
		i += n
	}
	return strings.Join(out, " ")
}

func signed(step float64) string {
	text := strconv.FormatFloat(step, 'f', -1, 64)
	if step < 0 {
		return text
	}
	return "+" + text
}

func TestSamplesAreWrittenAsPromtoolReadsThem(t *testing.T) {
	none := math.NaN()
	for _, tt := range []struct {
		name    string
		samples []float64
		want    string
	}{
		{"nothing", nil, ""},
		{"one", []float64{0.25}, "0.25"},
		{"the same again", []float64{5, 5, 5}, "5+0x2"},
		{"a ramp and a fall", []float64{1, 3, 5, 4, 3}, "1+2x2 4-1x1"},
		{"what begins late", []float64{none, none, 7}, "_x2 7"},
		{"what goes and comes back", []float64{7, none, none, 8}, "7 stale _x1 8"},
		{"what is missing once", []float64{7, none, 7}, "7 stale 7"},
		{"a step that can not be written", []float64{946684800, 0.000001}, "946684800 0.000001"},
	} {
		if got := notation(tt.samples); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := fmt.Sprint(notation([]float64{-1, -1})); got != "-1+0x1" {
		t.Errorf("a negative number: %q", got)
	}
}
