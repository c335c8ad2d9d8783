package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// matching tells which binary operators of an expression would match many to many
// as soon as a Redis has two exporters, or would never match.
func matching(b *Bundle, expr parser.Expr) []string {
	var wrong []string
	eachNode(expr, func(n parser.Node, _ []parser.Node) {
		e, ok := n.(*parser.BinaryExpr)
		if !ok || e.VectorMatching == nil || e.Op == parser.LOR {
			return
		}
		left, right := b.Metrics.shapeOf(e.LHS), b.Metrics.shapeOf(e.RHS)
		if left.open || right.open {
			return
		}
		by := matched(e.VectorMatching, left, right)
		if what := neverMatches(e.VectorMatching, by, left, right); what != "" {
			wrong = append(wrong, fmt.Sprintf("%s: %s", e, what))
		}
		if e.Op == parser.LAND || e.Op == parser.LUNLESS {
			return
		}
		for side, s := range map[string]shape{"left": left, "right": right} {
			many := e.VectorMatching.Card == parser.CardManyToOne && side == "left" || e.VectorMatching.Card == parser.CardOneToMany && side == "right"
			if more := s.varying().drop(by); !many && len(more) > 0 {
				wrong = append(wrong, fmt.Sprintf("%s: its %s side has several series that differ in %s only, and it matches by %s: an error as soon as there are two",
					e, side, strings.Join(more.sorted(), ", "), strings.Join(by, ", ")))
			}
		}
	})
	slices.Sort(wrong)
	return wrong
}

// matched are the labels by which two sides are matched.
func matched(how *parser.VectorMatching, left, right shape) []string {
	if how.On {
		return how.MatchingLabels
	}
	return left.may.plus(right.may.sorted()...).drop(how.MatchingLabels).sorted()
}

func neverMatches(how *parser.VectorMatching, by []string, left, right shape) string {
	for _, name := range by {
		l, r := left.may[name], right.may[name]
		if left.blank || right.blank {
			continue
		}
		switch {
		case !l && !r:
			return "neither side has the label " + name
		case l != r && how.On:
			return fmt.Sprintf("only one side has the label %s of on()", name)
		case l != r:
			return fmt.Sprintf("only one side has the label %s, so it never matches", name)
		case left.fixed[name] != "" && right.fixed[name] != "" && left.fixed[name] != right.fixed[name]:
			return fmt.Sprintf("%s is %q on the left and %q on the right, so it never matches", name, left.fixed[name], right.fixed[name])
		}
	}
	return ""
}

// varying are the labels in which series can differ.
func (s shape) varying() set {
	varying := set{}
	for name := range s.may {
		if s.fixed[name] == "" {
			varying[name] = true
		}
	}
	return varying
}
