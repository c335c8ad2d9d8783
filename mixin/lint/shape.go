package lint

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// targetLabels are what Prometheus adds to each series of a target, and cluster,
// which its operators add.
var targetLabels = []string{"cluster", "instance", "job"}

// shape is what is known of the series of an expression before it runs.
type shape struct {
	may   set               // labels that they may have
	sure  set               // those that all branches of an `or` have
	fixed map[string]string // those that have one value, from the matchers
	open  bool              // nothing is known
	blank bool              // a number, or absent(): its labels are those of nothing
}

type set map[string]bool

func setOf(names ...string) set {
	s := make(set)
	for _, n := range names {
		s[n] = true
	}
	return s
}

func (s set) sorted() []string { return slices.Sorted(maps.Keys(s)) }

// keep returns those of s that are in names, drop those that are not.
func (s set) keep(names []string) set {
	kept := maps.Clone(s)
	maps.DeleteFunc(kept, func(n string, _ bool) bool { return !slices.Contains(names, n) })
	return kept
}

func (s set) drop(names []string) set {
	kept := maps.Clone(s)
	maps.DeleteFunc(kept, func(n string, _ bool) bool { return slices.Contains(names, n) })
	return kept
}

func (s set) plus(names ...string) set {
	more := maps.Clone(s)
	maps.Copy(more, setOf(names...))
	return more
}

// shapeOf tells the shape of an expression's result.
func (m Metrics) shapeOf(expr parser.Expr) shape {
	switch e := expr.(type) {
	case *parser.VectorSelector:
		return m.selected(e)
	case *parser.MatrixSelector:
		return m.shapeOf(e.VectorSelector)
	case *parser.SubqueryExpr:
		return m.shapeOf(e.Expr)
	case *parser.ParenExpr:
		return m.shapeOf(e.Expr)
	case *parser.UnaryExpr:
		return m.shapeOf(e.Expr)
	case *parser.StepInvariantExpr:
		return m.shapeOf(e.Expr)
	case *parser.AggregateExpr:
		return aggregated(e, m.shapeOf(e.Expr))
	case *parser.BinaryExpr:
		return combined(e, m.shapeOf(e.LHS), m.shapeOf(e.RHS))
	case *parser.Call:
		return m.called(e)
	}
	return shape{may: set{}, sure: set{}, blank: true}
}

func (m Metrics) selected(e *parser.VectorSelector) shape {
	found, wrong := m.lookup(e.Name)
	s := shape{may: setOf(found.labels...), fixed: make(map[string]string), open: found.open || wrong != ""}
	if _, recorded := m.Recorded[e.Name]; !recorded {
		s.may = s.may.plus(targetLabels...)
	}
	for _, matcher := range e.LabelMatchers {
		if matcher.Name != model.MetricNameLabel && matcher.Type == labels.MatchEqual && matcher.Value != "" {
			s.fixed[matcher.Name] = matcher.Value
		}
	}
	s.sure = s.may
	return s
}

// narrowed keeps of a shape what f keeps of its labels.
func (s shape) narrowed(f func(set) set) shape {
	s.may, s.sure = f(s.may), f(s.sure)
	s.fixed = maps.Clone(s.fixed)
	maps.DeleteFunc(s.fixed, func(name, _ string) bool { return !s.may[name] })
	return s
}

func aggregated(e *parser.AggregateExpr, s shape) shape {
	if e.Op == parser.TOPK || e.Op == parser.BOTTOMK || e.Op == parser.LIMITK || e.Op == parser.LIMIT_RATIO {
		return s
	}
	if s.open && !e.Without { // by keeps what it names, whatever there was
		s = shape{may: setOf(e.Grouping...), sure: setOf(e.Grouping...)}
	}
	s = s.narrowed(func(l set) set {
		if e.Without {
			return l.drop(e.Grouping)
		}
		return l.keep(e.Grouping)
	})
	if name, ok := e.Param.(*parser.StringLiteral); ok && e.Op == parser.COUNT_VALUES {
		s.may, s.sure = s.may.plus(name.Val), s.sure.plus(name.Val)
	}
	return s
}

// combined is the shape of what a binary operator makes of two.
func combined(e *parser.BinaryExpr, left, right shape) shape {
	how := e.VectorMatching
	switch {
	case how == nil: // one side or both are numbers
		if left.blank {
			return right
		}
		return left
	case e.Op == parser.LOR:
		return either(left, right)
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return left
	case how.Card == parser.CardManyToOne:
		return left.narrowed(func(l set) set { return l.plus(how.Include...) })
	case how.Card == parser.CardOneToMany:
		return right.narrowed(func(l set) set { return l.plus(how.Include...) })
	case how.On:
		return left.narrowed(func(l set) set { return l.keep(how.MatchingLabels) })
	}
	return left.narrowed(func(l set) set { return l.drop(how.MatchingLabels) })
}

func either(left, right shape) shape {
	s := shape{may: left.may.plus(right.may.sorted()...), open: left.open || right.open, blank: left.blank && right.blank}
	switch {
	case left.blank:
		s.sure = right.sure
	case right.blank:
		s.sure = left.sure
	default:
		s.sure = left.sure.keep(right.sure.sorted())
	}
	s.fixed = maps.Clone(left.fixed)
	maps.DeleteFunc(s.fixed, func(name, value string) bool { return right.fixed[name] != value })
	return s
}

// called is the shape of what a function returns.
func (m Metrics) called(e *parser.Call) shape {
	switch e.Func.Name {
	case "absent", "absent_over_time": // what it returns has only what its matchers fix
		s := m.shapeOf(e.Args[0])
		s.may = setOf(slices.Collect(maps.Keys(s.fixed))...)
		s.sure, s.blank, s.open = s.may, true, false
		return s
	case "vector", "scalar", "time":
		return shape{may: set{}, sure: set{}, blank: true}
	case "label_replace", "label_join":
		return m.shapeOf(e.Args[0]).narrowed(func(l set) set { return l.plus(e.Args[1].(*parser.StringLiteral).Val) })
	case "histogram_quantile":
		return m.shapeOf(e.Args[1]).narrowed(func(l set) set { return l.drop([]string{"le"}) })
	}
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			return m.shapeOf(arg)
		}
	}
	return shape{may: set{}, sure: set{}, blank: true}
}
