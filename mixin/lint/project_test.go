package lint

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmpooler/vmpooler_exporter/mixin/compile"
)

// root is the project's, as seen from this package.
const root = "../.."

// atOnce fire without a `for`: what they tell of has been looked at twice already, or
// is an event and no state.
var atOnce = []string{"VmpoolerInventoryCliff critical"}

// project is the mixin as it is committed; that it is what it compiles to is tested
// in mixin/compile.
func project(t *testing.T) *Bundle {
	t.Helper()
	b := &Bundle{
		AtOnce: atOnce, Rules: make(map[string]RuleFile), Dashboards: make(map[string]Dashboard), Runbooks: runbooks(t), Manual: read(t, "docs/mixin.md"),
		Exists: func(path string) bool { _, err := os.Stat(filepath.Join(root, path)); return err == nil },
	}
	configure(t, b)
	families, err := ReadFamilies(strings.NewReader(read(t, "testdata/families.txt")))
	if err != nil {
		t.Fatal(err)
	}
	files, err := compile.Existing(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range files {
		switch dir, ext := filepath.Dir(path), filepath.Ext(path); {
		case dir == "alerts":
			if b.Rules[path], err = ReadRules(content); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		case dir == "dashboards" && ext == ".json":
			if b.Dashboards[path], err = ReadDashboard(content); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if len(b.Rules) != 2 || len(b.Dashboards) != 3 {
		t.Errorf("%d files of rules and %d dashboards", len(b.Rules), len(b.Dashboards))
	}
	b.Metrics, err = Metrics{Families: families}.With(slices.Collect(maps.Values(b.Rules))...)
	if err != nil {
		t.Error(err)
	}
	if b.Metrics.Values, err = ReadValues(strings.NewReader(read(t, "collector/testdata/metrics.txt")), "pool"); err != nil {
		t.Error(err)
	}
	conditions := b.Metrics.Values["vmpooler_health_condition"]
	conditions["condition"] = append(conditions["condition"], "queue_cliff", "purge_held") // not of the status, and not in that golden
	return b
}

// configure takes over what mixin/config.libsonnet says.
func configure(t *testing.T, b *Bundle) {
	t.Helper()
	said, err := compile.JSON(filepath.Join(root, "mixin"), `
		local c = (import 'config.libsonnet')._config;
		{ selector: c.exporterSelector, groupLabels: c.groupLabels, severities: std.objectValues(c.severities),
		  runbook: c.runbookUrlPattern, dashboard: c.dashboardUrlPattern }`)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Selector                string
		GroupLabels, Severities []string
		Runbook, Dashboard      string
	}
	if err := json.Unmarshal([]byte(said), &c); err != nil {
		t.Fatal(err)
	}
	b.GroupLabels, b.Severities, b.RunbookURL, b.DashboardURL = c.GroupLabels, c.Severities, c.Runbook, c.Dashboard
	if b.Selector, err = Matchers(c.Selector); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func runbooks(t *testing.T) map[string]string {
	t.Helper()
	pages := make(map[string]string)
	for _, path := range glob(t, "docs/runbooks/*.md") {
		pages[strings.TrimSuffix(filepath.Base(path), ".md")] = read(t, "docs/runbooks/"+filepath.Base(path))
	}
	return pages
}

func TestTheMixinHasNoProblems(t *testing.T) {
	b := project(t)
	for _, p := range b.Problems() {
		t.Error(p)
	}
	t.Run("every metric is used or there is a reason", func(t *testing.T) {
		for _, what := range b.Unused(read(t, "mixin/lint/unused.txt")) {
			t.Error(what)
		}
	})
}
