package incidents

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// The bundle, as it is imported.
const (
	alertsFile       = "../../alerts/vmpooler_alerts.yaml"
	alertmanagerFile = "../../examples/alertmanager.yml"
)

// alertRules are the compiled alerts.
type alertRules struct {
	path    string                              // absolute
	waits   map[string]map[string]time.Duration // alert → severity → its for
	metrics map[string]bool                     // words of their expressions, the names of series among them
}

var metricName = regexp.MustCompile(`\b[a-z][a-z0-9_]+\b`)

func loadRules(t *testing.T) *alertRules {
	t.Helper()
	path, err := filepath.Abs(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := parseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	rules.path = path
	return rules
}

func parseRules(text []byte) (*alertRules, error) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert  string
				Expr   string
				For    model.Duration
				Labels map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	r := &alertRules{waits: make(map[string]map[string]time.Duration), metrics: make(map[string]bool)}
	for _, g := range file.Groups {
		for _, rule := range g.Rules {
			if r.waits[rule.Alert] == nil {
				r.waits[rule.Alert] = make(map[string]time.Duration)
			}
			r.waits[rule.Alert][rule.Labels["severity"]] = time.Duration(rule.For)
			for _, name := range metricName.FindAllString(rule.Expr, -1) {
				r.metrics[name] = true
			}
		}
	}
	return r, nil
}
