package endtoend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// now is the last minute, coarse enough for rates to have something to go by.
var now = view{span: time.Minute, scrape: 5 * time.Second, points: 60}

// Many-to-many errors, labels that are not there and queries that answer nothing
// show up only with data of two exporters. The same two are scraped under two names
// here, once with a cluster and once without, as a Prometheus of several vmpoolers
// would: what forgets its group labels fails.
func TestEveryExpressionIsExecuted(t *testing.T) {
	if testing.Short() {
		return
	}
	t.Parallel()
	f := startFleet(t, everything())
	p := startPrometheus(t, prometheusOptions{
		interval: time.Second,
		groups: []scrapeGroup{
			{job: "vmpooler_exporter", labels: map[string]string{"cluster": "blue"}, targets: addrs(f.exporters)},
			{job: "vmpooler-exporter-green", targets: addrs(f.exporters)},
		},
		rules: []string{alertsFile, rulesFile},
	})
	f.useAPI(t)
	f.forgetAge(t)
	until(t, 40*time.Second, "there is every metric that the exporter has", func() error { return p.hasAllFamilies(t) })
	until(t, 20*time.Second, "every rule has been evaluated without an error", func() error { return p.rulesAreHealthy(t.Context()) })
	until(t, 40*time.Second, "every recording rule yields series", func() error { return p.recordingsYield(t.Context()) })
	p.executeDashboards(t)
	p.untilScraped(t, 20)
	f.exporters[1].stop()
	until(t, 20*time.Second, "one exporter is seen to be gone", func() error {
		down, err := p.instant(t.Context(), "max_over_time(up[3s]) == 0", time.Now())
		if err == nil && len(down) != 2 { // one, under two names
			err = fmt.Errorf("%d are down", len(down))
		}
		return err
	})
	if err := p.rulesAreHealthy(t.Context()); err != nil { // with all data there was, and with one exporter
		t.Error(err)
	}
	p.neverFailed(t)
}

// useAPI makes calls of which there are metrics: good ones, one of nothing, and one
// that is refused.
func (f *fleet) useAPI(t *testing.T) {
	t.Helper()
	for _, e := range f.exporters {
		for _, path := range []string{"health", "dlq", "dlq/stats", "purge", "purge/history", "nothing"} {
			if _, _, err := get(t.Context(), "http://"+e.addr+"/api/v1/queue/"+path); err != nil {
				t.Fatal(err)
			}
		}
		resp, err := client.Post("http://"+e.addr+"/api/v1/queue/purge?dry_run=true", "text/plain", http.NoBody) // the wrong type
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

// hasAllFamilies says which of the exporter's metrics are missing: what is not there
// proves nothing of the expressions that ask for it.
func (p prometheus) hasAllFamilies(t *testing.T) error {
	t.Helper()
	names, err := p.labelValues(t.Context(), "", "__name__")
	if err != nil {
		return err
	}
	var missing []string
	for line := range strings.Lines(string(readFile(t, familiesFile))) {
		name := strings.Fields(line)[0]
		if !slices.Contains(names, name) && !slices.Contains(names, name+"_bucket") {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

// rulesAreHealthy says which rules have an error, or none yet.
func (p prometheus) rulesAreHealthy(ctx context.Context) error {
	rules, err := p.rules(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range rules {
		if r.Health != "ok" || r.LastError != "" {
			errs = append(errs, fmt.Errorf("%s is %s: %s\n%s", r.Name, r.Health, r.LastError, r.Query))
		}
	}
	if len(rules) == 0 {
		errs = append(errs, errors.New("there are no rules"))
	}
	return errors.Join(errs...)
}

// recordingsYield says which recording rules have no series, and which have although
// they are in the list of those that have none.
func (p prometheus) recordingsYield(ctx context.Context) error {
	rules, err := p.rules(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range rules {
		if r.Type != "recording" {
			continue
		}
		n, err := p.ask(ctx, now, query{key: r.Name, expr: r.Name, step: now.scrape}, time.Now())
		_, listed := emptyRecordings[r.Name]
		switch {
		case err != nil:
			errs = append(errs, err)
		case n == 0 && !listed:
			errs = append(errs, fmt.Errorf("%s has no series:\n%s", r.Name, r.Query))
		case n > 0 && listed:
			errs = append(errs, fmt.Errorf("emptyRecordings: %s has %d series: take it off the list", r.Name, n))
		}
	}
	for name := range emptyRecordings {
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.Name == name }) {
			errs = append(errs, fmt.Errorf("emptyRecordings: there is no rule %s", name))
		}
	}
	return errors.Join(errs...)
}

// untilScraped waits for a number of scrapes of every target.
func (p prometheus) untilScraped(t *testing.T, scrapes int) {
	t.Helper()
	until(t, 60*time.Second, fmt.Sprintf("there were %d scrapes", scrapes), func() error {
		few, err := p.instant(t.Context(), fmt.Sprintf("count_over_time(up[5m]) < %d", scrapes), time.Now())
		if err == nil && len(few) > 0 {
			err = fmt.Errorf("%v", few)
		}
		return err
	})
}

// neverFailed looks at what Prometheus itself counts: an error that came and went
// between two looks at its rules is one too.
func (p prometheus) neverFailed(t *testing.T) {
	t.Helper()
	_, body, err := get(t.Context(), "http://"+p.addr+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "prometheus_rule_evaluation_failures_total{") {
			if seen++; !strings.HasSuffix(line, "} 0\n") {
				t.Errorf("rules failed: %s", line)
			}
		}
	}
	if seen == 0 {
		t.Error("Prometheus does not count failures of rules")
	}
}
