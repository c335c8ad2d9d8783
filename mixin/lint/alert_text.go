package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

var alertChecks = []check[Rule]{
	{"alert name", alertName},
	{"alert for", alertFor},
	{"alert severity", alertSeverity},
	{"alert labels", alertLabels},
	{"alert summary", alertSummary},
	{"alert description", alertDescription},
	{"alert annotations", alertAnnotations},
	{"alert runbook", alertRunbook},
	{"alert dashboard", alertDashboard},
	{"alert group labels", alertGroupLabels},
}

var (
	alertPattern = regexp.MustCompile(`^Vmpooler([A-Z]+[a-z0-9]+)+$`)
	action       = regexp.MustCompile(`\{\{-?\s*(.*?)\s*-?\}\}`)
	labelOf      = regexp.MustCompile(`\$labels\.(\w+)`)
	humanised    = regexp.MustCompile(`\bhumanize|\bprintf\b`)
	statement    = regexp.MustCompile(`^(?:if|with|range|else|end|define|template)\b|^\$\w+\s*:?=|^/\*`)
)

func alertName(_ *Bundle, r Rule) []string {
	var wrong []string
	if !alertPattern.MatchString(r.Alert) {
		wrong = append(wrong, fmt.Sprintf("%q does not match %s", r.Alert, alertPattern))
	}
	if len(r.Alert) > 40 {
		wrong = append(wrong, fmt.Sprintf("%q has %d characters, 40 are for pages and tables", r.Alert, len(r.Alert)))
	}
	return wrong
}

// alertFor: one that fires at once does so on purpose.
func alertFor(b *Bundle, r Rule) []string {
	if atOnce := slices.Contains(b.AtOnce, r.name()); (r.For == nil) != atOnce {
		return []string{fmt.Sprintf("it has for: %v, and is listed as one that fires at once: %v", r.For != nil, atOnce)}
	}
	return nil
}

func alertSeverity(b *Bundle, r Rule) []string {
	if !slices.Contains(b.Severities, r.Labels["severity"]) {
		return []string{fmt.Sprintf("its severity is %q, not one of %s", r.Labels["severity"], strings.Join(b.Severities, ", "))}
	}
	return nil
}

// alertLabels: a label that follows the value makes a new alert of each evaluation.
func alertLabels(_ *Bundle, r Rule) []string {
	var wrong []string
	for name, text := range r.Labels {
		if strings.Contains(text, "{{") {
			wrong = append(wrong, fmt.Sprintf("the label %s is a template", name))
		}
	}
	return wrong
}

func alertSummary(_ *Bundle, r Rule) []string {
	return sentence("summary", r.Annotations["summary"], false)
}

// sentence tells what a text lacks to be a sentence.
func sentence(what, text string, templated bool) []string {
	switch {
	case text == "":
		return []string{"it has no " + what}
	case strings.TrimSpace(text) != text:
		return []string{fmt.Sprintf("its %s begins or ends with blanks", what)}
	case !strings.HasSuffix(text, ".") && (!templated || !strings.HasSuffix(text, "}}")):
		return []string{fmt.Sprintf("its %s has no full stop", what)}
	case !templated && strings.Contains(text, "{{"):
		return []string{fmt.Sprintf("its %s is a template, and whoever groups alerts by it gets one each", what)}
	case !strings.HasPrefix(text, "{{") && strings.ToUpper(text[:1]) != text[:1] && !strings.HasPrefix(text, "vmpooler"):
		return []string{fmt.Sprintf("its %s has no capital", what)}
	}
	return nil
}

func alertDescription(b *Bundle, r Rule) []string {
	text := r.Annotations["description"]
	wrong := sentence("description", text, true)
	if text == "" {
		return wrong
	}
	if !strings.Contains(text, "{{") {
		wrong = append(wrong, "its description does not say what it is about: no template")
	}
	known, ok := b.shapeOfRule(r)
	for _, m := range action.FindAllStringSubmatch(text, -1) {
		does := m[1]
		if strings.Contains(does, "$value") && !statement.MatchString(does) && !humanised.MatchString(does) {
			wrong = append(wrong, fmt.Sprintf("its description says {{ %s }} with all its digits: humanize or printf it", does))
		}
		for _, label := range labelOf.FindAllStringSubmatch(does, -1) {
			_, added := r.Labels[label[1]]
			if ok && !known.open && !known.may[label[1]] && !added {
				wrong = append(wrong, fmt.Sprintf("its description says %s, which its series don't have", label[0]))
			}
		}
	}
	return wrong
}

var ourName = regexp.MustCompile(`\bvmpooler_[a-z0-9][a-z0-9_]*`)

// alertAnnotations: what looks like a metric is one; queries in templates are text
// until an alert fires.
func alertAnnotations(b *Bundle, r Rule) []string {
	var wrong []string
	for key, text := range r.Annotations {
		if err := parseTemplate(text); err != nil {
			wrong = append(wrong, fmt.Sprintf("its %s is not a template: %v", key, err))
		}
		for _, name := range ourName.FindAllString(text, -1) {
			if _, what := b.Metrics.lookup(name); what != "" && name != "vmpooler_exporter" && !strings.Contains(name, "__") {
				wrong = append(wrong, "an annotation names what is not: "+what)
			}
		}
	}
	return compact(wrong)
}

// parseTemplate parses an annotation with the names that Prometheus gives it.
func parseTemplate(text string) error {
	stub := func(...any) string { return "" }
	funcs := template.FuncMap{}
	for _, name := range []string{
		"query", "first", "label", "value", "sortByLabel", "humanize", "humanize1024", "humanizeDuration", "humanizePercentage",
		"humanizeTimestamp", "toTime", "title", "toUpper", "toLower", "match", "reReplaceAll", "stripPort", "stripDomain", "externalURL",
		"pathPrefix", "parseDuration", "args", "graphLink", "tableLink", "strvalue", "safeHtml",
	} {
		funcs[name] = stub
	}
	_, err := template.New("annotation").Funcs(funcs).Parse("{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}" + text)
	return err
}

func alertRunbook(b *Bundle, r Rule) []string {
	var wrong []string
	if want := fmt.Sprintf(b.RunbookURL, r.Alert); r.Annotations["runbook_url"] != want {
		wrong = append(wrong, fmt.Sprintf("its runbook_url is %q, want %q", r.Annotations["runbook_url"], want))
	}
	if _, ok := b.Runbooks[r.Alert]; !ok {
		wrong = append(wrong, fmt.Sprintf("there is no docs/runbooks/%s.md", r.Alert))
	}
	return wrong
}

func alertDashboard(b *Bundle, r Rule) []string {
	url := action.ReplaceAllString(r.Annotations["dashboard_url"], "") // as if all conditions held
	before, _, _ := strings.Cut(b.DashboardURL, "%s")
	rest, ok := strings.CutPrefix(url, before)
	uid, query, _ := strings.Cut(rest, "?")
	if d, found := b.dashboard(uid); ok && found {
		return d.unknownParameters(query)
	}
	return []string{fmt.Sprintf("its dashboard_url leads to %q, which is no dashboard", url)}
}

func (b *Bundle) shapeOfRule(r Rule) (shape, bool) {
	expr, err := parse(r.Expr)
	if err != nil {
		return shape{}, false
	}
	return b.Metrics.shapeOf(expr), true
}

// alertGroupLabels: without them nobody knows which vmpooler it is, and inhibition
// and grouping have nothing to go by.
func alertGroupLabels(b *Bundle, r Rule) []string {
	s, ok := b.shapeOfRule(r)
	if !ok || s.open || s.blank {
		return nil
	}
	var wrong []string
	for _, name := range b.GroupLabels {
		if !s.sure[name] {
			wrong = append(wrong, "its series lose the group label "+name)
		}
	}
	return wrong
}
