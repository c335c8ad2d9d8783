package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// repository is where links to the project's own pages lead.
const repository = "https://github.com/vmpooler/vmpooler_exporter/blob/main/"

var dashboardChecks = []check[Dashboard]{
	{"dashboard identity", identity},
	{"dashboard import", importable},
	{"dashboard settings", settings},
	{"dashboard annotations", annotations},
	{"dashboard links", links},
	{"dashboard variables used", variablesUsed},
	{"dashboard datasource variable", datasourceVariable},
	{"dashboard selector variables", selectorVariables},
	{"dashboard query variables", queryVariables},
	{"dashboard ids", uniquePanels},
	{"dashboard grid", onGrid},
}

var uidPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{3,39}$`)

func identity(_ *Bundle, d Dashboard) []string {
	var wrong []string
	if !uidPattern.MatchString(d.UID) {
		wrong = append(wrong, fmt.Sprintf("its uid %q does not match %s", d.UID, uidPattern))
	}
	if d.Title == "" || d.Description == "" {
		wrong = append(wrong, "it has no title or no description")
	}
	if !slices.Contains(d.Tags, "vmpooler-mixin") {
		wrong = append(wrong, "it has not the tag vmpooler-mixin, by which the dashboards find each other")
	}
	return wrong
}

// importable: as it is, by the dialogue and by provisioning.
func importable(_ *Bundle, d Dashboard) []string {
	var wrong []string
	for _, key := range []string{"__inputs", "__requires", "__elements"} {
		if _, ok := d.raw[key]; ok {
			wrong = append(wrong, key+" is for the dialogue only, provisioning does not know it")
		}
	}
	if id, ok := d.raw["id"]; !ok || id != nil {
		wrong = append(wrong, "its id is not null, so it takes another's place")
	}
	if d.SchemaVersion != 39 {
		wrong = append(wrong, fmt.Sprintf("its schemaVersion is %d, want 39", d.SchemaVersion))
	}
	return wrong
}

func settings(_ *Bundle, d Dashboard) []string {
	var wrong []string
	if d.Editable == nil || *d.Editable {
		wrong = append(wrong, "it is editable: what is changed there is lost with the next version")
	}
	if d.GraphTooltip != 1 {
		wrong = append(wrong, "its panels share no crosshair (graphTooltip: 1)")
	}
	if d.Timezone == "" || d.Refresh == "" {
		wrong = append(wrong, "it has no timezone or no refresh")
	}
	return wrong
}

func annotations(b *Bundle, d Dashboard) []string {
	var wrong []string
	ours := 0
	for _, a := range d.Annotations.List {
		if a.BuiltIn == 1 {
			continue
		}
		expr, err := parse(a.Expr)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("the annotation %s: %v", a.Name, err))
		case a.Datasource != chosen:
			wrong = append(wrong, fmt.Sprintf("the annotation %s has the datasource %v", a.Name, a.Datasource))
		default:
			wrong = append(wrong, exists(b, expr)...)
		}
		if strings.HasPrefix(a.Expr, `ALERTS{alertname=~"Vmpooler.+"`) {
			ours++
		}
	}
	if ours == 0 {
		wrong = append(wrong, `no annotation shows ALERTS{alertname=~"Vmpooler.+"}`)
	}
	return wrong
}

// links: to the other dashboards by their tag, and all others to something that exists.
func links(b *Bundle, d Dashboard) []string {
	var wrong []string
	byTag := false
	for _, l := range d.Links {
		if l.Type != "dashboards" {
			wrong = append(wrong, b.leads(l.URL)...)
			continue
		}
		byTag = byTag || slices.Equal(l.Tags, []string{"vmpooler-mixin"}) && l.IncludeVars && l.KeepTime
	}
	if !byTag {
		wrong = append(wrong, "no link leads to the other dashboards by their tag, with variables and time")
	}
	for _, p := range d.everyPanel() {
		for _, l := range p.links() {
			for _, what := range b.leads(l.URL) {
				wrong = append(wrong, p.Title+": "+what)
			}
			if l.Title == "" {
				wrong = append(wrong, p.Title+": a link without a title")
			}
		}
	}
	return wrong
}

// links are the panel's own, those of its values and those of its columns.
func (p panel) links() []link {
	all := slices.Concat(p.Links, p.FieldConfig.Defaults.Links)
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID != "links" {
				continue
			}
			var these []link
			if text, err := json.Marshal(property.Value); err == nil && json.Unmarshal(text, &these) == nil {
				all = append(all, these...)
			}
		}
	}
	return all
}

// leads tells what is wrong with a link: it has to lead to a dashboard of ours with
// variables that this one has, to a file of the project, or from an alert's name to its
// page. That each alert has one is told with the alert.
func (b *Bundle) leads(to string) []string {
	if to == fmt.Sprintf(b.RunbookURL, "${__value.raw:percentencode}") {
		return nil
	}
	if file, ok := strings.CutPrefix(to, repository); ok {
		file, _, _ = strings.Cut(file, "#")
		if b.Exists(file) {
			return nil
		}
	}
	if rest, ok := strings.CutPrefix(to, "/d/"); ok {
		path, query, _ := strings.Cut(rest, "?")
		uid, _, _ := strings.Cut(path, "/")
		if d, found := b.dashboard(uid); found {
			return d.unknownParameters(query)
		}
	}
	return []string{fmt.Sprintf("the link to %q leads nowhere", to)}
}

// unknownParameters tells which variables of an address the dashboard has not.
func (d Dashboard) unknownParameters(query string) []string {
	if query == "" {
		return nil
	}
	var wrong []string
	for part := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(key)
		name, ok := strings.CutPrefix(key, "var-")
		if carried := variablesIn(key); len(carried) > 0 { // ${job:queryparam} becomes var-job=…
			name, ok = carried[0], true
		}
		if _, found := d.variable(name); err != nil || ok && !found {
			wrong = append(wrong, fmt.Sprintf("the dashboard %s has no variable %s", d.UID, name))
		}
	}
	return wrong
}

func variablesUsed(_ *Bundle, d Dashboard) []string {
	var wrong []string
	used := set{}
	texts(d.raw, func(text string) {
		for _, name := range variablesIn(text) {
			used[name] = true
		}
	})
	for _, name := range used.sorted() {
		if _, ok := d.variable(name); !ok {
			wrong = append(wrong, "there is no variable "+name)
		}
	}
	seen := set{}
	for _, v := range d.Templating.List {
		if !used[v.Name] {
			wrong = append(wrong, "nothing uses the variable "+v.Name)
		}
		if seen[v.Name] {
			wrong = append(wrong, "the variable is there twice: "+v.Name)
		}
		seen[v.Name] = true
	}
	return wrong
}

func uniquePanels(_ *Bundle, d Dashboard) []string {
	var wrong []string
	ids, titles := make(map[int]bool), set{}
	for _, p := range d.everyPanel() {
		if p.ID <= 0 || ids[p.ID] {
			wrong = append(wrong, fmt.Sprintf("%s has the id %d, which is another's or none", p.Title, p.ID))
		}
		if titles[p.Title] {
			wrong = append(wrong, "two panels have the title "+p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
	}
	return slices.Sorted(maps.Keys(setOf(wrong...)))
}
