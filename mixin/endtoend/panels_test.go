package endtoend

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// query is one question of a dashboard, with its variables filled in.
type query struct {
	key     string // "uid: panel/refId", for the test's output and its lists
	panel   string // "uid: panel"
	expr    string
	instant bool
	step    time.Duration
}

// view is what a dashboard shows, and of how fine a Prometheus.
type view struct {
	span   time.Duration
	scrape time.Duration
	points int // that a panel is wide
}

// step is the time between two points of a panel that asks for so many, or for none
// in particular; never less than a scrape takes.
func (v view) step(points int) time.Duration {
	if points == 0 || points > v.points {
		points = v.points
	}
	return max((v.span / time.Duration(points)).Round(time.Second), v.scrape)
}

// builtIn returns Grafana's own variables for panels of that step.
func (v view) builtIn(step time.Duration) map[string]string {
	text := func(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }
	return map[string]string{
		"__interval": text(step), "__interval_ms": strconv.Itoa(int(step.Milliseconds())),
		"__rate_interval": text(max(step+v.scrape, 4*v.scrape)),
		"__range":         text(v.span), "__range_s": strconv.Itoa(int(v.span.Seconds())), "__range_ms": strconv.Itoa(int(v.span.Milliseconds())),
	}
}

var (
	variableUse = regexp.MustCompile(`\$\{(\w+)(?::\w+)?\}|\$(\w+)`)
	labelValues = regexp.MustCompile(`^label_values\((?:(.+),)?\s*(\w+)\s*\)$`)
)

// fill replaces the variables of a text. One that has no value is an error.
func fill(text string, values, builtIn map[string]string) (string, error) {
	var err error
	out := variableUse.ReplaceAllStringFunc(text, func(use string) string {
		m := variableUse.FindStringSubmatch(use)
		name := m[1] + m[2]
		if v, ok := values[name]; ok {
			return v
		}
		if v, ok := builtIn[name]; ok {
			return v
		}
		err = fmt.Errorf("no variable %s", use)
		return use
	})
	return out, err
}

// queries returns all that a dashboard asks for its panels and annotations.
func (d dashboard) queries(v view, values map[string]string) ([]query, error) {
	var all []query
	add := func(title, ref, expr string, instant bool, points int) error {
		q := query{key: d.UID + ": " + title + ref, panel: d.UID + ": " + title, instant: instant, step: v.step(points)}
		var err error
		if q.expr, err = fill(expr, values, v.builtIn(q.step)); err != nil {
			return fmt.Errorf("%s: %w", q.key, err)
		}
		all = append(all, q)
		return nil
	}
	for _, a := range d.Annotations.List {
		expr := a.Expr + a.Target.Expr // wherever it stands
		if expr == "" {
			continue // Grafana's own
		}
		if err := add("annotation "+a.Name, "", expr, false, 0); err != nil {
			return nil, err
		}
	}
	for _, p := range flat(d.Panels) {
		for _, t := range p.Targets {
			if err := add(p.Title, "/"+t.RefID, t.Expr, t.Instant && !t.Range, p.MaxDataPoints); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// ask puts a query as Grafana would, and says how many of the answer's series have
// anything to draw. NaN is nothing.
func (p prometheus) ask(ctx context.Context, v view, q query, now time.Time) (drawn int, err error) {
	var got []series
	if q.instant {
		got, err = p.instant(ctx, q.expr, now)
	} else {
		got, err = p.over(ctx, q.expr, now.Add(-v.span), now, q.step)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", q.key, err, q.expr)
	}
	for _, s := range got {
		values := s.Values
		if q.instant {
			values = [][2]any{s.Value}
		}
		for _, v := range values {
			text, _ := v[1].(string)
			if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) {
				drawn++
				break
			}
		}
	}
	return drawn, nil
}

// listValues asks for the values of a variable that has them from Prometheus. Those
// of variables that stand before it are in known.
func (p prometheus) listValues(ctx context.Context, v variable, known map[string]string) ([]string, error) {
	text, _ := v.Query.(string)
	if m, ok := v.Query.(map[string]any); ok {
		text, _ = m["query"].(string)
	}
	text, err := fill(text, known, nil)
	if err != nil {
		return nil, err
	}
	m := labelValues.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return nil, fmt.Errorf("%q is no label_values(…)", text)
	}
	return p.labelValues(ctx, strings.TrimSpace(m[1]), m[2])
}

// variables returns a value for each variable of a dashboard: what "All" stands for,
// or the first of each. Those that give no values are in empty.
func (p prometheus) variables(ctx context.Context, d dashboard, all bool) (values map[string]string, empty []string, err error) {
	values = make(map[string]string)
	for _, v := range d.Templating.List {
		switch v.Type {
		case "query":
		case "datasource":
			continue // no expression has it
		default:
			text, _ := v.Query.(string)
			values[v.Name] = strings.TrimSpace(strings.Split(text, ",")[0])
			continue
		}
		list, err := p.listValues(ctx, v, values)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: variable %s: %w", d.UID, v.Name, err)
		}
		if len(list) == 0 {
			empty = append(empty, v.Name)
			list = []string{""}
		}
		switch {
		case all && v.IncludeAll && v.AllValue != "":
			values[v.Name] = v.AllValue
		case all && v.IncludeAll:
			values[v.Name] = strings.Join(list, "|")
		default:
			values[v.Name] = list[0]
		}
	}
	return values, empty, nil
}
