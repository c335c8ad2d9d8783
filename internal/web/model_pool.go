package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// vmsAPage is how many VMs a pool's page lists.
const vmsAPage = 100

// poolQueues are the queues of VMs by their names, the first of which is the default.
var poolQueues = func() (names []string) {
	for _, q := range vmpooler.Queues() {
		names = append(names, q.String())
	}
	return names
}()

// poolQuery says which of a pool's VMs are shown.
type poolQuery struct {
	Queue string
	Page  int
}

func parsePool(raw string) (poolQuery, error) {
	q := newQuery(raw)
	p := poolQuery{Queue: q.oneOf("queue", poolQueues...), Page: q.whole("page", 1, lastPage)}
	return p, q.end()
}

// href is the address of a pool's page with this query.
func (q poolQuery) href(pool string) string {
	v := make(url.Values)
	if q.Queue != poolQueues[0] {
		v.Set("queue", q.Queue)
	}
	if q.Page > 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	if len(v) == 0 {
		return poolHref(pool)
	}
	return poolHref(pool) + "?" + v.Encode()
}

// PoolPage is one pool and the VMs of one of its queues.
type PoolPage struct {
	Pool    Pool
	Facts   []Fact
	Stale   string // why it is not of now
	Read    Moment
	Queues  []QueueChoice
	VMs     []PoolVM
	Shown   string // "1–100 of 141 VMs, the oldest first"
	Nothing string
	Pending bool // that these are VMs in the making

	Before, After string // addresses of the pages before and after, "" for none
}

// QueueChoice is one of a pool's queues.
type QueueChoice struct {
	Name, Count, Href string
	Chosen            bool
}

// PoolVM is one VM in a queue.
type PoolVM struct {
	Name, Href string
	For        string // how long it has been there
	Stuck      bool
	Step       string // of one in the making
}

// poolPage makes the page of a pool; nil if there is none of this name.
func (m *maker) poolPage(name string, q poolQuery) *PoolPage {
	i := slices.IndexFunc(m.State.Snapshot.Pools, func(p vmpooler.Pool) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	snap, report := &m.State.Snapshot.Pools[i], &m.State.Report.Pools[i]
	p := &PoolPage{Pool: m.pool(report, snap), Read: moment(m.StateRead, m.Now, "never"), Pending: q.Queue == vmpooler.Pending.String()}
	m.draw(&p.Pool)
	for i := range p.Pool.Tags {
		if t := &p.Pool.Tags[i]; t.Href == p.Pool.Href { // it is this very page
			t.Href = ""
		}
	}
	if m.Err != nil {
		p.Stale = "Redis does not answer: " + reason(m.Err.Error()) + ". This is how it was " + p.Read.Ago + "."
	}
	p.Facts = m.poolFacts(name)
	for _, queue := range vmpooler.Queues() {
		state := &snap.Queues[queue]
		c := QueueChoice{Name: queue.String(), Count: count(int64(len(state.VMs))), Href: poolQuery{Queue: queue.String()}.href(name) + "#vms", Chosen: queue.String() == q.Queue}
		if state.Err != nil {
			c.Count = unknown
		}
		p.Queues = append(p.Queues, c)
		if c.Chosen {
			m.poolVMs(p, queue, state, q, name)
		}
	}
	return p
}

func (m *maker) poolFacts(name string) (facts []Fact) {
	letters := "not known"
	if m.Letters != nil {
		letters = "none"
		for _, t := range m.Letters.Pools {
			if t.Name == name {
				letters = count(int64(t.Count))
			}
		}
	}
	fact := Fact{Name: "Dead letters", Value: letters}
	if letters != "none" {
		fact.Href = poolLetters(name)
	}
	facts = append(facts, fact)
	if m.Purge != nil && m.Purge.Last != nil {
		for _, h := range m.Purge.Last.Held {
			if h.Pool == name || h.Pool == "" {
				facts = append(facts, Fact{"Purge held", reason(h.Reason), purgeHref(1)})
			}
		}
	}
	return facts
}

// poolVMs lists the VMs of a queue, the oldest first and those of unknown age last.
func (m *maker) poolVMs(p *PoolPage, queue vmpooler.Queue, state *vmpooler.QueueState, q poolQuery, pool string) {
	if state.Err != nil {
		p.Nothing = "They could not be read: " + reason(state.Err.Error())
		return
	}
	if len(state.VMs) == 0 {
		p.Nothing = "None is " + queue.String() + "."
		return
	}
	vms := slices.Clone(state.VMs) // the snapshot is shared
	slices.SortFunc(vms, func(a, b vmpooler.VM) int {
		return cmp.Or(first(!a.Since.IsZero(), !b.Since.IsZero()), a.Since.Compare(b.Since), strings.Compare(a.Name, b.Name))
	})
	pages := (len(vms) + vmsAPage - 1) / vmsAPage
	n := min(q.Page, pages)
	from := (n - 1) * vmsAPage
	to := min(len(vms), from+vmsAPage)
	for _, vm := range vms[from:to] {
		p.VMs = append(p.VMs, m.poolVM(vm, queue))
	}
	p.Shown = plural(int64(len(vms)), "VM")
	if pages > 1 {
		p.Shown = between(from, to) + " of " + p.Shown
	}
	p.Shown += ", the oldest first"
	if n > 1 {
		p.Before = poolQuery{q.Queue, n - 1}.href(pool) + "#vms"
	}
	if n < pages {
		p.After = poolQuery{q.Queue, n + 1}.href(pool) + "#vms"
	}
}

func (m *maker) poolVM(vm vmpooler.VM, queue vmpooler.Queue) PoolVM {
	row := PoolVM{Name: plain(vm.Name), Href: vmHref(vm.Name), For: unknown}
	age, known := vm.Age(m.State.Snapshot.Now)
	if known {
		row.For = seconds(age)
	}
	if queue != vmpooler.Pending {
		return row
	}
	row.Stuck = known && age > int64(m.State.Thresholds.StuckVMAge.Seconds())
	row.Step = "being cloned"
	if vm.Cloned {
		row.Step = "cloned, not ready yet"
	}
	return row
}
