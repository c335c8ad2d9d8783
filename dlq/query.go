package dlq

import (
	"container/heap"
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
)

// Page is a part of the dead letters that a Filter chooses.
type Page struct {
	Records []Record // in the filter's order; an unreadable one has an Err

	// NextCursor goes into the Filter for the page after this one; "" where
	// there is none.
	NextCursor string

	// Unreadable is how many members that are no dead letters were met on the
	// way: they are among the Records, or, where the filter asks for a pool, VM,
	// request or error, left out of them.
	Unreadable int

	WrongType []string // queues whose key is no sorted set; nothing of them is here
}

// List reads one page. Entries that come or go between two pages neither make
// others appear twice nor hide them. Memory and Redis's time are those of a
// page, unless the filter makes it look further. An error wraps ErrFilter, or
// is one of Redis's and names the key.
func List(ctx context.Context, client redis.UniversalClient, f Filter) (Page, error) {
	q, err := f.compile()
	if err != nil {
		return Page{}, err
	}
	batch := readBatch
	if !q.byContent() {
		// One more than the page shows whether there is a next one; one is spent on
		// where a batch overlaps the last, and on the cursor's own entry.
		batch = min(q.Limit+3, readBatch)
	}
	var page Page
	best := worstFirst{order: q.Order}
	page.WrongType, err = q.walk(ctx, client, batch, func(m *member) error {
		if len(best.items) > q.Limit && m.score != best.items[0].at.score {
			return errStop // in order of score, so nothing better follows
		}
		at := positionOf(m.queue, m.raw, m.score)
		if q.after != nil && at.compare(*q.after, q.Order) <= 0 {
			return nil
		}
		if len(best.items) > q.Limit && at.compare(best.items[0].at, q.Order) >= 0 {
			return nil
		}
		if q.cannotMatch(m.raw) {
			return nil
		}
		r := m.decode()
		if r.Err != nil && q.byContent() {
			page.Unreadable++
		}
		if !q.matches(&r) {
			return nil
		}
		if len(best.items) > q.Limit {
			heap.Pop(&best)
		}
		heap.Push(&best, placed{at, r})
		return nil
	})
	if err != nil {
		return Page{}, err
	}
	page.take(q, best.items)
	return page, nil
}

// take puts the best, which are one more than a page where there is a next
// one, into p.
func (p *Page) take(q *query, best []placed) {
	slices.SortFunc(best, func(a, b placed) int { return a.at.compare(b.at, q.Order) })
	if len(best) > q.Limit {
		best = best[:q.Limit]
		p.NextCursor = best[len(best)-1].at.cursor(q.Order)
	}
	p.Records = make([]Record, len(best))
	for i := range best {
		p.Records[i] = best[i].record
		p.Records[i].clean()
		if best[i].record.Err != nil {
			p.Unreadable++
		}
	}
}

// placed is a record and its place in the list.
type placed struct {
	at     position
	record Record
}

// worstFirst is a heap whose top is the entry that the list shows last: among
// entries of one second Redis's order is not the list's.
type worstFirst struct {
	order Order
	items []placed
}

func (h *worstFirst) Len() int           { return len(h.items) }
func (h *worstFirst) Less(i, j int) bool { return h.items[i].at.compare(h.items[j].at, h.order) > 0 }
func (h *worstFirst) Swap(i, j int)      { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *worstFirst) Push(x any)         { h.items = append(h.items, x.(placed)) }

func (h *worstFirst) Pop() any {
	last := len(h.items) - 1
	x := h.items[last]
	h.items = h.items[:last]
	return x
}
