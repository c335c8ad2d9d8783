package live

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// The defaults of Options.
const (
	// Period is how old a list, or the state, may be.
	Period = 2 * time.Second
	// SlowPeriod is how old what every dead letter has to be read for may be.
	SlowPeriod = 10 * time.Second
	// Limit is how long a reading may take.
	Limit = 10 * time.Second
	// Readings is how many lists are read at once: half of the client's
	// connections, so that scrapes and the recorder always find one.
	Readings = 2
)

// mostKept bounds the lists that are kept: entries of all of them together, of a
// kilobyte or so each.
const mostKept = 5000

// StateSource reads vmpooler's state; a *collector.Source is one.
type StateSource interface {
	State(ctx context.Context) *collector.State
}

// Options are what a Cache reads from.
type Options struct {
	Source StateSource
	Client redis.UniversalClient
	Reader *vmpooler.Reader

	// Settings returns those in force.
	Settings func() *config.Settings
	// Purge returns what the loop has done; nil while the purge is off.
	Purge func() purger.Status
	// Lease returns who writes; nil where this exporter never does.
	Lease func() Lease
	// History is shown each state that is read; nil for one of the Cache's own.
	History *History
	// Started is when this exporter did.
	Started time.Time

	// Period, SlowPeriod, Limit and Readings are the constants of these names
	// unless they are set, Now is time.Now.
	Period, SlowPeriod, Limit time.Duration
	Readings                  int
	Now                       func() time.Time
}

// Cache reads for any number of clients, each thing at most once a period. It is
// safe for concurrent use; what it returns is shared, and must not be changed. An
// error is Redis's, that of a deadline or a *PanicError, and is given again for a
// moment only: it is never hidden behind an older answer, but Last has that.
type Cache struct {
	opts     Options
	states   memo[*collector.State]
	stats    memo[*dlq.Stats]
	requests memo[*requestList]
	lists    memo[any]
	last     atomic.Pointer[View]
}

// NewCache returns a Cache that has read nothing.
func NewCache(o Options) *Cache {
	o = o.withDefaults()
	c := &Cache{opts: o}
	c.states = memo[*collector.State]{period: o.Period, limit: o.Limit, now: o.Now, most: 1}
	c.requests = memo[*requestList]{period: o.SlowPeriod, limit: o.Limit, now: o.Now, most: 1}
	gate := make(chan struct{}, o.Readings)
	c.stats = memo[*dlq.Stats]{
		period: o.SlowPeriod, limit: o.Limit, now: o.Now, gate: gate, most: mostKept,
		size: func(s *dlq.Stats) int { return 1 + len(s.Groups) + len(s.Pools) + len(s.Hours)/10 },
	}
	c.lists = memo[any]{period: o.Period, limit: o.Limit, now: o.Now, gate: gate, most: mostKept, size: sizeOf}
	return c
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{{&o.Period, Period}, {&o.SlowPeriod, SlowPeriod}, {&o.Limit, Limit}} {
		if *d.to == 0 {
			*d.to = d.is
		}
	}
	if o.Readings == 0 {
		o.Readings = Readings
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.History == nil {
		o.History = NewHistory()
	}
	return o
}

// sizeOf is how much of mostKept an answer takes.
func sizeOf(v any) int {
	switch v := v.(type) {
	case dlq.Page:
		return 1 + len(v.Records)
	case purger.HistoryPage:
		return 1 + len(v.Records)
	}
	return 10
}

// State returns vmpooler's state, whose Err is nil, and when its reading began.
func (c *Cache) State(ctx context.Context) (*collector.State, time.Time, error) {
	return c.states.get(ctx, "", func(ctx context.Context) (*collector.State, error) {
		s := c.opts.Source.State(ctx)
		if s.Err != nil {
			return nil, s.Err
		}
		c.opts.History.Add(s.Snapshot)
		return s, nil
	})
}

// Stats sums up the dead letters that f chooses, and says when that was begun. The
// error may wrap dlq.ErrFilter.
func (c *Cache) Stats(ctx context.Context, f dlq.Filter) (*dlq.Stats, time.Time, error) {
	return c.stats.get(ctx, key("stats", f), func(ctx context.Context) (*dlq.Stats, error) {
		return dlq.Summarize(ctx, c.opts.Client, f)
	})
}

// Letters returns a page of dead letters. The error may wrap dlq.ErrFilter.
func (c *Cache) Letters(ctx context.Context, f dlq.Filter) (dlq.Page, error) {
	return Share(ctx, c, key("letters", f), func(ctx context.Context) (dlq.Page, error) {
		return dlq.List(ctx, c.opts.Client, f)
	})
}

// Letter returns the dead letter of this id. The error may be a *dlq.NotFoundError.
func (c *Cache) Letter(ctx context.Context, id string) (dlq.Record, error) {
	return Share(ctx, c, key("letter", id), func(ctx context.Context) (dlq.Record, error) {
		return dlq.Show(ctx, c.opts.Client, id)
	})
}

// Purged returns a page of what was purged.
func (c *Cache) Purged(ctx context.Context, f purger.HistoryFilter) (purger.HistoryPage, error) {
	return Share(ctx, c, key("purged", f), func(ctx context.Context) (purger.HistoryPage, error) {
		return purger.History(ctx, c.opts.Client, f)
	})
}

// Share makes a reading as the Cache's own are: those who ask for the same key
// within a period share it, and no more than Readings are made at once.
func Share[V any](ctx context.Context, c *Cache, key string, read func(context.Context) (V, error)) (V, error) {
	v, _, err := c.lists.get(ctx, key, func(ctx context.Context) (any, error) { return read(ctx) })
	if err != nil {
		var zero V
		return zero, err
	}
	out, _ := v.(V) // false for a nil of an interface alone
	return out, nil
}

// key names a reading by what is asked for, all of whose fields are exported.
func key(what string, filter any) string {
	text, err := json.Marshal(filter)
	if err != nil { // a year beyond 9999: not JSON's
		text = fmt.Appendf(nil, "%#v", filter)
	}
	return what + " " + string(text)
}

// Settings returns those in force.
func (c *Cache) Settings() *config.Settings { return c.opts.Settings() }

// Purge returns what the loop has done and will do, and false while the purge is
// off.
func (c *Cache) Purge() (purger.Status, bool) {
	if c.opts.Purge == nil {
		return purger.Status{}, false
	}
	return c.opts.Purge(), true
}
