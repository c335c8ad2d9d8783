package endtoend

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// synthetic is a series of many alike: what an exporter said of one pool, of each of
// many, over time.
type synthetic struct {
	labels []label
	base   float64 // as it was said
	kind   kind
	pool   int // its number
}

type kind uint8

const (
	steady  kind = iota // as thresholds are
	moving              // up and down, as sizes are
	growing             // as counters are
	stamp               // the time of something that was a moment ago
)

// syntheticFleet reads what one exporter answered, takes what it says of one pool for
// each of n, and returns the series of as many replicas.
func syntheticFleet(metrics []byte, pool string, n, replicas int) ([]synthetic, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(metrics))
	if err != nil {
		return nil, err
	}
	var all []synthetic
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		for _, m := range f.GetMetric() {
			labels := map[string]string{"cluster": "blue", "job": "vmpooler_exporter"}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			copies := 1
			if of := labels["pool"]; of == pool {
				copies = n
			} else if of != "" {
				continue
			}
			for i := range copies {
				if copies > 1 {
					labels["pool"] = fmt.Sprintf("pool-%03d-x86_64", i)
				}
				for r := range replicas {
					labels["instance"] = fmt.Sprintf("exporter-%d:10124", r)
					all = append(all, expand(f, m, labels, i)...)
				}
			}
		}
	}
	return all, nil
}

// expand returns the series of a metric: one, or those of a histogram.
func expand(f *dto.MetricFamily, m *dto.Metric, labels map[string]string, pool int) []synthetic {
	name := f.GetName()
	one := func(suffix string, base float64, k kind, le string) synthetic {
		return synthetic{labels: sorted(labels, name+suffix, le), base: base, kind: k, pool: pool}
	}
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		return []synthetic{one("", m.GetCounter().GetValue(), growing, "")}
	case dto.MetricType_HISTOGRAM:
		h := m.GetHistogram()
		out := []synthetic{one("_sum", h.GetSampleSum(), growing, ""), one("_count", float64(h.GetSampleCount()), growing, "")}
		for _, b := range h.GetBucket() {
			out = append(out, one("_bucket", float64(b.GetCumulativeCount()), growing, strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)))
		}
		return out
	default:
		return []synthetic{one("", m.GetGauge().GetValue()+m.GetUntyped().GetValue(), kindOf(name), "")}
	}
}

func kindOf(gauge string) kind {
	switch {
	case strings.HasSuffix(gauge, "_timestamp_seconds"):
		return stamp
	case gauge == "vmpooler_health_threshold", gauge == "vmpooler_pool_size", strings.HasSuffix(gauge, "_limit"):
		return steady
	}
	return moving
}

// sorted returns the labels that are not empty, as remote write wants them.
func sorted(labels map[string]string, name, le string) []label {
	out := []label{{"__name__", name}}
	for k, v := range labels {
		if v != "" {
			out = append(out, label{k, v})
		}
	}
	if le != "" {
		out = append(out, label{"le", le})
	}
	slices.SortFunc(out, func(a, b label) int { return strings.Compare(a.name, b.name) })
	return out
}

// at returns the value at a moment, since a beginning. Whole numbers stay whole, and
// 0 and 1 what they are.
func (s synthetic) at(t, began time.Time) float64 {
	minutes := t.Sub(began).Minutes()
	switch s.kind {
	case stamp:
		return float64(t.Unix() - int64(30+s.pool))
	case growing:
		return math.Floor(s.base * minutes / 10 * (1 + float64(s.pool%7)/7))
	case moving:
		if s.base <= 1 && s.base == math.Trunc(s.base) {
			return s.base
		}
		v := s.base * (1 + 0.5*math.Sin(2*math.Pi*minutes/float64(97+s.pool)+float64(s.pool)))
		if s.base == math.Trunc(s.base) {
			v = math.Round(v)
		}
		return v
	default:
		return s.base
	}
}

// writeHistory writes the series over a span that ends at a moment, a sample every
// interval. Prometheus takes nothing that is much older than the newest it has, so it
// is done half an hour after another.
func (p prometheus) writeHistory(ctx context.Context, all []synthetic, end time.Time, span, interval time.Duration) error {
	const window, batch = 30 * time.Minute, 1000
	began := end.Add(-span)
	var samples []sample
	for from := began; from.Before(end); from = from.Add(window) {
		for part := range slices.Chunk(all, batch) {
			w := &writeRequest{}
			for _, s := range part {
				samples = samples[:0]
				for t := from; t.Before(from.Add(window)) && !t.After(end); t = t.Add(interval) {
					samples = append(samples, sample{t.UnixMilli(), s.at(t, began)})
				}
				w.add(s.labels, samples)
			}
			if err := p.write(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}
