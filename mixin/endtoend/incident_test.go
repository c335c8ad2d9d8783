package endtoend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

const (
	calm     = 3 * time.Minute  // of history
	breaksAt = 12 * time.Second // after it the templates of all pools are gone
)

// breaking is a fleet whose pools fill and empty quickly, and whose clones all fail
// from a moment on.
func breaking() fleetOptions {
	var pools []simulator.Pool
	for _, name := range []string{"debian-12-x86_64", "ubuntu-24.04-x86_64", "redhat-9-x86_64", "sles-15-ppc64le"} {
		pools = append(pools, simulator.Pool{Name: name, Size: 5, Timeout: time.Minute})
	}
	return fleetOptions{
		history: calm,
		simulation: simulator.Options{
			Pools: pools,
			Seed:  3,
			Rates: &simulator.Rates{Checkouts: 300},
			Durations: &simulator.Durations{
				Clone:   simulator.Span{Min: 500 * time.Millisecond, Max: time.Second},
				Boot:    simulator.Span{Min: 500 * time.Millisecond, Max: time.Second},
				Destroy: simulator.Span{Min: 500 * time.Millisecond, Max: time.Second},
				Hold:    simulator.Span{Min: 2 * time.Second, Max: 5 * time.Second},
			},
			Scenario:  []simulator.Change{{At: calm + breaksAt, Effect: simulator.TemplateBroken}},
			LoopDelay: time.Second, TaskLimit: 20,
		},
		settings: map[string]any{
			"dlq_enabled": true, "task_limit": 20, "timeout": 1,
			"health_thresholds": map[string]any{
				"dlq_max_warning": 40, "dlq_max_critical": 1_000_000, "stuck_vm_age_threshold": 120,
			},
		},
		flags: func(testing.TB, string) []string {
			return []string{"--dlq.interval=200ms", "--sweep.interval=1s", "--sweep.max-share=1", "--sweep.confirm-after=1s"}
		},
	}
}

// First all clones fail, of which the empty pools, the dead letters and the degraded
// status are the effects; then Redis is gone. Each is one page, with a runbook, and
// what follows from it is inhibited.
func TestOneIncidentIsOnePage(t *testing.T) {
	if testing.Short() {
		return
	}
	t.Parallel()
	hook := startWebhook(t)
	m := startAlertmanager(t, fasterAlertmanager(t, hook.URL))
	f := startFleet(t, breaking())
	p := startPrometheus(t, prometheusOptions{
		interval:     scrapeInterval,
		groups:       []scrapeGroup{{job: "vmpooler_exporter", labels: map[string]string{"cluster": "blue"}, targets: addrs(f.exporters)}},
		rules:        []string{fasterRules(t, alertsFile), fasterRules(t, rulesFile)},
		alertmanager: m.addr,
		flags:        []string{"--query.lookback-delta=5s", "--rules.alert.resend-delay=1s"},
	})
	t.Cleanup(func() {
		if t.Failed() {
			hook.show(t)
		}
	})

	const pages, tickets = "pager", "tickets"
	cause := "VmpoolerCloneFailureRatioHigh critical"
	until(t, 60*time.Second, "the failing clones are paged", func() error { return hook.hasTold(pages, cause) })
	p.wasCalm(t, f.now.Add(breaksAt))
	f.breakConfig(t)
	until(t, 60*time.Second, "the effects are inhibited by their causes", func() error {
		all, err := m.alerts(t.Context())
		if err != nil {
			return err
		}
		errs := []error{inhibited(all, "VmpoolerUnhealthy warning", "VmpoolerDLQTooLarge warning")}
		for _, pool := range breaking().simulation.Pools {
			errs = append(errs, inhibited(all, "VmpoolerPoolEmpty critical "+pool.Name, cause))
		}
		return errors.Join(errs...)
	})
	until(t, 30*time.Second, "the rest are tickets", func() error {
		return errors.Join(hook.hasTold(tickets, "VmpoolerDLQTooLarge warning"), hook.hasTold(tickets, "VmpoolerConfigReloadFailed warning"))
	})
	hook.hasPaged(t, cause)

	f.killRedis(t)
	lost := "VmpoolerRedisUnreachable critical"
	until(t, 30*time.Second, "the lost Redis is paged", func() error { return hook.hasTold(pages, lost) })
	until(t, 30*time.Second, "it inhibits all else", func() error { return onlyActive(t.Context(), m, lost) })
	all, err := m.alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := inhibited(all, "VmpoolerConfigReloadFailed warning", lost); err != nil {
		t.Error(err)
	}
	hook.hasPaged(t, cause, lost)
	if err := p.rulesAreHealthy(t.Context()); err != nil {
		t.Error(err)
	}
	p.neverFailed(t)
}

// wasCalm fails the test for every alert that fired before the incident.
func (p prometheus) wasCalm(t *testing.T, until time.Time) {
	t.Helper()
	got, err := p.over(t.Context(), `ALERTS{alertstate="firing", severity=~"critical|warning"}`, until.Add(-breaksAt), until, scrapeInterval)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got {
		t.Errorf("fired before anything was wrong: %v", s.Metric)
	}
	seen, err := p.instant(t.Context(), `vmpooler_health_status == 0`, until)
	if err != nil || len(seen) != 2 {
		t.Errorf("the two exporters did not see a healthy vmpooler first: %v, %v", seen, err)
	}
}

// find returns the alerts of a name and severity, or of that and a pool.
func find(all []alert, name string) []alert {
	var out []alert
	for _, a := range all {
		if a.name() == name {
			out = append(out, a)
		}
	}
	return out
}

// inhibited says unless the alerts of a name are there and each is suppressed by one
// of another.
func inhibited(all []alert, name, by string) error {
	targets, sources := find(all, name), find(all, by)
	if len(targets) == 0 || len(sources) == 0 {
		return fmt.Errorf("%d of %s, %d of %s", len(targets), name, len(sources), by)
	}
	for _, a := range targets {
		from := slices.ContainsFunc(sources, func(s alert) bool { return slices.Contains(a.Status.InhibitedBy, s.Fingerprint) })
		if a.Status.State != "suppressed" || !from {
			return fmt.Errorf("%s is %s, and not by %s", name, a.Status.State, by)
		}
	}
	return nil
}

// onlyActive says unless one alert alone is active.
func onlyActive(ctx context.Context, m alertmanager, name string) error {
	all, err := m.alerts(ctx)
	if err != nil {
		return err
	}
	var active []string
	for _, a := range all {
		if a.Status.State == "active" {
			active = append(active, a.name())
		}
	}
	if len(active) != 1 || active[0] != name {
		return fmt.Errorf("active: %s", strings.Join(active, ", "))
	}
	return nil
}

// hasTold says unless a receiver was told of the alert.
func (w *webhook) hasTold(receiver, name string) error {
	var names []string
	for _, a := range w.told(receiver) {
		names = append(names, a.name())
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("%s was told of %d alerts: %s", receiver, len(names), strings.Join(names, ", "))
	}
	return nil
}

// hasPaged fails the test unless the pager was told of these alerts, in this order,
// once each, and of nothing else; each with a runbook that is there.
func (w *webhook) hasPaged(t *testing.T, names ...string) {
	t.Helper()
	var got []string
	for _, a := range w.told("pager") {
		got = append(got, a.name())
		if file, ok := runbookFile(a.Annotations["runbook_url"]); !ok {
			t.Errorf("%s: runbook_url %q", a.name(), a.Annotations["runbook_url"])
		} else if _, err := os.Stat(file); err != nil {
			t.Errorf("%s: its runbook: %v", a.name(), err)
		}
	}
	if !slices.Equal(got, names) || w.rang("pager") != len(names) {
		t.Errorf("the pager rang %d times for %q, not once each for %q", w.rang("pager"), got, names)
	}
}
