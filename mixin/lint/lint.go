// Package lint judges what the mixin compiles to: alerts, recording rules,
// dashboards and the pages of their runbooks. Parsed files go in, problems come
// out; every check is a pure function with a good and a bad example in the tests,
// which apply them all to the project's own files. It knows which metrics the
// exporter has, but runs no expression: that is for promtool and Prometheus.
package lint

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// Bundle is all that the mixin brings, and what it is held against.
type Bundle struct {
	Metrics Metrics
	// Selector are the matchers that tell the exporter's series from others.
	Selector []*labels.Matcher
	// GroupLabels tell one vmpooler from another.
	GroupLabels []string
	Severities  []string
	// AtOnce are the alerts, with their severity, that have no `for` on purpose.
	AtOnce []string
	// RunbookURL and DashboardURL have one %s, for the alert and for the uid.
	RunbookURL, DashboardURL string
	Rules                    map[string]RuleFile  // by path
	Dashboards               map[string]Dashboard // by path
	Runbooks                 map[string]string    // Markdown by the page's name without .md
	// Manual is docs/mixin.md.
	Manual string
	// Exists tells whether there is a file at the slashed path from the root.
	Exists func(path string) bool
}

// Problem is one thing that is wrong.
type Problem struct {
	Where, Check, What string
}

func (p Problem) String() string { return fmt.Sprintf("%s: %s (%s)", p.Where, p.What, p.Check) }

// check is a rule with a name; of returns what is wrong with the thing.
type check[T any] struct {
	name string
	of   func(b *Bundle, thing T) []string
}

func apply[T any](b *Bundle, where string, checks []check[T], thing T) []Problem {
	var problems []Problem
	for _, c := range checks {
		for _, what := range c.of(b, thing) {
			problems = append(problems, Problem{where, c.name, what})
		}
	}
	return problems
}

// Problems applies every check to everything.
func (b *Bundle) Problems() []Problem {
	problems := apply(b, "the bundle", bundleChecks, b)
	for path, file := range b.Rules {
		problems = append(problems, apply(b, path, fileChecks, file)...)
		for _, group := range file.Groups {
			problems = append(problems, apply(b, path+": "+group.Name, groupChecks, group)...)
			for _, rule := range group.Rules {
				problems = append(problems, apply(b, path+": "+rule.name(), ruleChecks(rule), rule)...)
			}
		}
	}
	for path, d := range b.Dashboards {
		problems = append(problems, apply(b, path, dashboardChecks, d)...)
		for _, p := range d.everyPanel() {
			problems = append(problems, apply(b, path+": "+p.Title, panelChecks, panelOf{d, p})...)
			for _, t := range p.Targets {
				problems = append(problems, apply(b, path+": "+p.Title+": "+t.RefID, targetChecks, targetOf{panelOf{d, p}, t})...)
			}
		}
	}
	for name, text := range b.Runbooks {
		if name != "README" {
			problems = append(problems, apply(b, "runbook "+name, pageChecks, page{name, text})...)
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	return problems
}

// ruleChecks are those for the kind of rule.
func ruleChecks(r Rule) []check[Rule] {
	if r.Record != "" {
		return slices.Concat(recordChecks, exprChecks)
	}
	return slices.Concat(alertChecks, exprChecks)
}
