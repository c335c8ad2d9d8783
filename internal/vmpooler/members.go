package vmpooler

import (
	"context"
	"fmt"
	"slices"

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

// readMembership reads the members of all queues in two round trips. Any queue
// that can't be read is an error: to take its VMs for orphans would be wrong.
func (r *Reader) readMembership(ctx context.Context) (*membership, error) {
	names, err := r.client.SMembers(ctx, KeyPools).Result()
	if err != nil {
		return nil, keyErr(KeyPools, err)
	}
	m := &membership{
		listed: make(map[string]struct{}),
		poolOf: make(map[string]int32),
		also:   make(map[string][]int32),
	}
	for _, name := range names {
		m.listed[name] = struct{}{}
	}
	for _, p := range r.opts.Pools {
		m.listed[p.Name] = struct{}{}
	}
	pools := r.pools(names, poolFacts{})
	pipe := r.client.Pipeline()
	cmds := make([][NumQueues]*redis.StringSliceCmd, len(pools))
	for i, p := range pools {
		for _, q := range Queues() {
			cmds[i][q] = pipe.SMembers(ctx, q.Key(p.Name))
		}
	}
	if pipe.Len() == 0 {
		return m, nil
	}
	if _, err := pipe.Exec(ctx); refusesAll(err) {
		return nil, fmt.Errorf("read the queues' members: %w", err)
	}
	var errs firstErrors
	for i, p := range pools {
		m.pools = append(m.pools, p.Name)
		for _, q := range Queues() {
			errs.add(keyErr(q.Key(p.Name), cmds[i][q].Err()))
			for _, vm := range cmds[i][q].Val() {
				m.add(vm, int32(i))
			}
		}
	}
	return m, errs.join()
}
