package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// whose tells by which operators the replicas' series of a metric become one; nil if
// each says something of its own, so that nothing has to.
//
// Gauges come from Redis, and all replicas say the same. Events are counted by each
// replica alike; dead letters and purges only by the one that writes.
func whose(family, kind string) []parser.ItemType {
	prefixed := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(family, p) })
	}
	switch {
	case family == "" || prefixed("vmpooler_up", "vmpooler_exporter_", "vmpooler_redis_clock_skew_"):
		return nil
	case kind == "gauge":
		return []parser.ItemType{parser.MAX, parser.MIN}
	case prefixed("vmpooler_vm_", "vmpooler_ondemand_"):
		return []parser.ItemType{parser.MAX}
	case prefixed("vmpooler_dlq_", "vmpooler_purge_"):
		return []parser.ItemType{parser.SUM}
	}
	return []parser.ItemType{parser.SUM, parser.MAX}
}

// replicas tells which series would be counted or shown once for each exporter.
func replicas(b *Bundle, expr parser.Expr) []string {
	var wrong []string
	eachSelector(expr, func(s *parser.VectorSelector, above []parser.Node) {
		found, _ := b.Metrics.lookup(s.Name)
		operators := whose(found.family, found.kind)
		if operators == nil || slices.ContainsFunc(above, isAbsent) {
			return
		}
		var names []string
		for _, op := range operators {
			names = append(names, op.String())
		}
		may := strings.Join(names, " or ")
		for _, n := range slices.Backward(above) {
			a, ok := n.(*parser.AggregateExpr)
			if !ok {
				continue
			}
			switch {
			case !slices.Contains(operators, a.Op):
				wrong = append(wrong, fmt.Sprintf("%s is under %s first, and two exporters on one Redis want %s", s.Name, a.Op, may))
			case a.Without != slices.Contains(a.Grouping, "instance"):
				wrong = append(wrong, s.Name+" keeps the label instance, so two exporters on one Redis say it twice")
			}
			return
		}
		wrong = append(wrong, fmt.Sprintf("%s is not under %s, so two exporters on one Redis say it twice", s.Name, may))
	})
	return wrong
}

func isAbsent(n parser.Node) bool {
	c, ok := n.(*parser.Call)
	return ok && strings.HasPrefix(c.Func.Name, "absent")
}
