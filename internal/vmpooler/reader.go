package vmpooler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// ConfiguredPool is a pool as the configuration file has it.
type ConfiguredPool struct {
	Name string
	Size Number
}

// ReaderOptions tune a Reader. The zero value is right for production.
type ReaderOptions struct {
	// Pools are read besides those that Redis names, even where Redis has
	// nothing of them.
	Pools []ConfiguredPool
	// Now, if set, is the moment that ages count to in place of the Redis
	// server's clock.
	Now func() time.Time
}

// Reader reads Snapshots. It only reads, is safe for concurrent use, and needs
// the same few round trips whatever the number of VMs: one for what has a fixed
// name, one for all queues, and a third where the server can't join a set to
// the hashes of its members (see method).
type Reader struct {
	client redis.UniversalClient
	opts   ReaderOptions
	method atomic.Int32           // how queues are read; only ever goes down until Reprobe
	extra  atomic.Pointer[extras] // what only a sweep can find
}

// extras are names that no fixed key lists, found by a sweep.
type extras struct {
	pools []string // with a queue, but not in vmpooler__pools
	dlqs  []string // dead-letter queues beyond the known three
}

// NewReader returns a Reader on the client, whose ContextTimeoutEnabled must
// be set for deadlines to hold.
func NewReader(client redis.UniversalClient, opts ReaderOptions) *Reader {
	r := &Reader{client: client, opts: opts}
	r.extra.Store(&extras{})
	return r
}

// Reprobe makes the next Read try the fastest method anew: after a reconnect
// the server may be another one.
func (r *Reader) Reprobe() { r.method.Store(int32(bySortRO)) }

// Read takes a Snapshot under ctx' deadline. It returns an error, wrapped, only
// when nothing could be read at all (no connection, no login, loading); what
// fails for one key or one part is in the Snapshot.
func (r *Reader) Read(ctx context.Context) (*Snapshot, error) {
	s := &Snapshot{}
	names, sizes, err := r.readFixed(ctx, s)
	if err != nil {
		return nil, err
	}
	s.Pools = r.pools(names, sizes)
	r.readQueues(ctx, s)
	return s, nil
}

// poolFacts are what fixed keys say of pools.
type poolFacts struct {
	sizes     map[string]string // set at run time
	lastReady map[string]string
}

// readFixed reads every key whose name has no variable part, in one round trip.
func (r *Reader) readFixed(ctx context.Context, s *Snapshot) ([]string, poolFacts, error) {
	pipe := r.client.Pipeline()
	var (
		clock      = pipe.Time(ctx)
		pools      = pipe.SMembers(ctx, KeyPools)
		sizes      = pipe.HGetAll(ctx, KeyPoolSizes)
		lastReady  = pipe.HGetAll(ctx, KeyLastBoot)
		clone      = pipe.Get(ctx, KeyTasksClone)
		ondemand   = pipe.Get(ctx, KeyTasksOndemandClone)
		waiting    = pipe.ZCard(ctx, KeyRequestQueue)
		processing = pipe.ZCard(ctx, KeyRequestProcessing)
		create     = pipe.ZCard(ctx, KeyOndemandCreate)
		oldest     = [...]*redis.ZSliceCmd{
			pipe.ZRangeWithScores(ctx, KeyRequestQueue, 0, 0),
			pipe.ZRangeWithScores(ctx, KeyRequestProcessing, 0, 0),
		}
		known    = DLQQueues()
		dlqNames = r.dlqNames()
		dlqs     = make([]*redis.IntCmd, len(dlqNames))
	)
	for i, q := range dlqNames {
		dlqs[i] = pipe.ZCard(ctx, DLQKey(q))
	}
	before := time.Now()
	cmds, err := pipe.Exec(ctx)
	took := time.Since(before)
	// TIME, the first command, is answered even by a server that answers
	// nothing else.
	if refusesAll(err) || err != nil && !answered(cmds[1:]) {
		return nil, poolFacts{}, fmt.Errorf("read vmpooler's state: %w", err)
	}
	for _, p := range []Part{PartServer, PartPools, PartTasks, PartDLQ, PartOndemand} {
		s.Took[p] = took
	}
	local := before.Add(took / 2)
	s.Now = r.moment(clock, local)
	if err := clock.Err(); err != nil {
		s.Errs[PartServer] = fmt.Errorf("TIME: %w", err)
	} else {
		s.Skew, s.SkewKnown = clock.Val().Sub(local), true
	}
	s.Errs[PartQueues] = keyErr(KeyPools, pools.Err()) // there may be more queues than are known
	s.Errs[PartPools] = errors.Join(keyErr(KeyPools, pools.Err()), keyErr(KeyPoolSizes, sizes.Err()), keyErr(KeyLastBoot, lastReady.Err()))

	s.Tasks.Clone, s.Errs[PartTasks] = counter(clone, KeyTasksClone)
	var err2 error
	s.Tasks.OndemandClone, err2 = counter(ondemand, KeyTasksOndemandClone)
	s.Errs[PartTasks] = errors.Join(s.Errs[PartTasks], err2)

	for i, q := range dlqNames {
		err := dlqs[i].Err()
		if isWrongType(err) && !slices.Contains(known[:], q) {
			continue // such as dlq__tasks, a hash that vmpooler documents
		}
		s.DLQ = append(s.DLQ, DLQ{Queue: q, Size: Number{dlqs[i].Val(), err == nil}})
		s.Errs[PartDLQ] = errors.Join(s.Errs[PartDLQ], keyErr(DLQKey(q), err))
	}
	s.setOndemand(waiting, processing, create, oldest[:])
	return pools.Val(), poolFacts{sizes: sizes.Val(), lastReady: lastReady.Val()}, nil
}

// moment is the injected clock's time, else the server's, else (without the
// permission for TIME) this host's.
func (r *Reader) moment(clock *redis.TimeCmd, local time.Time) time.Time {
	now := local
	if clock.Err() == nil {
		now = clock.Val()
	}
	if r.opts.Now != nil {
		now = r.opts.Now()
	}
	return now.UTC()
}

func (s *Snapshot) setOndemand(waiting, processing, create *redis.IntCmd, oldest []*redis.ZSliceCmd) {
	o := &s.Ondemand
	o.Waiting = Number{waiting.Val(), waiting.Err() == nil}
	o.Processing = Number{processing.Val(), processing.Err() == nil}
	o.CreateTasks = Number{create.Val(), create.Err() == nil}
	o.OldestKnown = true
	for _, c := range oldest {
		if c.Err() != nil {
			o.OldestKnown = false
			continue
		}
		for _, z := range c.Val() {
			if t := time.Unix(int64(z.Score), 0).UTC(); o.OldestRequest.IsZero() || t.Before(o.OldestRequest) {
				o.OldestRequest = t
			}
		}
	}
	s.Errs[PartOndemand] = errors.Join(
		keyErr(KeyRequestQueue, waiting.Err()), keyErr(KeyRequestProcessing, processing.Err()), keyErr(KeyOndemandCreate, create.Err()))
}

// pools lists every pool that the file, vmpooler__pools or a sweep knows.
func (r *Reader) pools(names []string, facts poolFacts) []Pool {
	fileSize := make(map[string]Number, len(r.opts.Pools))
	for _, p := range r.opts.Pools {
		fileSize[p.Name] = p.Size
		names = append(names, p.Name)
	}
	names = append(names, r.extra.Load().pools...)
	slices.Sort(names)
	names = slices.Compact(names)

	pools := make([]Pool, len(names))
	for i, n := range names {
		pools[i] = Pool{Name: n, Size: fileSize[n]}
		if size, err := strconv.ParseInt(facts.sizes[n], 10, 64); err == nil {
			pools[i].Size = Known(size)
		}
		if t, err := ParseTime(facts.lastReady[n]); err == nil {
			pools[i].LastReady = t
		}
	}
	return pools
}

func (r *Reader) dlqNames() []string {
	known := DLQQueues()
	names := append(known[:], r.extra.Load().dlqs...)
	slices.Sort(names)
	return slices.Compact(names)
}

// counter reads a counter that vmpooler keeps as a string; a missing one is 0,
// as it is for vmpooler.
func counter(c *redis.StringCmd, key string) (Number, error) {
	err := c.Err()
	if errors.Is(err, redis.Nil) {
		return Known(0), nil
	}
	if err != nil {
		return Number{}, keyErr(key, err)
	}
	n, err := strconv.ParseInt(c.Val(), 10, 64)
	if err != nil {
		return Number{}, fmt.Errorf("%s: not a whole number", key)
	}
	return Known(n), nil
}

// keyErr names the key that an error is about.
func keyErr(key string, err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}
