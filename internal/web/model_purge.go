package web

import (
	"strconv"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/purger"
)

const (
	mostHeld    = 10
	actionsPage = 100 // actions, and holds, a page
)

// Purge is what the purge has done and will do.
type Purge struct {
	Off    string // why there is nothing to be said of it
	Mode   string // "dry run: nothing is written", "on"
	Every  string
	Last   Moment
	Took   string
	Err    string // why the last cycle did not come to its end
	Next   Moment
	Plan   *Plan // of the last cycle; nil before the first
	Admin  bool
	Leader bool       // whether this exporter is the one that purges
	Asked  *AskedPlan // beside the cycles; only on the page of its own
}

// Plan is a cycle's plan and what became of it.
type Plan struct {
	ID      string
	DryRun  bool
	Made    Moment
	Summary string   // "12 applied, 3 held"
	Columns []string // outcomes that some action has
	Rows    []PlanRow
	Held    []Hold
	More    string // how many holds are not listed
	Actions []Action
	Before  string // addresses of other pages of the actions, "" for none
	After   string
	Shown   string // "1–100 of 1,204 entries"
	Todo    int    // how many actions would be done
}

// PlanRow is what a plan does to one target.
type PlanRow struct {
	Target, Means string
	Counts        []string // in the order of the plan's Columns
}

// Hold is why a pool is left alone.
type Hold struct {
	Pool   string // "" for all of them
	Target string // "" for all of them
	Reason string
}

// Action is one stale entry.
type Action struct {
	Target, Pool, Name, Href string
	Reason, Does             string
	Outcome, Why             string
	Severity                 severity
}

// planOutcomes are the outcomes in the order in which they are shown.
var planOutcomes = []purger.Outcome{purger.Planned, purger.Held, purger.Applied, purger.Skipped, purger.Refused, purger.Failed}

var targetTexts = map[purger.Target]string{
	purger.Pending: "VMs pending for too long", purger.Ready: "ready VMs that nobody took",
	purger.Completed: "VMs whose destruction did not end", purger.Orphaned: "metadata of VMs in no queue",
	purger.Request: "requests that wait for ever", purger.Ghost: "VMs that their provider does not have",
}

func (m *maker) purge() Purge {
	p := Purge{Admin: m.admin, Leader: m.Lease == nil || m.Lease.Leads}
	switch {
	case m.At.IsZero():
		p.Off = "Nothing is known of it yet."
		return p
	case m.Purge == nil:
		p.Off = "It is off: nothing is purged."
		return p
	}
	s := m.Purge
	p.Mode = "on"
	if m.Settings != nil {
		p.Every = span(m.Settings.Purge.Interval)
		if m.Settings.Purge.DryRun {
			p.Mode = "dry run: nothing is written"
		}
	}
	p.Last, p.Next = moment(s.LastAt, m.Now, "not yet"), moment(s.Next, m.Now, "not known")
	if !s.LastAt.IsZero() {
		p.Took = took(s.LastTook)
	}
	if s.LastErr != nil {
		p.Err = reason(s.LastErr.Error())
	}
	if s.Last != nil {
		p.Plan = m.plan(s.Last)
	}
	return p
}

// plan sums a plan up, without its actions.
func (m *maker) plan(plan *purger.Plan) *Plan {
	counts := make(map[purger.Target]map[purger.Outcome]int)
	for i := range plan.Actions {
		a := &plan.Actions[i]
		if counts[a.Target] == nil {
			counts[a.Target] = make(map[purger.Outcome]int)
		}
		counts[a.Target][a.Outcome]++
	}
	return m.planOf(plan, counts)
}

// planOf sums a plan up of which these are the actions' outcomes.
func (m *maker) planOf(plan *purger.Plan, counts map[purger.Target]map[purger.Outcome]int) *Plan {
	total := make(map[purger.Outcome]int)
	for _, outcomes := range counts {
		for o, n := range outcomes {
			total[o] += n
		}
	}
	p := &Plan{ID: plain(plan.ID), DryRun: plan.DryRun, Made: moment(plan.Made, m.redisNow(), "time unknown")}
	var outcomes []purger.Outcome
	var parts []string
	for _, o := range planOutcomes {
		if n := total[o]; n > 0 {
			outcomes = append(outcomes, o)
			p.Columns = append(p.Columns, outcomeText(o, plan.DryRun))
			parts = append(parts, count(int64(n))+" "+outcomeText(o, plan.DryRun))
		}
	}
	p.Todo = total[purger.Planned]
	if p.Summary = strings.Join(parts, ", "); p.Summary == "" {
		p.Summary = "nothing was stale"
	}
	for _, t := range purger.Targets() {
		if n, ok := counts[t]; ok {
			p.Rows = append(p.Rows, planRow(t, n, outcomes))
		}
	}
	p.hold(plan, 0, min(mostHeld, len(plan.Held)))
	return p
}

// hold puts some of the plan's holds into p.
func (p *Plan) hold(plan *purger.Plan, from, to int) {
	p.Held, p.More = nil, ""
	for _, h := range plan.Held[from:to] {
		p.Held = append(p.Held, Hold{Pool: plain(h.Pool), Target: string(h.Target), Reason: reason(h.Reason)})
	}
	switch all := len(plan.Held); {
	case from == 0 && to < all:
		p.More = "and " + count(int64(all-to)) + " more"
	case from > 0 && to > from:
		p.More = "these are " + between(from, to) + " of " + count(int64(all))
	}
}

// outcomeText says what "planned" means in a run that writes nothing.
func outcomeText(o purger.Outcome, dryRun bool) string {
	if o == purger.Planned && dryRun {
		return "would be purged"
	}
	return string(o)
}

func planRow(t purger.Target, counts map[purger.Outcome]int, outcomes []purger.Outcome) PlanRow {
	row := PlanRow{Target: string(t), Means: targetTexts[t]}
	for _, o := range outcomes {
		text := "–"
		if n := counts[o]; n > 0 {
			text = count(int64(n))
		}
		row.Counts = append(row.Counts, text)
	}
	return row
}

// actions puts one page of the plan's actions, and of its holds, into p, whose addresses
// are made by href. A page beyond the last is the last.
func (p *Plan) actions(plan *purger.Plan, page int, href func(page int) string) {
	pages := max(1, (max(len(plan.Actions), len(plan.Held))+actionsPage-1)/actionsPage)
	page = min(page, pages)
	on := func(n int) (from, to int) {
		return min(n, (page-1)*actionsPage), min(n, page*actionsPage)
	}
	from, to := on(len(plan.Held))
	p.hold(plan, from, to)
	from, to = on(len(plan.Actions))
	for i := range plan.Actions[from:to] {
		p.Actions = append(p.Actions, newAction(&plan.Actions[from+i]))
	}
	if to > from {
		p.Shown = between(from, to) + " of " + count(int64(len(plan.Actions)))
	}
	if page > 1 {
		p.Before = href(page - 1)
	}
	if page < pages {
		p.After = href(page + 1)
	}
}

func purgeHref(page int) string {
	if page <= 1 {
		return "/purge"
	}
	return "/purge?page=" + strconv.Itoa(page)
}

func newAction(a *purger.Action) Action {
	out := Action{
		Target: string(a.Target), Pool: plain(a.Pool), Name: plain(a.VM), Href: vmHref(a.VM),
		Reason: reason(a.Reason), Does: reason(a.Does),
		Outcome: string(a.Outcome), Why: reason(a.Why), Severity: good,
	}
	if a.RequestID != "" && a.VM == "" {
		out.Name, out.Href = plain(a.RequestID), requestHref(a.RequestID)
	}
	switch a.Outcome {
	case purger.Held, purger.Skipped:
		out.Severity = warn
	case purger.Refused, purger.Failed:
		out.Severity = bad
	case purger.Planned:
		out.Severity = none
	case purger.Applied:
	}
	return out
}
