package dlq

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Stats is what the dead letters that a Filter chooses have in common.
type Stats struct {
	Entries    int       // in all, without the unreadable
	Unreadable int       // members that are no dead letters, wherever the filter leaves them in
	First      time.Time // failure; zero if there is none
	Last       time.Time
	Groups     []Group  // by fingerprint, the largest first
	Pools      []Tally  // the largest first
	Queues     []Tally  // the largest first
	Hours      []Hour   // in UTC, the earliest first; hours without a failure are left out
	WrongType  []string // queues whose key is no sorted set; nothing of them is here
}

// Group is the entries whose errors have the same fingerprint.
type Group struct {
	Fingerprint string // see Fingerprint
	Count       int
	Pools       []string // distinct, ascending
	First, Last time.Time
	Example     Record // the newest
}

// Tally is how many entries a pool or a queue has.
type Tally struct {
	Name  string
	Count int
}

// Hour is how many failures an hour had.
type Hour struct {
	Start time.Time
	Count int
}

// Summarize reads every entry that f chooses, whatever its Order, Limit and
// Cursor are, and groups them. Its memory grows with the number of groups, not
// of entries. An error wraps ErrFilter, or is one of Redis's that names the key.
func Summarize(ctx context.Context, client redis.UniversalClient, f Filter) (*Stats, error) {
	f.Order, f.Limit, f.Cursor = Newest, 0, ""
	q, err := f.compile()
	if err != nil {
		return nil, err
	}
	c := counter{
		groups: make(map[string]*group), pools: make(map[string]int),
		queues: make(map[string]int), hours: make(map[int64]int),
	}
	c.WrongType, err = q.walk(ctx, client, readBatch, func(m *member) error {
		if q.cannotMatch(m.raw) {
			return nil
		}
		r := m.decode()
		if q.matches(&r) {
			c.add(&r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.finish()
	return &c.Stats, nil
}

// counter is a Summarize under way.
type counter struct {
	Stats

	groups        map[string]*group
	pools, queues map[string]int
	hours         map[int64]int // by the hour's number since the epoch
	mask          masker
}

type group struct {
	Group

	pools map[string]struct{}
}

func (c *counter) add(r *Record) {
	if r.Err != nil {
		c.Unreadable++
		return
	}
	c.Entries++
	c.pools[r.Pool]++
	c.queues[r.Queue]++
	if !r.FailedAt.IsZero() {
		c.hours[r.FailedAt.Unix()/3600]++
		c.First, c.Last = widen(c.First, c.Last, r.FailedAt)
	}
	key := c.mask.fingerprint(r)
	g := c.groups[string(key)]
	if g == nil {
		g = &group{Group: Group{Fingerprint: string(key), Example: *r}, pools: make(map[string]struct{})}
		c.groups[g.Fingerprint] = g
	}
	g.pools[r.Pool] = struct{}{}
	g.Count++
	if !r.FailedAt.IsZero() {
		g.First, g.Last = widen(g.First, g.Last, r.FailedAt)
	}
	if r.FailedAt.After(g.Example.FailedAt) {
		g.Example = *r
	}
}

func widen(first, last, t time.Time) (time.Time, time.Time) {
	if first.IsZero() || t.Before(first) {
		first = t
	}
	if last.IsZero() || t.After(last) {
		last = t
	}
	return first, last
}

// finish sorts. Only here are the texts cleaned, once a group: that costs far
// more than counting does. Groups that differed in a secret become one.
func (c *counter) finish() {
	merged := make(map[string]*group, len(c.groups))
	for _, g := range c.groups {
		g.Fingerprint = Clean(g.Fingerprint)
		into := merged[g.Fingerprint]
		if into == nil {
			merged[g.Fingerprint] = g
			continue
		}
		into.Count += g.Count
		maps.Copy(into.pools, g.pools)
		for _, t := range []time.Time{g.First, g.Last} {
			if !t.IsZero() {
				into.First, into.Last = widen(into.First, into.Last, t)
			}
		}
		if g.Example.FailedAt.After(into.Example.FailedAt) {
			into.Example = g.Example
		}
	}
	for _, g := range merged {
		g.Pools = slices.Sorted(maps.Keys(g.pools))
		g.Example.clean()
		c.Groups = append(c.Groups, g.Group)
	}
	slices.SortFunc(c.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.Last.Compare(a.Last), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	c.Pools, c.Queues = tallies(c.pools), tallies(c.queues)
	for _, h := range slices.Sorted(maps.Keys(c.hours)) {
		c.Hours = append(c.Hours, Hour{Start: time.Unix(h*3600, 0).UTC(), Count: c.hours[h]})
	}
}

func tallies(counts map[string]int) []Tally {
	list := make([]Tally, 0, len(counts))
	for name, n := range counts {
		list = append(list, Tally{Name: name, Count: n})
	}
	slices.SortFunc(list, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	return list
}
