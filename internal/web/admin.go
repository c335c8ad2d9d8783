package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// Admin does what changes something, for a user who may. One thing at a time, and
// how often, is its own to say: by a *Refused. Other errors are Redis's.
type Admin interface {
	// Plan makes a plan that writes nothing, and keeps it for Apply.
	Plan(ctx context.Context, user string) (*purger.Plan, error)
	// Shown is a plan of this user's that is kept so; nothing changes it.
	Shown(planID, user string) (*purger.Plan, error)
	// Asked is the last plan that was asked for, nil if there is none. It is for everybody.
	Asked() *Asked
	// Apply does what a plan of this user's says, and returns it with its outcomes.
	Apply(ctx context.Context, planID, user string) (*purger.Plan, error)
	// Requeue puts the requests of these dead letters back.
	Requeue(ctx context.Context, letters []string, user string) ([]dlq.RequeueOutcome, error)
	// Delete removes these dead letters.
	Delete(ctx context.Context, letters []string, user string) (dlq.Deleted, error)
}

// Refused is why an Admin did not do what was asked.
type Refused struct { //nolint:errname // it is an answer, not a failure
	Status int           // of HTTP: 403, 404, 409, 429
	Reason string        // a sentence
	Wait   time.Duration // until it is worth another try; 0 if nobody knows
}

// Error implements error.
func (r *Refused) Error() string { return r.Reason }

// HTTPStatus is the status, for the API.
func (r *Refused) HTTPStatus() int { return r.Status }

// RetryAfter is the Wait, for the API.
func (r *Refused) RetryAfter() time.Duration { return r.Wait }

const (
	adminPrefix   = "/admin/"
	mostFormBytes = 256 << 10
	// mostChosen is how many dead letters may be chosen at once: a page of them.
	mostChosen = lettersMost
)

// adminRoutes adds the addresses of what changes something, and of the plans for it.
func (h *Handler) adminRoutes(mux *http.ServeMux) {
	for path, do := range map[string]change{
		"purge/plan": h.planPurge, "purge/apply": h.applyPlan, "dlq/requeue": h.requeue, "dlq/delete": h.remove,
	} {
		mux.Handle(adminPrefix+path, h.changing(do))
	}
	mux.Handle("GET "+shownPath, http.HandlerFunc(h.shownPlan))
	mux.Handle(askedPath, h.reading(h.askedPage))
}

// change does what a form of this user's says, and answers.
type change func(w http.ResponseWriter, r *http.Request, user string) error

// changing lets a POST of an admin's through that comes from our own page.
func (h *Handler) changing(do change) http.Handler {
	same := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			h.noLink(w, r)
			return
		}
		user, err := h.mayChange(r)
		if err == nil {
			err = same.Check(r)
		}
		if err != nil {
			if h.opts.MayChange == nil { // which logs what it refuses
				level.Warn(h.opts.Logger).Log("msg", "refused", "path", r.URL.Path, "why", err, "from", r.RemoteAddr)
			}
			h.fail(w, r, http.StatusForbidden, "Refused: "+reason(err.Error())+".")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostFormBytes)
		if err := r.ParseForm(); err != nil {
			h.fail(w, r, http.StatusBadRequest, "The form can't be read.")
			return
		}
		if err := do(w, r, user); err != nil {
			h.refused(w, r, err)
		}
	})
}

// noLink answers for an address of a form that is asked for in another way.
func (h *Handler) noLink(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", http.MethodPost)
	h.fail(w, r, http.StatusMethodNotAllowed, "This is done by a button, not by an address.")
}

var errNoAdmin = errors.New("only an admin may do this, and only while --web.enable-admin-api is on")

// mayChange returns whose request it is that changes something, or why it must not.
func (h *Handler) mayChange(r *http.Request) (user string, err error) {
	user, ok := h.admin(r)
	switch {
	case h.opts.Admin != nil && h.opts.MayChange != nil:
		return h.opts.MayChange(r)
	case !ok:
		return "", errNoAdmin
	}
	return user, nil
}

// refused answers for an error of an Admin's, or of a form.
func (h *Handler) refused(w http.ResponseWriter, r *http.Request, err error) {
	var no *Refused
	var missing *dlq.NotFoundError
	switch {
	case errors.As(err, &no):
		if no.Wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.Wait.Seconds()))))
		}
		h.fail(w, r, no.Status, reason(no.Reason)+".")
	case errors.As(err, &missing):
		h.fail(w, r, http.StatusNotFound, "Some of these dead letters are not there any more. Nothing was changed.")
	case errors.Is(err, errParameter):
		h.failed(w, r, err)
	default:
		level.Error(h.opts.Logger).Log("msg", "a change did not come to its end", "path", r.URL.Path, "err", err)
		h.fail(w, r, http.StatusServiceUnavailable, "It did not come to its end: "+reason(err.Error())+".")
	}
}

func (h *Handler) planPurge(w http.ResponseWriter, r *http.Request, user string) error {
	plan, err := h.opts.Admin.Plan(r.Context(), user)
	if err != nil {
		return err
	}
	h.confirmPlan(w, r, plan, 1)
	return nil
}

func (h *Handler) applyPlan(w http.ResponseWriter, r *http.Request, user string) error {
	id := r.PostForm.Get("plan")
	if id == "" {
		return fmt.Errorf("%w: the form names no plan", errParameter)
	}
	plan, err := h.opts.Admin.Apply(r.Context(), id, user)
	if err != nil {
		return err
	}
	body := Done{Title: "The purge is done", Plan: h.planned(plan, 1, pageHref(askedPath, nil)), Back: "/purge", BackText: "Back to the purge"}
	body.Text = body.Plan.Summary + "."
	h.render(w, r, http.StatusOK, "done", frame{Title: body.Title, Section: "purge", Body: body})
	return nil
}

func (h *Handler) requeue(w http.ResponseWriter, r *http.Request, user string) error {
	ids, err := chosen(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("confirm") != "yes" {
		n := plural(int64(len(ids)), "dead letter")
		h.confirmLetters(w, r, ids, "Requeue the requests of "+n+"?",
			"Each request goes back into vmpooler's queue under its own id, one after the other, and stops if one fails again. The dead letters stay.", "Requeue")
		return nil
	}
	outcomes, err := h.opts.Admin.Requeue(r.Context(), ids, user)
	if err != nil && len(outcomes) == 0 {
		return err
	}
	body := Done{Title: "Requeued", Back: "/dlq", BackText: "Back to the dead letters"}
	done := 0
	for i := range outcomes {
		o := &outcomes[i]
		if o.State == dlq.RequeueDone {
			done++
		}
		line := Outcome{Name: plain(o.ID), Href: requestHref(o.ID), State: string(o.State), Why: reason(o.FailureReason)}
		if o.Refused != nil {
			line.Why = reason(o.Refused.Error())
		}
		body.Outcomes = append(body.Outcomes, line)
	}
	body.Text = count(int64(done)) + " of " + plural(int64(len(outcomes)), "request") + " put back."
	if err != nil {
		body.Text += " " + reason(err.Error()) + "."
	}
	h.render(w, r, http.StatusOK, "done", frame{Title: body.Title, Section: "letters", Body: body})
	return nil
}

func (h *Handler) remove(w http.ResponseWriter, r *http.Request, user string) error {
	ids, err := chosen(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("confirm") != "yes" {
		h.confirmLetters(w, r, ids, "Delete "+plural(int64(len(ids)), "dead letter")+"?", "They are gone for good: vmpooler keeps no other record of these failures.", "Delete")
		return nil
	}
	deleted, err := h.opts.Admin.Delete(r.Context(), ids, user)
	if err != nil {
		return err
	}
	body := Done{
		Title: "Deleted", Text: count(int64(deleted.Removed)) + " of " + plural(int64(deleted.Matched), "dead letter") + " deleted.",
		Back: "/dlq", BackText: "Back to the dead letters",
	}
	h.render(w, r, http.StatusOK, "done", frame{Title: body.Title, Section: "letters", Body: body})
	return nil
}

// chosen are the dead letters that a form names, each once. The error wraps
// errParameter.
func chosen(r *http.Request) ([]string, error) {
	ids := slices.Compact(slices.Sorted(slices.Values(r.PostForm["id"])))
	switch {
	case len(ids) == 0 || ids[0] == "":
		return nil, fmt.Errorf("%w: choose at least one dead letter", errParameter)
	case len(ids) > mostChosen:
		return nil, fmt.Errorf("%w: choose no more than %d dead letters at once", errParameter, mostChosen)
	}
	return ids, nil
}

func (h *Handler) confirmLetters(w http.ResponseWriter, r *http.Request, ids []string, title, text, button string) {
	body := Confirm{Title: title, Text: text, Button: button, Action: r.URL.Path, Back: "/dlq", Fields: []Field{{"confirm", "yes"}}}
	for _, id := range ids {
		body.Fields = append(body.Fields, Field{"id", id})
		body.Names = append(body.Names, plain(id))
	}
	h.render(w, r, http.StatusOK, "confirm", frame{Title: title, Section: "letters", Body: body})
}
