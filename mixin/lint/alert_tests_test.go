package lint

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlertsThatNoTestSeesAreFound(t *testing.T) {
	fires, silent := AlertTest{"VmpoolerQueueTooLong", []string{"warning"}}, AlertTest{"VmpoolerQueueTooLong", nil}
	other := AlertTest{"VmpoolerQueueTooLong", []string{"critical"}}
	for _, c := range []struct {
		tests []AlertTest
		want  []string
	}{
		{[]AlertTest{fires, silent}, nil},
		{[]AlertTest{fires, other}, []string{"no promtool test sees it silent: VmpoolerQueueTooLong"}},
		{[]AlertTest{silent, other}, []string{"no promtool test sees it fire: VmpoolerQueueTooLong warning"}},
	} {
		if diff := cmp.Diff(c.want, Untested([]Rule{good()}, c.tests)); diff != "" {
			t.Errorf("%v: want (-), got (+)\n%s", c.tests, diff)
		}
	}
}

func TestAlertTestsAreRead(t *testing.T) {
	got, err := ReadAlertTests([]byte(`
tests:
  - alert_rule_test:
      - alertname: A
        eval_time: 5m
        exp_alerts:
          - exp_labels: {severity: critical}
          - exp_labels: {severity: warning}
      - alertname: B
        eval_time: 5m`))
	if err != nil || len(got) != 2 || !slices.Equal(got[0].Severities, []string{"critical", "warning"}) || got[1].Alert != "B" || len(got[1].Severities) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ReadAlertTests([]byte("tests: 1")); err == nil {
		t.Error("no error of what is not a test")
	}
}
