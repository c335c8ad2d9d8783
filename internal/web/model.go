package web

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
)

// Page is the overview as it is shown: every number is a text already, so that the
// template has nothing to decide that a test could not see here.
type Page struct {
	Verdict  Verdict
	Tiles    []Tile
	Pools    Pools
	Letters  Letters
	Purge    Purge
	Requests Requests
	Exporter Exporter
}

// severity is how bad something is; it is a CSS class, too.
type severity string

const (
	good severity = "good"
	warn severity = "warn"
	bad  severity = "bad"
	none severity = "none" // not known, or nothing to judge
)

// rank orders severities, the worst highest.
func (s severity) rank() int {
	switch s {
	case bad:
		return 3
	case warn:
		return 2
	case none:
		return 1
	case good:
	}
	return 0
}

func severityOf(s health.Status) severity {
	switch s {
	case health.Healthy:
		return good
	case health.Degraded:
		return warn
	case health.Unhealthy:
	}
	return bad
}

func worse(a, b severity) severity {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Tile is one number that says much.
type Tile struct {
	Name, Value, Note string
	Severity          severity
	Href              string
}

// newPage makes the overview of a picture, for an admin or a reader.
func newPage(p *picture, q overviewQuery, admin bool) *Page {
	m := &maker{picture: p, query: q, admin: admin}
	page := &Page{
		Verdict: m.verdict(), Letters: m.letters(), Purge: m.purge(), Requests: m.requests(), Exporter: m.exporter(),
	}
	if m.known() {
		page.Tiles = m.tiles()
	}
	page.Pools = m.pools()
	page.Letters.Few = page.lettersAreFew()
	return page
}

// lettersAreFew says whether the box of dead letters is shorter than those of the purge
// and of the exporter together, by the lines that they have or so: then the requests
// go below it, else below the purge.
func (p *Page) lettersAreFew() bool {
	const head, fact, group = 3, 1, 3
	letters := head + group*len(p.Letters.Groups)
	if p.Letters.Chart != nil {
		letters += head
	}
	others := 2*head + fact*(len(p.Exporter.Facts)+3)
	if p.Purge.Plan != nil {
		others += 2 * (len(p.Purge.Plan.Rows) + len(p.Purge.Plan.Held))
	}
	return letters <= others
}

// maker is a newPage under way.
type maker struct {
	*picture

	query overviewQuery
	admin bool
}

// known says whether any state of vmpooler's was ever read.
func (m *maker) known() bool { return m.State != nil && m.State.Report != nil }

// redisNow is the moment that times in Redis count to.
func (m *maker) redisNow() time.Time {
	if !m.known() {
		return m.Now
	}
	return m.State.Snapshot.Now.Add(m.Now.Sub(m.StateRead))
}

// observed says whether a condition that the status does not follow holds for a
// pool, or with "" for all of them.
func (m *maker) observed(c health.Condition, pool string) (health.Check, bool) {
	for _, k := range m.State.Observed {
		if k.Condition == c && k.Pool == pool && k.Holds() {
			return k, true
		}
	}
	return health.Check{}, false
}
