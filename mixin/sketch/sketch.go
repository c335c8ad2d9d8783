// Package sketch draws a dashboard's layout as a page of HTML, to be looked at where
// no Grafana is at hand: each panel's box in its grid with what it says and asks, rows
// as headings. The dashboard's JSON flows in, the page flows out. It asks for no data
// and draws none.
package sketch

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
)

// What Grafana draws a unit of its grid with.
const (
	columns = 24
	line    = 30 // pixels
	gap     = 8
)

//go:embed page.html
var page string

var tmpl = template.Must(template.New("page").Parse(page))

type dashboard struct {
	UID         string     `json:"uid"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Tags        []string   `json:"tags"`
	Templating  templating `json:"templating"`
	Panels      []panel    `json:"panels"`
}

type templating struct {
	List []struct {
		Label string `json:"label"`
		Hide  int    `json:"hide"`
	} `json:"list"`
}

type panel struct {
	Type        string      `json:"type"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Collapsed   bool        `json:"collapsed"`
	GridPos     grid        `json:"gridPos"`
	FieldConfig fieldConfig `json:"fieldConfig"`
	Targets     []target    `json:"targets"`
	Panels      []panel     `json:"panels"`
}

type grid struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type fieldConfig struct {
	Defaults struct {
		Unit string `json:"unit"`
	} `json:"defaults"`
}

type target struct {
	RefID        string `json:"refId"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
}

// box is a panel where it stands.
type box struct {
	panel

	Row         bool
	Left, Width float64 // percent
	Top, Height int     // pixels
	Unit        string
	Legends     string
}

type sketch struct {
	dashboard

	Boxes  []box
	Height int
}

// HTML draws the dashboard with all its rows open: those that are collapsed move what
// is below them down by as much as they hold.
func HTML(dashboardJSON []byte) ([]byte, error) {
	var d dashboard
	if err := json.Unmarshal(dashboardJSON, &d); err != nil {
		return nil, fmt.Errorf("read the dashboard: %w", err)
	}
	s := sketch{dashboard: d}
	moved, bottom := 0, 0
	for _, p := range d.Panels {
		s.Boxes = append(s.Boxes, p.at(moved))
		bottom = max(bottom, p.GridPos.Y+p.GridPos.H+moved)
		inside := 0
		for _, child := range p.Panels {
			s.Boxes = append(s.Boxes, child.at(moved))
			bottom = max(bottom, child.GridPos.Y+child.GridPos.H+moved)
			inside = max(inside, child.GridPos.Y+child.GridPos.H-p.GridPos.Y-p.GridPos.H)
		}
		moved += inside
	}
	s.Height = bottom * (line + gap)
	var out bytes.Buffer
	if err := tmpl.Execute(&out, s); err != nil {
		return nil, fmt.Errorf("draw %s: %w", d.UID, err)
	}
	return out.Bytes(), nil
}

// at places the panel, so many lines further down.
func (p panel) at(moved int) box {
	legends := make([]string, 0, len(p.Targets))
	for _, t := range p.Targets {
		if t.LegendFormat != "" {
			legends = append(legends, t.LegendFormat)
		}
	}
	return box{
		panel: p, Row: p.Type == "row", Unit: p.FieldConfig.Defaults.Unit, Legends: strings.Join(legends, " · "),
		Left: 100 * float64(p.GridPos.X) / columns, Width: 100 * float64(p.GridPos.W) / columns,
		Top: (p.GridPos.Y + moved) * (line + gap), Height: p.GridPos.H*(line+gap) - gap,
	}
}
