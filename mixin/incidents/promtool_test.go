package incidents

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// check is an expression, when it is evaluated, and the label sets that it has to
// give, each with the value 1.
type check struct {
	expr string
	at   time.Duration
	want []string
}

// samples are where promtool lists several in a line.
var samples = regexp.MustCompile(`(\S), \{`)

// promtool holds the checks against what the alerts say of a recording when they are
// evaluated every so often.
func promtool(t *testing.T, rules *alertRules, rec *recording, every time.Duration, checks []check) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "incident.yaml")
	if err := os.WriteFile(file, []byte(ruleTest(rules, rec, every, checks)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "promtool", "test", "rules", file)
	cmd.Env = append(os.Environ(), "GOGC=400") // a fifth faster
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, samples.ReplaceAllString(string(out), "$1\n                    {"))
	}
}

// ruleTest is promtool's file.
func ruleTest(rules *alertRules, rec *recording, every time.Duration, checks []check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule_files: [%s]\nevaluation_interval: %v\ntests:\n- interval: %v\n  input_series:\n", rules.path, every, scrapeEvery)
	for _, series := range rec.names() {
		name, _, _ := strings.Cut(series, "{")
		if rules.metrics[name] {
			fmt.Fprintf(&b, "  - {series: '%s', values: '%s'}\n", series, notation(rec.inPromtoolsTime(series)))
		}
	}
	b.WriteString("  promql_expr_test:\n")
	for _, c := range checks {
		fmt.Fprintf(&b, "  - eval_time: %ds\n    expr: |\n      %s\n    exp_samples:\n", int(c.at.Seconds()), strings.ReplaceAll(c.expr, "\n", "\n      "))
		for _, labels := range c.want {
			fmt.Fprintf(&b, "    - {labels: '%s', value: 1}\n", labels)
		}
	}
	return b.String()
}
