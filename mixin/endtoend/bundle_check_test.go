package endtoend

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// What can be known without running anything: it is all that -short does.
func TestTheToolsTakeTheFiles(t *testing.T) {
	for _, names := range [][]string{{"redis-server"}, {"redis-cli"}, {"prometheus"}, {"prometheus-alertmanager", "alertmanager"}} {
		tool(t, names...)
	}
	check(t, tool(t, "promtool"), "check", "rules", alertsFile, rulesFile)
	check(t, tool(t, "amtool"), "check-config", alertmanagerFile)
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	writeYAML(t, config, prometheusOptions{interval: time.Second, alertmanager: "127.0.0.1:9093"}.config())
	check(t, tool(t, "promtool"), "check", "config", config)
	if len(readDashboards(t)) == 0 {
		t.Error("no dashboards")
	}
}

func TestEveryRunbookLinkResolves(t *testing.T) {
	alerts := 0
	for _, g := range readRules(t, alertsFile).Groups {
		for _, r := range g.Rules {
			alerts++
			var url string
			if a, ok := r["annotations"].(map[string]any); ok {
				url, _ = a["runbook_url"].(string)
			}
			file, ok := runbookFile(url)
			if !ok {
				t.Errorf("%v: runbook_url %q is no page of docs/runbooks", r["alert"], url)
			} else if _, err := os.Stat(file); err != nil {
				t.Errorf("%v: %v", r["alert"], err)
			}
		}
	}
	if alerts == 0 {
		t.Error("no alerts")
	}
}

func TestRunbookFile(t *testing.T) {
	for url, want := range map[string]bool{
		"https://github.com/vmpooler/vmpooler_exporter/blob/main/docs/runbooks/VmpoolerUnhealthy.md": true,
		"https://github.com/vmpooler/vmpooler_exporter/blob/main/docs/runbooks/":                     false,
		"https://github.com/vmpooler/vmpooler_exporter/blob/main/docs/runbooks/../health.md":         false,
		"https://example.com/VmpoolerUnhealthy.md":                                                   false,
		"": false,
	} {
		if _, ok := runbookFile(url); ok != want {
			t.Errorf("%q: %v", url, ok)
		}
	}
}

func TestAFileOfRulesStaysWholeOnItsWay(t *testing.T) {
	for _, file := range []string{alertsFile, rulesFile} {
		out, err := yaml.Marshal(readRules(t, file))
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := yaml.Unmarshal(out, &a); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(readFile(t, file), &b); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b, a); d != "" {
			t.Errorf("%s: %s", file, d)
		}
	}
}
