package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	mostReasons = 8 // of single pools: the list of pools has them all
	mostNamed   = 3 // pools named for one number
)

// Verdict is how vmpooler is, and why.
type Verdict struct {
	Severity severity
	Word     string // "unhealthy"
	Title    string // with the first reasons, for the window's title
	Reasons  []Reason
	More     string   // how many reasons are not listed
	Fine     string   // what is fine, where there is no reason
	Remarks  []Phrase // what is wrong though no part of the status
	Gaps     []string // what could not be read, and why
	Read     Moment
	Stale    string // why there is nothing newer; then nobody knows how vmpooler is
	Old      string // what it was when it was last known
}

// Reason is one reason of the status.
type Reason struct {
	Severity severity
	Phrase   Phrase
}

func (m *maker) verdict() Verdict {
	v := Verdict{Severity: none, Word: "unknown", Read: moment(m.StateRead, m.Now, "never")}
	if m.Err != nil {
		v.Stale = reason(m.Err.Error())
	}
	if m.known() {
		r := m.State.Report
		switch {
		case m.Err != nil:
			v.Old = "What follows is how it was " + v.Read.Ago + "."
			if r.Known {
				v.Old = "It was " + r.Status.String() + " " + v.Read.Ago + ". What follows is as old."
			}
		case r.Known:
			v.Severity, v.Word = severityOf(r.Status), r.Status.String()
		}
		v.Reasons, v.More = m.reasons()
		v.Remarks, v.Gaps = m.remarks(), m.gaps()
		if len(v.Reasons) == 0 && r.Known {
			v.Fine = m.fine()
		}
	}
	v.Title = v.Word
	switch {
	case v.Stale != "":
		v.Title += ": Redis does not answer"
	case len(v.Reasons) > 0:
		texts := make([]string, 0, 2)
		for i := range v.Reasons[:min(2, len(v.Reasons))] {
			texts = append(texts, v.Reasons[i].Phrase.String())
		}
		v.Title += ": " + strings.Join(texts, "; ")
	}
	return v
}

// reasons words the reasons of the status, the worst first.
func (m *maker) reasons() (reasons []Reason, more string) {
	ofPools, left := 0, int64(0)
	for _, k := range m.State.Report.Reasons() {
		if k.Pool != "" {
			if ofPools++; ofPools > mostReasons {
				left++
				continue
			}
		}
		s := warn
		if k.Severity == health.Critical {
			s = bad
		}
		reasons = append(reasons, Reason{s, m.reason(k)})
	}
	if left > 0 {
		more = "and " + plural(left, "reason") + " more, of single pools: see the list of pools"
	}
	return reasons, more
}

func (m *maker) reason(k health.Check) Phrase {
	t := m.State.Thresholds
	switch limit := count(k.Threshold); k.Condition {
	case health.DLQSize:
		return append(say(plural(k.Value, "dead letter")+", limit "+limit), m.letterQueues()...)
	case health.StuckVMs:
		p := say(plural(k.Value, "VM") + " stuck for over " + span(t.StuckVMAge) + ", limit " + limit)
		return append(p, m.mostStuck()...)
	case health.PendingQueue:
		return say("pool ", poolName(k.Pool), " has "+count(k.Value)+" pending, limit "+limitText(k, t.PendingQueueMax))
	case health.ReadyQueue:
		return say("pool ", poolName(k.Pool), " has "+count(k.Value)+" ready, limit "+limitText(k, t.ReadyQueueMax))
	case health.QueueCliff, health.PurgeHeld: // no reasons of the status
	}
	return say(string(k.Condition)+" ", poolName(k.Pool), ": "+count(k.Value)+", limit "+count(k.Threshold))
}

// limitText writes the limit that is set, and where critical begins: nobody would
// look for that number in vmpooler.yaml.
func limitText(k health.Check, set int) string {
	if k.Threshold == int64(set) {
		return count(k.Threshold)
	}
	return count(int64(set)) + ", critical above " + count(k.Threshold)
}

func (m *maker) letterQueues() Phrase {
	p := say(" (")
	for _, q := range m.State.Report.DLQ {
		if q.Size.Known && q.Size.Value == 0 {
			continue
		}
		if len(p) > 1 {
			p = append(p, say(", ")...)
		}
		p = append(p, say(name(q.Queue), " "+number(q.Size))...)
	}
	return append(p, say(")")...)
}

// mostStuck names the pools with the most stuck VMs.
func (m *maker) mostStuck() Phrase {
	type pool struct {
		name  string
		stuck int64
	}
	var pools []pool
	for i := range m.State.Report.Pools {
		p := &m.State.Report.Pools[i]
		if q := p.Queues[vmpooler.Pending]; q != nil && q.Stuck > 0 {
			pools = append(pools, pool{p.Name, q.Stuck})
		}
	}
	slices.SortFunc(pools, func(a, b pool) int {
		return cmp.Or(cmp.Compare(b.stuck, a.stuck), strings.Compare(a.name, b.name))
	})
	var p Phrase
	for i := range pools[:min(len(pools), mostNamed)] {
		lead := ", "
		if i == 0 {
			lead = ": pool "
		}
		p = append(p, say(lead, poolName(pools[i].name), " has "+count(pools[i].stuck))...)
	}
	if more := len(pools) - mostNamed; more > 0 {
		p = append(p, say(", "+plural(int64(more), "pool")+" more")...)
	}
	return p
}

// fine says what was looked at where nothing is wrong.
func (m *maker) fine() string {
	r := m.State.Report
	text := "No limit is exceeded: " + plural(r.Stuck, "stuck VM") + " (limit " + count(int64(r.Thresholds.StuckVMMaxWarning)) + ")"
	if r.DLQTotal.Known {
		text += ", " + plural(r.DLQTotal.Value, "dead letter") + " (limit " + count(int64(r.Thresholds.DLQMaxWarning)) + ")"
	}
	return text
}
