package lint

import (
	"fmt"
	"regexp"

	"github.com/prometheus/prometheus/promql/parser"
)

// chosen is the datasource that the reader has chosen.
var chosen = datasource{Type: "prometheus", UID: "${datasource}"}

func datasourceVariable(_ *Bundle, d Dashboard) []string {
	v, ok := d.variable("datasource")
	if !ok {
		return []string{"it has no variable datasource"}
	}
	if v.Type != "datasource" || v.query() != "prometheus" || v.Label != "Data source" {
		return []string{fmt.Sprintf(`the variable datasource is %s %s %q, want datasource prometheus "Data source"`, v.Type, v.Query, v.Label)}
	}
	return nil
}

// selectorVariables: job and instance choose of several, and "all" leaves out what
// has no such label; cluster is hidden, and "all" takes that too.
func selectorVariables(_ *Bundle, d Dashboard) []string {
	var wrong []string
	for name, want := range map[string]struct {
		label, all string
		hide       int
	}{"job": {"Job", ".+", 0}, "instance": {"Instance", ".+", 0}, "cluster": {"Cluster", ".*", 2}} {
		v, ok := d.variable(name)
		switch {
		case !ok:
			wrong = append(wrong, "it has no variable "+name)
		case v.Type != "query" || v.Label != want.label || !v.Multi || !v.IncludeAll || v.AllValue != want.all || v.Hide != want.hide:
			wrong = append(wrong, fmt.Sprintf("the variable %s is %s %q multi=%v all=%q hide=%d, want query %q multi=true all=%q hide=%d",
				name, v.Type, v.Label, v.Multi, v.AllValue, v.Hide, want.label, want.all, want.hide))
		}
	}
	return compact(wrong)
}

var labelValues = regexp.MustCompile(`^label_values\((.+),\s*(\w+)\)$`)

// queryVariables ask the chosen datasource, anew when the time changes, for labels
// that there are.
func queryVariables(b *Bundle, d Dashboard) []string {
	var wrong []string
	for _, v := range d.Templating.List {
		if v.Current["text"] == nil || v.Current["value"] == nil {
			wrong = append(wrong, fmt.Sprintf("the variable %s is nothing at first", v.Name))
		}
		if v.Type != "query" {
			continue
		}
		if v.Datasource != chosen {
			wrong = append(wrong, fmt.Sprintf("the variable %s has the datasource %v", v.Name, v.Datasource))
		}
		if v.Refresh != 2 {
			wrong = append(wrong, fmt.Sprintf("the variable %s is not asked for anew when the time changes (refresh: 2)", v.Name))
		}
		if v.Label == "" {
			wrong = append(wrong, fmt.Sprintf("the variable %s has no label", v.Name))
		}
		for _, what := range badQuery(b, v.query()) {
			wrong = append(wrong, fmt.Sprintf("the variable %s: %s", v.Name, what))
		}
	}
	return wrong
}

func badQuery(b *Bundle, query string) []string {
	m := labelValues.FindStringSubmatch(query)
	if m == nil {
		return []string{fmt.Sprintf("its query %q is not label_values(selector, label)", query)}
	}
	expr, err := parse(m[1])
	if err != nil {
		return []string{err.Error()}
	}
	if _, ok := expr.(*parser.VectorSelector); !ok {
		return []string{m[1] + " is not a selector"}
	}
	wrong := exists(b, expr)
	if s := b.Metrics.shapeOf(expr); !s.open && !s.may[m[2]] {
		wrong = append(wrong, fmt.Sprintf("%s has no label %s", m[1], m[2]))
	}
	return wrong
}
