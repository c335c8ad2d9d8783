// Package demo is a vmpooler to look at: an embedded Redis on a loopback port
// in which a simulated vmpooler lives, with ten minutes of bad and good times
// that repeat.
//
// Nothing flows in but a seed and a clock; an address, thresholds that suit the
// compressed times, and a text that says what will happen flow out. It reaches
// nothing outside its process, and keeps nothing after Close.
package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

// Options configure a Demo. The zero value is right.
type Options struct {
	Addr string           // host:port to listen on; a free loopback port if empty
	Seed uint64           // of the simulation
	Now  func() time.Time // time.Now if nil

	// OnError, if set, is told of every step that failed; the demo goes on. It
	// is called from the demo's own goroutine.
	OnError func(error)
}

// interval is how often the simulation is advanced: short, so that its events
// are written when they happen.
const interval = 200 * time.Millisecond

// Demo is a running one. Its methods may be called from any goroutine.
type Demo struct {
	server *miniredis.Miniredis
	client *redis.Client
	sim    *simulator.Simulator
	opts   Options
	start  time.Time // when the demo began, after its history

	stop func()
	done sync.WaitGroup
}

// Start begins a demo: the history is there when it returns. It runs until
// Close, or until ctx is done. The error names the address where it cannot be
// listened on.
func Start(ctx context.Context, opts Options) (*Demo, error) {
	d, err := prepare(ctx, opts)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	d.stop = cancel
	ticker := time.NewTicker(interval)
	d.done.Go(func() {
		defer ticker.Stop()
		d.run(ctx, ticker.C)
	})
	return d, nil
}

// prepare starts the server and lets the history pass.
func prepare(ctx context.Context, opts Options) (*Demo, error) {
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	d := &Demo{server: miniredis.NewMiniRedis(), opts: opts, start: opts.Now(), stop: func() {}}
	if err := d.server.StartAddr(opts.Addr); err != nil {
		return nil, fmt.Errorf("demo: listen on %s: %w", opts.Addr, err)
	}
	d.client = redis.NewClient(&redis.Options{Addr: d.server.Addr(), DisableIdentity: true, ContextTimeoutEnabled: true})
	began := d.start.Add(-history)
	d.setTime(began)
	d.server.ClockTTL(true) // keys expire as the time that is set goes on
	var err error
	if d.sim, err = simulator.New(d.client, options(began, opts.Seed)); err == nil {
		err = d.live(ctx, began)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("demo: %w", err), d.Close())
	}
	return d, nil
}

// live lets the history pass in steps short enough for TTLs to be true.
func (d *Demo) live(ctx context.Context, at time.Time) error {
	const step = 5 * time.Second
	for ; at.Before(d.start); at = at.Add(step) {
		if err := d.advance(ctx, at); err != nil {
			return err
		}
	}
	return d.advance(ctx, d.opts.Now())
}

// advance brings the server's clock and the simulation to now.
func (d *Demo) advance(ctx context.Context, now time.Time) error {
	d.setTime(now)
	return d.sim.Step(ctx, now)
}

func (d *Demo) setTime(t time.Time) { d.server.SetTime(t) }

func (d *Demo) run(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		if err := d.advance(ctx, d.opts.Now()); err != nil && ctx.Err() == nil && d.opts.OnError != nil {
			d.opts.OnError(err)
		}
	}
}

// Addr returns the address, host:port, at which the demo's Redis answers.
func (d *Demo) Addr() string { return d.server.Addr() }

// Close ends the demo and waits until all of it has ended.
func (d *Demo) Close() error {
	d.stop()
	d.done.Wait()
	err := d.client.Close()
	d.server.Close()
	return err
}
