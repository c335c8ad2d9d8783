package simulator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Effect is what a Change of a scenario does.
type Effect uint8

// The effects. Those that last end after the change's For; the others happen
// Count times at once.
const (
	// Spell replaces the probabilities of a failed clone and of a VM that never
	// boots by the change's own. It lasts.
	Spell Effect = iota
	// ProviderEmpty makes the provider answer with an empty list of VMs: ready
	// and running VMs of the pool are dropped at once. It lasts.
	ProviderEmpty
	// TemplateBroken makes each clone fail at once, as no template is found. It lasts.
	TemplateBroken
	// Drain sets the pool's size to 0 through vmpooler's API. It lasts.
	Drain
	// Restart kills the manager; a new one starts after the change's For.
	// Clones in progress are never finished. It concerns all pools.
	Restart
	// LoseRequest makes an on-demand request whose hash is written after the
	// manager has looked for it: it stays pending and is in no queue.
	LoseRequest
	// LeakCloneSlot makes the manager count a clone that never begins.
	LeakCloneSlot
	// DeleteByHand removes a pending VM at the provider behind vmpooler's back:
	// at its timeout it leaves the queue and its hash, without a TTL, stays.
	DeleteByHand
	// CollideName gives the pool's next clone the name of a VM of another pool.
	CollideName
	// Rush makes users come for VMs of the pool all at once, as a test run does.
	Rush

	numEffects
)

// Change is one thing that goes wrong, at a set time, in certain pools.
type Change struct {
	At    time.Duration // since the simulation's start
	For   time.Duration // how long an effect that lasts does; 0: for good
	Every time.Duration // period after which it comes again; 0: never
	Pools []string      // names; all pools if empty

	Effect Effect
	Count  int // how often an effect that does not last happens; 1 if 0

	CloneFailure float64 // of a Spell, from 0 to 1
	NeverBoots   float64 // of a Spell, from 0 to 1
}

func (c Change) lasts() bool { return c.Effect <= Restart }

func (c Change) validate(pools map[string]bool) error {
	for _, name := range c.Pools {
		if !pools[name] {
			return fmt.Errorf("no pool %q", name)
		}
	}
	switch {
	case c.Effect >= numEffects:
		return fmt.Errorf("no effect %d", c.Effect)
	case c.At < 0 || c.For < 0 || c.Every < 0:
		return errors.New("a time below 0")
	case c.Every > 0 && c.For >= c.Every:
		return errors.New("comes again before it has ended")
	case c.Effect == Restart && c.For == 0:
		return errors.New("a restart that never ends")
	case c.CloneFailure < 0 || c.CloneFailure > 1 || c.NeverBoots < 0 || c.NeverBoots > 1:
		return errors.New("a probability that is not from 0 to 1")
	}
	return nil
}

// trouble is what goes wrong in a pool at the moment.
type trouble struct {
	spell  *Change
	empty  bool
	broken bool
}

func (s *Simulator) scheduleScenario() {
	for _, c := range s.opts.Scenario {
		s.scheduleChange(s.opts.Start.Add(c.At), c)
	}
}

func (s *Simulator) scheduleChange(at time.Time, c Change) {
	s.events.add(at, func(_ context.Context, at time.Time) error {
		if c.Every > 0 {
			s.scheduleChange(at.Add(c.Every), c)
		}
		if c.lasts() && c.For > 0 {
			s.events.add(at.Add(c.For), func(_ context.Context, at time.Time) error {
				s.change(at, c, false)
				return nil
			})
		}
		s.change(at, c, true)
		return nil
	})
}

// change begins an effect, or ends one that lasts.
func (s *Simulator) change(at time.Time, c Change, on bool) {
	switch c.Effect {
	case Restart:
		if on {
			s.kill()
		} else {
			s.startManager(at)
		}
	case Spell, ProviderEmpty, TemplateBroken, Drain:
		for _, p := range s.pools {
			if len(c.Pools) == 0 || slices.Contains(c.Pools, p.Name) {
				s.changePool(p, c, on)
			}
		}
	default:
		for range max(c.Count, 1) {
			s.once(at, c)
		}
	}
}

func (s *Simulator) changePool(p *pool, c Change, on bool) {
	switch c.Effect {
	case Spell:
		if p.trouble.spell = nil; on {
			p.trouble.spell = &c
		}
	case ProviderEmpty:
		p.trouble.empty = on
	case TemplateBroken:
		p.trouble.broken = on
	default: // Drain
		size := 0
		if !on {
			size = p.Size
		}
		s.do("hset", vmpooler.KeyPoolSizes, p.Name, size)
	}
}

// once does what happens at once, in one of the change's pools.
func (s *Simulator) once(at time.Time, c Change) {
	p := s.pools[s.rng.IntN(len(s.pools))]
	if len(c.Pools) > 0 {
		p = s.pool(c.Pools[s.rng.IntN(len(c.Pools))])
	}
	switch c.Effect {
	case LoseRequest:
		s.makeRequest(at, p, true)
	case LeakCloneSlot:
		s.do("incr", vmpooler.KeyTasksClone)
		s.leakedSlots++
	case DeleteByHand:
		s.deleteByHand(p)
	case Rush:
		s.events.add(at, func(ctx context.Context, at time.Time) error { return s.checkout(ctx, at, p) })
	default: // CollideName
		p.collide = true
	}
}

// deleteByHand lets the provider forget a pending VM of the pool, or of the
// next pool that has one.
func (s *Simulator) deleteByHand(p *pool) {
	for i := range s.pools {
		q := s.pools[(p.index+i)%len(s.pools)]
		for _, name := range q.members[vmpooler.Pending] {
			if v := q.vms[name]; v != nil && v.cloned && v.request == "" && !v.gone {
				v.gone = true
				return
			}
		}
	}
}
