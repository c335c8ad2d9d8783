package lint

import (
	"slices"
	"strings"
	"testing"
)

func TestBadAlertsAreFound(t *testing.T) {
	seen := make(map[string]bool)
	renamed := []string{"alert runbook", "pages of alerts", "tables of alerts"}
	elsewhere := []string{"tables of alerts", "runbook waits"}
	annotate := func(key, text string) func(*Rule) { return func(r *Rule) { r.Annotations[key] = text } }
	for _, c := range []struct {
		check, finds string
		spoil        func(*Rule)
		also         []string
	}{
		{"alert name", "does not match", func(r *Rule) { r.Alert = "VmpoolerFilledDLQ" }, renamed},
		{"alert name", "does not match", func(r *Rule) { r.Alert = "QueueTooLong" }, renamed},
		{"alert name", "41 characters", func(r *Rule) { r.Alert = "Vmpooler" + strings.Repeat("Abc", 11) }, renamed},
		{"alert for", "has for: false", func(r *Rule) { r.For = nil }, elsewhere},
		{"alert severity", `"page"`, func(r *Rule) { r.Labels["severity"] = "page" }, elsewhere},
		{"alert labels", "level is a template", func(r *Rule) { r.Labels["level"] = "{{ $value }}" }, nil},
		{"alert summary", "no summary", annotate("summary", ""), nil},
		{"alert summary", "no full stop", annotate("summary", "A queue is too long"), nil},
		{"alert summary", "no capital", annotate("summary", "a queue is too long."), nil},
		{"alert summary", "is a template", annotate("summary", "The queue of {{ $labels.pool }} is too long."), nil},
		{"alert summary", "blanks", annotate("summary", "A queue is too long. "), nil},
		{"alert description", "no template", annotate("description", "It is too long."), nil},
		{"alert description", "all its digits", annotate("description", "It has {{ $value }} VMs."), nil},
		{"alert description", "$labels.queue", annotate("description", "It is {{ $labels.queue }}."), nil},
		{"alert description", "no description", annotate("description", ""), nil},
		{"alert annotations", "is not a template", annotate("description", "It is {{ $labels.pool | nothing }}."), nil},
		{"alert annotations", "vmpooler_gone", annotate("description", "{{ with query `vmpooler_gone` }}a{{ end }}."), nil},
		{"alert runbook", "its runbook_url", annotate("runbook_url", "https://example.org/Other.md"), nil},
		{"alert dashboard", `"/d/vmpooler-gone"`, annotate("dashboard_url", "/d/vmpooler-gone"), nil},
		{"alert dashboard", "no variable queue", annotate("dashboard_url", "/d/vmpooler-some?var-queue=x"), nil},
		{"alert group labels", "group label cluster", func(r *Rule) { r.Expr = `max by (job, pool) (vmpooler_pool_size{job="x"}) > 1` }, nil},
		{"alert group labels", "group label job", func(r *Rule) {
			r.Expr = `max by (cluster, job, pool) (vmpooler_pool_size{job="x"}) > 1 or max by (cluster, pool) (vmpooler_pool_size{job="x"}) > 1`
		}, nil},
	} {
		b, r := example(t), good()
		c.spoil(&r)
		b.Rules["alerts.yaml"].Groups[0].Rules[0] = r
		found(t, b, c.check, c.finds, c.also...)
		seen[c.check] = true
	}
	each(t, alertChecks, seen)
}

func TestAnAlertThatFiresAtOnceIsListed(t *testing.T) {
	b := example(t)
	b.AtOnce = []string{"VmpoolerQueueTooLong warning"}
	found(t, b, "alert for", "listed as one that fires at once: true")
	b.Rules["alerts.yaml"].Groups[0].Rules[0].For = nil
	b.Manual = strings.Replace(goodManual, "15m", "at once", 1)
	b.Runbooks["VmpoolerQueueTooLong"] = strings.Replace(goodPage, "after 15 minutes", "at once", 1)
	if p := b.Problems(); len(p) > 0 {
		t.Error(p)
	}
}

func TestLabelsThatAnAlertMayUse(t *testing.T) {
	for _, text := range []string{
		"{{ $labels.pool }} {{ if gt $value 1.0 }}a{{ end }}.",
		`{{ printf "%.0f" $value }} of {{ $labels.job }}.`,
		"vmpooler has {{ humanizeDuration $value }}.",
		"{{ with printf `max(vmpooler_health_threshold{name=%q})` \"x\" | query }}{{ . | first | value | humanize }}{{ end }}",
	} {
		r := good()
		r.Annotations["description"] = text
		if wrong := alertDescription(example(t), r); len(wrong) > 0 {
			t.Errorf("%s: %v", text, wrong)
		}
	}
}

func TestBadRecordingRulesAreFound(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range []struct {
		check, finds string
		spoil        func(*Rule)
	}{
		{"record name", "not level:metric:operations", func(r *Rule) { r.Record = "vmpooler_queue_size" }},
		{"record name", "its level is cluster_job", func(r *Rule) { r.Record = "cluster_job:vmpooler_x:max" }},
		{"record name", "its level is cluster_job_pools", func(r *Rule) { r.Record = "cluster_job_pools:vmpooler_x:max" }},
		{"record labels", "group label cluster", func(r *Rule) {
			r.Record, r.Expr = "job:vmpooler_x:max", `max by (job) (vmpooler_pool_size{job="x"})`
		}},
		{"record labels", "which are an alert's", func(r *Rule) { wait := "1m"; r.For = &wait }},
	} {
		b, r := example(t), goodRecord()
		c.spoil(&r)
		b.Rules["alerts.yaml"].Groups[0].Rules[1] = r
		found(t, b, c.check, c.finds)
		seen[c.check] = true
	}
	each(t, recordChecks, seen)
}

func TestALevelIsSpelledInAnyOrder(t *testing.T) {
	names := []string{"cluster", "dry_run", "job"}
	for level, want := range map[string]bool{
		"cluster_job_dry_run": true, "dry_run_cluster_job": true, "cluster_job": false, "cluster_job_dry": false, "cluster_job_dry_run_pool": false, "": false,
	} {
		if spells(level, names) != want {
			t.Errorf("%s spells %v: %v", level, names, !want)
		}
	}
}

func TestBadFilesAndGroupsAreFound(t *testing.T) {
	b := example(t)
	b.Rules["alerts.yaml"] = RuleFile{Groups: []Group{{Name: "g", Rules: []Rule{good(), good()}}}}
	found(t, b, "file names", "VmpoolerQueueTooLong warning is there twice", "tables of alerts")

	b.Rules["alerts.yaml"] = RuleFile{Groups: []Group{{Name: "g", Rules: []Rule{good()}}, {Name: "g", Rules: []Rule{goodRecord()}}}}
	found(t, b, "file names", "the group g is there twice")

	b.Rules["alerts.yaml"] = RuleFile{Groups: []Group{{Name: "g", Rules: slices.Repeat([]Rule{good()}, 21)}}}
	found(t, b, "group size", "21 rules", "file names", "tables of alerts")

	b = example(t)
	b.Rules["rules.yaml"] = RuleFile{Groups: []Group{{Name: "empty"}}}
	found(t, b, "group size", "0 rules")
}

func TestRulesAreReadStrictly(t *testing.T) {
	f, err := ReadRules([]byte("groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: up\n        for: 5m\n      - record: a:b:c\n        expr: max by (job, pool) (vmpooler_pool_size)\n"))
	if err != nil || len(f.Groups) != 1 || f.Groups[0].Rules[0].Alert != "A" || *f.Groups[0].Rules[0].For != "5m" {
		t.Fatalf("%+v, %v", f, err)
	}
	m, err := Metrics{Families: families}.With(f)
	if err != nil || !slices.Equal(m.Recorded["a:b:c"], []string{"job", "pool"}) {
		t.Errorf("recorded %v, %v", m.Recorded, err)
	}
	if _, err := ReadRules([]byte("groups:\n  - name: g\n    rules:\n      - alert: A\n        expression: up\n")); err == nil {
		t.Error("a key that is none was read")
	}
}
