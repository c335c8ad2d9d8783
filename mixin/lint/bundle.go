package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

var bundleChecks = []check[*Bundle]{
	{"pages of alerts", func(b *Bundle, _ *Bundle) []string { return b.pages() }},
	{"tables of alerts", func(b *Bundle, _ *Bundle) []string { return b.tables() }},
	{"dashboard uids", func(b *Bundle, _ *Bundle) []string { return b.uids() }},
}

func compact(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// pages tells which runbooks have no alert, and which the list of them lacks. That
// each alert has a page is told with the alert.
func (b *Bundle) pages() []string {
	var wrong []string
	alerts := set{}
	for _, f := range b.Rules {
		for _, r := range f.Alerts() {
			alerts[r.Alert] = true
		}
	}
	list, ok := b.Runbooks["README"]
	if !ok {
		wrong = append(wrong, "docs/runbooks/README.md does not exist")
	}
	for name := range b.Runbooks {
		switch {
		case name == "README":
		case !alerts[name]:
			wrong = append(wrong, fmt.Sprintf("docs/runbooks/%s.md is about no alert", name))
		case ok && !strings.Contains(list, "("+name+".md)"):
			wrong = append(wrong, fmt.Sprintf("docs/runbooks/README.md has no link to %s.md", name))
		}
	}
	return compact(wrong)
}

func (b *Bundle) uids() []string {
	var wrong []string
	seen := set{}
	for _, d := range b.Dashboards {
		for _, name := range []string{"uid " + d.UID, "title " + d.Title} {
			if seen[name] {
				wrong = append(wrong, "two dashboards have the "+name)
			}
			seen[name] = true
		}
	}
	return wrong
}

// familiesOf are the exporter's families that the expression asks for.
func (b *Bundle) familiesOf(expr parser.Expr) set {
	families := set{}
	eachSelector(expr, func(s *parser.VectorSelector, _ []parser.Node) {
		if found, _ := b.Metrics.lookup(s.Name); found.family != "" {
			families[found.family] = true
		}
	})
	return families
}

// Used are the exporter's families that some alert, rule or panel asks for.
func (b *Bundle) Used() map[string]bool {
	used := set{}
	see := func(text string) {
		if expr, err := parse(text); err == nil {
			used = used.plus(b.familiesOf(expr).sorted()...)
		}
	}
	for _, f := range b.Rules {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				see(r.Expr)
			}
		}
	}
	for _, d := range b.Dashboards {
		for _, p := range d.everyPanel() {
			for _, t := range p.Targets {
				see(t.Expr)
			}
		}
	}
	return used
}

// Unused holds the list of families that nothing asks for, a name and a reason a
// line, against what is asked for. Lines that begin with # are comments.
func (b *Bundle) Unused(list string) []string {
	var wrong []string
	used := b.Used()
	listed := set{}
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, reason, _ := strings.Cut(line, " ")
		_, exists := b.Metrics.Families[name]
		switch {
		case listed[name]:
			wrong = append(wrong, name+" is listed as unused twice")
		case !exists:
			wrong = append(wrong, name+" is listed as unused and does not exist")
		case used[name]:
			wrong = append(wrong, name+" is listed as unused and is used")
		case len(strings.TrimSpace(reason)) < 15:
			wrong = append(wrong, name+" is listed as unused without a reason")
		}
		listed[name] = true
	}
	for name := range b.Metrics.Families {
		if !used[name] && !listed[name] {
			wrong = append(wrong, name+" is in no alert, rule or panel, and mixin/lint/unused.txt gives no reason")
		}
	}
	return compact(wrong)
}
