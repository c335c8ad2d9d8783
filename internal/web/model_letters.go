package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

const (
	mostGroups   = 8
	mostPoolTags = 3
	chartHours   = 24
)

// Letters are the dead letters, grouped by their errors.
type Letters struct {
	Total   string // "1,204 dead letters of 7 kinds"
	Groups  []Group
	More    string // how many groups are not listed
	Queues  []Tally
	Chart   *Chart // of the last day
	Nothing string // why there are none
	Gaps    []string
	Off     bool // this exporter records none
	Few     bool // so few that another box has room below them; see newPage
}

// Group is the dead letters whose errors are alike.
type Group struct {
	Count   string
	Error   string
	Pools   []string
	More    string // how many pools are not named
	Last    Moment
	Href    string // the list of them
	Example string // a VM's name
	VMHref  string
}

// Tally is how many one queue has.
type Tally struct {
	Name, Count, Href string
}

// Chart is how many failures each hour of the last day had, as bars.
type Chart struct {
	Path  string // bars of a drawing 2 units wide an hour, 24 high
	Width int
	Label string // the same in words
}

func (m *maker) letters() Letters {
	l := Letters{Off: m.Settings != nil && !m.Settings.DLQ.Enabled}
	if m.LettersErr != nil {
		l.Gaps = append(l.Gaps, reason(m.LettersErr.Error()))
	}
	s := m.Letters
	if s == nil {
		l.Nothing = "They could not be read yet."
		return l
	}
	if s.Unreadable > 0 {
		l.Gaps = append(l.Gaps, plural(int64(s.Unreadable), "entry that is no dead letter")+", left out")
	}
	for _, q := range s.WrongType {
		l.Gaps = append(l.Gaps, "the queue "+plain(q)+" is of another type, left out")
	}
	if s.Entries == 0 {
		l.Nothing = "There are none."
		return l
	}
	l.Total = plural(int64(s.Entries), "dead letter") + " of " + plural(int64(len(s.Groups)), "kind")
	for i := range s.Groups[:min(mostGroups, len(s.Groups))] {
		l.Groups = append(l.Groups, m.group(&s.Groups[i]))
	}
	if more := len(s.Groups) - mostGroups; more > 0 {
		l.More = plural(int64(more), "kind") + " more"
	}
	for _, q := range s.Queues {
		l.Queues = append(l.Queues, Tally{plain(q.Name), count(int64(q.Count)), lettersQuery{Queue: q.Name}.href()})
	}
	l.Chart = newChart(s.Hours, m.Now)
	return l
}

func (m *maker) group(g *dlq.Group) Group {
	out := Group{
		Count: count(int64(g.Count)), Error: reason(g.Fingerprint), Last: moment(g.Last, m.redisNow(), "time unknown"),
		Href:    lettersQuery{Error: likeness(g.Fingerprint), Pool: only(g.Pools)}.href(),
		Example: plain(g.Example.VM), VMHref: vmHref(g.Example.VM),
	}
	for _, pool := range g.Pools[:min(mostPoolTags, len(g.Pools))] {
		out.Pools = append(out.Pools, plain(pool))
	}
	if more := len(g.Pools) - mostPoolTags; more > 0 {
		out.More = "and " + count(int64(more)) + " more"
	}
	return out
}

func only(pools []string) string {
	if len(pools) == 1 {
		return pools[0]
	}
	return ""
}

// likeness is the longest piece of a fingerprint that stands in every error of its
// group as it is, for a filter by a part of the error. The class and the message are
// looked at apart, since the filter does so too.
func likeness(fingerprint string) string {
	class, message, ok := strings.Cut(fingerprint, ": ")
	if !ok {
		class, message = "", fingerprint
	}
	best := ""
	for _, mask := range [...]string{"<vm>", "<ip>", "<id>", "<n>", "…", "[redacted]"} {
		message = strings.ReplaceAll(message, mask, "\x00")
	}
	for piece := range strings.SplitSeq(message, "\x00") {
		if piece = strings.TrimSpace(piece); len(piece) > len(best) && !strings.Contains(piece, `\`) {
			best = piece
		}
	}
	const tells, enough = 8, 200 // what is shorter stands in too many other errors
	if len(best) > enough {
		best = strings.ToValidUTF8(best[:enough], "")
	}
	if len(best) < tells && class != "" {
		return class
	}
	return best
}

// newChart draws the last 24 hours; nil if none of them had a failure.
func newChart(hours []dlq.Hour, now time.Time) *Chart {
	var n [chartHours]int
	last := now.UTC().Truncate(time.Hour)
	total, most := 0, 0
	for _, h := range hours {
		i := chartHours - 1 - int(last.Sub(h.Start)/time.Hour)
		if i < 0 || i >= chartHours || h.Start.After(last) {
			continue
		}
		n[i] = h.Count
		total += h.Count
		most = max(most, h.Count)
	}
	if total == 0 {
		return nil
	}
	const height = 24
	var b []byte
	for i, k := range n {
		if k == 0 {
			continue
		}
		b = strconv.AppendInt(append(b, 'M'), int64(4*i+2), 10)
		b = append(b, " 24v-"...)
		b = strconv.AppendInt(b, int64(max(1, k*height/most)), 10)
	}
	quiet := slices.Index(n[:], most)
	return &Chart{
		Path: string(b), Width: 4 * chartHours,
		Label: count(int64(total)) + " in the last 24 hours, at most " + count(int64(most)) + " in one: that of " +
			last.Add(time.Duration(quiet-chartHours+1)*time.Hour).Format("15:04 UTC"),
	}
}
