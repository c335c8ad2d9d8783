package purger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// place is where a mover left a VM.
type place int

const (
	nowhere place = iota
	inPending
	inReady
	inRunning
	inCompleted
	destroying
	onItsWay // between two commands of one move
	lost     // the purge took it out of pending or completed, or moved it: the mover found out
)

// moved is a VM as its mover knows it.
type movedVM struct {
	name, pool string
	at         place
}

// mover moves VMs through the queues with the commands of vmpooler, of its older
// versions too, as fast as Redis takes them. All that it makes is a few seconds old
// at once, so that the purge wants it.
type mover struct {
	t     *testing.T
	c     *redis.Client
	id    int
	rng   *rand.Rand
	pools []string
	vms   []movedVM
	made  int
	asked []string // requests that wait
	ways  []way    // the moves that are under way, the oldest first
	mine  int      // steps
	steps *atomic.Int64
	races int // how often the purge was faster
}

// way is the rest of a move, which comes some steps later: a busy API, a slow network.
type way struct {
	due  int
	rest func()
}

const wayLasts = 150 // steps

// later lets the rest of a VM's move come later.
func (m *mover) later(v *movedVM, rest func()) {
	v.at = onItsWay
	m.ways = append(m.ways, way{m.mine + wayLasts, rest})
}

// arrive does the rest of the moves whose time has come.
func (m *mover) arrive() {
	for len(m.ways) > 0 && m.ways[0].due <= m.mine {
		m.ways[0].rest()
		m.ways = m.ways[1:]
	}
}

func newMover(t *testing.T, c *redis.Client, id, vms int, pools []string, steps *atomic.Int64) *mover {
	t.Helper()
	return &mover{
		t: t, c: c, id: id, rng: rand.New(rand.NewPCG(7, uint64(id))), pools: pools, vms: make([]movedVM, vms), steps: steps,
	}
}

// run moves until ctx is done, and then ends what it began: no VM stays between two
// queues.
func (m *mover) run(ctx context.Context) {
	for ctx.Err() == nil {
		m.step(&m.vms[m.rng.IntN(len(m.vms))])
		if m.rng.IntN(20) == 0 {
			m.request()
		}
		m.steps.Add(1)
		m.mine++
		m.arrive()
	}
	m.mine += wayLasts
	m.arrive()
}

func (m *mover) do(args ...any) int64 {
	n, err := m.c.Do(context.WithoutCancel(m.t.Context()), args...).Int64()
	if err != nil {
		m.t.Errorf("mover: %v: %v", args, err)
	}
	return n
}

func (m *mover) time(most time.Duration) string {
	return vmpooler.FormatTime(time.Now().Add(-time.Duration(m.rng.Int64N(int64(most)))))
}

// step is the next thing that happens to a VM.
func (m *mover) step(v *movedVM) {
	key := vmpooler.VMKey(v.name)
	switch v.at {
	case nowhere, lost:
		m.clone(v)
	case onItsWay:
	case inPending:
		m.leavePending(v, key)
	case inReady:
		m.leaveReady(v, key)
	case inRunning:
		if m.rng.IntN(2) == 0 { // users keep them for a while
			return
		}
		if m.do("SREM", vmpooler.Running.Key(v.pool), v.name) != 1 {
			m.t.Errorf("%s was taken from its user", v.name)
		}
		m.do("SADD", vmpooler.Completed.Key(v.pool), v.name)
		v.at = inCompleted
	case inCompleted:
		m.do("HSET", key, "destroy", m.time(6*time.Second))
		m.do("EXPIRE", key, 3600)
		v.at = destroying
	case destroying:
		if m.rng.IntN(3) > 0 { // some take long, and are purged
			return
		}
		m.count(m.do("SREM", vmpooler.Completed.Key(v.pool), v.name))
		v.at = nowhere
	}
}

func (m *mover) count(moved int64) bool {
	if moved == 0 {
		m.races++
	}
	return moved == 1
}

// clone begins a new life: mostly under a new name, now and then under the old one
// in another pool.
func (m *mover) clone(v *movedVM) {
	if v.name == "" || m.rng.IntN(4) > 0 {
		m.made++
		v.name = fmt.Sprintf("m%d-%d", m.id, m.made)
	} else {
		m.do("DEL", vmpooler.VMKey(v.name))
	}
	v.pool, v.at = m.pools[m.rng.IntN(len(m.pools))], inPending
	_, err := m.c.TxPipelined(context.WithoutCancel(m.t.Context()), func(pipe redis.Pipeliner) error {
		ctx := context.WithoutCancel(m.t.Context())
		pipe.SAdd(ctx, vmpooler.Pending.Key(v.pool), v.name)
		pipe.HSet(ctx, vmpooler.VMKey(v.name), "clone", m.time(8*time.Second), "template", v.pool, "pool", v.pool)
		return nil
	})
	if err != nil {
		m.t.Error(err)
	}
}

// request makes an on-demand request, or ends one.
func (m *mover) request() {
	if len(m.asked) < 20 || m.rng.IntN(2) == 0 {
		m.made++
		id := fmt.Sprintf("r%d-%d", m.id, m.made)
		m.do("HSET", vmpooler.RequestKey(id), "requested", "m:m-1:1")
		m.do("ZADD", vmpooler.KeyRequestProcessing, time.Now().Unix()-m.rng.Int64N(3), id)
		m.asked = append(m.asked, id)
		return
	}
	i := m.rng.IntN(len(m.asked))
	id := m.asked[i]
	m.asked[i] = m.asked[len(m.asked)-1]
	m.asked = m.asked[:len(m.asked)-1]
	ctx := context.WithoutCancel(m.t.Context())
	if m.c.HGet(ctx, vmpooler.RequestKey(id), "status").Val() == "failed" {
		m.count(0)
		return
	}
	_, err := m.c.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.HSet(ctx, vmpooler.RequestKey(id), "status", "ready")
		pipe.Expire(ctx, vmpooler.RequestKey(id), time.Hour)
		pipe.ZRem(ctx, vmpooler.KeyRequestProcessing, id)
		return nil
	})
	if err != nil {
		m.t.Error(err)
	}
}

func (m *mover) leavePending(v *movedVM, key string) {
	switch m.rng.IntN(12) {
	case 0: // it never answers
		v.at = nowhere
		if m.count(m.do("SMOVE", vmpooler.Pending.Key(v.pool), vmpooler.Completed.Key(v.pool), v.name)) {
			v.at = inCompleted
		}
	case 1: // the provider has it no more: a leak
		m.count(m.do("SREM", vmpooler.Pending.Key(v.pool), v.name))
		v.at, v.name = nowhere, ""
	case 2, 3: // it was made for a request: the user has it, and only then is it moved
		if m.do("SISMEMBER", vmpooler.Pending.Key(v.pool), v.name) == 0 {
			m.count(0)
			v.at = lost
			return
		}
		m.do("HSET", key, "checkout", m.time(time.Second))
		m.later(v, func() {
			if v.at = inRunning; !m.count(m.do("SMOVE", vmpooler.Pending.Key(v.pool), vmpooler.Running.Key(v.pool), v.name)) {
				v.at = lost // between the question and the checkout; the observer knows
			}
		})
	case 4, 5, 6, 7:
		v.at = lost
		if m.count(m.do("SMOVE", vmpooler.Pending.Key(v.pool), vmpooler.Ready.Key(v.pool), v.name)) {
			m.do("HSET", key, "ready", m.time(6*time.Second))
			v.at = inReady
		}
	default: // it stays for a while
	}
}

func (m *mover) leaveReady(v *movedVM, key string) {
	ready, running, completed := vmpooler.Ready.Key(v.pool), vmpooler.Running.Key(v.pool), vmpooler.Completed.Key(v.pool)
	switch m.rng.IntN(12) {
	case 0, 1: // a checkout
		v.at = inCompleted
		if m.count(m.do("SMOVE", ready, running, v.name)) {
			m.do("HSET", key, "checkout", m.time(time.Second))
			v.at = inRunning
		}
	case 2, 3: // a checkout of an older vmpooler: SPOP, whose answer no observer sees
		v.at = inCompleted
		if m.count(m.do("SREM", ready, v.name)) {
			m.later(v, func() {
				m.do("SADD", running, v.name)
				m.do("HSET", key, "checkout", m.time(time.Second))
				v.at = inRunning
			})
		}
	case 4: // it does not answer any more
		m.count(m.do("SMOVE", ready, completed, v.name))
		v.at = inCompleted
	case 5: // the pool was made smaller
		v.at = inCompleted
		if m.count(m.do("SREM", ready, v.name)) {
			m.later(v, func() {
				m.do("SADD", vmpooler.Discovered.Key(v.pool), v.name)
				m.do("SMOVE", vmpooler.Discovered.Key(v.pool), completed, v.name)
				v.at = inCompleted
			})
		}
	default: // nobody wants it for a while
	}
}

// check holds what the mover left against Redis: a user's VM is in running, and a
// ready one is there unless the purge sent it to its end.
func (m *mover) check(ctx context.Context) (users int) {
	for _, v := range m.vms {
		is := func(q vmpooler.Queue) bool { return m.c.SIsMember(ctx, q.Key(v.pool), v.name).Val() }
		switch v.at {
		case inRunning:
			if users++; !is(vmpooler.Running) {
				m.t.Errorf("%s is a user's, and not in running", v.name)
			}
			if m.c.PTTL(ctx, vmpooler.VMKey(v.name)).Val() != -1 {
				m.t.Errorf("%s is a user's, and its hash has a TTL", v.name)
			}
		case inReady:
			if !is(vmpooler.Ready) && !is(vmpooler.Completed) {
				m.t.Errorf("%s was ready, and is in no queue", v.name)
			}
		case nowhere, inPending, inCompleted, destroying, onItsWay, lost:
		}
	}
	return users
}
