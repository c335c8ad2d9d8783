package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var panelChecks = []check[panelOf]{
	{"panel type", panelType},
	{"panel title and description", panelText},
	{"panel datasource", panelDatasource},
	{"panel unit", panelUnit},
	{"panel without data", panelNoValue},
	{"panel targets", panelTargets},
	{"panel thresholds", panelThresholds},
}

// panelTypes come with Grafana; others would have to be installed.
var panelTypes = []string{
	"row", "text", "alertlist", "timeseries", "stat", "gauge", "bargauge", "table", "state-timeline", "status-history", "heatmap", "barchart", "histogram", "piechart",
}

func panelType(_ *Bundle, p panelOf) []string {
	if !slices.Contains(panelTypes, p.panel.Type) {
		return []string{fmt.Sprintf("%q is no type of panel that every Grafana has", p.panel.Type)}
	}
	return nil
}

func panelText(_ *Bundle, p panelOf) []string {
	var wrong []string
	if p.panel.Title == "" {
		wrong = append(wrong, "it has no title")
	}
	if p.panel.Type == "row" || p.panel.Type == "text" {
		return wrong
	}
	text := strings.TrimSpace(p.panel.Description)
	if len(text) < 40 || !strings.HasSuffix(text, ".") {
		wrong = append(wrong, fmt.Sprintf("its description %q is no sentence", text))
	}
	if !strings.Contains(text, "What to do:") {
		wrong = append(wrong, "its description does not say what to do")
	}
	return wrong
}

func panelDatasource(_ *Bundle, p panelOf) []string {
	if p.panel.asks() && p.panel.Datasource != chosen {
		return []string{fmt.Sprintf("its datasource is %v", p.panel.Datasource)}
	}
	return nil
}

// units are those of Grafana's that fit what is shown here.
var units = []string{
	"none", "short", "percent", "percentunit", "bool", "bool_yes_no", "bool_on_off", "s", "ms", "m", "h", "d", "dtdurations", "dtdhms",
	"dateTimeFromNow", "dateTimeAsIso", "dateTimeAsIsoNoDateIfToday", "bytes", "decbytes", "ops", "opm", "reqps", "reqpm", "cps", "cpm", "rps", "rpm", "string",
}

// panelUnit holds for every panel that shows values; a heatmap's is its axis's.
func panelUnit(_ *Bundle, p panelOf) []string {
	if !p.panel.asks() {
		return nil
	}
	unit := p.panel.FieldConfig.Defaults.Unit
	if axis, ok := p.panel.Options["yAxis"].(map[string]any); ok && p.panel.Type == "heatmap" {
		unit, _ = axis["unit"].(string)
	}
	var wrong []string
	all := []string{unit}
	for _, o := range p.panel.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID == "unit" {
				all = append(all, fmt.Sprint(property.Value))
			}
		}
	}
	for _, unit := range all {
		if !slices.Contains(units, unit) && !strings.HasPrefix(unit, "suffix:") {
			wrong = append(wrong, fmt.Sprintf("%q is no unit", unit))
		}
	}
	return wrong
}

// panelNoValue: where one value or a list is shown, its absence means something.
func panelNoValue(_ *Bundle, p panelOf) []string {
	if slices.Contains([]string{"stat", "gauge", "bargauge", "table", "state-timeline"}, p.panel.Type) && p.panel.FieldConfig.Defaults.NoValue == "" {
		return []string{"it does not say what it means if there is nothing to show (noValue)"}
	}
	return nil
}

func panelTargets(_ *Bundle, p panelOf) []string {
	if p.panel.asks() && len(p.panel.Targets) == 0 {
		return []string{"it asks for nothing"}
	}
	var wrong []string
	seen := set{}
	for _, t := range p.panel.Targets {
		if t.RefID == "" || seen[t.RefID] {
			wrong = append(wrong, fmt.Sprintf("the letter %q of a target is another's or none", t.RefID))
		}
		seen[t.RefID] = true
	}
	return wrong
}

// panelThresholds: thresholds are drawn as series of their own, so that they follow
// what is configured: dashed, and nothing filled.
func panelThresholds(b *Bundle, p panelOf) []string {
	var wrong []string
	for _, t := range p.panel.Transformations {
		if t.ID == "configFromData" {
			wrong = append(wrong, "configFromData handles one threshold and breaks on several")
		}
	}
	if p.panel.Type != "timeseries" {
		return wrong
	}
	for _, t := range p.panel.Targets {
		if !isThreshold(b, t.Expr) {
			continue
		}
		look := make(map[string]any)
		for _, o := range p.panel.FieldConfig.Overrides {
			for _, property := range o.Properties {
				if o.of(t) {
					look[property.ID] = property.Value
				}
			}
		}
		style, _ := look["custom.lineStyle"].(map[string]any)
		if style["fill"] != "dash" || look["custom.fillOpacity"] != 0.0 {
			wrong = append(wrong, fmt.Sprintf("the threshold %q is not dashed, or is filled", t.LegendFormat))
		}
	}
	return wrong
}

// isThreshold tells whether the expression is a threshold and nothing else.
func isThreshold(b *Bundle, text string) bool {
	expr, err := parse(text)
	if err != nil {
		return false
	}
	families := b.familiesOf(expr)
	return len(families) == 1 && families["vmpooler_health_threshold"]
}

// of tells whether the override is for the target's series.
func (o override) of(t target) bool {
	option, _ := o.Matcher.Options.(string)
	switch o.Matcher.ID {
	case "byFrameRefID":
		return option == t.RefID
	case "byName":
		return option == t.LegendFormat
	case "byRegexp":
		pattern, err := regexp.Compile(strings.Trim(option, "/"))
		return err == nil && pattern.MatchString(t.LegendFormat)
	}
	return false
}
