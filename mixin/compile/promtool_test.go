package compile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/vmpooler/vmpooler_exporter/mixin/lint"
)

// tests are promtool's tests of rules (YAML, or jsonnet that makes such) and the
// mixin's own (jsonnet that is true).
const tests = source + "/tests"

func promtool(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "promtool", args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("promtool is missing; make prometheus installs it")
	}
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	rules := glob(t, root+"/alerts/*.yaml")
	if len(rules) < 2 {
		t.Fatalf("only %d files of rules", len(rules))
	}
	promtool(t, append([]string{"check", "rules"}, rules...)...)
}

func TestRulesDoWhatTheirTestsSay(t *testing.T) {
	written := ruleTests(t)
	if testing.Short() { // the race detector finds nothing in promtool
		written = written[:1]
	}
	for _, path := range written {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			promtool(t, "test", "rules", path)
		})
	}
}

func TestEveryAlertIsTested(t *testing.T) {
	rules, err := os.ReadFile(root + "/alerts/vmpooler_alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := lint.ReadRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	var all []lint.AlertTest
	for _, path := range ruleTests(t) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		these, err := lint.ReadAlertTests(content)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, these...)
	}
	for _, what := range lint.Untested(file.Alerts(), all) {
		t.Error(what)
	}
}

// ruleTests are the files of promtool's tests. What jsonnet makes is made once.
func ruleTests(t *testing.T) []string {
	t.Helper()
	making.Do(func() {
		made = glob(t, tests+"/*.yaml")
		for _, path := range glob(t, tests+"/*.jsonnet") {
			if !strings.HasSuffix(path, "_test.jsonnet") {
				made = append(made, generated(t, path))
			}
		}
	})
	if len(made) == 0 {
		t.Fatal("no tests of rules found")
	}
	return made
}

var (
	making sync.Once
	made   []string
	madeIn string // a folder that goes when all tests are done
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mixin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	madeIn = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// generated writes what the jsonnet file says to a file of the same name. Its
// rule_files are as seen from the jsonnet file, and become those of the groups that it
// is about: promtool evaluates every rule that it is given, for each test. One that
// asks for series, such as ALERTS, is about all.
func generated(t *testing.T, path string) string {
	t.Helper()
	said, err := machine().EvaluateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := json.Unmarshal([]byte(said), &content); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	expected, err := lint.ReadAlertTests([]byte(said))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	name := filepath.Join(madeIn, filepath.Base(path))
	files, _ := content["rule_files"].([]any)
	for i, file := range files {
		from := filepath.Join(filepath.Dir(path), fmt.Sprint(file))
		to := fmt.Sprintf("%s-rules-%d.yaml", name, i)
		all := strings.Contains(said, `"promql_expr_test"`)
		writeJSON(t, to, groupsOf(t, from, func(alert any) bool {
			return all || slices.ContainsFunc(expected, func(e lint.AlertTest) bool { return e.Alert == alert })
		}))
		files[i] = to
	}
	writeJSON(t, name+".yaml", content)
	return name + ".yaml"
}

// groupsOf are the file's groups with an alert that is wanted, and those of recording
// rules.
func groupsOf(t *testing.T, path string, wanted func(alert any) bool) map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string][]map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	groups := slices.DeleteFunc(file["groups"], func(group map[string]any) bool {
		rules, _ := group["rules"].([]any)
		return !slices.ContainsFunc(rules, func(rule any) bool {
			alert, ok := rule.(map[string]any)["alert"]
			return !ok || wanted(alert)
		})
	})
	return map[string]any{"groups": groups}
}

func writeJSON(t *testing.T, path string, content any) {
	t.Helper()
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
