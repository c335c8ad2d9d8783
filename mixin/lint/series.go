package lint

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// exists tells which metrics and which labels of an expression there are not.
func exists(b *Bundle, expr parser.Expr) []string {
	var wrong []string
	miss := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	eachNode(expr, func(n parser.Node, _ []parser.Node) {
		switch n := n.(type) {
		case *parser.VectorSelector:
			if _, what := b.Metrics.lookup(n.Name); what != "" {
				miss("%s", what)
				return
			}
			s := b.Metrics.selected(n)
			for _, m := range n.LabelMatchers {
				if m.Name != model.MetricNameLabel && !s.open && !s.may[m.Name] {
					miss("%s has no label %s", n.Name, m.Name)
				}
				for _, value := range b.Metrics.never(n.Name, m) {
					miss("%s never has %s %q", n.Name, m.Name, value)
				}
			}
		case *parser.AggregateExpr:
			b.unknown(n.Expr, n.Grouping, miss)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				b.included(n, miss)
			}
		case *parser.Call:
			if n.Func.Name == "label_replace" {
				b.unknown(n.Args[0], []string{n.Args[3].(*parser.StringLiteral).Val}, miss)
			}
		}
	})
	slices.Sort(wrong)
	return slices.Compact(wrong)
}

// unknown misses the labels that the expression does not have.
func (b *Bundle) unknown(expr parser.Expr, names []string, miss func(string, ...any)) {
	s := b.Metrics.shapeOf(expr)
	for _, name := range names {
		if !s.open && !s.may[name] {
			miss("%s has no label %s", expr, name)
		}
	}
}

// included misses the labels of group_left and group_right.
func (b *Bundle) included(e *parser.BinaryExpr, miss func(string, ...any)) {
	one := e.RHS
	if e.VectorMatching.Card == parser.CardOneToMany {
		one = e.LHS
	}
	b.unknown(one, e.VectorMatching.Include, miss)
}

// counters tells which counters are used bare, which gauges as counters, and which
// windows are taken over what was aggregated before.
func counters(b *Bundle, expr parser.Expr) []string {
	var wrong []string
	rates := []string{"rate", "irate", "increase"}
	slopes := []string{"deriv", "predict_linear", "delta", "idelta"}
	bare := []string{"", "max_over_time", "min_over_time", "avg_over_time", "last_over_time", "sum_over_time"}
	eachNode(expr, func(n parser.Node, above []parser.Node) {
		switch n := n.(type) {
		case *parser.SubqueryExpr:
			if f := call(above); slices.Contains(rates, f) {
				wrong = append(wrong, f+" of a subquery: take the rate first, then aggregate")
			}
		case *parser.VectorSelector:
			found, _ := b.Metrics.lookup(n.Name)
			f := call(above)
			switch {
			case found.kind == "gauge" && slices.Contains(rates, f):
				wrong = append(wrong, fmt.Sprintf("%s of the gauge %s", f, n.Name))
			case found.kind == "counter" && slices.Contains(slopes, f):
				wrong = append(wrong, fmt.Sprintf("%s of the counter %s", f, n.Name))
			case found.kind == "counter" && slices.Contains(bare, f) && !counted(above):
				wrong = append(wrong, fmt.Sprintf("the counter %s without rate or increase says how long ago the exporter was started", n.Name))
			}
		}
	})
	return wrong
}

// counted tells whether only the number of series matters.
func counted(above []parser.Node) bool {
	for _, n := range slices.Backward(above) {
		if a, ok := n.(*parser.AggregateExpr); ok {
			return a.Op == parser.COUNT || a.Op == parser.GROUP
		}
	}
	return false
}
