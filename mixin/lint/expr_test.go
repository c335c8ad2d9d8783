package lint

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// expression is a good or bad example of one check of expressions: finds is what it
// has to say, "" for nothing.
type expression struct{ expr, finds string }

func judge(t *testing.T, check func(*Bundle, parser.Expr) []string, examples []expression) {
	t.Helper()
	for _, e := range examples {
		expr, err := parse(e.expr)
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Join(check(example(t), expr), "; ")
		if e.finds == "" && said != "" || !strings.Contains(said, e.finds) {
			t.Errorf("%s\n  says %q, want %q", e.expr, said, e.finds)
		}
	}
}

func TestAnExpressionThatDoesNotParseIsFoundOnce(t *testing.T) {
	b := example(t)
	b.Rules["alerts.yaml"].Groups[0].Rules[0].Expr = "max by (cluster"
	found(t, b, "rule parses", "parse error")
}

func TestSelectorsHaveTheExporters(t *testing.T) {
	judge(t, selectors, []expression{
		{`max(vmpooler_up{job="x", a="b"}) + max(up{job="x"}) or job:vmpooler_x:max`, ""},
		{`vmpooler_up{job="x"} > vmpooler_up`, "vmpooler_up has not"},
		{`rate(vmpooler_vm_events_total{job="y"}[5m])`, "has not the exporter's selector"},
		{`absent(up{job=~"x"})`, "has not"},
	})
}

func TestMetricsAndLabelsExist(t *testing.T) {
	judge(t, exists, []expression{
		{`max by (pool, le) (rate(vmpooler_vm_clone_duration_seconds_bucket{le="1"}[5m])) / ignoring (le) group_left () max by (pool) (rate(vmpooler_vm_clone_duration_seconds_count[5m]))`, ""},
		{`up + go_goroutines{any="x"} + process_start_time_seconds + scrape_duration_seconds + ALERTS{alertstate="firing"}`, ""},
		{`label_replace(vmpooler_pool_size, "a", "$1", "pool", "(.*)")`, ""},
		{`max by (a) (label_replace(vmpooler_pool_size, "a", "$1", "pool", "(.*)"))`, ""},
		{`count by (n) (count_values by (job) ("n", vmpooler_up))`, ""},
		{`vmpooler_health_threshold{name=~"dlq_max_critical|pending_queue_max"} or vmpooler_health_threshold{name=~"dlq.*"} or vmpooler_health_threshold{name!=""}`, ""},
		{`vmpooler_gone`, `no metric "vmpooler_gone"`},
		{`{job="x"}`, `no metric ""`},
		{`vmpooler_vm_clone_duration_seconds`, "is a histogram"},
		{`vmpooler_pool_size_bucket`, "no metric"},
		{`vmpooler_vm_clone_duration_seconds_sum{le="1"}`, "has no label le"},
		{`vmpooler_pool_size{queue="x"}`, "vmpooler_pool_size has no label queue"},
		{`up{pool="x"}`, "up has no label pool"},
		{`vmpooler_health_threshold{name="dlq_max_critcal"}`, `vmpooler_health_threshold never has name "dlq_max_critcal"`},
		{`vmpooler_health_threshold{name=~"dlq_max_critical|dlq"}`, `vmpooler_health_threshold never has name "dlq"`},
		{`vmpooler_health_threshold{name!="dlq_max"}`, `vmpooler_health_threshold never has name "dlq_max"`},
		{`max by (queue) (vmpooler_pool_size)`, "has no label queue"},
		{`sum without (queue) (vmpooler_pool_size)`, "has no label queue"},
		{`max by (pool) (max by (job) (vmpooler_pool_size))`, "has no label pool"},
		{`vmpooler_pool_size * on (job) group_left (name) max by (job) (vmpooler_health_threshold)`, "has no label name"},
		{`label_replace(vmpooler_pool_size, "a", "$1", "queue", "(.*)")`, "has no label queue"},
	})
}

func TestCountersAndGaugesAreUsedAsSuch(t *testing.T) {
	judge(t, counters, []expression{
		{`sum(rate(vmpooler_dlq_entries_total[5m])) > 0 and max(deriv(vmpooler_pool_size[1h])) < 0`, ""},
		{`count(vmpooler_dlq_entries_total) + count_values("v", changes(vmpooler_dlq_entries_total[1h]))`, ""},
		{`absent(vmpooler_dlq_entries_total) or max_over_time(max(vmpooler_pool_size)[1h:1m])`, ""},
		{`vmpooler_dlq_entries_total > 5`, "without rate or increase"},
		{`sum by (queue) (vmpooler_dlq_entries_total{queue="clone"})`, "without rate or increase"},
		{`histogram_quantile(0.9, vmpooler_vm_clone_duration_seconds_bucket)`, ""},
		{`max_over_time(vmpooler_dlq_entries_total[5m])`, "without rate or increase"},
		{`rate(vmpooler_pool_size[5m])`, "rate of the gauge"},
		{`increase((vmpooler_pool_size[5m]))`, "increase of the gauge"},
		{`deriv(vmpooler_dlq_entries_total[5m])`, "deriv of the counter"},
		{`rate(max(vmpooler_dlq_entries_total)[5m:1m])`, "rate of a subquery"},
	})
}

func TestMatchingHoldsWithTwoReplicas(t *testing.T) {
	judge(t, matching, []expression{
		{`max by (job, pool) (vmpooler_pool_size) > on (job) group_left () max by (job) (vmpooler_health_threshold)`, ""},
		{`max by (job, pool) (vmpooler_pool_size) / max by (job, pool) (vmpooler_health_queue_size)`, ""},
		{`vmpooler_up == 0 and on (job) max by (job) (vmpooler_up) == 1`, ""},
		{`vmpooler_pool_size * 2 > 1 or vector(1)`, ""},
		{`vmpooler_health_threshold{name="a"} > on (cluster, job, instance) vmpooler_health_status`, ""},
		{`max by (job) (vmpooler_up) unless on () ALERTS`, ""},
		{`vmpooler_pool_size > on (instance, job) group_left () vmpooler_health_threshold`, "differ in cluster, name only"},
		{`max by (job, pool) (vmpooler_pool_size) > on (job) group_left () vmpooler_health_status`, "its right side has several series that differ in cluster, instance only"},
		{`vmpooler_health_status < on (job) group_right () max by (job, pool) (vmpooler_pool_size)`, "its left side"},
		{`max by (job, pool) (vmpooler_pool_size) > on (job) max by (job) (vmpooler_up)`, "its left side has several series that differ in pool"},
		{`max by (job, pool) (vmpooler_pool_size) > max by (job) (vmpooler_up)`, "only one side has the label pool, so it never matches"},
		{`max by (job) (vmpooler_up) and on (pool) max by (pool) (vmpooler_pool_size)`, "only one side has the label pool of on()"},
		{`max by (job) (vmpooler_up) and on (pool) max by (job) (vmpooler_up)`, "neither side has the label pool"},
		{`vmpooler_health_queue_size{queue="a"} / vmpooler_health_queue_size{queue="b"}`, "so it never matches"},
	})
}

func TestReplicasAreNotCountedTwice(t *testing.T) {
	judge(t, replicas, []expression{
		{`sum by (job) (max by (job, pool) (vmpooler_pool_size))`, ""},
		{`min without (instance) (vmpooler_pool_size)`, ""},
		{`sum by (job) (increase(vmpooler_dlq_entries_total[5m])) + max by (job) (increase(vmpooler_vm_events_total[5m]))`, ""},
		{`histogram_quantile(0.5, max by (le) (rate(vmpooler_vm_clone_duration_seconds_bucket[5m])))`, ""},
		{`vmpooler_up == 0 or sum(vmpooler_exporter_leader) or up or rate(vmpooler_exporter_panics_total[5m]) or absent(vmpooler_pool_size)`, ""},
		{`vmpooler_pool_size > 5`, "is not under max or min"},
		{`sum by (pool) (vmpooler_pool_size)`, "is under sum first"},
		{`count by (job) (vmpooler_pool_size == 0)`, "is under count first"},
		{`max by (instance, pool) (vmpooler_pool_size)`, "keeps the label instance"},
		{`max without (pool) (vmpooler_pool_size)`, "keeps the label instance"},
		{`sum by (job) (rate(vmpooler_vm_events_total[5m]))`, "want max"},
		{`max by (job) (rate(vmpooler_dlq_entries_total[5m]))`, "want sum"},
	})
}

func TestEachCheckOfExpressionsIsInARule(t *testing.T) {
	for check, expr := range map[string]string{
		"rule selectors": `max by (cluster, job) (vmpooler_health_status) > 1`,
		"rule metrics":   `vmpooler_gone{job="x"} > 1`,
		"rule counters":  `max by (cluster, job) (deriv(vmpooler_vm_events_total{job="x"}[5m])) > 1`,
		"rule matching":  `vmpooler_up{job="x"} > on (cluster, job) vmpooler_up{job="x"}`,
		"rule replicas":  `vmpooler_health_status{job="x"} > 1`,
	} {
		b, r := example(t), good()
		r.Expr, r.Annotations["description"] = expr, "It is {{ $value | humanize }}."
		b.Rules["alerts.yaml"].Groups[0].Rules[0] = r
		found(t, b, check, "")
	}
}

func TestGrafanasVariablesParse(t *testing.T) {
	for _, text := range []string{
		`rate(x{a=~"$a", b="\"$__rate_interval"}[$__rate_interval])`, `topk($top, avg_over_time(x[$__range] @ end()))`, `topk(${top:raw}, avg_over_time(x[$__interval:]))`, "x{a='$b'} > $limit",
	} {
		if _, err := parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFamiliesAreReadByLine(t *testing.T) {
	got, err := ReadFamilies(strings.NewReader("a gauge\nb counter x,y\n"))
	if err != nil || got["a"].Kind != "gauge" || len(got["b"].Labels) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ReadFamilies(strings.NewReader("a\n")); err == nil {
		t.Error("a name alone was read")
	}
}
