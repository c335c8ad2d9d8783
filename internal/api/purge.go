package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purgeStatus is what the purge in the background has done and will do. Asking for it
// plans nothing: what is shown is the last plan that it made.
type purgeStatus struct {
	Enabled bool       `json:"enabled"`
	DryRun  bool       `json:"dry_run"` // of the next one
	NextAt  *time.Time `json:"next_at"`
	Last    *lastPurge `json:"last"`
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
	out := purgeStatus{Enabled: on, NextAt: timeJSON(status.Next), DryRun: on && a.opts.Live.Settings().Purge.DryRun}
	if !status.LastAt.IsZero() {
		out.Last = &lastPurge{BeganAt: timeJSON(status.LastAt), TookSeconds: status.LastTook.Seconds()}
		if status.LastErr != nil {
			out.Last.Error = dlq.Clean(status.LastErr.Error())
		}
	}
	plan := status.Last
	if cursor.plan != "" && (plan == nil || plan.ID != cursor.plan) {
		return refuse(conflict, "the plan of this cursor is not the last one any more: begin again without a cursor")
	}
	if plan != nil && out.Last != nil {
		out.Last.Plan = pageOf(plan, cursor.from, limit)
	}
	return answer(w, out)
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

func pageOf(p *purger.Plan, from, limit int) *planPage {
	out := &planPage{
		PlanID: p.ID, MadeAt: timeJSON(p.Made), DryRun: p.DryRun,
		Summary: summaryOf(p), Held: slices.Concat([]purger.Hold{}, p.Held), UnknownVMs: make(map[string]unknownVMs, len(p.UnknownVMs)),
	}
	for pool, names := range p.UnknownVMs {
		out.UnknownVMs[pool] = unknownVMs{Count: len(names), Names: names[:min(len(names), mostUnknown)]}
	}
	from = min(from, len(p.Actions))
	to := min(from+limit, len(p.Actions))
	out.Actions = slices.Concat([]purger.Action{}, p.Actions[from:to]) // the plan itself is everybody's
	for i := range out.Actions {
		out.Actions[i].Why = dlq.Clean(out.Actions[i].Why) // what Redis said may be anything
	}
	if to < len(p.Actions) {
		out.NextCursor = fmt.Sprintf("%s.%d", p.ID, to)
	}
	return out
}

func summaryOf(p *purger.Plan) planSummary {
	s := planSummary{
		Entries: len(p.Actions), Outcomes: make(map[purger.Outcome]int), Targets: make(map[purger.Target]map[purger.Outcome]int),
	}
	for _, o := range []purger.Outcome{purger.Planned, purger.Held, purger.Applied, purger.Skipped, purger.Refused, purger.Failed} {
		s.Outcomes[o] = 0
	}
	for i := range p.Actions {
		a := &p.Actions[i]
		s.Outcomes[a.Outcome]++
		if s.Targets[a.Target] == nil {
			s.Targets[a.Target] = make(map[purger.Outcome]int)
		}
		s.Targets[a.Target][a.Outcome]++
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
	page.Records = slices.Clone(page.Records) // the page is everybody's
	for i := range page.Records {
		page.Records[i].Why = dlq.Clean(page.Records[i].Why)
	}
	return answer(w, page)
}
