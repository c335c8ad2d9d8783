package endtoend

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// An incident takes a quarter of an hour to be told of. The test has none to
// spare, so it lives at a faster pace: every time in the rules and in
// Alertmanager's configuration is divided by pace, and Prometheus scrapes as much
// more often than the 30 s that the rules are made for. Nothing else is changed,
// and the committed files never are.
const pace = 60

// scrapeInterval is 30 s at that pace.
const scrapeInterval = 30 * time.Second / pace

// faster divides one duration as Prometheus and Alertmanager write them.
func faster(text string) (string, error) {
	d, err := model.ParseDuration(text)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%dms", (time.Duration(d) / pace).Milliseconds()), nil
}

// fasterRules divides the times of a file of rules, and writes it elsewhere.
func fasterRules(t *testing.T, file string) string {
	t.Helper()
	f := readRules(t, file)
	for _, g := range f.Groups {
		divide(t, g.Rest, "interval")
		for _, r := range g.Rules {
			divide(t, r, "for")
			divide(t, r, "keep_firing_for")
			expr, err := fasterExpr(fmt.Sprint(r["expr"]))
			if err != nil {
				t.Fatalf("%s: %v: %v", file, r["expr"], err)
			}
			r["expr"] = expr
		}
	}
	out := filepath.Join(t.TempDir(), filepath.Base(file))
	writeYAML(t, out, f)
	check(t, tool(t, "promtool"), "check", "rules", out)
	return out
}

func divide(t *testing.T, m map[string]any, key string) {
	t.Helper()
	v, ok := m[key]
	if !ok {
		return
	}
	text, err := faster(fmt.Sprint(v))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	m[key] = text
}

// fasterExpr divides the times of an expression: ranges, offsets, how far
// predict_linear looks ahead, and the number that an age (`time() - x`) is compared
// with. Other numbers stay, such as a limit of VMs; a limit of seconds that the
// exporter exports is as short as the test configures it.
func fasterExpr(text string) (string, error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return "", err
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.MatrixSelector:
			n.Range /= pace
		case *parser.SubqueryExpr:
			n.Range /= pace
			n.Step /= pace
			n.OriginalOffset /= pace
		case *parser.VectorSelector:
			n.OriginalOffset /= pace
		case *parser.Call:
			if n.Func.Name == "predict_linear" {
				divideExpr(&n.Args[1])
			}
		case *parser.BinaryExpr:
			if n.Op.IsComparisonOperator() && isAge(n.LHS) && isNumber(n.RHS) {
				divideExpr(&n.RHS)
			}
		}
		return nil
	})
	return expr.String(), nil
}

// divideExpr puts an expression's value, divided by the pace, in its place.
func divideExpr(e *parser.Expr) {
	if _, ok := (*e).(*parser.BinaryExpr); ok {
		*e = &parser.ParenExpr{Expr: *e}
	}
	*e = &parser.BinaryExpr{Op: parser.DIV, LHS: *e, RHS: &parser.NumberLiteral{Val: pace}}
}

// isNumber says whether an expression is a number, whatever the time and the data.
func isNumber(e parser.Expr) bool {
	number := e.Type() == parser.ValueTypeScalar
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		switch node.(type) {
		case *parser.VectorSelector, *parser.Call:
			number = false
		}
		return nil
	})
	return number
}

// isAge says whether an expression is `time() - x`.
func isAge(e parser.Expr) bool {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return isAge(e.Expr)
	case *parser.BinaryExpr:
		call, ok := e.LHS.(*parser.Call)
		return ok && e.Op == parser.SUB && call.Func.Name == "time"
	}
	return false
}

// alertmanagerTime is a line of Alertmanager's configuration with a time in it.
var alertmanagerTime = regexp.MustCompile(`(?m)^(\s*(?:group_wait|group_interval|repeat_interval): *)(\w+)(.*)$`)

// receiver is the address of a receiver of examples/alertmanager.yml.
var receiver = regexp.MustCompile(`https://(\w+)\.example\.org/vmpooler`)

// fasterAlertmanager returns examples/alertmanager.yml with its times divided and
// every receiver at a path of its name at url.
func fasterAlertmanager(t *testing.T, url string) []byte {
	t.Helper()
	text := readFile(t, alertmanagerFile)
	if !receiver.Match(text) || !alertmanagerTime.Match(text) {
		t.Fatalf("%s: no receivers or no times as they are looked for", alertmanagerFile)
	}
	text = receiver.ReplaceAll(text, []byte(url+"/$1"))
	return alertmanagerTime.ReplaceAllFunc(text, func(line []byte) []byte {
		m := alertmanagerTime.FindSubmatch(line)
		d, err := faster(string(m[2]))
		if err != nil {
			t.Fatalf("%s: %s: %v", alertmanagerFile, line, err)
		}
		return []byte(string(m[1]) + d + string(m[3]))
	})
}

func TestTimesAreDividedAndNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		`min_over_time(vmpooler_up[2m]) == 0`:                     `min_over_time(vmpooler_up[2s]) == 0`,
		`q > on (job) group_left () max by (job) (t)`:             `q > on (job) group_left () max by (job) (t)`,
		`time() - max by (job) (last > 0) > 600`:                  `time() - max by (job) (last > 0) > 600 / 60`,
		`time() - last > 10 * 60`:                                 `time() - last > (10 * 60) / 60`,
		`(time() - last) > 3 * interval`:                          `(time() - last) > 3 * interval`,
		`predict_linear(x[1h], 4 * 3600) > 1000`:                  `predict_linear(x[1m], (4 * 3600) / 60) > 1000`,
		`max_over_time((a - b)[30m:1m] offset 1h) > 5`:            `max_over_time((a - b)[30s:1s] offset 1m) > 5`,
		`increase(x_total[10m]) / increase(y[10m]) > 0.2`:         `increase(x_total[10s]) / increase(y[10s]) > 0.2`,
		`age > on (job) group_left () limit and deriv(x[1h]) > 0`: `age > on (job) group_left () limit and deriv(x[1m]) > 0`,
	} {
		got, err := fasterExpr(in)
		if err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", in, got, err, want)
		}
	}
	for in, want := range map[string]string{"5m": "5000ms", "30s": "500ms", "1h30m": "90000ms", "0s": "0ms"} {
		if got, err := faster(in); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
	}
}
