package simulator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// State describes a state of vmpooler at one moment, for benchmarks and tests
// that need a size and no history.
type State struct {
	Pools []Pool // DefaultPools if empty

	Pending, Ready, Running, Completed int // VMs, in each pool

	DestroyedHashes int // hashes of destroyed VMs, with a TTL of 1 hour up to DataTTL
	LeakedHashes    int // hashes of VMs in no queue, without a TTL
	DeadLetters     int // in each dead-letter queue, none within a day of leaving

	Now     time.Time     // the moment that ages count to; required
	DataTTL time.Duration // 168 hours if 0
	Seed    uint64
}

// The ages that Populate gives: old enough to be told apart, too young for any
// default of the purge.
const (
	oldestPending = 10 * time.Minute
	oldestReady   = 6 * time.Hour
	oldestRunning = 10 * time.Hour
)

// Populate writes the state into an empty Redis, pipelined and with bounded
// memory. The same State gives the same commands. It returns an error of the
// server's, wrapped, or one that names what is wrong with st.
func Populate(ctx context.Context, client redis.UniversalClient, st State) error {
	if st.Now.IsZero() {
		return errors.New("simulator: populate: no time")
	}
	if len(st.Pools) == 0 {
		st.Pools = DefaultPools()
	}
	orDefault(&st.DataTTL, 168*time.Hour)
	if st.DataTTL < time.Hour {
		return fmt.Errorf("simulator: populate: data TTL %v is below an hour", st.DataTTL)
	}
	opts := Options{Pools: st.Pools, Start: st.Now, Seed: st.Seed}.withDefaults()
	s := &Simulator{client: client, opts: opts}
	rng := rand.New(rand.NewPCG(st.Seed, 0x706f70756c617465))
	w := &populator{st: st, rng: rng, names: newNamer(opts.Prefix, rng), domain: opts.Domain}
	var err error
	w.do = func(args ...any) {
		if err != nil {
			return
		}
		if s.do(args...); len(s.queued) >= batch {
			err = s.flush(ctx)
		}
	}
	w.write(opts.Pools)
	if err != nil {
		return err
	}
	return s.flush(ctx)
}

// populator makes the commands of one State and hands each to do.
type populator struct {
	st     State
	do     func(args ...any)
	rng    *rand.Rand
	names  *namer
	domain string
}

func (w *populator) write(pools []Pool) {
	w.do("set", vmpooler.KeyTasksClone, 0)
	w.do("set", vmpooler.KeyTasksOndemandClone, 0)
	for _, p := range pools {
		w.pool(&pool{Pool: p})
	}
	for i := range w.st.DestroyedHashes {
		w.destroyed(pools[i%len(pools)].Name)
	}
	for i := range w.st.LeakedHashes {
		age := 25*time.Hour + w.age(100*time.Hour) // older than the default of max_orphaned_age
		w.hash(w.names.name(), pools[i%len(pools)].Name, age, 0, vmpooler.Pending)
	}
	w.deadLetters(pools)
}

// age draws one of up to longest.
func (w *populator) age(longest time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(longest)))
}

func (w *populator) ago(age time.Duration) string { return vmpooler.FormatTime(w.st.Now.Add(-age)) }

func (w *populator) pool(p *pool) {
	w.do("sadd", vmpooler.KeyPools, p.Name)
	w.do(append([]any{"hmset", vmpooler.PoolKey(p.Name)}, p.config(w.domain)...)...)
	if w.st.Ready == 0 && p.Size > 0 {
		w.do("set", vmpooler.EmptyKey(p.Name), "true")
	} else {
		w.do("hset", vmpooler.KeyLastBoot, p.Name, w.ago(time.Minute))
	}
	w.queue(p, vmpooler.Pending, w.st.Pending, oldestPending)
	w.queue(p, vmpooler.Ready, w.st.Ready, oldestReady)
	w.queue(p, vmpooler.Running, w.st.Running, oldestRunning)
	w.queue(p, vmpooler.Completed, w.st.Completed, oldestRunning)
}

// queue fills a queue of the pool with n VMs that were cloned up to oldest ago.
func (w *populator) queue(p *pool, q vmpooler.Queue, n int, oldest time.Duration) {
	for range n {
		name := w.names.name()
		w.do("sadd", q.Key(p.Name), name)
		age := time.Minute + w.age(oldest)
		w.hash(name, p.Name, age, age/50, q)
		if q == vmpooler.Running {
			w.do("hset", vmpooler.ActiveKey(p.Name), name, w.ago(age/2))
		}
	}
}

// hash writes the metadata of a VM that was cloned age ago and, if completed,
// whose end began end ago. One command does it: a state has no history.
func (w *populator) hash(name, pool string, age, end time.Duration, q vmpooler.Queue) {
	args := make([]any, 0, 34) // as many as there can be
	args = append(args, "hset", vmpooler.VMKey(name),
		vmpooler.FieldClone, w.ago(age), vmpooler.FieldTemplate, pool, vmpooler.FieldPool, pool,
		vmpooler.FieldDomain, w.domain, vmpooler.FieldCloneTime, "21.40", vmpooler.FieldIP, ipAddress(w.rng))
	if q == vmpooler.Pending {
		w.do(append(args, vmpooler.FieldOpenSocketError, socketError(0, name+"."+w.domain))...)
		return
	}
	life := age - end
	args = append(args, vmpooler.FieldReady, w.ago(end+life*9/10), vmpooler.FieldCheck, w.ago(end+life*6/10))
	if q == vmpooler.Ready {
		w.do(args...)
		return
	}
	user := users[w.rng.IntN(len(users))]
	args = append(args, vmpooler.FieldCheckout, w.ago(end+life/2), vmpooler.FieldToken, token(user),
		vmpooler.FieldTokenUser, user, vmpooler.FieldLifetime, lifetimeWithToken, vmpooler.FieldUserTagged, "true")
	if q == vmpooler.Completed {
		args = append(args, vmpooler.FieldDestroy, w.ago(end))
	}
	w.do(args...)
}

// destroyed writes the hash of a VM that was destroyed at most DataTTL less an
// hour ago, with what is left of its TTL.
func (w *populator) destroyed(pool string) {
	name := w.names.name()
	left := time.Hour + w.age(w.st.DataTTL-time.Hour+1)
	since := w.st.DataTTL - left
	w.hash(name, pool, since+2*time.Hour, since, vmpooler.Completed)
	w.do("expire", vmpooler.VMKey(name), int64(left/time.Second))
}

// deadLetters fills the three queues in vmpooler's own format, oldest first.
func (w *populator) deadLetters(pools []Pool) {
	const span = 144 * time.Hour // all are a day from leaving
	for _, queue := range vmpooler.DLQQueues() {
		for i := range w.st.DeadLetters {
			age := span - span*time.Duration(i)/time.Duration(w.st.DeadLetters)
			at := w.st.Now.Add(-age)
			name := w.names.name()
			member := deadLetter(name, pools[i%len(pools)].Name, queue, at)
			w.do("zadd", vmpooler.DLQKey(queue), at.Unix(), member)
		}
	}
}

// deadLetter returns a member of a dead-letter queue: <vm>:<epoch>:<JSON>.
func deadLetter(name, pool, queue string, at time.Time) string {
	class, message := "Timeout", "Open socket error: execution expired"
	switch queue {
	case "clone":
		class, message = "RuntimeError", "Simulated failure of the provider"
	case "ready":
		class, message = "RuntimeError", "No route to host"
	}
	return name + ":" + strconv.FormatInt(at.Unix(), 10) + `:{"vm":"` + name + `","pool":"` + pool +
		`","queue_from":"` + queue + `","error_class":"` + class + `","error_message":"` + message +
		`","failed_at":"` + at.UTC().Format("2006-01-02T15:04:05-07:00") + `"}`
}
