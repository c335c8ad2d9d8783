package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
)

var (
	sortTexts = map[string]string{
		"worst": "worst first", "name": "name", "ready": "fewest ready", "pending": "most pending",
		"stuck": "most stuck", "age": "oldest pending", "running": "most running",
	}
	filterTexts = map[string]string{
		"all": "all", "problems": "with problems", "empty": "empty", "stuck": "with stuck VMs", "held": "not purged",
	}
)

func choices(values []string, texts map[string]string, chosen string) []Choice {
	out := make([]Choice, len(values))
	for i, v := range values {
		out[i] = Choice{v, texts[v], v == chosen}
	}
	return out
}

// shows says whether a pool is one that was asked for.
func (o overviewQuery) shows(p *Pool) bool {
	if o.Pool != "" && !strings.Contains(strings.ToLower(p.Name), strings.ToLower(o.Pool)) {
		return false
	}
	switch o.Filter {
	case "problems":
		return p.Severity != good
	case "empty":
		return p.order.empty
	case "stuck":
		return p.order.stuck > 0
	case "held":
		return p.order.held
	}
	return true
}

// sort puts pools into the order that was asked for, and those that are alike in it
// worst first.
func (o overviewQuery) sort(rows []Pool) {
	worst := func(a, b *poolOrder) int {
		return cmp.Or(
			cmp.Compare(b.reason, a.reason), cmp.Compare(b.rank, a.rank), cmp.Compare(b.stuck, a.stuck),
			first(a.empty, b.empty), first(a.soon, b.soon), cmp.Compare(b.missing, a.missing), cmp.Compare(b.pending, a.pending),
		)
	}
	by := map[string]func(a, b *poolOrder) int{
		"ready":   func(a, b *poolOrder) int { return cmp.Compare(a.ready, b.ready) },
		"pending": func(a, b *poolOrder) int { return cmp.Compare(b.pending, a.pending) },
		"stuck":   func(a, b *poolOrder) int { return cmp.Compare(b.stuck, a.stuck) },
		"age":     func(a, b *poolOrder) int { return cmp.Compare(b.oldest, a.oldest) },
		"running": func(a, b *poolOrder) int { return cmp.Compare(b.running, a.running) },
		"worst":   worst,
	}[o.Sort]
	slices.SortStableFunc(rows, func(a, b Pool) int {
		if by == nil {
			return strings.Compare(a.Name, b.Name)
		}
		return cmp.Or(by(&a.order, &b.order), worst(&a.order, &b.order), strings.Compare(a.Name, b.Name))
	})
}

// reasonRank says how much of a reason of the status a pool is: by a limit of its own,
// or by what it has of the stuck VMs, which are counted over all pools. 0 is none.
func (m *maker) reasonRank(p *Pool) int {
	if m.reasonRanks == nil {
		m.reasonRanks = make(map[string]int)
		for _, k := range m.State.Report.Reasons() {
			rank := 1
			if k.Severity == health.Critical {
				rank = 3
			}
			switch {
			case k.Pool != "":
				m.reasonRanks[k.Pool] = max(m.reasonRanks[k.Pool], rank+1)
			case k.Condition == health.StuckVMs:
				m.stuckRank = rank
			}
		}
	}
	if p.order.stuck == 0 {
		return m.reasonRanks[p.Name]
	}
	return max(m.reasonRanks[p.Name], m.stuckRank)
}

// first orders what is so before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
