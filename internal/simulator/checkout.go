package simulator

import (
	"context"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// lifetimeHours is what vmpooler gives a VM of a user with a token, and what
// without one.
const (
	lifetimeWithToken = 24
	lifetimeWithout   = 12
)

// startTokens writes the tokens that users give later.
func (s *Simulator) startTokens(at time.Time) {
	for _, user := range users {
		s.do("hset", tokenKey(token(user)), "user", user)
		s.do("hset", tokenKey(token(user)), "created", vmpooler.FormatTime(at))
	}
}

// scheduleUsers begins the three streams of what comes from outside.
func (s *Simulator) scheduleUsers(at time.Time) {
	sizes := 0
	for _, p := range s.pools {
		sizes += p.Size
	}
	s.stream(at, s.opts.Rates.Checkouts*float64(sizes), func(ctx context.Context, at time.Time) error {
		n := s.rng.IntN(sizes) // a pool is asked as often as it is large
		for _, p := range s.pools {
			if n -= p.Size; n < 0 {
				return s.checkout(ctx, at, p)
			}
		}
		return nil
	})
	s.stream(at, s.opts.Rates.Requests*float64(len(s.pools)), func(_ context.Context, at time.Time) error {
		s.makeRequest(at, s.pools[s.rng.IntN(len(s.pools))], false)
		return nil
	})
	s.stream(at, s.opts.Rates.Leaks, func(context.Context, time.Time) error {
		s.deleteByHand(s.pools[s.rng.IntN(len(s.pools))])
		return nil
	})
}

// stream makes f happen at random moments, so many an hour.
func (s *Simulator) stream(at time.Time, perHour float64, f func(ctx context.Context, at time.Time) error) {
	if perHour <= 0 {
		return
	}
	s.events.add(at.Add(drawWait(s.rng, perHour)), func(ctx context.Context, at time.Time) error {
		s.stream(at, perHour, f)
		return f(ctx, at)
	})
}

// checkout is a user who takes a ready VM of the pool, if there is one. As in
// vmpooler's API, the answer to the move says whether the user has got it.
func (s *Simulator) checkout(ctx context.Context, at time.Time, p *pool) error {
	user := s.user()
	for len(p.members[vmpooler.Ready]) > 0 {
		name := p.members[vmpooler.Ready][s.rng.IntN(len(p.members[vmpooler.Ready]))]
		p.remove(vmpooler.Ready, name)
		v := p.vms[name]
		if v == nil {
			continue // nobody could log in to it
		}
		if user != "" {
			s.do("hset", tokenKey(token(user)), "last", vmpooler.FormatTime(at))
		}
		moved, err := s.ask(ctx, "smove", vmpooler.Ready.Key(p.Name), vmpooler.Running.Key(p.Name), name)
		if err != nil {
			return err
		}
		if moved == 0 {
			continue // someone was faster
		}
		s.do("sadd", vmpooler.Migrating.Key(p.Name), name)
		s.handOver(at, v, user)
		s.events.add(at.Add(draw(s.rng, s.opts.Durations.Hold)), func(ctx context.Context, _ time.Time) error {
			return s.giveBack(ctx, v)
		})
		return nil
	}
	return nil
}

// user returns who comes, or "" for one without a token.
func (s *Simulator) user() string {
	if !s.chance(s.opts.Rates.Tokens) {
		return ""
	}
	return users[s.rng.IntN(len(users))]
}

// handOver writes that the VM is a user's from now on.
func (s *Simulator) handOver(at time.Time, v *vm, user string) {
	key := vmpooler.VMKey(v.name)
	s.do("hset", vmpooler.ActiveKey(v.pool.Name), v.name, vmpooler.FormatTime(at))
	s.do("hset", key, vmpooler.FieldCheckout, vmpooler.FormatTime(at))
	v.checkoutAt, v.lifetime = at, lifetimeWithout*time.Hour
	if user != "" {
		v.lifetime = lifetimeWithToken * time.Hour
		s.do("hset", key, vmpooler.FieldToken, token(user))
		s.do("hset", key, vmpooler.FieldTokenUser, user)
		s.do("hset", key, vmpooler.FieldLifetime, lifetimeWithToken)
	}
}

// giveBack is a user who is done with a VM.
func (s *Simulator) giveBack(ctx context.Context, v *vm) error {
	p := v.pool
	if p.vms[v.name] != v {
		return nil // destroyed behind the user's back
	}
	removed, err := s.ask(ctx, "srem", vmpooler.Running.Key(p.Name), v.name)
	if err != nil || removed == 0 {
		return err
	}
	s.do("sadd", vmpooler.Completed.Key(p.Name), v.name)
	return nil
}
