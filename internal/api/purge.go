package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purgeStatus is what the purge in the background has done and will do, and what was
// asked for beside it. Asking for it plans nothing: what is shown are the last plans that
// were made.
type purgeStatus struct {
	Enabled bool        `json:"enabled"`
	Leader  bool        `json:"leader"`  // whether this exporter is the one that purges
	DryRun  bool        `json:"dry_run"` // of the next one
	NextAt  *time.Time  `json:"next_at"` // null where another exporter purges
	Last    *lastPurge  `json:"last"`
	Asked   *askedPurge `json:"asked"`
}

// Asked is the last plan that an admin asked for through the web.
type Asked struct {
	// Plan is as it was left, with its outcomes; it may lack the last of its actions.
	Plan *purger.Plan
	// Counts are of all its actions.
	Counts map[purger.Target]map[purger.Outcome]int
	At     time.Time
	By     string // as the audit has it
}

// askedPurge is an Asked as it is answered.
type askedPurge struct {
	At   *time.Time `json:"at"`
	By   string     `json:"by"`
	Plan *planPage  `json:"plan"`
}

// lastPurge is the last cycle.
type lastPurge struct {
	BeganAt     *time.Time `json:"began_at"`
	TookSeconds float64    `json:"took_seconds"`
	Error       string     `json:"error,omitempty"`
	Plan        *planPage  `json:"plan"` // the last that was made; null where there is none
}

// planPage is a plan with its outcomes, and a page of its actions.
type planPage struct {
	PlanID     string                `json:"plan_id"`
	MadeAt     *time.Time            `json:"made_at"`
	DryRun     bool                  `json:"dry_run"`
	Summary    planSummary           `json:"summary"`
	Held       []purger.Hold         `json:"held"`
	UnknownVMs map[string]unknownVMs `json:"unknown_vms"`
	Actions    []purger.Action       `json:"actions"`
	NextCursor string                `json:"next_cursor"`
}

// planSummary has every outcome, and of the targets those that are in the plan.
type planSummary struct {
	Entries  int                                      `json:"entries"`
	Outcomes map[purger.Outcome]int                   `json:"outcomes"`
	Targets  map[purger.Target]map[purger.Outcome]int `json:"targets"`
}

// unknownVMs are VMs of a pool that its provider has and no queue knows.
type unknownVMs struct {
	Count int      `json:"count"`
	Names []string `json:"names"` // the first mostUnknown
}

const mostUnknown = 20

func (a *api) getPurge(w http.ResponseWriter, _ *http.Request, v values) error {
	limit, err := v.limit()
	if err != nil {
		return err
	}
	cursor, err := planCursor(v["cursor"])
	if err != nil {
		return err
	}
	status, on := a.opts.Live.Purge()
	out := purgeStatus{Enabled: on, Leader: on && a.leads(), DryRun: on && a.opts.Live.Settings().Purge.DryRun}
	if out.Leader {
		out.NextAt = timeJSON(status.Next)
	}
	known := cursor.plan == ""
	from := func(p *purger.Plan) int {
		if cursor.plan != p.ID {
			return 0
		}
		known = true
		return cursor.from
	}
	if !status.LastAt.IsZero() {
		out.Last = &lastPurge{BeganAt: timeJSON(status.LastAt), TookSeconds: status.LastTook.Seconds()}
		if status.LastErr != nil {
			out.Last.Error = dlq.Clean(status.LastErr.Error())
		}
		if p := status.Last; p != nil {
			out.Last.Plan = pageOf(p, countsOf(p), from(p), limit)
		}
	}
	if asked := a.asked(); asked != nil {
		out.Asked = &askedPurge{At: timeJSON(asked.At), By: dlq.Clean(asked.By), Plan: pageOf(asked.Plan, asked.Counts, from(asked.Plan), limit)}
	}
	if !known {
		return refuse(conflict, "the plan of this cursor is not the last one any more: begin again without a cursor")
	}
	return answer(w, out)
}

// leads says whether this exporter is the one of several that purges.
func (a *api) leads() bool { return a.opts.Leads == nil || a.opts.Leads() }

// asked is the last plan that an admin asked for; nil if there is none.
func (a *api) asked() *Asked {
	if a.opts.Asked == nil {
		return nil
	}
	return a.opts.Asked()
}

// planPosition is where a page of a plan's actions begins.
type planPosition struct {
	plan string // "" for the first page of whatever plan there is
	from int
}

func planCursor(text string) (planPosition, error) {
	if text == "" {
		return planPosition{}, nil
	}
	plan, from, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(from)
	if err != nil || n < 0 || plan == "" || fmt.Sprintf("%s.%d", plan, n) != text {
		return planPosition{}, notACursor(text)
	}
	return planPosition{plan: plan, from: n}, nil
}

// pageOf is a page of the plan's actions. It copies: the plan is everybody's.
func pageOf(p *purger.Plan, counts planCounts, from, limit int) *planPage {
	out := &planPage{
		PlanID: p.ID, MadeAt: timeJSON(p.Made), DryRun: p.DryRun,
		Summary: summaryOf(counts), Held: append([]purger.Hold{}, p.Held...), UnknownVMs: make(map[string]unknownVMs, len(p.UnknownVMs)),
	}
	for pool, names := range p.UnknownVMs {
		out.UnknownVMs[pool] = unknownVMs{Count: len(names), Names: names[:min(len(names), mostUnknown)]}
	}
	from = min(from, len(p.Actions))
	to := min(from+limit, len(p.Actions))
	out.Actions = append([]purger.Action{}, p.Actions[from:to]...)
	for i := range out.Actions {
		out.Actions[i].Why = dlq.Clean(out.Actions[i].Why) // what Redis said may be anything
	}
	if to < len(p.Actions) {
		out.NextCursor = fmt.Sprintf("%s.%d", p.ID, to)
	}
	return out
}

// planCounts are how many actions of each target have which outcome.
type planCounts = map[purger.Target]map[purger.Outcome]int

func countsOf(p *purger.Plan) planCounts {
	counts := make(planCounts)
	for i := range p.Actions {
		a := &p.Actions[i]
		if counts[a.Target] == nil {
			counts[a.Target] = make(map[purger.Outcome]int)
		}
		counts[a.Target][a.Outcome]++
	}
	return counts
}

func summaryOf(counts planCounts) planSummary {
	s := planSummary{Outcomes: make(map[purger.Outcome]int), Targets: counts}
	for _, o := range []purger.Outcome{purger.Planned, purger.Held, purger.Applied, purger.Skipped, purger.Refused, purger.Failed} {
		s.Outcomes[o] = 0
	}
	for _, outcomes := range counts {
		for o, n := range outcomes {
			s.Outcomes[o] += n
			s.Entries += n
		}
	}
	return s
}

func (a *api) listPurged(w http.ResponseWriter, r *http.Request, v values) error {
	f, err := v.purged()
	if err != nil {
		return err
	}
	page, err := a.opts.Live.Purged(r.Context(), f)
	if err != nil {
		return err
	}
	page.Records = append([]purger.Record{}, page.Records...) // the page is everybody's
	for i := range page.Records {
		page.Records[i].Why = dlq.Clean(page.Records[i].Why)
	}
	return answer(w, page)
}
