package inventory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// PollerOptions configure a Poller.
type PollerOptions struct {
	Inventory interface {
		List(ctx context.Context, pools []config.Pool) []Listing
	}
	Pools []config.Pool

	// Queued returns the VMs in all queues of each pool. Without them no listing
	// can be relied on.
	Queued func(ctx context.Context) (map[string][]string, error)

	Interval time.Duration // between two rounds, give or take a tenth; 0 for 5 minutes
	Deadline time.Duration // of a round; 0 for four fifths of the interval
	Logger   log.Logger
	Metrics  *Metrics
	Now      func() time.Time // nil for time.Now
}

// Poller has the pools listed again and again, and keeps what that says.
type Poller struct {
	opts PollerOptions
	view atomic.Pointer[View]

	mu      sync.Mutex // one round at a time
	history *History
	failing map[string]string // pool → the reason that was logged last
}

// NewPoller returns a Poller that has not asked yet. Of all its pools everything is
// Unknown.
func NewPoller(o PollerOptions) *Poller {
	o.Interval = cmp.Or(o.Interval, 5*time.Minute)
	o.Deadline = cmp.Or(o.Deadline, o.Interval*4/5)
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Poller{opts: o, history: NewHistory(), failing: make(map[string]string)}
	v := &View{pools: make(map[string]*poolView, len(o.Pools))}
	for _, pool := range o.Pools {
		v.pools[pool.Name] = &poolView{state: PoolState{Why: "the provider has not been asked yet"}}
	}
	p.view.Store(v)
	return p
}

// View returns what the rounds so far say. It is never nil.
func (p *Poller) View() *View { return p.view.Load() }

// Run begins a round at once and then at every interval, until ctx is done.
func (p *Poller) Run(ctx context.Context) {
	for ctx.Err() == nil {
		p.Round(ctx)
		tenth := float64(p.opts.Interval) / 10
		sleep(ctx, p.opts.Interval+time.Duration((2*rand.Float64()-1)*tenth)) // so that exporters don't all ask at once
	}
}

// Round has every pool listed once, and publishes the View after it. One that is
// cut off because ctx is done publishes nothing.
func (p *Poller) Round(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	within, cancel := context.WithTimeout(ctx, p.opts.Deadline)
	defer cancel()

	// Twice, since VMs are made and destroyed while the providers answer: one is
	// missing only if it was queued before, and a stranger only if it is still
	// not queued afterwards.
	before, err := p.queued(ctx)
	listings := p.list(within, err)
	after, err := p.queued(ctx)
	if ctx.Err() != nil {
		return
	}
	view := p.history.Take(listings, func(pool string) []string { return before[pool] })
	p.opts.Metrics.took(listings)
	var queued map[string]struct{}
	if err == nil {
		queued = set(before, after)
	}
	p.opts.Metrics.show(view, queued)
	p.view.Store(view)
	p.note(view)
}

// queued reads the queues; a panic is an error of its own.
func (p *Poller) queued(ctx context.Context) (vms map[string][]string, err error) {
	defer func() {
		if r := recover(); r != nil {
			vms, err = nil, fmt.Errorf("reading them panicked: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // of its own: a round's time may be up
	defer cancel()
	return p.opts.Queued(ctx)
}

// list returns a listing for every pool, whatever happens. Providers are not asked
// when there is nothing to hold their answers against.
func (p *Poller) list(ctx context.Context, unqueued error) (listings []Listing) {
	defer func() {
		if r := recover(); r != nil {
			listings = p.none(fmt.Errorf("the listing panicked: %v", r))
		}
	}()
	if unqueued != nil {
		return p.none(fmt.Errorf("vmpooler's queues can't be read: %w", unqueued))
	}
	return p.opts.Inventory.List(ctx, p.opts.Pools)
}

func (p *Poller) none(err error) []Listing {
	listings := make([]Listing, len(p.opts.Pools))
	for i, pool := range p.opts.Pools {
		provider := ProviderOf(pool)
		listings[i] = Listing{Pool: pool.Name, Provider: provider, Began: p.opts.Now(), Err: newListError(pool.Name, provider, err)}
	}
	return listings
}

// note logs of each pool why its listing can't be relied on, once, and when it can
// again.
func (p *Poller) note(v *View) {
	states := v.States()
	for _, pool := range slices.Sorted(maps.Keys(states)) {
		why := states[pool].Why
		switch why {
		case p.failing[pool]:
		case "":
			level.Info(p.opts.Logger).Log("msg", "the provider's listing can be relied on again", "pool", pool)
		default:
			level.Warn(p.opts.Logger).Log("msg", "the provider's listing can't be relied on; nothing is purged that needs it", "pool", pool, "err", why)
		}
		if p.failing[pool] = why; why == "" {
			delete(p.failing, pool)
		}
	}
}

func set(queues ...map[string][]string) map[string]struct{} {
	vms := make(map[string]struct{})
	for _, pools := range queues {
		for _, list := range pools {
			for _, vm := range list {
				vms[vm] = struct{}{}
			}
		}
	}
	return vms
}
