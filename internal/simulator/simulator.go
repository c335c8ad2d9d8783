package simulator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Simulator is one simulated vmpooler with its provider and its users. It is
// not safe for concurrent use.
type Simulator struct {
	client redis.UniversalClient
	opts   Options
	rng    *rand.Rand
	names  *namer
	events events
	queued [][]any // commands that wait for the next flush
	now    time.Time

	pools    []*pool
	byName   map[string]*pool
	requests map[string]*request

	// life is the number of the manager that runs, 0 while none does: threads
	// of one that was killed do nothing more.
	life, lives int
	leakedSlots int
}

// New returns a simulator that has written nothing yet. It returns an error
// that names every mistake in opts. The client is not closed by it.
func New(client redis.UniversalClient, opts Options) (*Simulator, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	rng := rand.New(rand.NewPCG(opts.Seed, 0x766d706f6f6c6572)) // any fixed second half does
	s := &Simulator{
		client:   client,
		opts:     opts,
		rng:      rng,
		names:    newNamer(opts.Prefix, rng),
		now:      opts.Start,
		byName:   make(map[string]*pool),
		requests: make(map[string]*request),
	}
	for i, p := range opts.Pools {
		sp := &pool{Pool: p, index: i, vms: make(map[string]*vm)}
		s.pools = append(s.pools, sp)
		s.byName[p.Name] = sp
	}
	s.events.add(opts.Start, func(_ context.Context, at time.Time) error {
		s.startTokens(at)
		s.startManager(at)
		s.scheduleUsers(at)
		return nil
	})
	s.scheduleScenario()
	return s, nil
}

func (s *Simulator) pool(name string) *pool { return s.byName[name] }

// Now returns the moment that the simulation has reached.
func (s *Simulator) Now() time.Time { return s.now }

// LeakedSlots returns how many clone slots the scenario has leaked since the
// manager started.
func (s *Simulator) LeakedSlots() int { return s.leakedSlots }

// ClonesInProgress returns how many clones the manager has begun, or is about
// to begin, for pools and for on-demand requests.
func (s *Simulator) ClonesInProgress() (pools, ondemand int) {
	for _, p := range s.pools {
		pools += p.cloning
		ondemand += p.cloningOndemand
	}
	return pools, ondemand
}

// Step advances the simulation to now: everything that happens until then is
// written, with its own time in it. A moment that is already past writes
// nothing. After an error of Redis the simulation can go on with the next
// Step; what was not written is lost, as it would be for vmpooler.
func (s *Simulator) Step(ctx context.Context, now time.Time) error {
	for {
		e, ok := s.events.next(now)
		if !ok {
			break
		}
		s.now = e.at
		if err := e.run(ctx, e.at); err != nil {
			return err
		}
		if len(s.queued) >= batch {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
	}
	if now.After(s.now) {
		s.now = now
	}
	return s.flush(ctx)
}

// Run advances the simulation at every tick, speed simulated seconds for each
// second between the ticks' times, until ctx is done or ticks is closed; both
// end it without an error. An error of Redis ends it only if fail, given the
// error, returns one; fail may be nil.
func (s *Simulator) Run(ctx context.Context, ticks <-chan time.Time, speed float64, fail func(error) error) error {
	if speed <= 0 {
		return fmt.Errorf("simulator: speed %v", speed)
	}
	var first time.Time
	start := s.now
	for {
		var tick time.Time
		var open bool
		select {
		case <-ctx.Done():
			return nil
		case tick, open = <-ticks:
			if !open {
				return nil
			}
		}
		if first.IsZero() {
			first = tick
		}
		err := s.Step(ctx, start.Add(time.Duration(float64(tick.Sub(first))*speed)))
		switch {
		case err == nil:
		case errors.Is(err, context.Canceled) && ctx.Err() != nil:
			return nil
		case fail == nil:
			return err
		default:
			if err := fail(err); err != nil {
				return err
			}
		}
	}
}

// startManager does what vmpooler's manager does at its start, and begins its
// loops.
func (s *Simulator) startManager(at time.Time) {
	s.lives++
	s.life = s.lives
	s.leakedSlots = 0
	s.do("set", vmpooler.KeyTasksClone, 0)
	s.do("set", vmpooler.KeyTasksOndemandClone, 0)
	s.do("del", vmpooler.KeyMigration)
	for _, p := range s.pools {
		s.do("sadd", vmpooler.KeyPools, p.Name)
		s.do(append([]any{"hmset", vmpooler.PoolKey(p.Name)}, p.config(s.opts.Domain)...)...)
	}
	for _, p := range s.pools {
		s.do("hset", keyTemplatePrepared, p.Name, p.template())
		s.loop(at.Add(s.phase(p)), s.opts.LoopDelay, func(ctx context.Context, at time.Time) error {
			return s.inventory(ctx, at, p)
		})
	}
	s.loop(at.Add(s.ondemandPhase()), s.opts.OndemandDelay, s.ondemandLoop)
}

// kill ends the manager: its threads with their clones and destroys are gone.
func (s *Simulator) kill() {
	s.life = 0
	for _, p := range s.pools {
		p.cloning, p.cloningOndemand = 0, 0
		for _, v := range p.vms {
			v.destroying = false
			v.cloned = true // the provider finishes what it was told to do
		}
	}
}

// loop runs f at a moment and then at every delay, for as long as the present
// manager lives. The next turn is planned first, so that an error of f does not
// end the loop.
func (s *Simulator) loop(at time.Time, delay time.Duration, f func(ctx context.Context, at time.Time) error) {
	s.thread(at, func(ctx context.Context, at time.Time) error {
		s.loop(at.Add(delay), delay, f)
		return f(ctx, at)
	})
}

// thread runs f at a moment, if the present manager still lives then.
func (s *Simulator) thread(at time.Time, f func(ctx context.Context, at time.Time) error) {
	life := s.life
	s.events.add(at, func(ctx context.Context, at time.Time) error {
		if s.life != life {
			return nil
		}
		return f(ctx, at)
	})
}

// phase spreads the pools' loops over the delay between two turns.
func (s *Simulator) phase(p *pool) time.Duration {
	return s.opts.LoopDelay * time.Duration(p.index) / time.Duration(len(s.pools))
}

// ondemandPhase keeps the on-demand loop from falling on the same moments as
// the inventories.
func (s *Simulator) ondemandPhase() time.Duration { return 137 * time.Millisecond }
