package simulator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func (s *Simulator) host(v *vm) string { return v.name + "." + s.opts.Domain }

// answers notes that a VM could be reached, or why not.
func (s *Simulator) answers(v *vm, ok bool) {
	key := vmpooler.VMKey(v.name)
	if ok {
		s.do("hdel", key, vmpooler.FieldOpenSocketError)
		return
	}
	s.do("hset", key, vmpooler.FieldOpenSocketError, socketError(v.sick, s.host(v)))
}

// checkRunning tags users' VMs, takes back those kept beyond their lifetime,
// and drops those that the provider does not list.
func (s *Simulator) checkRunning(at time.Time, p *pool) {
	for _, name := range slices.Clone(p.members[vmpooler.Running]) {
		if !p.listed(name) {
			s.move(p, name, vmpooler.Running, vmpooler.Completed)
			continue
		}
		v := p.vms[name]
		if v.tagged && at.Sub(v.checkedAt) < s.opts.RunningCheck {
			continue
		}
		v.checkedAt = at
		if !v.tagged {
			v.tagged = true
			s.do("hset", vmpooler.VMKey(name), vmpooler.FieldUserTagged, "true")
		}
		if v.lifetime > 0 && at.Sub(v.checkoutAt) > v.lifetime {
			s.move(p, name, vmpooler.Running, vmpooler.Completed)
			continue
		}
		s.answers(v, true)
	}
}

// checkReady looks whether ready VMs still answer.
func (s *Simulator) checkReady(at time.Time, p *pool) {
	for _, name := range slices.Clone(p.members[vmpooler.Ready]) {
		if !p.listed(name) {
			s.move(p, name, vmpooler.Ready, vmpooler.Completed)
			continue
		}
		v := p.vms[name]
		if at.Sub(v.checkedAt) < s.opts.CheckTime {
			continue
		}
		v.checkedAt = at
		s.do("hset", vmpooler.VMKey(name), vmpooler.FieldCheck, vmpooler.FormatTime(at))
		dead := !v.diesAt.IsZero() && !at.Before(v.diesAt)
		switch {
		case at.Sub(v.readyAt) > p.ReadyTTL:
			s.move(p, name, vmpooler.Ready, vmpooler.Completed)
		case dead:
			s.answers(v, false)
			s.failed(at, v, "ready", "", socketError(v.sick, s.host(v)))
			s.move(p, name, vmpooler.Ready, vmpooler.Completed)
		default:
			s.answers(v, true)
		}
	}
}

// checkPending makes VMs that answer ready, and fails those that did not in
// time.
func (s *Simulator) checkPending(ctx context.Context, at time.Time, p *pool) error {
	for _, name := range slices.Clone(p.members[vmpooler.Pending]) {
		if !p.listed(name) {
			if err := s.dropPending(ctx, at, p, name); err != nil {
				return err
			}
			continue
		}
		v := p.vms[name]
		var err error
		if !v.bootsAt.IsZero() && !at.Before(v.bootsAt) {
			s.answers(v, true)
			err = s.becomeReady(ctx, at, v)
		} else {
			s.answers(v, false)
			err = s.timeOut(ctx, at, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropPending takes a VM that the provider does not list out of the queue once
// its time is over. Nothing else happens: its hash stays, without a TTL.
func (s *Simulator) dropPending(ctx context.Context, at time.Time, p *pool, name string) error {
	var began time.Time
	if v := p.vms[name]; v != nil {
		began = v.cloneAt
	} else { // put there by someone else: its hash may tell
		if err := s.flush(ctx); err != nil {
			return err
		}
		text, _ := s.client.HGet(ctx, vmpooler.VMKey(name), vmpooler.FieldClone).Result()
		t, err := vmpooler.ParseTime(text)
		if err != nil {
			return nil // without a time it stays for ever, in vmpooler too
		}
		began = t
	}
	if at.Sub(began) > p.Timeout {
		s.do("srem", vmpooler.Pending.Key(p.Name), name)
		p.remove(vmpooler.Pending, name)
		if v := p.vms[name]; v != nil && v.gone {
			delete(p.vms, name)
		}
	}
	return nil
}

func (s *Simulator) becomeReady(ctx context.Context, at time.Time, v *vm) error {
	p, name := v.pool, v.name
	if v.request != "" {
		if given, err := s.giveToRequest(ctx, at, v); err != nil || !given {
			return err
		}
	} else {
		s.move(p, name, vmpooler.Pending, vmpooler.Ready)
		if s.chance(s.opts.Rates.ReadyDies) {
			v.diesAt = at.Add(draw(s.rng, Span{0, time.Hour}))
		}
	}
	v.readyAt, v.checkedAt = at, time.Time{}
	s.do("hset", vmpooler.BootTimesKey(day(at)), p.Name+":"+name, seconds(at.Sub(v.cloneAt)))
	s.do("hset", vmpooler.VMKey(name), vmpooler.FieldReady, vmpooler.FormatTime(at))
	s.do("hset", vmpooler.KeyLastBoot, p.Name, vmpooler.FormatTime(at))
	return nil
}

// timeOut fails a VM that the provider has but that does not answer, once its
// time is over.
func (s *Simulator) timeOut(ctx context.Context, at time.Time, v *vm) error {
	p, age := v.pool, at.Sub(v.cloneAt)
	if age > p.Timeout {
		s.failed(at, v, "pending", "Timeout", socketError(v.sick, s.host(v)))
		s.move(p, v.name, vmpooler.Pending, vmpooler.Completed)
		if v.request != "" {
			if err := s.retryTimedOut(ctx, v); err != nil {
				return fmt.Errorf("request %s: %w", v.request, err)
			}
		}
	}
	if p.Notify > 0 && age > p.Notify && !v.notified {
		v.notified = true
		s.do("hset", vmpooler.VMKey(v.name), vmpooler.FieldTimeoutNotified, "1")
	}
	return nil
}
