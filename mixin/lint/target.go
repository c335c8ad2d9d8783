package lint

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

var targetChecks = []check[targetOf]{
	{"target parses", targetParses},
	{"target datasource", targetDatasource},
	{"target format", targetFormat},
	{"target selectors", ofTarget(variableMatchers)},
	{"target rate interval", ofTarget(rateIntervals)},
	{"target metrics", ofTarget(exists)},
	{"target counters", ofTarget(counters)},
	{"target matching", ofTarget(matching)},
	{"target replicas", ofTarget(replicas)},
	{"target legend", targetLegend},
}

func ofTarget(f func(*Bundle, parser.Expr) []string) func(*Bundle, targetOf) []string {
	return func(b *Bundle, t targetOf) []string {
		expr, err := parse(t.target.Expr)
		if err != nil {
			return nil
		}
		return f(b, expr)
	}
}

func targetParses(_ *Bundle, t targetOf) []string {
	if _, err := parse(t.target.Expr); err != nil {
		return []string{err.Error()}
	}
	return nil
}

func targetDatasource(_ *Bundle, t targetOf) []string {
	if t.target.Datasource != chosen {
		return []string{fmt.Sprintf("its datasource is %v", t.target.Datasource)}
	}
	return nil
}

// targetFormat: a table has rows of one moment, a heat map has buckets.
func targetFormat(_ *Bundle, t targetOf) []string {
	switch {
	case t.panel.Type == "table" && (t.target.Format != "table" || !t.target.Instant):
		return []string{"a table's target is instant, with the format table"}
	case t.panel.Type == "heatmap" && t.target.Format != "heatmap":
		return []string{"a heat map's target has the format heatmap"}
	case (t.panel.Type == "timeseries" || t.panel.Type == "state-timeline") && t.target.Instant:
		return []string{"one moment is no time series"}
	}
	return nil
}

var mustSelect = []string{"cluster", "job", "instance"}

// variableMatchers: what is chosen above holds for every selector. Alerts are not of
// a target each, so ALERTS is let off.
func variableMatchers(_ *Bundle, expr parser.Expr) []string {
	var wrong []string
	eachSelector(expr, func(s *parser.VectorSelector, _ []parser.Node) {
		if s.Name == "ALERTS" {
			return
		}
		for _, name := range mustSelect {
			want, err := Matchers(fmt.Sprintf(`%s=~"$%s"`, name, name))
			if err == nil && !has(s, want) {
				wrong = append(wrong, fmt.Sprintf("%s lacks %s", s, want[0]))
			}
		}
	})
	return wrong
}

// rateIntervals: a rate over a window of its own shows gaps, or too few points, at
// another scrape interval or time range. An increase over a window that its title
// names is another matter.
func rateIntervals(_ *Bundle, expr parser.Expr) []string {
	var wrong []string
	magic, _ := time.ParseDuration(rateInterval)
	eachNode(expr, func(n parser.Node, above []parser.Node) {
		m, ok := n.(*parser.MatrixSelector)
		if !ok {
			return
		}
		f := call(above)
		if rate := f == "rate" || f == "irate"; rate && m.Range != magic {
			wrong = append(wrong, fmt.Sprintf("%s over %s, want $__rate_interval", f, m.Range))
		} else if !rate && f != "increase" && m.Range == magic {
			wrong = append(wrong, "$__rate_interval is for rates, not for "+f)
		}
	})
	return wrong
}

var legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// targetLegend: names in a legend are labels that the series have.
func targetLegend(b *Bundle, t targetOf) []string {
	expr, err := parse(t.target.Expr)
	if err != nil {
		return nil
	}
	var wrong []string
	s := b.Metrics.shapeOf(expr)
	for _, m := range legendLabel.FindAllStringSubmatch(t.target.LegendFormat, -1) {
		if !s.open && !s.blank && !s.may[m[1]] {
			wrong = append(wrong, fmt.Sprintf("its legend names %s, and its series are by %s", m[1], s.may.sorted()))
		}
	}
	shown := slices.Contains([]string{"timeseries", "bargauge", "state-timeline"}, t.panel.Type)
	if shown && t.target.LegendFormat == "" {
		wrong = append(wrong, "it has no legend")
	}
	return wrong
}
