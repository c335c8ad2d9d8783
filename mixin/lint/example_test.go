package lint

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// families are enough metrics for the examples, of each kind and owner.
var families = map[string]Family{
	"vmpooler_up":                        {Kind: "gauge"},
	"vmpooler_exporter_panics_total":     {Kind: "counter"},
	"vmpooler_exporter_leader":           {Kind: "gauge"},
	"vmpooler_health_status":             {Kind: "gauge"},
	"vmpooler_health_queue_size":         {Kind: "gauge", Labels: []string{"pool", "queue"}},
	"vmpooler_health_threshold":          {Kind: "gauge", Labels: []string{"name"}},
	"vmpooler_pool_size":                 {Kind: "gauge", Labels: []string{"pool"}},
	"vmpooler_vm_events_total":           {Kind: "counter", Labels: []string{"event", "pool"}},
	"vmpooler_dlq_entries_total":         {Kind: "counter", Labels: []string{"queue"}},
	"vmpooler_vm_clone_duration_seconds": {Kind: "histogram", Labels: []string{"pool"}},
}

// good is an alert against which nothing can be said, and goodRecord a recording rule.
func good() Rule {
	wait := "15m"
	return Rule{
		Alert: "VmpoolerQueueTooLong",
		Expr:  `max by (cluster, job, pool) (vmpooler_health_queue_size{job="x", queue="pending"}) > on (cluster, job) group_left () max by (cluster, job) (vmpooler_health_threshold{job="x", name="pending_queue_max"})`,
		For:   &wait, Labels: map[string]string{"severity": "warning"},
		Annotations: map[string]string{
			"summary":       "A queue is too long.",
			"description":   "{{ $labels.pool }} has {{ $value | humanize }} pending VMs; run vmpooler_exporter health.",
			"runbook_url":   "https://example.org/VmpoolerQueueTooLong.md",
			"dashboard_url": "/d/vmpooler-some{{ with $labels.pool }}?var-pool={{ . | urlquery }}{{ end }}",
		},
	}
}

func goodRecord() Rule {
	return Rule{Record: "cluster_job_pool:vmpooler_health_queue_size:max", Expr: `max by (cluster, job, pool) (vmpooler_health_queue_size{job="x"})`}
}

// The tables of alerts, and their page.
const (
	goodManual = "| [`VmpoolerQueueTooLong`](runbooks/VmpoolerQueueTooLong.md) | warning 15m | it is |\n"
	goodList   = "| [VmpoolerQueueTooLong](VmpoolerQueueTooLong.md) | `warning` | it is |\n"
)

const goodPage = "# VmpoolerQueueTooLong\n\n`warning` after 15 minutes.\n\n## Meaning\n\nM [r](README.md).\n\n## Impact\n\nI\n\n## Diagnosis\n\n```promql\nmax by (pool) (vmpooler_pool_size)\n\nup\n```\n\n" +
	"See [below](#when-to-ignore).\n\n## Mitigation\n\nM\n\n## When to ignore\n\nW\n"

// goodDashboard has a stat, a table in a collapsed row, and a graph with a threshold.
const goodDashboard = `{
  "id": null, "uid": "vmpooler-some", "title": "Some", "description": "D.", "tags": ["vmpooler-mixin"], "schemaVersion": 39,
  "editable": false, "graphTooltip": 1, "timezone": "utc", "refresh": "30s",
  "links": [{"type": "dashboards", "title": "vmpooler", "tags": ["vmpooler-mixin"], "includeVars": true, "keepTime": true}],
  "annotations": {"list": [
    {"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}},
    {"name": "Alerts", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "expr": "ALERTS{alertname=~\"Vmpooler.+\", job=~\"$job|\"}"}
  ]},
  "templating": {"list": [
    {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {"text": "default", "value": "default"}},
    {"name": "cluster", "label": "Cluster", "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "query": "label_values(vmpooler_up, cluster)",
     "multi": true, "includeAll": true, "allValue": ".*", "refresh": 2, "hide": 2, "current": {"text": ["All"], "value": ["$__all"]}},
    {"name": "job", "label": "Job", "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "query": "label_values(vmpooler_up{cluster=~\"$cluster\"}, job)",
     "multi": true, "includeAll": true, "allValue": ".+", "refresh": 2, "current": {"text": ["All"], "value": ["$__all"]}},
    {"name": "instance", "label": "Instance", "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "query": "label_values(vmpooler_up{job=~\"$job\"}, instance)",
     "multi": true, "includeAll": true, "allValue": ".+", "refresh": 2, "current": {"text": ["All"], "value": ["$__all"]}},
    {"name": "pool", "label": "Pool", "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "query": "label_values(vmpooler_pool_size{job=~\"$job\"}, pool)",
     "multi": true, "includeAll": true, "allValue": ".+", "refresh": 2, "current": {"text": ["All"], "value": ["$__all"]}}
  ]},
  "panels": [
    {"id": 1, "type": "stat", "title": "Status", "description": "What vmpooler is. **What to do:** read the reasons below.", "gridPos": {"h": 4, "w": 8, "x": 0, "y": 0},
     "datasource": {"type": "prometheus", "uid": "${datasource}"}, "fieldConfig": {"defaults": {"unit": "none", "noValue": "Unknown"}, "overrides": []},
     "targets": [{"refId": "A", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "expr": "max by (job) (vmpooler_health_status{cluster=~\"$cluster\", job=~\"$job\", instance=~\"$instance\"})"}]},
    {"id": 2, "type": "timeseries", "title": "Queues", "description": "How long the queues are. **What to do:** look at the longest.", "gridPos": {"h": 4, "w": 16, "x": 8, "y": 0},
     "datasource": {"type": "prometheus", "uid": "${datasource}"},
     "fieldConfig": {"defaults": {"unit": "short", "links": [{"title": "Open", "url": "/d/vmpooler-some?var-pool=${__field.labels.pool}&${job:queryparam}&${__url_time_range}"}]},
       "overrides": [{"matcher": {"id": "byRegexp", "options": "/^limit/"}, "properties": [{"id": "custom.lineStyle", "value": {"fill": "dash"}}, {"id": "custom.fillOpacity", "value": 0}]}]},
     "targets": [
       {"refId": "A", "legendFormat": "{{pool}}", "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "expr": "max by (pool) (vmpooler_health_queue_size{cluster=~\"$cluster\", job=~\"$job\", instance=~\"$instance\", pool=~\"$pool\"})"},
       {"refId": "B", "legendFormat": "limit", "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "expr": "max by (name) (vmpooler_health_threshold{cluster=~\"$cluster\", job=~\"$job\", instance=~\"$instance\"})"},
       {"refId": "C", "legendFormat": "events", "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "expr": "max by (job) (rate(vmpooler_vm_events_total{cluster=~\"$cluster\", job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))"}]},
    {"id": 3, "type": "row", "title": "More", "collapsed": true, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 4}, "panels": [
      {"id": 4, "type": "table", "title": "Pools", "description": "All pools, the worst first. **What to do:** open one.", "gridPos": {"h": 6, "w": 24, "x": 0, "y": 5},
       "datasource": {"type": "prometheus", "uid": "${datasource}"}, "fieldConfig": {"defaults": {"unit": "short", "noValue": "No pool"}, "overrides": []},
       "targets": [{"refId": "A", "format": "table", "instant": true, "datasource": {"type": "prometheus", "uid": "${datasource}"},
         "expr": "max by (pool) (vmpooler_pool_size{cluster=~\"$cluster\", job=~\"$job\", instance=~\"$instance\"})"}]}]}
  ]
}`

// example is a bundle without a problem.
func example(t *testing.T) *Bundle {
	t.Helper()
	selector, err := Matchers(`job="x"`)
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := ReadDashboard([]byte(goodDashboard))
	if err != nil {
		t.Fatal(err)
	}
	return &Bundle{
		Metrics: Metrics{
			Families: families, Recorded: map[string][]string{"job:vmpooler_x:max": {"job"}},
			Values: map[string]map[string][]string{"vmpooler_health_threshold": {"name": {"dlq_max_critical", "pending_queue_max"}}},
		},
		Selector: selector, GroupLabels: []string{"cluster", "job"}, Severities: []string{"critical", "warning"},
		RunbookURL: "https://example.org/%s.md", DashboardURL: "/d/%s",
		Rules:      map[string]RuleFile{"alerts.yaml": {Groups: []Group{{Name: "g", Rules: []Rule{good(), goodRecord()}}}}},
		Dashboards: map[string]Dashboard{"some.json": dashboard},
		Runbooks:   map[string]string{"VmpoolerQueueTooLong": goodPage, "README": goodList}, Manual: goodManual,
		Exists: func(path string) bool { return path == "docs/runbooks/README.md" },
	}
}

func TestTheExampleHasNoProblems(t *testing.T) {
	for _, p := range example(t).Problems() {
		t.Error(p)
	}
}

// found fails unless the check, and only it or one of the others named, finds a
// problem that contains the text.
func found(t *testing.T, b *Bundle, name, text string, others ...string) {
	t.Helper()
	ok := false
	for _, p := range b.Problems() {
		switch {
		case p.Check == name:
			ok = ok || strings.Contains(p.What, text)
		case !slices.Contains(others, p.Check):
			t.Errorf("for %s also: %s", name, p)
		}
	}
	if !ok {
		t.Errorf("%s does not find %q in %v", name, text, b.Problems())
	}
}

// changed decodes the example's dashboard after a text of it was replaced.
func changed(t *testing.T, before, after string) Dashboard {
	t.Helper()
	if !strings.Contains(goodDashboard, before) {
		t.Fatalf("the example has no %s", before)
	}
	text := strings.Replace(goodDashboard, before, after, 1)
	if !json.Valid([]byte(text)) {
		t.Fatalf("not JSON with %s", after)
	}
	d, err := ReadDashboard([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func names[T any](checks []check[T]) []string {
	var all []string
	for _, c := range checks {
		all = append(all, c.name)
	}
	return all
}

// each fails for a check without a bad example.
func each[T any](t *testing.T, checks []check[T], examples map[string]bool) {
	t.Helper()
	for _, name := range names(checks) {
		if !examples[name] {
			t.Errorf("%s has no bad example", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		if !slices.Contains(names(checks), name) {
			t.Errorf("there is no check %s", name)
		}
	}
}
