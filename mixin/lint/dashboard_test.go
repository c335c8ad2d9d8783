package lint

import "testing"

// spoiled is a bad example: the good dashboard with one text replaced.
type spoiled struct {
	check, finds, before, after string
	also                        []string
}

func spoil(t *testing.T, examples []spoiled) map[string]bool {
	t.Helper()
	seen := make(map[string]bool)
	for _, c := range examples {
		b := example(t)
		b.Dashboards = map[string]Dashboard{"some.json": changed(t, c.before, c.after)}
		found(t, b, c.check, c.finds, c.also...)
		seen[c.check] = true
	}
	return seen
}

// settled is a variable's end, of job's and instance's.
const settled = `"allValue": ".+", "refresh": 2, "current"`

func TestBadDashboardsAreFound(t *testing.T) {
	seen := spoil(t, []spoiled{
		{"dashboard identity", `uid "Some"`, `"uid": "vmpooler-some"`, `"uid": "Some"`, []string{"alert dashboard", "dashboard links"}},
		{"dashboard identity", "no title or no description", `"description": "D."`, `"description": ""`, nil},
		{"dashboard identity", "tag", `"D.", "tags": ["vmpooler-mixin"]`, `"D.", "tags": []`, nil},
		{"dashboard import", "__inputs", `"id": null,`, `"id": null, "__inputs": [],`, nil},
		{"dashboard import", "id is not null", `"id": null`, `"id": 7`, nil},
		{"dashboard import", "schemaVersion is 16", `"schemaVersion": 39`, `"schemaVersion": 16`, nil},
		{"dashboard settings", "editable", `"editable": false`, `"editable": true`, nil},
		{"dashboard settings", "editable", `"editable": false,`, ``, nil},
		{"dashboard settings", "crosshair", `"graphTooltip": 1`, `"graphTooltip": 0`, nil},
		{"dashboard settings", "no timezone", `"timezone": "utc"`, `"timezone": ""`, nil},
		{"dashboard annotations", "no annotation shows", `ALERTS{alertname=~\"Vmpooler.+\"`, `ALERTS{alertname=~\"Other.+\"`, nil},
		{"dashboard annotations", "parse error", `job=~\"$job|\"}`, `job=~\"$job|\"`, nil},
		{"dashboard annotations", "datasource", `{"name": "Alerts", "datasource": {"type": "prometheus", "uid": "${datasource}"}`, `{"name": "Alerts", "datasource": {"type": "prometheus", "uid": "abc"}`, nil},
		{"dashboard links", "by their tag", `"keepTime": true`, `"keepTime": false`, nil},
		{"dashboard links", `"/d/gone" leads nowhere`, `"links": [{"type": "dashboards"`, `"links": [{"type": "link", "url": "/d/gone"}, {"type": "dashboards"`, nil},
		{"dashboard links", "leads nowhere", `"url": "/d/vmpooler-some?`, `"url": "/d/vmpooler-gone?`, nil},
		{"dashboard links", "no variable queue", `?var-pool=`, `?var-queue=`, nil},
		{"dashboard links", "without a title", `{"title": "Open"`, `{"title": ""`, nil},
		{"dashboard links", "leads nowhere", `"/d/vmpooler-some?var-pool=${__field.labels.pool}&${job:queryparam}&${__url_time_range}"`, `"` + repository + `docs/gone.md"`, nil},
		{"dashboard links", "leads nowhere", `{"unit": "short", "noValue": "No pool"}, "overrides": []`, `{"unit": "short", "noValue": "No pool"}, "overrides": [{"matcher": {"id": "byName", "options": "Pool"}, "properties": [{"id": "links", "value": [{"title": "x", "url": "/gone"}]}]}]`, nil},
		{"dashboard variables used", "no variable queue", `{{pool}}`, `{{pool}} $queue`, nil},
		{"dashboard variables used", "no variable time", `"Some", "description": "D."`, `"Some", "description": "${time:raw}"`, nil},
		{"dashboard variables used", "nothing uses the variable pool", `, pool=~\"$pool\"`, ``, nil},
		{"dashboard datasource variable", "no variable datasource", `"name": "datasource"`, `"name": "source"`, []string{"dashboard variables used"}},
		{"dashboard datasource variable", "loki", `"query": "prometheus"`, `"query": "loki"`, nil},
		{"dashboard datasource variable", `"Source"`, `"Data source"`, `"Source"`, nil},
		{"dashboard selector variables", "no variable cluster", `"name": "cluster"`, `"name": "group"`, []string{"dashboard variables used"}},
		{"dashboard selector variables", "hide=0", `"hide": 2`, `"hide": 0`, nil},
		{"dashboard selector variables", "the variable job", `job)",
     "multi": true`, `job)",
     "multi": false`, nil},
		{"dashboard selector variables", `all=".*"`, settled, `"allValue": ".*", "refresh": 2, "current"`, nil},
		{"dashboard query variables", "refresh: 2", settled, `"allValue": ".+", "refresh": 1, "current"`, nil},
		{"dashboard query variables", "nothing at first", settled + `: {"text": ["All"], "value": ["$__all"]}`, settled + `: {}`, nil},
		{"dashboard query variables", "has no label", `"label": "Pool"`, `"label": ""`, nil},
		{"dashboard query variables", "is not label_values", `"label_values(vmpooler_up, cluster)"`, `"query_result(vmpooler_up)"`, nil},
		{"dashboard query variables", "is not label_values", `"label_values(vmpooler_up, cluster)"`, `{"query": "label_values(vmpooler_up, cluster)"}`, nil},
		{"dashboard query variables", "has no label queue", `, pool)"`, `, queue)"`, nil},
		{"dashboard query variables", "no metric", `label_values(vmpooler_pool_size`, `label_values(vmpooler_gone`, nil},
		{"dashboard query variables", "is not a selector", `label_values(vmpooler_up,`, `label_values(sum(vmpooler_up),`, nil},
		{"dashboard query variables", "datasource", `"type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}`, `"type": "query", "datasource": {"type": "prometheus", "uid": "x"}`, nil},
		{"dashboard ids", "has the id 1", `"id": 4`, `"id": 1`, nil},
		{"dashboard ids", "has the id 0", `"id": 4`, `"id": 0`, nil},
		{"dashboard ids", "two panels have the title Queues", `"title": "Pools"`, `"title": "Queues"`, nil},
		{"dashboard grid", "Queues stands on panel 1 (Status)", `"w": 8, "x": 0, "y": 0`, `"w": 9, "x": 0, "y": 0`, nil},
		{"dashboard grid", "nothing stands in column 7 of line 0", `"w": 8, "x": 0, "y": 0`, `"w": 7, "x": 0, "y": 0`, nil},
		{"dashboard grid", "nothing stands in column 0 of line 3", `"h": 4, "w": 8`, `"h": 3, "w": 8`, nil},
		{"dashboard grid", "is not on the grid", `"w": 16, "x": 8`, `"w": 17, "x": 8`, nil},
		{"dashboard grid", "is not on the grid", `"h": 6, "w": 24, "x": 0, "y": 5`, `"h": 6, "w": 24, "x": 0, "y": 4`, nil},
		{"dashboard grid", "nothing stands in column 12", `"h": 6, "w": 24`, `"h": 6, "w": 12`, nil},
		{"dashboard grid", "holds its panels itself", `"collapsed": true`, `"collapsed": false`, nil},
		{"dashboard grid", "not one line", `"h": 1, "w": 24`, `"h": 2, "w": 24`, []string{"dashboard grid"}},
	})
	each(t, dashboardChecks, seen)
}

func TestBadPanelsAreFound(t *testing.T) {
	const pools = `{"unit": "short", "noValue": "No pool"}`
	seen := spoil(t, []spoiled{
		{"panel type", `"graph"`, `"type": "stat"`, `"type": "graph"`, nil},
		{"panel title and description", "no title", `"title": "Status"`, `"title": ""`, nil},
		{"panel title and description", "no sentence", `read the reasons below."`, `read the reasons below"`, nil},
		{"panel title and description", "what to do", `**What to do:**`, `Sometimes`, nil},
		{"panel datasource", "its datasource is", `"y": 0},
     "datasource": {"type": "prometheus", "uid": "${datasource}"}, "fieldConfig"`, `"y": 0},
     "datasource": {"type": "prometheus", "uid": "x"}, "fieldConfig"`, nil},
		{"panel unit", `""`, `"unit": "none", `, `"mappings": [], `, nil},
		{"panel unit", `""`, `"type": "stat", "title": "Status"`, `"type": "heatmap", "options": {"yAxis": {}}, "title": "Status"`, []string{"target format"}},
		{"panel unit", `"parsec"`, `"overrides": []`, `"overrides": [{"matcher": {"id": "byName", "options": "x"}, "properties": [{"id": "unit", "value": "parsec"}]}]`, nil},
		{"panel without data", "noValue", pools, `{"unit": "short"}`, nil},
		{"panel without data", "noValue", `"noValue": "Unknown"`, `"noValue": ""`, nil},
		{"panel targets", `the letter "A"`, `"refId": "B"`, `"refId": "A"`, nil},
		{"panel thresholds", `"limit" is not dashed`, `{"fill": "dash"}`, `{"fill": "solid"}`, nil},
		{"panel thresholds", `"limit" is not dashed`, `"id": "custom.fillOpacity", "value": 0`, `"id": "custom.fillOpacity", "value": 10`, nil},
		{"panel thresholds", `"limit" is not dashed`, `/^limit/`, `/^other/`, nil},
		{"panel thresholds", "configFromData", `"fieldConfig": {"defaults": ` + pools, `"transformations": [{"id": "configFromData"}], "fieldConfig": {"defaults": ` + pools, nil},
	})
	each(t, panelChecks, seen)
}

func TestAPanelAsksForSomething(t *testing.T) {
	d := changed(t, `"refId": "A"`, `"refId": "A"`)
	d.Panels[0].Targets = nil
	b := example(t)
	b.Dashboards["some.json"] = d
	found(t, b, "panel targets", "asks for nothing")
}

func TestOverridesOfATarget(t *testing.T) {
	limit := target{RefID: "B", LegendFormat: "limit 1"}
	for _, c := range []struct {
		id, option string
		want       bool
	}{
		{"byFrameRefID", "B", true},
		{"byFrameRefID", "A", false},
		{"byName", "limit 1", true},
		{"byName", "limit", false},
		{"byRegexp", "/^limit/", true},
		{"byRegexp", "/^pool/", false},
		{"byType", "number", false},
	} {
		var o override
		o.Matcher.ID, o.Matcher.Options = c.id, c.option
		if o.of(limit) != c.want {
			t.Errorf("%s %s: %v", c.id, c.option, !c.want)
		}
	}
}

func TestBadTargetsAreFound(t *testing.T) {
	const three = `cluster=~\"$cluster\", job=~\"$job\", instance=~\"$instance\"`
	seen := spoil(t, []spoiled{
		{"target parses", "parse error", `max by (job) (vmpooler_health_status`, `max by (job (vmpooler_health_status`, nil},
		{"target datasource", "its datasource is", `{"refId": "A", "datasource": {"type": "prometheus", "uid": "${datasource}"}`, `{"refId": "A", "datasource": {"type": "loki", "uid": "${datasource}"}`, nil},
		{"target format", "a table's", `"format": "table"`, `"format": "time_series"`, nil},
		{"target format", "a table's", `"instant": true`, `"instant": false`, nil},
		{"target format", "no time series", `"refId": "B"`, `"refId": "B", "instant": true`, nil},
		{"target selectors", `lacks instance=~"$instance"`, three, `cluster=~\"$cluster\", job=~\"$job\"`, nil},
		{"target selectors", `lacks job=~"$job"`, three, `cluster=~\"$cluster\", job=\"$job\", instance=~\"$instance\"`, nil},
		{"target selectors", "lacks cluster", three, `job=~\"$job\", instance=~\"$instance\"`, nil},
		{"target rate interval", "rate over 5m0s", `[$__rate_interval]`, `[5m]`, nil},
		{"target rate interval", "not for changes", `rate(`, `changes(`, nil},
		{"target metrics", "no metric", `(vmpooler_health_status{`, `(vmpooler_status{`, nil},
		{"target metrics", "no label queue", `max by (job) (vmpooler_health_status`, `max by (job, queue) (vmpooler_health_status`, nil},
		{"target counters", "without rate", `rate(vmpooler_vm_events_total{` + three + `}[$__rate_interval])`, `vmpooler_vm_events_total{` + three + `}`, nil},
		{"target matching", "several series", `max by (job) (vmpooler_health_status{` + three + `})`, `max by (job) (vmpooler_health_status{` + three + `}) * on (job) vmpooler_up{` + three + `}`, nil},
		{"target replicas", "under sum first", `max by (job) (vmpooler_health_status`, `sum by (job) (vmpooler_health_status`, nil},
		{"target legend", "its legend names queue", `{{pool}}`, `{{queue}}`, nil},
		{"target legend", "no legend", `"legendFormat": "limit"`, `"legendFormat": ""`, []string{"panel thresholds"}},
	})
	each(t, targetChecks, seen)
}

func TestAColumnOfAlertsMayLeadToTheirPages(t *testing.T) {
	b := example(t)
	for to, want := range map[string]int{
		"https://example.org/${__value.raw:percentencode}.md": 0,
		"https://example.org/${__value.raw}.md":               1, // an address wants it encoded
		"https://example.com/${__value.raw:percentencode}.md": 1,
	} {
		if wrong := b.leads(to); len(wrong) != want {
			t.Errorf("%s: %v", to, wrong)
		}
	}
}

func TestADashboardThatIsNoJSONIsAnError(t *testing.T) {
	if _, err := ReadDashboard([]byte("{")); err == nil {
		t.Error("half a brace was read")
	}
}
