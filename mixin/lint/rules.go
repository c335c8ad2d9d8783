package lint

import (
	"bytes"
	"fmt"
	"maps"

	"go.yaml.in/yaml/v3"
)

// RuleFile is a file of rules as Prometheus reads it.
type RuleFile struct {
	Groups []Group
}

// Group is a group of rules, evaluated one after the other.
type Group struct {
	Name     string
	Interval string
	Rules    []Rule
}

// Rule is an alert, or a recording rule where Record is not empty.
type Rule struct {
	Alert, Record string
	Expr          string
	For           *string
	KeepFiringFor string `yaml:"keep_firing_for"`
	Labels        map[string]string
	Annotations   map[string]string
}

func (r Rule) name() string {
	if r.Record != "" {
		return r.Record
	}
	return r.Alert + " " + r.Labels["severity"]
}

// ReadRules reads a file of rules. A key that Prometheus does not know is an error.
func ReadRules(content []byte) (RuleFile, error) {
	var f RuleFile
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	err := dec.Decode(&f)
	return f, err
}

// With returns the metrics with what the files' recording rules make of them. A rule
// may ask for what an earlier one records.
func (m Metrics) With(files ...RuleFile) (Metrics, error) {
	m.Recorded = maps.Clone(m.Recorded)
	if m.Recorded == nil {
		m.Recorded = make(map[string][]string)
	}
	for _, f := range files {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				if r.Record == "" {
					continue
				}
				expr, err := parse(r.Expr)
				if err != nil {
					return m, fmt.Errorf("%s: %w", r.Record, err)
				}
				s := m.shapeOf(expr)
				for name := range r.Labels {
					s.may = s.may.plus(name)
				}
				m.Recorded[r.Record] = s.may.sorted()
			}
		}
	}
	return m, nil
}

// Alerts are the file's alerting rules.
func (f RuleFile) Alerts() []Rule {
	var alerts []Rule
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				alerts = append(alerts, r)
			}
		}
	}
	return alerts
}
