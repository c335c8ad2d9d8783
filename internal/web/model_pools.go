package web

import (
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// poolsAPage is how many pools one page has: the worst, and as many as keep it under
// 100 KB.
const poolsAPage = 50

// Pools is the list of pools.
type Pools struct {
	Rows    []Pool
	Query   overviewQuery
	Sorts   []Choice
	Filters []Choice
	Summary string // "1–100 of 200 pools", "3 of 200 pools match"
	Nothing string // why there are no rows

	Before, After string // addresses of the pages before and after, "" for none
}

// Choice is one of the values of a parameter.
type Choice struct {
	Value, Text string
	Chosen      bool
}

// Pool is one pool's row.
type Pool struct {
	Name     string
	Href     string // its page; "" for none
	Severity severity
	Tags     []Tag

	Ready, Wanted string
	ReadyBar      Bar
	Pending       string
	PendingBar    Bar
	Running       string
	Completed     string

	PendingAge, ReadyAge Ages
	Spark                *Spark
	Ahead                []AheadText

	order poolOrder
}

// Tag is a word on what is special about a pool.
type Tag struct {
	Text     string
	Severity severity
	Why      string
	Href     string // what tells more; "" for none
}

// Ages are of the VMs in one queue.
type Ages struct {
	Oldest, Average string // "" where there is nothing
	Note            string // how many have none
}

// poolOrder is what pools are sorted by.
type poolOrder struct {
	reason                         int // of the status; see reasonRank
	rank                           int
	ready, pending, running, stuck int64
	oldest, missing                int64
	held, empty, soon              bool
}

func (m *maker) pools() Pools {
	p := Pools{Query: m.query, Sorts: choices(poolSorts, sortTexts, m.query.Sort), Filters: choices(poolsOnly, filterTexts, m.query.Filter)}
	if !m.known() {
		p.Nothing = "Nothing could be read of any pool yet."
		return p
	}
	r := m.State.Report
	rows := make([]Pool, 0, len(r.Pools))
	for i := range r.Pools {
		row := m.pool(&r.Pools[i], &m.State.Snapshot.Pools[i])
		if m.query.shows(&row) {
			rows = append(rows, row)
		}
	}
	m.query.sort(rows)
	p.page(rows, len(r.Pools))
	for i := range p.Rows {
		m.draw(&p.Rows[i])
	}
	return p
}

// page cuts the rows of one page out. A page beyond the last is the last: there were
// more pools when its address was made.
func (p *Pools) page(rows []Pool, all int) {
	pages := max(1, (len(rows)+poolsAPage-1)/poolsAPage)
	n := min(p.Query.Page, pages)
	from := (n - 1) * poolsAPage
	to := min(len(rows), from+poolsAPage)
	p.Rows = rows[from:to]
	if n > 1 {
		p.Before = p.Query.onPage(n - 1).href()
	}
	if n < pages {
		p.After = p.Query.onPage(n + 1).href()
	}
	total := plural(int64(all), "pool")
	switch {
	case all == 0:
		p.Nothing = "There are no pools: is this vmpooler's Redis, and the right database?"
	case len(rows) == 0:
		p.Nothing = "None of " + total + " matches."
	case pages > 1 && len(rows) < all:
		p.Summary = between(from, to) + " of " + count(int64(len(rows))) + " that match, of " + total
	case pages > 1:
		p.Summary = between(from, to) + " of " + total
	case len(rows) < all:
		p.Summary = count(int64(len(rows))) + " of " + total
	default:
		p.Summary = total
	}
}

func between(from, to int) string { return count(int64(from+1)) + "–" + count(int64(to)) }

// pool judges one pool.
func (m *maker) pool(p *health.PoolReport, s *vmpooler.Pool) Pool {
	row := Pool{Name: p.Name, Severity: good, Ready: unknown, Pending: unknown, Running: unknown, Completed: unknown}
	tag := func(sev severity, text, why string) {
		row.Tags = append(row.Tags, Tag{Text: text, Severity: sev, Why: why})
		row.Severity = worse(row.Severity, sev)
	}
	t := m.State.Thresholds
	queues, stuck := good, good // how much of a reason of the status
	if _, ok := m.observed(health.QueueCliff, p.Name); ok {
		tag(bad, "cliff", "it has just lost most of its VMs")
	}
	if q := p.Queues[vmpooler.Pending]; q != nil {
		row.Pending, row.order.pending, row.order.stuck, row.order.oldest = count(q.Size), q.Size, q.Stuck, q.OldestAge
		row.PendingAge = ages(q)
		limit := int64(t.PendingQueueMax)
		sev := beyond(q.Size, limit, 2*limit)
		row.PendingBar = limitBar(q.Size, limit, sev)
		queues = worse(queues, sev)
		if sev != good {
			tag(sev, "pending over "+count(limit), "pending_queue_max, critical above twice that")
		}
		if q.Stuck > 0 {
			stuck = beyond(q.Stuck, int64(t.StuckVMMaxWarning), int64(t.StuckVMMaxCritical))
			tag(worse(warn, stuck), count(q.Stuck)+" stuck", "pending for over "+span(t.StuckVMAge)+": see which")
			row.Tags[len(row.Tags)-1].Href = poolHref(p.Name)
		}
	}
	if s.Size.Known {
		row.Wanted = count(s.Size.Value)
	}
	if q := p.Queues[vmpooler.Ready]; q != nil {
		row.Ready, row.order.ready = count(q.Size), q.Size
		row.ReadyAge = ages(q)
		limit := int64(t.ReadyQueueMax)
		sev := beyond(q.Size, limit, 2*limit)
		queues = worse(queues, sev)
		if sev != good {
			tag(sev, "ready over "+count(limit), "ready_queue_max, critical above twice that")
		}
		if poolEmpty(p, s) {
			row.order.empty = true
			tag(warn, "empty", "no VM is ready")
		}
		if s.Size.Known {
			row.order.missing = max(0, s.Size.Value-q.Size)
		}
		row.ReadyBar = readyBar(q.Size, s.Size, limit, sev)
	}
	if q := p.Queues[vmpooler.Running]; q != nil {
		row.Running, row.order.running = count(q.Size), q.Size
	}
	if q := p.Queues[vmpooler.Completed]; q != nil {
		row.Completed = count(q.Size)
	}
	if _, ok := m.observed(health.PurgeHeld, p.Name); ok {
		row.order.held = true
		tag(warn, "purge held", "see the purge")
		row.Tags[len(row.Tags)-1].Href = purgeHref(1)
	}
	if n := unread(p); n > 0 {
		tag(warn, plural(n, "queue")+" not read", "see what could not be read")
	}
	m.ahead(&row)
	row.order.rank = row.Severity.rank()
	row.order.reason = reasonRank(queues, stuck)
	return row
}

func unread(p *health.PoolReport) (n int64) {
	for _, q := range p.Queues {
		if q == nil {
			n++
		}
	}
	return n
}

func ages(q *health.QueueStats) Ages {
	var a Ages
	if q.Known > 0 {
		a.Oldest, a.Average = seconds(q.OldestAge), seconds(q.AverageAge)
	}
	if q.AgeUnknown > 0 {
		a.Note = count(q.AgeUnknown) + " unknown"
	}
	return a
}

// draw fills in what costs most, of the rows that are shown only.
func (m *maker) draw(row *Pool) {
	row.Href = poolHref(row.Name)
	row.Spark = newSpark(m.Hours[row.Name])
	row.Name = plain(row.Name)
}
