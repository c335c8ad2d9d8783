package vmpooler

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// membership says in which pools' queues each VM is: a name can be live in two
// pools at once, since vmpooler's random names collide now and then.
type membership struct {
	pools  []string
	listed map[string]struct{} // those of pools that vmpooler__pools or the file names
	poolOf map[string]int32    // VM → index in pools of the first pool that has it
	also   map[string][]int32
}

// has says whether the VM is in any queue of any pool.
func (m *membership) has(vm string) bool {
	_, ok := m.poolOf[vm]
	return ok
}

// in says whether the VM is in a queue of that pool.
func (m *membership) in(vm, pool string) bool {
	i, ok := m.poolOf[vm]
	if !ok {
		return false
	}
	return m.pools[i] == pool || slices.ContainsFunc(m.also[vm], func(j int32) bool { return m.pools[j] == pool })
}

func (m *membership) add(vm string, pool int32) {
	first, ok := m.poolOf[vm]
	switch {
	case !ok:
		m.poolOf[vm] = pool
	case first != pool && !slices.Contains(m.also[vm], pool):
		m.also[vm] = append(m.also[vm], pool)
	}
}

// allMembers is what the six queues of every pool hold.
type allMembers struct {
	now    time.Time
	listed []string // the pools that vmpooler__pools or the file names
	pools  []Pool   // these and those that a sweep found
	queues [][NumQueues]*redis.StringSliceCmd
}

// readAllMembers reads the members of all queues in two round trips. Any queue
// that can't be read is an error: its VMs would seem to be in none.
func (r *Reader) readAllMembers(ctx context.Context) (*allMembers, error) {
	pipe := r.client.Pipeline()
	clock, names := pipe.Time(ctx), pipe.SMembers(ctx, KeyPools)
	local := time.Now()
	if _, err := pipe.Exec(ctx); refusesAll(err) {
		return nil, fmt.Errorf("read the pools: %w", err)
	}
	listed, err := names.Result()
	if err != nil {
		return nil, keyErr(KeyPools, err)
	}
	for _, p := range r.opts.Pools {
		listed = append(listed, p.Name)
	}
	all := &allMembers{now: r.moment(clock, local), listed: listed, pools: r.pools(slices.Clone(listed), poolFacts{})}
	all.queues = make([][NumQueues]*redis.StringSliceCmd, len(all.pools))
	if len(all.pools) == 0 {
		return all, nil
	}
	pipe = r.client.Pipeline()
	for i, p := range all.pools {
		for _, q := range Queues() {
			all.queues[i][q] = pipe.SMembers(ctx, q.Key(p.Name))
		}
	}
	if _, err := pipe.Exec(ctx); refusesAll(err) {
		return nil, fmt.Errorf("read the queues' members: %w", err)
	}
	var errs firstErrors
	for i, p := range all.pools {
		for _, q := range Queues() {
			errs.add(keyErr(q.Key(p.Name), all.queues[i][q].Err()))
		}
	}
	return all, errs.join()
}

// readMembership reads which VMs are in a queue, and of which pools.
func (r *Reader) readMembership(ctx context.Context) (*membership, error) {
	all, err := r.readAllMembers(ctx)
	if err != nil {
		return nil, err
	}
	m := &membership{
		listed: make(map[string]struct{}, len(all.listed)),
		poolOf: make(map[string]int32),
		also:   make(map[string][]int32),
	}
	for _, name := range all.listed {
		m.listed[name] = struct{}{}
	}
	for i, p := range all.pools {
		m.pools = append(m.pools, p.Name)
		for _, q := range Queues() {
			for _, vm := range all.queues[i][q].Val() {
				m.add(vm, int32(i))
			}
		}
	}
	return m, nil
}

// Member is a place of a VM: a queue of a pool.
type Member struct {
	Pool  string
	Queue Queue
}

// Members returns where each VM is, in two round trips: mostly one place, more
// for a VM that is migrating and for two VMs of one name. Any queue that can't
// be read is an error, wrapped: its VMs would seem gone. The time is that of a
// Snapshot: by the Redis server's clock.
func (r *Reader) Members(ctx context.Context) (map[string][]Member, time.Time, error) {
	all, err := r.readAllMembers(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	n := 0
	for i := range all.pools {
		for _, q := range Queues() {
			n += len(all.queues[i][q].Val())
		}
	}
	// One array for the one place that nearly all of them have.
	places, firsts := make(map[string][]Member, n), make([]Member, 0, n)
	for i, p := range all.pools {
		for _, q := range Queues() {
			for _, vm := range all.queues[i][q].Val() {
				at := Member{Pool: p.Name, Queue: q}
				if others, ok := places[vm]; ok {
					places[vm] = append(others, at)
					continue
				}
				firsts = append(firsts, at)
				places[vm] = firsts[len(firsts)-1 : len(firsts) : len(firsts)]
			}
		}
	}
	return places, all.now, nil
}
