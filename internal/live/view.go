package live

import (
	"context"
	"time"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// View is a picture of everything. It is immutable; what is nil is not known or not
// there, and an error beside it says why.
type View struct {
	At time.Time // when it was asked for, by this host's clock

	State     *collector.State // never nil, and its Err is
	StateRead time.Time        // when its reading began

	Letters     *dlq.Stats // all dead letters, summed up
	LettersRead time.Time
	LettersErr  error

	Requests      []Request // that wait or are being worked on, the oldest first
	RequestsTotal int       // of which Requests has MostRequests at the most
	RequestsErr   error

	Purge    *purger.Status   // nil while the purge is off
	Lease    *Lease           // nil where this exporter never writes
	Settings *config.Settings // in force
	Hours    map[string]*Hour // each pool's last hour, by name
	Started  time.Time        // when this exporter did
}

// Lease is who writes.
type Lease struct {
	Leads bool
	Owner string       // our own name
	Other lease.Holder // who has it, if that is another and known
}

// View returns a picture whose parts are no older than their periods. The error is
// that of the state, without which there is nothing to be shown; Last then has the
// picture before.
func (c *Cache) View(ctx context.Context) (*View, error) {
	state, read, err := c.State(ctx)
	if err != nil {
		return nil, err
	}
	v := &View{
		At: c.opts.Now(), State: state, StateRead: read,
		Settings: c.opts.Settings(), Hours: c.opts.History.Hours(state.Thresholds), Started: c.opts.Started,
	}
	v.Letters, v.LettersRead, v.LettersErr = c.Stats(ctx, dlq.Filter{})
	requests, _, err := c.requests.get(ctx, "", func(ctx context.Context) (*requestList, error) {
		return readRequests(ctx, c.opts.Reader)
	})
	if v.RequestsErr = err; err == nil {
		v.Requests, v.RequestsTotal = requests.list, requests.total
	}
	if status, on := c.Purge(); on {
		v.Purge = &status
	}
	if c.opts.Lease != nil {
		l := c.opts.Lease()
		v.Lease = &l
	}
	if ctx.Err() == nil { // else parts of it lack for the caller's sake
		c.last.Store(v)
	}
	return v, nil
}

// Last returns the last picture, however old, and how old its state is; nil before
// the first. It reads nothing.
func (c *Cache) Last() (v *View, age time.Duration) {
	if v = c.last.Load(); v != nil {
		age = max(0, c.opts.Now().Sub(v.StateRead))
	}
	return v, age
}
