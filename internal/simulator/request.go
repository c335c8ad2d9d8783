package simulator

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// request is an on-demand request as its user and the manager know it.
type request struct {
	id    string
	user  string // "" without a token
	ours  bool   // made by a user of the simulator's own
	ready bool
	parts []*requestPart
}

// requestPart is what a request wants of one pool.
type requestPart struct {
	request *request
	alias   string
	pool    *pool
	count   int
	vms     []*vm // those given so far
}

func (r *request) part(p *pool, alias string) *requestPart {
	for _, part := range r.parts {
		if part.pool == p && part.alias == alias {
			return part
		}
	}
	return nil
}

func (r *request) complete() bool {
	for _, part := range r.parts {
		if len(part.vms) < part.count {
			return false
		}
	}
	return true
}

// text is the request as its hash's field "requested" holds it.
func (r *request) text() string {
	var items []string
	for _, part := range r.parts {
		items = append(items, part.alias+":"+part.pool.Name+":"+strconv.Itoa(part.count))
	}
	return strings.Join(items, ",")
}

// parseRequest reads that field of a request that came from elsewhere. Parts
// that ask for no pool of ours are left out.
func (s *Simulator) parseRequest(id, text string) *request {
	r := &request{id: id}
	for item := range strings.SplitSeq(text, ",") {
		f := strings.Split(item, ":")
		if len(f) != 3 {
			continue
		}
		count, err := strconv.Atoi(f[2])
		if p := s.pool(f[1]); p != nil && err == nil {
			r.parts = append(r.parts, &requestPart{request: r, alias: f[0], pool: p, count: count})
		}
	}
	return r
}

// makeRequest is a user who asks for VMs on demand, one time in five of two
// pools. vmpooler's API writes the queue before the hash: where the hash comes
// late, the manager finds nothing and the request is lost.
func (s *Simulator) makeRequest(at time.Time, p *pool, late bool) {
	r := &request{id: requestID(s.rng), user: s.user(), ours: true}
	r.parts = append(r.parts, &requestPart{request: r, alias: p.alias(), pool: p, count: 1 + s.rng.IntN(3)})
	if len(s.pools) > 1 && s.chance(0.2) {
		q := s.pools[(p.index+1+s.rng.IntN(len(s.pools)-1))%len(s.pools)]
		r.parts = append(r.parts, &requestPart{request: r, alias: q.alias(), pool: q, count: 1 + s.rng.IntN(2)})
	}
	s.requests[r.id] = r
	if r.user != "" {
		s.do("hset", tokenKey(token(r.user)), "last", vmpooler.FormatTime(at))
	}
	s.do("zadd", vmpooler.KeyRequestQueue, at.Unix(), r.id)
	writeHash := func() {
		key := vmpooler.RequestKey(r.id)
		s.do("hset", key, vmpooler.FieldRequested, r.text())
		if r.user != "" {
			s.do("hset", key, vmpooler.FieldToken, token(r.user))
			s.do("hset", key, vmpooler.FieldTokenUser, r.user)
		}
	}
	if late {
		s.events.add(at.Add(2*time.Second), func(context.Context, time.Time) error {
			writeHash()
			return nil
		})
		return
	}
	writeHash()
	if s.chance(0.05) {
		s.events.add(at.Add(30*time.Second), func(_ context.Context, at time.Time) error {
			s.deleteRequest(at, r) // a user who changed their mind
			return nil
		})
	}
}

// requestReady is what the user does with the VMs: half delete the request
// when they are done, half give the VMs back one by one.
func (s *Simulator) requestReady(at time.Time, r *request) {
	r.ready = true
	if !r.ours {
		return // whoever made it keeps it
	}
	if s.chance(0.5) {
		s.events.add(at.Add(draw(s.rng, s.opts.Durations.Hold)), func(_ context.Context, at time.Time) error {
			s.deleteRequest(at, r)
			return nil
		})
		return
	}
	for _, part := range r.parts {
		for _, v := range part.vms {
			s.events.add(at.Add(draw(s.rng, s.opts.Durations.Hold)), func(ctx context.Context, _ time.Time) error {
				return s.giveBack(ctx, v)
			})
		}
	}
	delete(s.requests, r.id)
}

// keepDeleted is how long a deleted request's hash stays.
const keepDeleted = 15 * 24 * time.Hour

// deleteRequest is a user who deletes a request, ready or not, through the API.
func (s *Simulator) deleteRequest(at time.Time, r *request) {
	key := vmpooler.RequestKey(r.id)
	s.do("hset", key, vmpooler.FieldStatus, string(vmpooler.RequestDeleted))
	for _, part := range r.parts {
		for _, v := range part.vms {
			s.do("smove", vmpooler.Running.Key(part.pool.Name), vmpooler.Completed.Key(part.pool.Name), v.name)
		}
		s.do("del", vmpooler.RequestVMsKey(r.id, part.alias, part.pool.Name))
		part.vms = nil
	}
	s.expire(at, key, keepDeleted)
	if r.ready { // one that is not is still in the manager's queue of those to watch
		delete(s.requests, r.id)
	}
}
