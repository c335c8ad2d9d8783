package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// exprChecks are for the expressions of alerts and of recording rules.
var exprChecks = []check[Rule]{
	{"rule parses", func(_ *Bundle, r Rule) []string {
		if _, err := parse(r.Expr); err != nil {
			return []string{err.Error()}
		}
		return nil
	}},
	{"rule selectors", ofExpr(selectors)},
	{"rule metrics", ofExpr(exists)},
	{"rule counters", ofExpr(counters)},
	{"rule matching", ofExpr(matching)},
	{"rule replicas", ofExpr(replicas)},
}

// ofExpr makes a check of rules out of one of expressions; what does not parse is
// told once, elsewhere.
func ofExpr(f func(*Bundle, parser.Expr) []string) func(*Bundle, Rule) []string {
	return func(b *Bundle, r Rule) []string {
		expr, err := parse(r.Expr)
		if err != nil {
			return nil
		}
		return f(b, expr)
	}
}

// selectors: each has to have the exporter's, or another job's series join in. What
// a recording rule made of them has gone through it already.
func selectors(b *Bundle, expr parser.Expr) []string {
	var wrong []string
	eachSelector(expr, func(s *parser.VectorSelector, _ []parser.Node) {
		if _, recorded := b.Metrics.Recorded[s.Name]; !recorded && !has(s, b.Selector) {
			wrong = append(wrong, fmt.Sprintf("%s has not the exporter's selector", s))
		}
	})
	return wrong
}

var recordChecks = []check[Rule]{
	{"record name", recordName},
	{"record labels", recordLabels},
}

var recordPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$`)

// recordName: level:metric:operations, and the level is what the labels are.
func recordName(b *Bundle, r Rule) []string {
	if !recordPattern.MatchString(r.Record) {
		return []string{fmt.Sprintf("%q is not level:metric:operations", r.Record)}
	}
	s, ok := b.shapeOfRule(r)
	if !ok || s.open {
		return nil
	}
	level, _, _ := strings.Cut(r.Record, ":")
	all := s.may.drop([]string{"le"})
	for name := range all { // what a matcher fixes need not be said
		if s.fixed[name] != "" && !slices.Contains(b.GroupLabels, name) && !strings.Contains(level, name) {
			delete(all, name)
		}
	}
	if !spells(level, all.sorted()) {
		return []string{fmt.Sprintf("its level is %s, and its series are by %s", level, strings.Join(all.sorted(), ", "))}
	}
	return nil
}

// spells tells whether the level is the names in any order.
func spells(level string, names []string) bool {
	if len(names) == 0 {
		return level == ""
	}
	for i, name := range names {
		rest, ok := strings.CutPrefix(level, name)
		if ok && (rest == "" || rest[0] == '_') && spells(strings.TrimPrefix(rest, "_"), slices.Delete(slices.Clone(names), i, i+1)) {
			return true
		}
	}
	return false
}

func recordLabels(b *Bundle, r Rule) []string {
	var wrong []string
	if r.For != nil || len(r.Annotations) > 0 {
		wrong = append(wrong, "it has for or annotations, which are an alert's")
	}
	return append(wrong, alertGroupLabels(b, r)...)
}

var groupChecks = []check[Group]{
	{"group size", func(_ *Bundle, g Group) []string {
		if n := len(g.Rules); n == 0 || n > 20 {
			return []string{fmt.Sprintf("it has %d rules; from 1 to 20 are evaluated in time and read in one go", n)}
		}
		return nil
	}},
}

var fileChecks = []check[RuleFile]{
	{"file names", fileNames},
}

// fileNames: Prometheus takes no second group of a name, and inhibition and runbooks
// know an alert by its name and severity.
func fileNames(_ *Bundle, f RuleFile) []string {
	var wrong []string
	seen := set{}
	once := func(what string) {
		if seen[what] {
			wrong = append(wrong, what+" is there twice")
		}
		seen[what] = true
	}
	for _, g := range f.Groups {
		once("the group " + g.Name)
		for _, r := range g.Rules {
			once(r.name())
		}
	}
	return wrong
}
