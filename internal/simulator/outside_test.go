package simulator

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// filled returns a simulation whose only pool is full, and the pool's name.
func filled(t *testing.T, c *redis.Client, rates Rates) (*Simulator, string) {
	t.Helper()
	opts := quiet(1)
	opts.Rates = &rates
	s := newSimulator(t, c, opts)
	advance(t, s, 90*time.Second, time.Minute)
	return s, opts.Pools[0].Name
}

func TestAReadyVMThatSomeoneMovedToCompletedIsDestroyed(t *testing.T) {
	c := server.Client(t)
	s, pool := filled(t, c, Rates{})
	name := queues(t, c, pool)[vmpooler.Ready][0]
	if !c.SMove(t.Context(), vmpooler.Ready.Key(pool), vmpooler.Completed.Key(pool), name).Val() {
		t.Fatal("not moved")
	}
	advance(t, s, 2*time.Minute, time.Second)
	qs := queues(t, c, pool)
	if slices.Contains(slices.Concat(qs[:]...), name) || len(qs[vmpooler.Ready]) != 8 {
		t.Errorf("%s is still there, or was not replaced: %v", name, qs)
	}
	if c.HGet(t.Context(), vmpooler.VMKey(name), vmpooler.FieldDestroy).Val() == "" || c.TTL(t.Context(), vmpooler.VMKey(name)).Val() < time.Hour {
		t.Error("it was not destroyed as a VM is")
	}
}

func TestAVMThatSomeoneTookOutOfItsQueueIsDiscoveredAndDestroyed(t *testing.T) {
	for _, q := range []vmpooler.Queue{vmpooler.Pending, vmpooler.Ready, vmpooler.Completed} {
		t.Run(q.String(), func(t *testing.T) {
			c := server.Client(t)
			rates := Rates{}
			if q == vmpooler.Pending {
				rates.NeverBoots = 1
			}
			s, pool := filled(t, c, rates)
			if q == vmpooler.Completed {
				name := queues(t, c, pool)[vmpooler.Ready][0]
				c.SMove(t.Context(), vmpooler.Ready.Key(pool), q.Key(pool), name)
			}
			name := queues(t, c, pool)[q][0]
			c.SRem(t.Context(), q.Key(pool), name)
			rec := &recorder{}
			c.AddHook(rec)
			advance(t, s, 2*time.Minute, time.Second)
			var got []string
			for _, cmd := range rec.commands {
				if about, w := word(cmd); about == name {
					got = append(got, w)
				}
			}
			want := []string{"sadd discovered", "smove discovered>completed", "hdel active", "hset vm destroy time", "expire vm 604800", "srem completed"}
			if !slices.Equal(got, want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAVMThatSomeoneTookCannotBeCheckedOut(t *testing.T) {
	c := server.Client(t)
	s, pool := filled(t, c, Rates{})
	for _, name := range queues(t, c, pool)[vmpooler.Ready] { // between two inventories
		c.SRem(t.Context(), vmpooler.Ready.Key(pool), name)
	}
	if err := s.checkout(t.Context(), s.Now(), s.pool(pool)); err != nil {
		t.Fatal(err)
	}
	if n := c.SCard(t.Context(), vmpooler.Running.Key(pool)).Val(); n != 0 {
		t.Errorf("%d VMs checked out that were not there", n)
	}
}

func TestANameThatTheProviderNeverHadIsDropped(t *testing.T) {
	c := server.Client(t)
	s, pool := filled(t, c, Rates{})
	for _, q := range []vmpooler.Queue{vmpooler.Pending, vmpooler.Ready, vmpooler.Running, vmpooler.Completed} {
		c.SAdd(t.Context(), q.Key(pool), "ghost-"+q.String())
	}
	c.HSet(t.Context(), vmpooler.VMKey("ghost-pending"), vmpooler.FieldClone, vmpooler.FormatTime(s.Now()))
	c.HSet(t.Context(), vmpooler.VMKey("ghost-running"), vmpooler.FieldClone, vmpooler.FormatTime(s.Now()))
	advance(t, s, 3*time.Minute, time.Second)
	qs := queues(t, c, pool)
	for _, name := range slices.Concat(qs[:]...) {
		if name[:5] == "ghost" {
			t.Errorf("%s is still there", name)
		}
	}
	if c.Exists(t.Context(), vmpooler.VMKey("ghost-running")).Val() != 0 {
		t.Error("the hash of a ghost that ran is still there")
	}
}

func TestARequestFromOutsideIsServedAndAFailedOneIsNot(t *testing.T) {
	for status, want := range map[vmpooler.RequestStatus]int{"": 2, vmpooler.RequestFailed: 0} {
		c := server.Client(t)
		s, pool := filled(t, c, Rates{})
		c.HSet(t.Context(), vmpooler.RequestKey("by-hand"), vmpooler.FieldRequested, "debian-12-64:"+pool+":2,odd,a:b:c")
		c.ZAdd(t.Context(), vmpooler.KeyRequestQueue, redis.Z{Score: float64(s.Now().Unix()), Member: "by-hand"})
		advance(t, s, 3*time.Second, time.Second)
		if status != "" { // as a purge does it: the request fails and leaves its queues
			c.HSet(t.Context(), vmpooler.RequestKey("by-hand"), vmpooler.FieldStatus, string(status))
			c.ZRem(t.Context(), vmpooler.KeyRequestProcessing, "by-hand")
		}
		advance(t, s, 2*time.Minute, time.Second)
		if n := c.SCard(t.Context(), vmpooler.RequestVMsKey("by-hand", "debian-12-64", pool)).Val(); int(n) != want {
			t.Errorf("status %q: %d VMs, want %d", status, n, want)
		}
		if got := vmpooler.RequestStatus(c.HGet(t.Context(), vmpooler.RequestKey("by-hand"), vmpooler.FieldStatus).Val()); status == "" && got != vmpooler.RequestReady {
			t.Errorf("its status is %q", got)
		}
	}
}

func TestARedisThatFailsAnswersIsAnErrorAndTheSimulationGoesOn(t *testing.T) {
	c := server.Client(t)
	s, pool := filled(t, c, Rates{})
	c.Del(t.Context(), vmpooler.Ready.Key(pool))
	c.Set(t.Context(), vmpooler.Ready.Key(pool), "no set", 0)
	if err := s.Step(t.Context(), s.Now().Add(10*time.Second)); err == nil {
		t.Error("a queue of another type is no error")
	}
	c.Del(t.Context(), vmpooler.Ready.Key(pool))
	advance(t, s, 3*time.Minute, time.Second)
	if n := len(queues(t, c, pool)[vmpooler.Ready]); n != 8 {
		t.Errorf("%d ready after it was repaired", n)
	}
}
