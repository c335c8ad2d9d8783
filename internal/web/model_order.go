package web

import (
	"cmp"
	"slices"
	"strings"
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

// reasonRank says how much of a reason of the status a pool is all by itself, by its
// numbers' severities: of its pending and ready queues against their limits, and of its
// stuck VMs against that of all pools. 0 is none.
func reasonRank(queues, stuck severity) int {
	rank := map[severity]int{bad: 3, warn: 1}
	if rank[queues] > 0 && rank[queues] >= rank[stuck] {
		return rank[queues] + 1
	}
	return rank[stuck]
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
