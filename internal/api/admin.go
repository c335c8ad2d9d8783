package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// Admin does what changes something, for a user who may: one thing at a time, and not
// too often. Its errors are Redis's, or say why nothing was done and have the methods
// HTTPStatus (403, 404, 409 or 429) and RetryAfter (0 if nobody knows).
type Admin interface {
	Purge(ctx context.Context, dryRun bool, user string) (*purger.Plan, error)
	RequeueAll(ctx context.Context, letters, requests []string, dryRun bool, user string) ([]dlq.RequeueOutcome, error)
	Delete(ctx context.Context, letters []string, user string) (dlq.Deleted, error)
}

// Unauthorized is a Guard's error for who has not logged in.
func Unauthorized(text string) error { return refuse(unauthorized, "%s", text) }

const (
	mostBodyBytes = 64 << 10
	mostIDs       = 100
)

// adminRoutes are the calls that change something.
func (a *api) adminRoutes() []route {
	return []route{
		{method: http.MethodPost, pattern: "/api/v1/queue/purge", params: []string{"dry_run", "limit"}, handle: a.postPurge, admin: true, long: true},
		{method: http.MethodPost, pattern: "/api/v1/queue/dlq/requeue", handle: a.postRequeue, admin: true, long: true},
		{method: http.MethodDelete, pattern: "/api/v1/queue/dlq/{id}", handle: a.deleteLetter, admin: true, long: true},
	}
}

// postPurge answers with the first page of the plan. The others are had of getPurge,
// while no other plan is asked for.
func (a *api) postPurge(w http.ResponseWriter, r *http.Request, v values) error {
	dryRun, err := boolean("dry_run", v["dry_run"])
	if err != nil {
		return err
	}
	limit, err := v.limit()
	if err != nil {
		return err
	}
	if err := readBody(r, &struct{}{}); err != nil {
		return err
	}
	plan, err := a.opts.Admin.Purge(r.Context(), dryRun, a.opts.User(r))
	if err != nil {
		return changed(err)
	}
	return answer(w, pageOf(plan, countsOf(plan), 0, limit))
}

// requeueBody names what is to be put back.
type requeueBody struct {
	IDs      []string `json:"ids"`      // of dead letters
	Requests []string `json:"requests"` // ids of on-demand requests
	DryRun   bool     `json:"dry_run"`
}

// requeued is what became of one request.
type requeued struct {
	RequestID string `json:"request_id"`
	State     string `json:"state"` // requeued, refused, unknown, not tried
	Requeues  int    `json:"requeues"`
	Why       string `json:"why,omitempty"`
}

func (a *api) postRequeue(w http.ResponseWriter, r *http.Request, _ values) error {
	var body requeueBody
	if err := readBody(r, &body); err != nil {
		return err
	}
	switch n := len(body.IDs) + len(body.Requests); {
	case n == 0:
		return refuse(badData, "name dead letters in ids, or on-demand requests in requests")
	case n > mostIDs:
		return refuse(badData, "%d are too many at once, %d at the most", n, mostIDs)
	}
	for _, id := range slices.Concat(body.IDs, body.Requests) {
		if err := checkText("an id", id); err != nil {
			return err
		}
	}
	outcomes, err := a.opts.Admin.RequeueAll(r.Context(), body.IDs, body.Requests, body.DryRun, a.opts.User(r))
	if err != nil {
		return changed(err)
	}
	out := struct {
		DryRun   bool       `json:"dry_run"`
		Requests []requeued `json:"requests"`
	}{body.DryRun, []requeued{}}
	for _, o := range outcomes {
		q := requeued{RequestID: dlq.Clean(o.ID), State: string(o.State), Requeues: o.Requeues}
		if o.Refused != nil {
			q.Why = dlq.Clean(o.Refused.Why())
		}
		out.Requests = append(out.Requests, q)
	}
	return answer(w, out)
}

func (a *api) deleteLetter(w http.ResponseWriter, r *http.Request, _ values) error {
	id := r.PathValue("id")
	if err := checkText("id", id); err != nil {
		return err
	}
	deleted, err := a.opts.Admin.Delete(r.Context(), []string{id}, a.opts.User(r))
	if err != nil {
		return changed(err)
	}
	return answer(w, struct {
		Deleted int `json:"deleted"`
	}{deleted.Removed})
}

// changed says what the client is told of an error of a change.
func changed(err error) error {
	var status interface {
		error
		HTTPStatus() int
		RetryAfter() time.Duration
	}
	if !errors.As(err, &status) {
		return err
	}
	kinds := map[int]errorType{
		http.StatusForbidden: forbidden, http.StatusNotFound: notFound, http.StatusConflict: conflict,
		http.StatusTooManyRequests: tooManyRequests,
	}
	if kind, ok := kinds[status.HTTPStatus()]; ok {
		f := refuse(kind, "%s", dlq.Clean(status.Error()))
		f.wait = status.RetryAfter()
		return f
	}
	return err
}

// readBody reads a body of JSON that has nothing in it but what v has, and may be
// empty.
func readBody(r *http.Request, v any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, mostBodyBytes+1))
	switch {
	case err != nil:
		return refuse(badData, "the body can't be read")
	case len(text) > mostBodyBytes:
		return refuse(badData, "the body is longer than %d bytes", mostBodyBytes)
	case len(text) == 0:
		return nil
	}
	if err := unmarshalStrict(text, v); err != nil {
		return refuse(badData, "the body is not what is expected: %s", quote(err.Error()))
	}
	return nil
}

func unmarshalStrict(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("there is more behind it")
	}
	return nil
}

// boolean reads a parameter that is true or false, false if it is not there.
func boolean(name, text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, refuse(badData, "%s must be true or false, not %s", name, quote(text))
}
