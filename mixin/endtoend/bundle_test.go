package endtoend

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The bundle's files, as they are committed.
var (
	alertsFile       = filepath.Join(root, "alerts", "vmpooler_alerts.yaml")
	rulesFile        = filepath.Join(root, "alerts", "vmpooler_rules.yaml")
	alertmanagerFile = filepath.Join(root, "examples", "alertmanager.yml")
	dashboardFiles   = filepath.Join(root, "dashboards", "*.json")
	runbooks         = filepath.Join(root, "docs", "runbooks")

	familiesFile = filepath.Join(root, "testdata", "families.txt") // a name, a type and labels a line
)

// runbookFile returns the file that a runbook_url stands for. The address is the
// repository's page of a file of its main branch.
func runbookFile(url string) (string, bool) {
	const repository = "https://github.com/vmpooler/vmpooler_exporter/blob/main/docs/runbooks/"
	name, ok := strings.CutPrefix(url, repository)
	return filepath.Join(runbooks, name), ok && name != "" && !strings.ContainsAny(name, "/#?")
}

// ruleFile is a file of rules, of which only what is looked at has a name here.
type ruleFile struct {
	Groups []struct {
		Name  string           `yaml:"name"`
		Rules []map[string]any `yaml:"rules"`

		Rest map[string]any `yaml:",inline"`
	} `yaml:"groups"`
}

func readRules(tb testing.TB, file string) ruleFile {
	tb.Helper()
	var f ruleFile
	if err := yaml.Unmarshal(readFile(tb, file), &f); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	if len(f.Groups) == 0 {
		tb.Fatalf("%s: no groups", file)
	}
	return f
}

// dashboard is one of Grafana's, as far as it asks Prometheus for something.
type dashboard struct {
	UID        string
	Panels     []panel
	Templating struct{ List []variable }

	Annotations struct {
		List []struct {
			Name, Expr string
			Target     struct{ Expr string }
		}
	}
}

// panel is a panel, or a row with panels of its own.
type panel struct {
	Title, Type string
	Targets     []target
	Panels      []panel

	MaxDataPoints int // 0: as many as the panel is wide
}

// target is a query of a panel.
type target struct {
	RefID, Expr    string
	Instant, Range bool
}

// variable is a variable of a dashboard. Its query is a text, or holds one.
type variable struct {
	Name, Type, AllValue string
	IncludeAll           bool
	Query                any
	Current              struct{ Value any }
}

func readDashboards(tb testing.TB) []dashboard {
	tb.Helper()
	files, err := filepath.Glob(dashboardFiles)
	if err != nil || len(files) == 0 {
		tb.Fatalf("no dashboards in %s: %v", dashboardFiles, err)
	}
	var all []dashboard
	for _, file := range files {
		var d dashboard
		if err := json.Unmarshal(readFile(tb, file), &d); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		all = append(all, d)
	}
	return all
}

// flat returns the panels with those of rows, without the rows.
func flat(panels []panel) []panel {
	var all []panel
	for _, p := range panels {
		if p.Type == "row" {
			all = append(all, flat(p.Panels)...)
		} else {
			all = append(all, p)
		}
	}
	return all
}

func readFile(tb testing.TB, file string) []byte {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
