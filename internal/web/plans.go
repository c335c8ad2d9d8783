package web

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// Asked is the last plan that an admin asked for, here or through the API.
type Asked struct {
	// Plan is as it was left, with its outcomes; it may lack the last of its actions.
	Plan *purger.Plan
	// Counts are of all its actions.
	Counts map[purger.Target]map[purger.Outcome]int
	At     time.Time
	By     string // as the audit has it
}

// AskedPlan is an Asked as a page shows it.
type AskedPlan struct {
	By   string
	At   Moment
	Plan *Plan
	Href string // of each entry; "" where there is none
}

const (
	askedPath = "/purge/asked"
	shownPath = adminPrefix + "purge/plan"
)

// asked is the last plan that was asked for; nil if there is none.
func (h *Handler) asked() *Asked {
	if h.opts.Admin == nil {
		return nil
	}
	return h.opts.Admin.Asked()
}

// asked is a plan that was asked for, without its actions; nil if there is none.
func (m *maker) asked(a *Asked) *AskedPlan {
	if a == nil {
		return nil
	}
	p := &AskedPlan{By: plain(a.By), At: moment(a.At, m.Now, "time unknown"), Plan: m.planOf(a.Plan, a.Counts)}
	if len(a.Plan.Actions)+len(a.Plan.Held) > 0 {
		p.Href = askedPath
	}
	return p
}

// askedPage answers for askedPath: each entry of the plan.
func (h *Handler) askedPage(w http.ResponseWriter, r *http.Request) {
	q := newQuery(r.URL.RawQuery)
	n := q.whole("page", 1, lastPage)
	if err := q.end(); err != nil {
		h.failed(w, r, err)
		return
	}
	m := &maker{picture: look(r.Context(), h.opts.Source, h.opts.Now)}
	asked := h.asked()
	p := m.asked(asked)
	if p == nil {
		h.fail(w, r, http.StatusNotFound, "No admin has asked for a plan since this exporter started.")
		return
	}
	p.Plan.actions(asked.Plan, n, pageHref(askedPath, nil))
	body := Done{
		Title: "The plan that was asked for", Text: "By " + p.By + ", " + p.At.Ago + ": " + p.Plan.Summary + ".",
		Plan: p.Plan, Back: "/purge", BackText: "Back to the purge",
	}
	h.render(w, r, http.StatusOK, "done", frame{Title: body.Title, Section: "purge", Body: body})
}

// shownPlan answers for another page of a plan that waits for its confirmation.
func (h *Handler) shownPlan(w http.ResponseWriter, r *http.Request) {
	if !r.URL.Query().Has("plan") {
		h.noLink(w, r)
		return
	}
	user, ok := h.admin(r)
	if !ok {
		h.fail(w, r, http.StatusForbidden, "Refused: "+errNoAdmin.Error()+".")
		return
	}
	q := newQuery(r.URL.RawQuery)
	id, n := q.text("plan"), q.whole("page", 1, lastPage)
	if err := q.end(); err != nil {
		h.failed(w, r, err)
		return
	}
	plan, err := h.opts.Admin.Shown(id, user)
	if err != nil {
		h.refused(w, r, err)
		return
	}
	h.confirmPlan(w, r, plan, n)
}

// confirmPlan asks whether a plan is to be applied. All of it can be looked at before: a
// page at a time, and the question is on each of them.
func (h *Handler) confirmPlan(w http.ResponseWriter, r *http.Request, plan *purger.Plan, page int) {
	body := Confirm{
		Title: "What a purge would do now", Plan: h.planned(plan, page, pageHref(shownPath, url.Values{"plan": {plan.ID}})),
		Action: adminPrefix + "purge/apply", Back: "/purge",
	}
	switch n := body.Plan.Todo; n {
	case 0:
		body.Text = "There is nothing to be done."
	case 1:
		body.Button = "Purge 1 entry"
	default:
		body.Button = "Purge " + count(int64(n)) + " entries"
	}
	if body.Button != "" {
		body.Fields = []Field{{"plan", plan.ID}}
		body.Text = "Nothing has been done yet. Each entry is checked again on the server just before it is touched; what has moved on is left alone."
	}
	h.render(w, r, http.StatusOK, "confirm", frame{Title: body.Title, Section: "purge", Body: body})
}

// planned is a plan as a page shows it, with one page of its actions and holds.
func (h *Handler) planned(plan *purger.Plan, page int, href func(page int) string) *Plan {
	m := &maker{picture: &picture{Now: h.opts.Now(), View: &live.View{}}}
	p := m.plan(plan)
	p.actions(plan, page, href)
	return p
}

// pageHref makes the addresses of a list's pages.
func pageHref(path string, q url.Values) func(page int) string {
	return func(page int) string {
		to := url.Values{}
		maps.Copy(to, q)
		if page > 1 {
			to.Set("page", strconv.Itoa(page))
		}
		if len(to) == 0 {
			return path
		}
		return path + "?" + to.Encode()
	}
}
