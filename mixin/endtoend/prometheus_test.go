package endtoend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// prometheus is a running Prometheus and its API.
type prometheus struct{ *process }

// scrapeGroup are targets with their labels. Prometheus sets job and instance.
type scrapeGroup struct {
	job     string
	labels  map[string]string
	targets []string
}

// prometheusOptions say what a Prometheus does.
type prometheusOptions struct {
	interval     time.Duration // of scrapes and of evaluations
	groups       []scrapeGroup
	rules        []string // files
	alertmanager string   // host:port, or none
	flags        []string
}

// config returns the prometheus.yml. The intervals are in milliseconds, since
// Prometheus reads no fractions.
func (o prometheusOptions) config() map[string]any {
	interval := fmt.Sprintf("%dms", o.interval.Milliseconds())
	scrapes := []any{}
	for _, g := range o.groups {
		scrapes = append(scrapes, map[string]any{
			"job_name":       g.job,
			"static_configs": []any{map[string]any{"targets": g.targets, "labels": g.labels}},
		})
	}
	c := map[string]any{
		"global": map[string]any{
			"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval,
		},
		"rule_files":     []string{"rules/*.yaml"},
		"scrape_configs": scrapes,
	}
	if o.alertmanager != "" {
		c["alerting"] = map[string]any{"alertmanagers": []any{
			map[string]any{"static_configs": []any{map[string]any{"targets": []string{o.alertmanager}}}},
		}}
	}
	return c
}

// startPrometheus runs a Prometheus that keeps its data in the test's directory. It
// returns once all targets are up and the rules are in force, in this order: it takes
// five seconds to begin with its targets, and they would be missed meanwhile.
func startPrometheus(tb testing.TB, o prometheusOptions) prometheus {
	tb.Helper()
	dir := tb.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	writeYAML(tb, file, o.config())
	check(tb, tool(tb, "promtool"), "check", "config", file)
	bin := tool(tb, "prometheus")
	p := prometheus{serve(tb, "prometheus", func(addr string) *exec.Cmd {
		return exec.Command(bin, append([]string{
			"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + addr, "--log.level=warn",
		}, o.flags...)...)
	})}
	targets := 0
	for _, g := range o.groups {
		targets += len(g.targets)
	}
	until(tb, 20*time.Second, "all targets are up", func() error {
		up, err := p.instant(tb.Context(), "up == 1", time.Now())
		if err == nil && len(up) != targets {
			err = fmt.Errorf("%d of %d", len(up), targets)
		}
		return err
	})
	p.load(tb, filepath.Join(dir, "rules"), o.rules)
	return p
}

// load puts the files of rules where the configuration looks for them.
func (p prometheus) load(tb testing.TB, dir string, files []string) {
	tb.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		check(tb, tool(tb, "promtool"), "check", "rules", file)
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), readFile(tb, file), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		tb.Fatal(err)
	}
	until(tb, 20*time.Second, "the rules are in force", func() error {
		rules, err := p.rules(tb.Context())
		if err == nil && len(rules) == 0 && len(files) > 0 {
			err = errors.New("there are none")
		}
		return err
	})
}

func writeYAML(tb testing.TB, file string, v any) {
	tb.Helper()
	b, err := yaml.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// url is the address of a call of the API.
func (p prometheus) url(path string, params url.Values) string {
	return "http://" + p.addr + "/api/v1/" + path + "?" + params.Encode()
}

// api asks for a path below /api/v1 and decodes its data into v. Warnings, such as
// of a metric that should be a counter, are errors here.
func (p prometheus) api(ctx context.Context, path string, params url.Values, v any) error {
	status, body, err := get(ctx, p.url(path, params))
	if err != nil {
		return err
	}
	var answer struct {
		Status, ErrorType, Error string
		Warnings                 []string
		Data                     json.RawMessage
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%d: %w: %s", status, err, body)
	}
	if answer.Status != "success" || status != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.ErrorType, answer.Error)
	}
	if len(answer.Warnings) > 0 {
		return errors.New("warnings: " + strings.Join(answer.Warnings, "; "))
	}
	return json.Unmarshal(answer.Data, v)
}

// series is one of a query's answer.
type series struct {
	Metric map[string]string
	Value  [2]any   // time and text, of an instant query
	Values [][2]any // of a range query
}

// instant evaluates an expression at a moment.
func (p prometheus) instant(ctx context.Context, expr string, at time.Time) ([]series, error) {
	var data struct{ Result []series }
	err := p.api(ctx, "query", atParams(expr, at), &data)
	return data.Result, err
}

// over evaluates an expression at every step of a range.
func (p prometheus) over(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]series, error) {
	var data struct{ Result []series }
	err := p.api(ctx, "query_range", overParams(expr, from, to, step), &data)
	return data.Result, err
}

// labelValues returns the values of a label of the series that match.
func (p prometheus) labelValues(ctx context.Context, match, label string) ([]string, error) {
	params := url.Values{}
	if match != "" {
		params.Set("match[]", match)
	}
	var values []string
	err := p.api(ctx, "label/"+url.PathEscape(label)+"/values", params, &values)
	return values, err
}

// rule is one as /api/v1/rules tells of it.
type rule struct {
	Name, Query, Health, LastError, Type string

	EvaluationTime float64 // seconds
	LastEvaluation time.Time
}

func (p prometheus) rules(ctx context.Context) ([]rule, error) {
	var data struct{ Groups []struct{ Rules []rule } }
	if err := p.api(ctx, "rules", nil, &data); err != nil {
		return nil, err
	}
	var all []rule
	for _, g := range data.Groups {
		all = append(all, g.Rules...)
	}
	return all, nil
}

func atParams(expr string, at time.Time) url.Values {
	return url.Values{"query": {expr}, "time": {unix(at)}}
}

func overParams(expr string, from, to time.Time, step time.Duration) url.Values {
	return url.Values{"query": {expr}, "start": {unix(from)}, "end": {unix(to)}, "step": {fmt.Sprintf("%g", step.Seconds())}}
}

func unix(t time.Time) string { return fmt.Sprintf("%.3f", float64(t.UnixMilli())/1000) }
