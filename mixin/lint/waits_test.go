package lint

import (
	"strings"
	"testing"
)

func TestTablesThatMisquoteAlertsAreFound(t *testing.T) {
	for _, c := range []struct{ finds, manual, list string }{
		{"docs/mixin.md says", strings.Replace(goodManual, "15m", "10m", 1), goodList},
		{"docs/mixin.md says", strings.Replace(goodManual, "warning 15m", "critical 5m, warning 15m", 1), goodList},
		{"docs/mixin.md says", strings.Replace(goodManual, "warning 15m", "warning at once", 1), goodList},
		{"docs/mixin.md says of VmpoolerQueueTooLong []", "", goodList},
		{"VmpoolerGone, which is no alert", goodManual + "| [`VmpoolerGone`](a.md) | info 1h | |\n", goodList},
		{"docs/runbooks/README.md says", goodManual, strings.Replace(goodList, "`warning`", "`critical`", 1)},
	} {
		b := example(t)
		b.Manual, b.Runbooks["README"] = c.manual, c.list
		found(t, b, "tables of alerts", c.finds)
	}
}

func TestPagesThatMisquoteTheirAlertAreFound(t *testing.T) {
	keep := "45m"
	for _, c := range []struct{ first, finds string }{
		{"`warning` after 15 minutes.", ""},
		{"`warning` after a quarter of an hour, by pool.", ""},
		{"`warning` after 15 minutes in which more than 20, or three,\nare older than half an hour, or 2 s; of the last hour.", ""},
		{"`warning` after 15 minutes, and until 45 minutes after it.", ""},
		{"`critical` after 15 minutes.", "do not name the severity `warning`"},
		{"", "do not name the severity `warning`"},
		{"`warning` after 10 minutes.", "do not say that VmpoolerQueueTooLong warning waits for 15m0s"},
		{"`warning` after 10 minutes.", `"10 minutes", which is not in the rule`},
		{"`warning`, at once.", "do not say"},
		{"`warning`; `critical` after 15 minutes.", "do not say"},
		{"`warning` after 15 minutes in which it is older than 20 minutes.", `"20 minutes"`},
		{"`warning` after 15 minutes, more than 30.", `"30"`},
		{"`warning` after 15 minutes, five of them.", `"five"`},
	} {
		b, r := example(t), good()
		r.Expr += " and on (cluster, job) max by (cluster, job) (max_over_time(vmpooler_health_queue_size{job=\"x\"}[1h])) > 20 * 1800 + 2 * 3"
		r.KeepFiringFor = keep
		b.Rules["alerts.yaml"].Groups[0].Rules[0] = r
		b.Runbooks[r.Alert] = strings.Replace(goodPage, "`warning` after 15 minutes.", c.first, 1)
		if c.finds != "" {
			found(t, b, "runbook waits", c.finds)
			continue
		}
		for _, p := range b.Problems() {
			t.Errorf("%s: %s", c.first, p)
		}
	}
	b := example(t)
	b.AtOnce = []string{"VmpoolerQueueTooLong warning"}
	b.Rules["alerts.yaml"].Groups[0].Rules[0].For = nil
	found(t, b, "runbook waits", "waits for 0s", "tables of alerts")
	b.Runbooks["VmpoolerQueueTooLong"] = strings.Replace(goodPage, "after 15 minutes", "at once", 1)
	b.Manual = strings.Replace(goodManual, "15m", "at once", 1)
	for _, p := range b.Problems() {
		t.Error(p)
	}
}
