package simulator

import (
	"context"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// checkCompleted destroys what is to be destroyed. A VM that the provider does
// not list is dropped at once, with its hash.
func (s *Simulator) checkCompleted(at time.Time, p *pool) {
	for _, name := range slices.Clone(p.members[vmpooler.Completed]) {
		v := p.vms[name]
		switch {
		case v != nil && v.destroying: // its thread holds the VM
		case p.listed(name):
			s.destroy(at, v)
		default:
			s.do("srem", vmpooler.Completed.Key(p.Name), name)
			s.do("hdel", vmpooler.ActiveKey(p.Name), name)
			s.do("del", vmpooler.VMKey(name))
			p.remove(vmpooler.Completed, name)
			if v != nil && v.gone {
				delete(p.vms, name)
			}
		}
	}
}

// destroy stamps the VM and asks the provider for its end. Where that fails,
// the next inventory does all of it once more.
func (s *Simulator) destroy(at time.Time, v *vm) {
	p, key := v.pool, vmpooler.VMKey(v.name)
	s.do("hdel", vmpooler.ActiveKey(p.Name), v.name)
	s.do("hset", key, vmpooler.FieldDestroy, vmpooler.FormatTime(at))
	s.expire(at, key, s.opts.DataTTL)
	v.destroying = true
	fails := s.chance(s.opts.Rates.DestroyFailure)
	s.thread(at.Add(draw(s.rng, s.opts.Durations.Destroy)), func(_ context.Context, _ time.Time) error {
		v.destroying = false
		if fails {
			return nil
		}
		s.do("srem", vmpooler.Completed.Key(p.Name), v.name)
		p.remove(vmpooler.Completed, v.name)
		delete(p.vms, v.name)
		return nil
	})
}

// checkDiscovered sends VMs that were in no queue to their end.
func (s *Simulator) checkDiscovered(p *pool) {
	for _, name := range slices.Clone(p.members[vmpooler.Discovered]) {
		elsewhere := false
		for _, q := range vmpooler.Queues() {
			elsewhere = elsewhere || q != vmpooler.Discovered && p.in(q, name)
		}
		if elsewhere {
			s.do("srem", vmpooler.Discovered.Key(p.Name), name)
			p.remove(vmpooler.Discovered, name)
			continue
		}
		s.move(p, name, vmpooler.Discovered, vmpooler.Completed)
	}
}

// checkMigrating ends what a checkout began.
func (s *Simulator) checkMigrating(p *pool) {
	for _, name := range slices.Clone(p.members[vmpooler.Migrating]) {
		if p.listed(name) {
			s.do("srem", vmpooler.Migrating.Key(p.Name), name)
			p.remove(vmpooler.Migrating, name)
		}
	}
}
