package incidents

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

// onset is when an incident begins, after the first scrape; all has been well until
// then.
const onset = 15 * time.Minute

// incident is one thing that goes wrong, and the alerts that belong to it.
type incident struct {
	name string
	why  string // what is not plain: alerts that one would not think of, series that are edited

	options  func(*simulator.Options)
	file     string             // further lines of vmpooler.yaml's :config:
	scenario []simulator.Change // what goes wrong in vmpooler; At counts from the onset

	begin  func(w *world)                      // what goes wrong elsewhere
	during func(w *world, since time.Duration) // before each scrape from the onset on
	edit   func(r *recording, from int)        // what no simulation can make; from is the scrape of the onset

	lasts time.Duration
	want  []alert
	also  string // alerts, as a regexp, that belong to it too: of which pools, and when, is chance
	pages string // the one alert that somebody is woken by; empty for nobody
}

// alert is one that has to fire.
type alert struct {
	name, severity string
	labels         string // pool="…" or instance="…"

	// When the state that it is about is there: so long after the onset, or what the
	// recording says.
	after time.Duration
	since func(*recording) time.Duration

	// chance says that the state may not be there for long enough, as users please:
	// then the alert may not fire.
	chance bool
}

func (a alert) key() string {
	labels := []string{fmt.Sprintf("alertname=%q", a.name)}
	if a.labels != "" {
		labels = append(labels, a.labels)
	}
	labels = append(labels, fmt.Sprintf("severity=%q", a.severity))
	return "{" + strings.Join(labels, ", ") + "}"
}

// firing selects it, while it does.
func (a alert) firing() string {
	labels := []string{fmt.Sprintf("alertname=%q", a.name), fmt.Sprintf("severity=%q", a.severity)}
	if a.labels != "" {
		labels = append(labels, a.labels)
	}
	return alerts(labels)
}

func of(pool string) string         { return fmt.Sprintf("pool=%q", pool) }
func at(instance string) string     { return fmt.Sprintf("instance=%q", instance) }
func critical(name string) alert    { return alert{name: "Vmpooler" + name, severity: "critical"} }
func warning(name string) alert     { return alert{name: "Vmpooler" + name, severity: "warning"} }
func info(name string) alert        { return alert{name: "Vmpooler" + name, severity: "info"} }
func (a alert) with(l string) alert { a.labels = l; return a }

// once says how long after the onset the state is there.
func (a alert) once(after time.Duration) alert { a.after = after; return a }

// while says that the state is there from when a series of the first exporter fulfils
// this and goes on doing so.
func (a alert) while(metric, labels string, holds func(float64) bool) alert {
	a.since = func(r *recording) time.Duration { return r.lasting(metric, labels, holds) - onset }
	return a
}

// empty are the pools that have nothing ready.
func (a alert) empty(pool string) alert {
	return a.with(of(pool)).while("vmpooler_health_queue_size", of(pool)+`,queue="ready"`, func(v float64) bool { return v == 0 })
}

func (a alert) byChance() alert { a.chance = true; return a }

// mostlyEmpty is it in half of the samples of the last half hour.
func (a alert) mostlyEmpty(pool string) alert {
	a.since = func(r *recording) time.Duration {
		ready := r.of("vmpooler_health_queue_size", of(pool)+`,queue="ready"`)
		from := len(ready)
		for from > 0 && median(ready[max(0, from-1-int(30*time.Minute/scrapeEvery)):from]) == 0 {
			from--
		}
		return time.Duration(from)*scrapeEvery - onset
	}
	return a.with(of(pool))
}

func median(samples []float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// emptied are the alerts of pools that run empty as users take what is there.
func emptied() []alert {
	var all []alert
	for _, p := range fleet() {
		if p.Size > 0 {
			all = append(all, critical("PoolEmpty").empty(p.Name).byChance(), warning("PoolEmpty").mostlyEmpty(p.Name).byChance())
		}
	}
	return all
}

func above(limit float64) func(float64) bool { return func(v float64) bool { return v > limit } }
func below(limit float64) func(float64) bool { return func(v float64) bool { return v < limit } }

// plan makes the world of the incident.
func (i incident) plan() plan {
	opts := ordinary()
	if i.options != nil {
		i.options(&opts)
	}
	for _, c := range i.scenario {
		c.At += alone + onset
		opts.Scenario = append(opts.Scenario, c)
	}
	return plan{options: opts, file: i.file, lasts: onset + i.lasts, happen: func(w *world, at time.Duration) {
		if at == onset && i.begin != nil {
			i.begin(w)
		}
		if at >= onset && i.during != nil {
			i.during(w, at-onset)
		}
	}}
}

// dims are the labels by which firing alerts are told apart here.
const dims = "alertname, severity, pool, instance"

// checks are what promtool has to find: exactly the alerts that belong to the
// incident, each in time, and one page.
func (i incident) checks(rules *alertRules, inhibitions []inhibition, seen *recording) []check {
	end := onset + i.lasts - scrapeEvery
	whole := fmt.Sprintf("[%ds:%ds]", int(end.Seconds())+1, int(scrapeEvery.Seconds()))
	also := regexp.MustCompile("^Vmpooler(" + i.also + ")$")
	others := fmt.Sprintf("group by (%s) (max_over_time(%s%s))", dims, alerts([]string{fmt.Sprintf("alertname !~ %q", "Vmpooler("+i.also+")")}), whole)
	checks := []check{{at: end}}
	var all []string
	for _, a := range i.want {
		if a.since != nil {
			a.after = a.since(seen)
		}
		fires := onset + a.after + rules.waits[a.name][a.severity]
		if a.chance && fires > end {
			continue
		}
		if a.chance && fires+2*scrapeEvery > end {
			others += fmt.Sprintf("\nunless on (%s) max_over_time(%s%s)", dims, a.firing(), whole)
			continue
		}
		if !also.MatchString(a.name) {
			all = append(all, a.key())
		}
		checks = append(checks, check{
			expr: fmt.Sprintf("group by (%s) (min by (%[1]s) (min_over_time(timestamp(%[2]s)%[3]s)) > %[4]d <= %[5]d)",
				dims, a.firing(), whole, int(onset.Seconds())-1, int((fires + 2*scrapeEvery).Seconds())),
			at: end, want: []string{a.key()},
		})
	}
	checks[0].expr = others
	checks[0].want = all
	var pages []string
	if i.pages != "" {
		pages = []string{fmt.Sprintf("{alertname=%q}", i.pages)}
	}
	return append(checks, check{
		expr: fmt.Sprintf("group by (alertname) (max_over_time((%s)%s))", notified(inhibitions, `severity="critical"`), whole),
		at:   end, want: pages,
	})
}

func (i incident) run(t *testing.T, rules *alertRules, inhibitions []inhibition, single bool) {
	t.Helper()
	p := i.plan()
	p.wanted, p.single = rules.metrics, single
	seen := simulate(t, p)
	if i.edit != nil {
		i.edit(seen, int(onset/scrapeEvery))
	}
	promtool(t, rules, seen, scrapeEvery, i.checks(rules, inhibitions, seen))
	if !t.Failed() {
		return
	}
	t.Log("what fired, and how many seconds after the onset:")
	promtool(t, rules, seen, scrapeEvery, []check{{
		expr: fmt.Sprintf("min by (%s) (min_over_time(timestamp(%s)[%ds:30s])) - %d", dims, alerts(nil), seen.scrapes*30, int(onset.Seconds())),
		at:   time.Duration(seen.scrapes-1) * scrapeEvery,
	}})
}

func TestEachIncidentFiresItsAlertsAndWakesSomebodyOnce(t *testing.T) {
	rules, inhibitions := loadRules(t), loadInhibitions(t)
	for _, group := range [][]incident{exporterIncidents(), poolIncidents(), cloneIncidents(), upkeepIncidents(), requestIncidents()} {
		if testing.Short() { // one of each will do where races are looked for
			group = group[:1]
		}
		for _, i := range group {
			t.Run(strings.ReplaceAll(i.name, " ", "-"), func(t *testing.T) {
				t.Parallel()
				i.run(t, rules, inhibitions, false)
			})
		}
	}
}

// Most sites have one exporter. What is taken of two at once, bridged from one to the
// other, or asked of the other one has to be right without it.
func TestWithOneExporterTheSameFires(t *testing.T) {
	if testing.Short() {
		return
	}
	rules, inhibitions := loadRules(t), loadInhibitions(t)
	left := map[string]bool{
		"a template is broken": true, "vmpooler's manager has stopped": true, "clone slots leak": true, "Redis does not answer": true,
		"both exporters are gone": true, "a provider lists nothing for an hour": true, "the recorder has stopped": true,
	}
	all := []incident{{name: "nothing is wrong for two hours", lasts: 2 * time.Hour}}
	for _, i := range slices.Concat(exporterIncidents(), poolIncidents(), cloneIncidents(), upkeepIncidents()) {
		if left[i.name] {
			all = append(all, i)
			delete(left, i.name)
		}
	}
	if len(left) > 0 {
		t.Errorf("there are no incidents %v", left)
	}
	for _, i := range all {
		t.Run(strings.ReplaceAll(i.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			i.run(t, rules, inhibitions, true)
		})
	}
}
