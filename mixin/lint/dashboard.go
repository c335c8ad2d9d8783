package lint

import (
	"encoding/json"
	"slices"
	"strings"
)

// Dashboard is as much of Grafana's JSON as is judged; raw has all of it.
type Dashboard struct {
	ID            *int
	UID           string
	Title         string
	Description   string
	Tags          []string
	Timezone      string
	Refresh       string
	SchemaVersion int
	Editable      *bool
	GraphTooltip  int
	Links         []dashboardLink
	Annotations   struct{ List []annotation }
	Templating    struct{ List []variable }
	Panels        []panel

	raw map[string]any
}

type dashboardLink struct {
	Type, Title, URL      string
	Tags                  []string
	IncludeVars, KeepTime bool
}

type annotation struct {
	Name, Expr string
	Datasource datasource
	BuiltIn    int
}

type datasource struct{ Type, UID string }

type variable struct {
	Name, Label, Type string
	Query             json.RawMessage
	Datasource        datasource
	Multi             bool
	IncludeAll        bool
	AllValue          string
	Refresh           int
	Hide              int
	Current           map[string]any
}

// query is the variable's, or "" where it is no string.
func (v variable) query() string {
	var text string
	if json.Unmarshal(v.Query, &text) != nil {
		return ""
	}
	return text
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               datasource
	GridPos                  grid
	Targets                  []target
	FieldConfig              fieldConfig
	Options                  map[string]any
	Transformations          []struct{ ID string }
	Links                    []link
	Collapsed                bool
	Panels                   []panel // of a row that is collapsed
}

type grid struct{ H, W, X, Y int }

type target struct {
	RefID, Expr, LegendFormat, Format string
	Instant                           bool
	Datasource                        datasource
}

type link struct{ Title, URL string }

type fieldConfig struct {
	Defaults struct {
		Unit     string
		NoValue  string
		Mappings []any
		Links    []link
	}
	Overrides []override
}

type override struct {
	Matcher struct {
		ID      string
		Options any
	}
	Properties []struct {
		ID    string
		Value any
	}
}

// panelOf and targetOf are a panel and a target with what they are part of.
type (
	panelOf struct {
		Dashboard

		panel panel
	}
	targetOf struct {
		panelOf

		target target
	}
)

// ReadDashboard reads a dashboard's JSON.
func ReadDashboard(content []byte) (Dashboard, error) {
	var d Dashboard
	if err := json.Unmarshal(content, &d); err != nil {
		return d, err
	}
	return d, json.Unmarshal(content, &d.raw)
}

// everyPanel are all panels, rows included, and those in collapsed rows.
func (d Dashboard) everyPanel() []panel {
	var panels []panel
	for _, p := range d.Panels {
		panels = append(panels, p)
		panels = append(panels, p.Panels...)
	}
	return panels
}

func (d Dashboard) variable(name string) (variable, bool) {
	i := slices.IndexFunc(d.Templating.List, func(v variable) bool { return v.Name == name })
	if i < 0 {
		return variable{}, false
	}
	return d.Templating.List[i], true
}

func (b *Bundle) dashboard(uid string) (Dashboard, bool) {
	for _, d := range b.Dashboards {
		if d.UID == uid {
			return d, true
		}
	}
	return Dashboard{}, false
}

// asks tells whether the panel shows data of its own queries.
func (p panel) asks() bool {
	return !slices.Contains([]string{"row", "text", "alertlist", "dashlist", "news"}, p.Type)
}

// texts calls the function with every text in the JSON.
func texts(value any, f func(string)) {
	switch value := value.(type) {
	case string:
		f(value)
	case []any:
		for _, v := range value {
			texts(v, f)
		}
	case map[string]any:
		for _, v := range value {
			texts(v, f)
		}
	}
}

// variablesIn are the names of Grafana's variables in the text; its own, which begin
// with two underscores, and numbers, which are groups of a pattern, are none.
func variablesIn(text string) []string {
	var names []string
	for _, m := range grafanaName.FindAllStringSubmatch(text, -1) {
		name := m[1] + m[2]
		if !strings.HasPrefix(name, "__") && strings.Trim(name, "0123456789") != "" {
			names = append(names, name)
		}
	}
	return names
}
