package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// rateInterval stands for $__rate_interval while a dashboard's expression is parsed:
// no window that anyone would write.
const rateInterval = "11m11s"

var grafanaName = regexp.MustCompile(`\$(?:\{(\w+)[^}]*\}|(\w+))`)

// parse reads an expression of Prometheus or, with Grafana's variables, of a panel.
// Variables in quotes stay: to PromQL they are text.
func parse(expr string) (parser.Expr, error) {
	var out strings.Builder
	for i, part := range splitQuoted(expr) {
		if i%2 == 0 {
			part = grafanaName.ReplaceAllStringFunc(part, func(name string) string {
				switch strings.Trim(name, "${}") {
				case "__rate_interval":
					return rateInterval
				case "__interval", "__range":
					return "7m7s"
				}
				return "1"
			})
		}
		out.WriteString(part)
	}
	return parser.NewParser(parser.Options{}).ParseExpr(out.String())
}

// splitQuoted splits the text so that every second part is a quoted one.
func splitQuoted(text string) []string {
	var parts []string
	start, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote == 0 && (c == '"' || c == '\'' || c == '`'):
			parts = append(parts, text[start:i])
			start, quote = i, c
		case quote != 0 && c == '\\' && quote != '`':
			i++
		case c == quote:
			parts = append(parts, text[start:i+1])
			start, quote = i+1, 0
		}
	}
	return append(parts, text[start:])
}

// eachSelector calls the function for each instant selector, with the nodes above it
// from the outermost to the innermost.
func eachSelector(expr parser.Expr, f func(s *parser.VectorSelector, above []parser.Node)) {
	eachNode(expr, func(n parser.Node, above []parser.Node) {
		if s, ok := n.(*parser.VectorSelector); ok {
			f(s, above)
		}
	})
}

func eachNode(expr parser.Expr, f func(n parser.Node, above []parser.Node)) {
	parser.Inspect(expr, func(n parser.Node, above []parser.Node) error {
		if n != nil {
			f(n, above)
		}
		return nil
	})
}

// has tells whether the selector has each of the matchers.
func has(s *parser.VectorSelector, matchers []*labels.Matcher) bool {
	for _, want := range matchers {
		if !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.String() == want.String() }) {
			return false
		}
	}
	return true
}

// Matchers reads what stands between a selector's braces.
func Matchers(selector string) ([]*labels.Matcher, error) {
	expr, err := parse("x{" + selector + "}")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(expr.(*parser.VectorSelector).LabelMatchers, func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel }), nil
}

// call is the function that is called right above, if one is.
func call(above []parser.Node) string {
	for _, n := range slices.Backward(above) {
		switch n := n.(type) {
		case *parser.Call:
			return n.Func.Name
		case *parser.ParenExpr, *parser.MatrixSelector, *parser.StepInvariantExpr:
		default:
			return ""
		}
	}
	return ""
}
