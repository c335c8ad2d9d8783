package vmpooler

import (
	"context"
	"errors"
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

// queueCmds are the commands under way for one queue of one pool.
type queueCmds struct {
	join    *redis.StringSliceCmd // members, each with its fields
	members *redis.StringSliceCmd // members alone
	card    *redis.IntCmd         // tells a set from a list or a zset, which SORT takes too
	fields  []*redis.SliceCmd     // one a member, in the order of members
}

// joinedFields are read from the hash of each member of a queue.
func joinedFields(q Queue) []string {
	switch q {
	case Pending:
		return []string{FieldClone, FieldCloneTime}
	case Discovered:
		return nil
	default:
		return []string{q.AgeField()}
	}
}

// readQueues fills in the queues of every pool in s, and the sizes that only
// the pools' own hashes know.
func (r *Reader) readQueues(ctx context.Context, s *Snapshot) {
	began := time.Now()
	defer func() { s.Took[PartQueues] = time.Since(began) }()

	m := method(r.method.Load())
	cmds, err := r.askQueues(ctx, s, m)
	for m < byHash && !IsConnectionError(err) && refused(cmds) {
		m++
		cmds, err = r.askQueues(ctx, s, m)
	}
	r.method.Store(int32(m))
	if m == byHash && !IsConnectionError(err) {
		err = r.askHashes(ctx, cmds)
	}
	if IsConnectionError(err) {
		s.Lost = err
	}
	var errs firstErrors
	for i := range s.Pools {
		for _, q := range Queues() {
			state := cmds[i][q].state(q)
			s.Pools[i].Queues[q] = state
			errs.add(keyErr(q.Key(s.Pools[i].Name), state.Err))
		}
	}
	s.Errs[PartQueues] = errs.join()
}

// askQueues sends one pipeline for all queues of all pools.
func (r *Reader) askQueues(ctx context.Context, s *Snapshot, m method) ([][NumQueues]queueCmds, error) {
	pipe := r.client.Pipeline()
	cmds := make([][NumQueues]queueCmds, len(s.Pools))
	sizes := make([]*redis.StringCmd, len(s.Pools))
	for i := range s.Pools {
		pool := s.Pools[i].Name
		if !s.Pools[i].Size.Known {
			sizes[i] = pipe.HGet(ctx, PoolKey(pool), "size")
		}
		for _, q := range Queues() {
			c := &cmds[i][q]
			if m == byHash || q == Discovered {
				c.members = pipe.SMembers(ctx, q.Key(pool))
				continue
			}
			c.card = pipe.SCard(ctx, q.Key(pool))
			if m == bySortRO {
				c.join = pipe.SortRO(ctx, q.Key(pool), sortBy(q))
			} else {
				c.join = pipe.Sort(ctx, q.Key(pool), sortBy(q))
			}
		}
	}
	if pipe.Len() == 0 {
		return cmds, nil
	}
	_, err := pipe.Exec(ctx)
	var errs firstErrors
	errs.add(s.Errs[PartPools])
	for i, c := range sizes {
		if c == nil {
			continue
		}
		errs.add(keyErr(PoolKey(s.Pools[i].Name), c.Err()))
		if n, err := strconv.ParseInt(c.Val(), 10, 64); err == nil {
			s.Pools[i].Size = Known(n)
		}
	}
	s.Errs[PartPools] = errs.join()
	return cmds, err
}

// sortOptions asks SORT for each member and its fields, in no order.
var sortOptions = func() (o [NumQueues]redis.Sort) {
	for _, q := range Queues() {
		o[q] = redis.Sort{By: "nosort", Get: []string{"#"}}
		for _, f := range joinedFields(q) {
			o[q].Get = append(o[q].Get, VMKey("*")+"->"+f)
		}
	}
	return o
}()

func sortBy(q Queue) *redis.Sort { return &sortOptions[q] }

// askHashes reads the fields of every member in one more pipeline.
func (r *Reader) askHashes(ctx context.Context, cmds [][NumQueues]queueCmds) error {
	pipe := r.client.Pipeline()
	for i := range cmds {
		for _, q := range Queues() {
			fields := joinedFields(q)
			c := &cmds[i][q]
			if c.members.Err() != nil || len(fields) == 0 {
				continue
			}
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
func refused(cmds [][NumQueues]queueCmds) bool {
	for i := range cmds {
		for _, c := range cmds[i] {
			if c.join == nil || c.join.Err() == nil {
				continue
			}
			text := c.join.Err().Error()
			if strings.Contains(text, "unknown command") || strings.HasPrefix(text, "NOPERM") ||
				strings.HasPrefix(text, "READONLY") || strings.Contains(text, "insufficient ACL permissions") {
				return true
			}
		}
	}
	return false
}

// state turns the replies for one queue into its members.
func (c *queueCmds) state(q Queue) QueueState {
	width := 1 + len(joinedFields(q))
	if c.join != nil {
		if err := errors.Join(c.card.Err(), c.join.Err()); err != nil {
			return QueueState{Err: firstOf(c.card.Err(), c.join.Err())}
		}
		flat := c.join.Val()
		vms := make([]VM, 0, len(flat)/width)
		for ; len(flat) >= width; flat = flat[width:] {
			vms = append(vms, newVM(flat[:width]))
		}
		return QueueState{VMs: vms}
	}
	if err := c.members.Err(); err != nil {
		return QueueState{Err: err}
	}
	names := c.members.Val()
	vms := make([]VM, len(names))
	row := make([]string, width)
	for i, name := range names {
		row[0] = name
		if len(c.fields) > 0 {
			if err := c.fields[i].Err(); IsConnectionError(err) {
				return QueueState{Err: err}
			}
			// A hash that is of another type counts as one without the field.
			for j := range row[1:] {
				row[1+j] = ""
				if values := c.fields[i].Val(); j < len(values) {
					row[1+j], _ = values[j].(string)
				}
			}
		}
		vms[i] = newVM(row)
	}
	return QueueState{VMs: vms}
}

// newVM makes a VM of its name, its time and, for pending, its clone_time; a
// missing field is empty.
func newVM(row []string) VM {
	vm := VM{Name: row[0]}
	if len(row) > 1 && row[1] != "" {
		if t, err := ParseTime(row[1]); err == nil {
			vm.Since = t
		}
	}
	vm.Cloned = len(row) > 2 && row[2] != ""
	return vm
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// firstErrors keeps the first few errors and counts the rest: 500 broken pools
// are one log line, not 500.
type firstErrors struct {
	errs []error
	more int
}

func (f *firstErrors) add(err error) {
	const most = 3
	switch {
	case err == nil:
	case len(f.errs) < most:
		f.errs = append(f.errs, err)
	default:
		f.more++
	}
}

func (f *firstErrors) join() error {
	if f.more > 0 {
		return errors.Join(append(f.errs, fmt.Errorf("and %d more", f.more))...)
	}
	return errors.Join(f.errs...)
}
