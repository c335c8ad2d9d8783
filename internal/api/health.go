package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// healthAnswer is the answer that a state makes, for all who ask while it is the
// last one.
type healthAnswer struct {
	state *collector.State
	dlq   bool // whether the dead-letter queue is on
	body  []byte
	etag  string
}

// getHealth answers with the report that the metrics are made of. Where nothing is
// wrong in what could be read, but not all of what the status depends on could be,
// there is no answer, as the command health then has none.
func (a *api) getHealth(w http.ResponseWriter, r *http.Request, _ values) error {
	state, _, err := a.opts.Live.State(r.Context())
	if err != nil {
		return err
	}
	if why := uncertain(state); why != "" {
		return refuse(unavailable, "the health is unknown: %s", why)
	}
	h, err := a.healthOf(state)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", h.etag)
	if matches(r.Header.Get("If-None-Match"), h.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	send(w, http.StatusOK, h.body)
	return nil
}

// healthOf makes the answer once for each state. The tag is of all that it says but
// when it was checked, and so a weak one.
func (a *api) healthOf(s *collector.State) (*healthAnswer, error) {
	dlqEnabled := a.opts.Live.Settings().DLQ.Enabled
	if h := a.health.Load(); h != nil && h.state == s && h.dlq == dlqEnabled {
		return h, nil
	}
	report := s.Report.JSON(dlqEnabled)
	checked := report.CheckedAt.UTC()
	report.CheckedAt = time.Time{}
	content, err := encode(report)
	if err != nil {
		return nil, err
	}
	report.CheckedAt = checked
	body, err := success(report)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	h := &healthAnswer{state: s, dlq: dlqEnabled, body: body, etag: `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	a.health.Store(h)
	return h, nil
}

// matches says whether an If-None-Match names the tag. It compares weakly, as RFC
// 9110 has it for this header.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// uncertain says what of the things that the status depends on could not be read, if
// nothing is wrong in the others; else "".
func uncertain(s *collector.State) string {
	r := s.Report
	switch {
	case r.Known && r.Status != health.Healthy:
		return "" // what is missing could only make it worse
	case s.Snapshot.Lost != nil:
		return "Redis was lost in the middle of reading"
	case len(r.Pools) == 0:
		return "there are no pools"
	}
	for i := range r.Pools {
		for _, q := range [...]vmpooler.Queue{vmpooler.Pending, vmpooler.Ready} {
			if r.Pools[i].Queues[q] == nil {
				return "the queue " + q.String() + " of the pool " + quote(r.Pools[i].Name) + " could not be read"
			}
		}
	}
	if !r.DLQTotal.Known {
		return "the dead letters could not be counted"
	}
	for _, q := range r.DLQ {
		if !q.Size.Known {
			return "the dead letters of " + quote(q.Queue) + " could not be counted"
		}
	}
	return ""
}
