package simulator

import (
	"context"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// cloneFailure is a way in which a clone can fail.
type cloneFailure struct {
	class, message string
	atOnce         bool // within a millisecond, before a poll of the queues sees the VM
	leaves         bool // the provider has a VM all the same, which is then discovered
}

// cloneFailures holds a kind as often as its weight; four in ten fail at once.
var cloneFailures = []cloneFailure{
	{class: "RuntimeError", message: "Simulated failure of the provider"},
	{class: "RuntimeError", message: "Simulated failure of the provider"},
	{class: "RuntimeError", message: "Simulated failure of the provider"},
	{class: "RuntimeError", message: "No host in the cluster has the resources for this VM"},
	{class: "StandardError", message: "failed to obtain IP after 300.00 seconds", leaves: true},
	{class: "StandardError", message: "failed to obtain IP after 300.00 seconds", leaves: true},
	{class: "IOError", message: "Cannot open the disk '/vmfs/volumes/a1b2\\x.vmdk' (97% full):\n  no space left on device — host “esx-07”", atOnce: true},
	{class: "Timeout::Error", message: "execution expired", atOnce: true},
	{class: "Timeout::Error", message: "execution expired", atOnce: true},
	{class: "ConnectionPool::TimeoutError", message: "Waited 60 sec", atOnce: true},
}

// templateMissingClass is that of the failure that no retry can help.
const templateMissingClass = "ArgumentError"

// startClone lets a thread of the manager begin a clone for the pool, or for a
// part of a request, that is already counted.
func (s *Simulator) startClone(at time.Time, p *pool, part *requestPart) {
	delay := draw(s.rng, Span{20 * time.Millisecond, 400 * time.Millisecond})
	s.thread(at.Add(delay), func(_ context.Context, at time.Time) error {
		s.beginClone(at, p, part)
		return nil
	})
}

func (s *Simulator) beginClone(at time.Time, p *pool, part *requestPart) {
	name := s.nameFor(p)
	v := &vm{name: name, pool: p, cloneAt: at, sick: s.rng.IntN(len(socketErrors))}
	p.vms[name] = v
	key := vmpooler.VMKey(name)
	s.do("sadd", vmpooler.Pending.Key(p.Name), name)
	s.do("hset", key, vmpooler.FieldClone, vmpooler.FormatTime(at))
	s.do("hset", key, vmpooler.FieldTemplate, p.Name)
	s.do("hset", key, vmpooler.FieldPool, p.Name)
	s.do("hset", key, vmpooler.FieldDomain, s.opts.Domain)
	if part != nil {
		v.request, v.alias = part.request.id, part.alias
		s.do("hset", key, vmpooler.FieldRequestID, v.request)
		s.do("hset", key, vmpooler.FieldPoolAlias, v.alias)
	}
	took := draw(s.rng, s.opts.Durations.Clone)
	fails, neverBoots := s.opts.Rates.CloneFailure, s.opts.Rates.NeverBoots
	if c := p.trouble.spell; c != nil {
		fails, neverBoots = c.CloneFailure, c.NeverBoots
	}
	if p.trouble.broken {
		s.failClone(at.Add(time.Millisecond), v, cloneFailure{
			class: templateMissingClass, message: "Template " + p.template() + " not found",
		})
		return
	}
	if s.chance(fails) {
		kind := cloneFailures[s.rng.IntN(len(cloneFailures))]
		if kind.atOnce {
			took = time.Millisecond
		}
		s.failClone(at.Add(took), v, kind)
		return
	}
	if !s.chance(neverBoots) {
		v.bootsAt = at.Add(took).Add(draw(s.rng, s.opts.Durations.Boot))
	}
	s.thread(at.Add(took), func(_ context.Context, at time.Time) error {
		s.finishClone(at, v)
		return nil
	})
}

// nameFor returns the next name; after a CollideName, one that is live in
// another pool.
func (s *Simulator) nameFor(p *pool) string {
	if p.collide {
		p.collide = false
		for i := 1; i < len(s.pools); i++ {
			other := s.pools[(p.index+i)%len(s.pools)]
			for _, name := range other.members[vmpooler.Ready] {
				if p.vms[name] == nil {
					return name
				}
			}
		}
	}
	return s.names.name()
}

func (s *Simulator) finishClone(at time.Time, v *vm) {
	p, key := v.pool, vmpooler.VMKey(v.name)
	took := seconds(at.Sub(v.cloneAt))
	s.do("hset", vmpooler.CloneTimesKey(day(at)), p.Name+":"+v.name, took)
	s.do("hset", key, vmpooler.FieldCloneTime, took)
	s.do("hset", key, vmpooler.FieldIP, ipAddress(s.rng))
	s.uncount(p, v)
	v.cloned = true
}

// uncount takes a clone that has ended out of the manager's counter.
func (s *Simulator) uncount(p *pool, v *vm) {
	if v.request != "" {
		s.do("decr", vmpooler.KeyTasksOndemandClone)
		p.cloningOndemand--
		return
	}
	s.do("decr", vmpooler.KeyTasksClone)
	p.cloning--
}

// failClone lets a clone fail at a moment to come.
func (s *Simulator) failClone(at time.Time, v *vm, kind cloneFailure) {
	s.thread(at, func(ctx context.Context, at time.Time) error {
		p, key := v.pool, vmpooler.VMKey(v.name)
		s.do("srem", vmpooler.Pending.Key(p.Name), v.name)
		s.do("hset", key, vmpooler.FieldCloneError, kind.message)
		s.do("hset", key, vmpooler.FieldCloneErrorClass, kind.class)
		s.expire(at, key, s.opts.DataTTL)
		s.failed(at, v, "clone", kind.class, kind.message)
		if v.cloned = kind.leaves; !v.cloned {
			delete(p.vms, v.name)
		}
		if v.request == "" {
			s.uncount(p, v)
			return nil
		}
		again, err := s.retryClone(ctx, v, kind.class != templateMissingClass)
		s.uncount(p, v)
		if again != nil {
			s.do(again...) // vmpooler asks for the retry twice, which makes one member
		}
		return err
	})
}

// day is the date, on the manager's host, that the times of a day are kept
// under.
func day(at time.Time) string { return at.Format(time.DateOnly) }
