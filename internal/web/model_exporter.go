package web

import (
	"strings"

	"github.com/prometheus/common/version"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// mostRequests is how many requests are listed.
const mostRequests = 20

// Requests are the on-demand requests that are waiting or being worked on.
type Requests struct {
	Summary string
	Rows    []RequestRow
	More    string
	Gap     string // why they are not all there
	Lost    string
}

// RequestRow is one of them.
type RequestRow struct {
	ID, Href  string
	Made      Moment
	Status    string
	Requested string
	Retries   string
}

func (m *maker) requests() Requests {
	var r Requests
	if m.RequestsErr != nil {
		r.Gap = reason(m.RequestsErr.Error())
	}
	if m.known() {
		o := m.State.Report.Ondemand
		r.Summary = number(o.Waiting) + " waiting, " + number(o.Processing) + " being worked on, " + clonesToBegin(o.CreateTasks)
		if s := m.State.Report.Sweep; s != nil {
			r.Summary += "; in all " + count(s.Requests[vmpooler.RequestReady]) + " ready and " + count(s.Requests[vmpooler.RequestFailed]) + " failed are remembered"
			if s.LostRequests > 0 {
				r.Lost = plural(s.LostRequests, "request") + " lost: vmpooler has forgotten them, their users wait in vain"
			}
		}
	}
	for i := range m.Requests[:min(mostRequests, len(m.Requests))] {
		q := &m.Requests[i]
		row := RequestRow{
			ID: plain(q.ID), Href: requestHref(q.ID), Made: moment(q.Made, m.redisNow(), "time unknown"),
			Status: plain(q.Status), Requested: reason(q.Requested),
		}
		if row.Status == "" {
			row.Status = "not looked at"
		}
		if q.Retries > 0 {
			row.Retries = count(int64(q.Retries))
		}
		r.Rows = append(r.Rows, row)
	}
	if more := max(len(m.Requests), m.RequestsTotal) - len(r.Rows); more > 0 {
		r.More = "and " + plural(int64(more), "request") + " more, all younger"
	}
	return r
}

func clonesToBegin(n vmpooler.Number) string {
	if n.Known {
		return plural(n.Value, "clone") + " to be begun"
	}
	return unknown + " clones to be begun"
}

// Exporter is the exporter itself.
type Exporter struct {
	Facts  []ExporterFact
	Config []ConfigItem
	Files  string
}

// ExporterFact is one thing to know of the exporter.
type ExporterFact struct {
	Name, Value string
	When        *Moment
	Severity    severity
}

// ConfigItem is one setting in force; secrets are redacted by the settings themselves.
type ConfigItem struct {
	Key, Value, Source string
}

func (m *maker) exporter() Exporter {
	var e Exporter
	add := func(name, value string, s severity) {
		e.Facts = append(e.Facts, ExporterFact{Name: name, Value: value, Severity: s})
	}
	when := func(name string, at Moment, value string, s severity) {
		e.Facts = append(e.Facts, ExporterFact{Name: name, Value: value, When: &at, Severity: s})
	}
	ver := version.Version
	if ver == "" {
		ver = "unreleased"
	}
	add("Version", strings.TrimSpace(ver+" "+version.Revision)+", "+version.GoVersion, good)
	if !m.Started.IsZero() {
		when("Started", moment(m.Started, m.Now, ""), "", good)
	}
	if m.known() {
		when("State read", moment(m.StateRead, m.Now, "never"), "in "+took(m.State.Took), good)
	}
	m.sweepFacts(when, add)
	m.leaseFacts(add)
	if m.Settings == nil {
		return e
	}
	for _, item := range m.Settings.Explain() {
		e.Config = append(e.Config, ConfigItem{item.Key, plain(item.Value), item.Source})
	}
	for _, w := range m.Settings.Warnings {
		add("Configuration", reason(w.String()), warn)
	}
	return e
}

func (m *maker) sweepFacts(when func(string, Moment, string, severity), add func(string, string, severity)) {
	if m.State == nil {
		return
	}
	s := m.State.Sweep
	last := s.LastComplete
	if last == nil {
		add("Last sweep of all keys", "none yet: leaked metadata, lost requests and name collisions are unknown", none)
	} else {
		when("Last sweep of all keys", moment(last.Finished, m.Now, "never"), "of "+plural(last.Keys, "key")+" in "+took(last.Duration)+
			": "+count(last.Leaked)+" leaked, "+count(last.Expiring)+" expiring", good)
	}
	if s.Failures > 0 {
		sev := good
		if s.Latest == nil {
			sev = warn
		}
		add("Sweeps that failed", count(s.Failures), sev)
	}
}

func (m *maker) leaseFacts(add func(string, string, severity)) {
	switch l := m.Lease; {
	case m.At.IsZero(): // nothing was read yet, this least of all
	case l == nil:
		add("Writes to Redis", "never: everything that writes is off", good)
	case l.Leads:
		add("Writes to Redis", "yes, it has the lease", good)
	case l.Other.Owner != "":
		add("Writes to Redis", "no, "+plain(l.Other.Owner)+" has the lease", good)
	default:
		add("Writes to Redis", "no, it does not have the lease", warn)
	}
}
