package cli

import (
	"io"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// requeueJSON is the JSON of a RequeueReport.
type requeueJSON struct {
	DryRun      bool          `json:"dry_run"`
	Requests    []outcomeJSON `json:"requests"`
	Requeued    int           `json:"requeued"`
	FailedAgain int           `json:"failed_again"`
	Refused     int           `json:"refused"`
	NotTried    int           `json:"not_tried"`
	Unknown     int           `json:"unknown"`    // Redis did not answer
	NoRequest   int           `json:"no_request"` // dead letters of a filter that name none
}

type outcomeJSON struct {
	RequestID     string           `json:"request_id,omitempty"`
	ID            string           `json:"id,omitempty"` // of a dead letter that names no request
	Result        dlq.RequeueState `json:"result"`
	Requeues      int              `json:"requeues,omitempty"`
	RequeuedAt    *time.Time       `json:"requeued_at,omitempty"`
	Refusal       dlq.Refusal      `json:"refusal,omitempty"`
	Why           string           `json:"why,omitempty"`
	FailureReason string           `json:"failure_reason,omitempty"`
}

// WriteRequeueJSON writes r for programs. The error is the writer's.
func WriteRequeueJSON(w io.Writer, r *RequeueReport) error {
	out := requeueJSON{
		DryRun: r.DryRun, Requests: []outcomeJSON{}, NoRequest: r.Selection.NoRequest,
		Requeued: r.count(dlq.RequeueDone), FailedAgain: r.count(dlq.RequeueFailed),
		Refused: r.count(dlq.RequeueRefused), NotTried: r.count(dlq.RequeueNotTried), Unknown: r.count(dlq.RequeueUnknown),
	}
	for _, e := range r.Selection.Refused {
		out.Requests = append(out.Requests, outcomeJSON{ID: dlq.Clean(e.ID), Result: dlq.RequeueRefused, Refusal: e.Reason, Why: e.Why()})
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		line := outcomeJSON{RequestID: dlq.Clean(o.ID), Result: o.State, Requeues: o.Requeues, FailureReason: o.FailureReason}
		if !r.DryRun {
			line.RequeuedAt = jsonTime(o.At)
		}
		if o.Refused != nil {
			line.Refusal, line.Why, line.Requeues = o.Refused.Reason, o.Refused.Why(), o.Refused.Requeues
		}
		out.Requests = append(out.Requests, line)
	}
	return writeIndented(w, out)
}
