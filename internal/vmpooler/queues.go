package vmpooler

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// method is a way to read a queue's members together with a field of their
// hashes. Each way down is slower and asks less of the server.
type method int32

const (
	// bySortRO joins on the server, read-only: Redis 7.0 and later, for a user
	// who may read all keys.
	bySortRO method = iota
	// bySort is the same command's older name, which Redis counts among the
	// writes: 6.2, and not on a read-only replica.
	bySort
	// byHash reads the members, then their hashes in a second pipeline: any
	// server, any user who may read vmpooler__*.
	byHash
)

// hashFields are read from the hash of each member of a queue: its age's field
// and, for pending, whether the clone is done. Running and migrating have none:
// the pool's active hash holds the same checkout times in one place, which
// costs Redis a fifth of looking at every VM's hash, and keeps VMs of two pools
// apart whose names collide. Discovered has no time at all.
func hashFields(q Queue) []string {
	switch q {
	case Pending:
		return []string{FieldClone, FieldCloneTime}
	case Ready, Completed:
		return []string{q.AgeField()}
	case Running, Migrating, Discovered:
		return nil
	}
	return nil
}

// poolCmds are the commands under way for one pool.
type poolCmds struct {
	size   *redis.StringCmd          // nil where the size is known already
	active *redis.MapStringStringCmd // VM → checkout time
	queues [NumQueues]queueCmds
}

// queueCmds are the commands under way for one queue of one pool: either join
// and card, or members and, where the queue has fields, fields.
type queueCmds struct {
	join    *redis.StringSliceCmd // each member with its fields, "" for a missing one
	card    *redis.IntCmd         // tells a set from a list or a zset, which SORT takes too
	members *redis.StringSliceCmd // the members alone
	fields  []*redis.SliceCmd     // one a member, in the order of members
}

// readQueues fills in the queues of every pool in s, and the sizes that only
// the pools' own hashes know.
func (r *Reader) readQueues(ctx context.Context, s *Snapshot) {
	began := time.Now()
	defer func() { s.Took[PartQueues] = time.Since(began) }()
	if len(s.Pools) == 0 {
		return
	}
	m := method(r.method.Load())
	cmds, err := r.askQueues(ctx, s.Pools, m)
	for m < byHash && !refusesAll(err) && refused(cmds) {
		m++
		cmds, err = r.askQueues(ctx, s.Pools, m)
	}
	r.method.Store(int32(m))
	if m == byHash && !refusesAll(err) {
		err = r.askHashes(ctx, cmds)
	}
	if refusesAll(err) {
		s.lose(fmt.Errorf("read the queues: %w", err))
		return
	}
	s.setQueues(cmds)
}

// lose marks every queue as unread: what came before the connection ended is
// not a moment's state.
func (s *Snapshot) lose(err error) {
	s.Lost = err
	s.Errs[PartQueues] = err
	for i := range s.Pools {
		for q := range s.Pools[i].Queues {
			s.Pools[i].Queues[q] = QueueState{Err: err}
		}
	}
}

// setQueues takes the replies.
func (s *Snapshot) setQueues(cmds []poolCmds) {
	var queueErrs, poolErrs firstErrors
	poolErrs.add(s.Errs[PartPools])
	queueErrs.add(s.Errs[PartQueues])
	for i := range s.Pools {
		p, c := &s.Pools[i], &cmds[i]
		if c.size != nil {
			poolErrs.add(keyErr(PoolKey(p.Name), c.size.Err()))
			if n, err := strconv.ParseInt(c.size.Val(), 10, 64); err == nil {
				p.Size = Known(n)
			}
		}
		queueErrs.add(keyErr(ActiveKey(p.Name), c.active.Err()))
		for _, q := range Queues() {
			p.Queues[q] = c.queues[q].state(q, c.active.Val())
			queueErrs.add(keyErr(q.Key(p.Name), p.Queues[q].Err))
		}
	}
	s.Errs[PartPools] = poolErrs.join()
	s.Errs[PartQueues] = queueErrs.join()
}

// askQueues sends one pipeline for all queues of all pools.
func (r *Reader) askQueues(ctx context.Context, pools []Pool, m method) ([]poolCmds, error) {
	pipe := r.client.Pipeline()
	cmds := make([]poolCmds, len(pools))
	for i := range pools {
		pool, c := pools[i].Name, &cmds[i]
		if !pools[i].Size.Known {
			c.size = pipe.HGet(ctx, PoolKey(pool), "size")
		}
		c.active = pipe.HGetAll(ctx, ActiveKey(pool))
		for _, q := range Queues() {
			c.queues[q].ask(ctx, pipe, q, pool, m)
		}
	}
	_, err := pipe.Exec(ctx)
	return cmds, err
}

func (c *queueCmds) ask(ctx context.Context, pipe redis.Pipeliner, q Queue, pool string, m method) {
	key := q.Key(pool)
	switch {
	case m == byHash || len(hashFields(q)) == 0:
		c.members = pipe.SMembers(ctx, key)
		return
	case m == bySort:
		c.join = pipe.Sort(ctx, key, &sortOptions[q])
	default:
		c.join = pipe.SortRO(ctx, key, &sortOptions[q])
	}
	c.card = pipe.SCard(ctx, key)
}

// sortOptions ask SORT for each member and its fields, in no order.
var sortOptions = func() (options [NumQueues]redis.Sort) {
	for _, q := range Queues() {
		options[q] = redis.Sort{By: "nosort", Get: []string{"#"}}
		for _, f := range hashFields(q) {
			options[q].Get = append(options[q].Get, VMKey("*")+"->"+f)
		}
	}
	return options
}()

// askHashes reads the fields of every member in one more pipeline.
func (r *Reader) askHashes(ctx context.Context, cmds []poolCmds) error {
	pipe := r.client.Pipeline()
	for i := range cmds {
		for _, q := range Queues() {
			fields := hashFields(q)
			if len(fields) == 0 {
				continue
			}
			c := &cmds[i].queues[q]
			for _, vm := range c.members.Val() {
				c.fields = append(c.fields, pipe.HMGet(ctx, VMKey(vm), fields...))
			}
		}
	}
	if pipe.Len() == 0 {
		return nil
	}
	_, err := pipe.Exec(ctx)
	return err
}

// refused says whether the server won't join sets to hashes: it does not know
// the command, or this user may not use it, or not with GET, or not here.
func refused(cmds []poolCmds) bool {
	for i := range cmds {
		for _, c := range cmds[i].queues {
			if c.join == nil {
				continue
			}
			text := errText(c.join.Err())
			if strings.Contains(text, "unknown command") || strings.HasPrefix(text, "NOPERM") ||
				strings.HasPrefix(text, "READONLY") || strings.Contains(text, "insufficient ACL permissions") {
				return true
			}
		}
	}
	return false
}

// state turns the replies for one queue into its members.
func (c *queueCmds) state(q Queue, checkouts map[string]string) QueueState {
	switch {
	case c.join != nil:
		return c.joined(q)
	case q == Running || q == Migrating:
		return c.each(func(_ int, vm *VM) { vm.Since = since(checkouts[vm.Name]) })
	case c.fields != nil:
		return c.each(c.hashed)
	default:
		return c.each(func(int, *VM) {})
	}
}

func (c *queueCmds) joined(q Queue) QueueState {
	if err := firstOf(c.card.Err(), c.join.Err()); err != nil {
		return QueueState{Err: err}
	}
	flat, width := c.join.Val(), 1+len(hashFields(q))
	vms := make([]VM, 0, len(flat)/width)
	for ; len(flat) >= width; flat = flat[width:] {
		vms = append(vms, VM{Name: flat[0], Since: since(flat[1]), Cloned: q == Pending && flat[2] != ""})
	}
	return QueueState{VMs: vms}
}

// hashed fills in what the member's hash says; one of another type counts as
// one without the fields.
func (c *queueCmds) hashed(i int, vm *VM) {
	row := c.fields[i].Val()
	if len(row) > 0 {
		text, _ := row[0].(string)
		vm.Since = since(text)
	}
	vm.Cloned = len(row) > 1 && row[1] != nil
}

// each makes a VM of every member and lets f fill it in.
func (c *queueCmds) each(f func(i int, vm *VM)) QueueState {
	names, err := c.members.Result()
	if err != nil {
		return QueueState{Err: err}
	}
	vms := make([]VM, len(names))
	for i, name := range names {
		vms[i].Name = name
		f(i, &vms[i])
	}
	return QueueState{VMs: vms}
}

// since reads a time, zero where there is none to be read.
func since(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := ParseTime(text)
	if err != nil {
		return time.Time{}
	}
	return t
}
