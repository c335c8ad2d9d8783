package simulator

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// keyTemplatePrepared and tokenKey name keys that only the simulator writes in
// this module.
const keyTemplatePrepared = vmpooler.Prefix + "template__prepared"

func tokenKey(token string) string { return vmpooler.Prefix + "token__" + token }

// vm is what the provider and the user know of a VM, and what the manager's
// own writes would read back.
type vm struct {
	name string
	pool *pool

	cloneAt time.Time
	cloned  bool
	bootsAt time.Time // zero: never
	diesAt  time.Time // zero: never
	gone    bool      // the provider has it no more
	sick    int       // which socket error it shows

	readyAt    time.Time
	checkedAt  time.Time
	checkoutAt time.Time
	lifetime   time.Duration
	tagged     bool
	notified   bool
	destroying bool

	request string // id, empty if not on demand
	alias   string
}

// pool is a pool with what its last inventory found.
type pool struct {
	Pool

	index   int
	vms     map[string]*vm // those that the provider has
	members [vmpooler.NumQueues][]string
	trouble trouble
	collide bool

	cloning, cloningOndemand int
}

// config returns the fields that vmpooler writes of a pool, in its order. It
// never writes the alias.
func (p *pool) config(domain string) []any {
	minutes := func(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }
	out := []any{
		"name", p.Name, "template", p.template(), "folder", "Pooled VMs/" + p.Name, "datastore", "vmstorage",
		"size", strconv.Itoa(p.Size), "timeout", minutes(p.Timeout),
	}
	if p.Notify > 0 {
		out = append(out, "timeout_notification", minutes(p.Notify))
	}
	return append(out, "ready_ttl", minutes(p.ReadyTTL), "provider", "dummy", "dns_plugin", "example", "domain", domain)
}

func (p *pool) template() string { return "Templates/" + p.Name }

func (p *pool) in(q vmpooler.Queue, name string) bool { return slices.Contains(p.members[q], name) }

func (p *pool) add(q vmpooler.Queue, name string) { p.members[q] = append(p.members[q], name) }

func (p *pool) remove(q vmpooler.Queue, name string) {
	if i := slices.Index(p.members[q], name); i >= 0 {
		p.members[q] = slices.Delete(p.members[q], i, i+1)
	}
}

// move writes a VM's step from one queue to the next. Like vmpooler it does
// not look at the answer: the next inventory does.
func (s *Simulator) move(p *pool, name string, from, to vmpooler.Queue) {
	s.do("smove", from.Key(p.Name), to.Key(p.Name), name)
	p.remove(from, name)
	p.add(to, name)
}

// facts are what an inventory reads besides the queues.
type facts struct {
	size, tasks int
	empty       bool
}

// inventory is one turn of a pool's loop. Its parts come in vmpooler's order,
// but for the pending VMs: vmpooler checks each in a thread of its own, and
// these are done last.
func (s *Simulator) inventory(ctx context.Context, at time.Time, p *pool) error {
	f, err := s.readPool(ctx, p)
	if err != nil {
		return err
	}
	s.discover(p)
	s.checkRunning(at, p)
	s.checkReady(at, p)
	s.checkCompleted(at, p)
	s.checkDiscovered(p)
	s.checkMigrating(p)
	if err := s.checkPending(ctx, at, p); err != nil {
		return err
	}
	s.repopulate(at, p, f)
	s.removeExcess(p, f)
	return nil
}

func (s *Simulator) readPool(ctx context.Context, p *pool) (facts, error) {
	var sets [vmpooler.NumQueues]*redis.StringSliceCmd
	var empty *redis.IntCmd
	var tasks, size *redis.StringCmd
	err := s.read(ctx, func(pipe redis.Pipeliner) {
		for _, q := range vmpooler.Queues() {
			sets[q] = pipe.SMembers(ctx, q.Key(p.Name))
		}
		empty = pipe.Exists(ctx, vmpooler.EmptyKey(p.Name))
		tasks = pipe.Get(ctx, vmpooler.KeyTasksClone)
		size = pipe.HGet(ctx, vmpooler.KeyPoolSizes, p.Name)
	})
	if err != nil {
		return facts{}, err
	}
	for q, c := range sets {
		p.members[q] = c.Val()
		slices.Sort(p.members[q]) // a set's own order is the server's affair
	}
	f := facts{size: p.Size, empty: empty.Val() > 0}
	f.tasks, _ = strconv.Atoi(tasks.Val()) // no counter, or no number: 0, as for Ruby's to_i
	if n, err := strconv.Atoi(size.Val()); err == nil {
		f.size = n
	}
	return f, nil
}

// listed says whether the provider's list holds the VM at the moment.
func (p *pool) listed(name string) bool {
	v := p.vms[name]
	return v != nil && v.cloned && !v.gone && !p.trouble.empty
}

// discover files VMs that the provider has and no queue does.
func (s *Simulator) discover(p *pool) {
	known := make(map[string]bool)
	for _, members := range p.members {
		for _, name := range members {
			known[name] = true
		}
	}
	var found []string
	for name := range p.vms {
		if p.listed(name) && !known[name] {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	for _, name := range found {
		s.do("sadd", vmpooler.Discovered.Key(p.Name), name)
		p.add(vmpooler.Discovered, name)
	}
}

// repopulate sets the pool's flag of emptiness and begins the clones that it
// lacks, as far as the limit of tasks goes.
func (s *Simulator) repopulate(at time.Time, p *pool, f facts) {
	ready := len(p.members[vmpooler.Ready])
	switch {
	case ready == 0 && f.size > 0 && !f.empty:
		s.do("set", vmpooler.EmptyKey(p.Name), "true")
	case (ready > 0 || f.size == 0) && f.empty:
		s.do("del", vmpooler.EmptyKey(p.Name))
	}
	// Clones that were counted and have not yet begun are in no queue; vmpooler
	// too waits for them before it counts again.
	missing := f.size - ready - len(p.members[vmpooler.Pending]) - p.unborn()
	for range min(missing, s.opts.TaskLimit-f.tasks) {
		s.do("incr", vmpooler.KeyTasksClone)
		p.cloning++
		s.startClone(at, p, nil)
	}
}

// unborn counts clones of the pool that are yet to begin.
func (p *pool) unborn() int {
	n := p.cloning
	for _, v := range p.vms {
		if !v.cloned && v.request == "" && !v.gone {
			n--
		}
	}
	return max(n, 0)
}

// removeExcess takes away what a pool that became smaller has too many; VMs of
// requests come and go with these. As in vmpooler, a ready VM is taken out of
// its queue before it is moved, so that the move finds nothing and the VM is in
// no queue until it is discovered.
func (s *Simulator) removeExcess(p *pool, f facts) {
	ready := p.members[vmpooler.Ready]
	var pending []string
	for _, name := range p.members[vmpooler.Pending] {
		if v := p.vms[name]; v != nil && v.request == "" {
			pending = append(pending, name)
		}
	}
	excess := len(ready) + len(pending) - f.size
	if excess <= 0 {
		return
	}
	for _, name := range slices.Clone(ready[:max(len(ready)-f.size, 0)]) {
		s.do("srem", vmpooler.Ready.Key(p.Name), name)
		s.do("smove", vmpooler.Ready.Key(p.Name), vmpooler.Completed.Key(p.Name), name)
		p.remove(vmpooler.Ready, name)
		excess--
	}
	for _, name := range pending[:min(max(excess, 0), len(pending))] {
		s.move(p, name, vmpooler.Pending, vmpooler.Completed)
	}
}
