package vmpooler_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestSweepTellsLeakedFromExpiring(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.pool("p")
	w.vm(vmpooler.Pending, "p", "alive", "clone", ago(time.Minute))
	w.do("EXPIRE", vmpooler.VMKey("alive"), 1000) // a failed clone of the same name set it: still alive
	w.hash("leaked", "pool", "p", "clone", ago(48*time.Hour))
	w.hash("destroyed", "pool", "p", "destroy", ago(time.Hour))
	w.do("EXPIRE", vmpooler.VMKey("destroyed"), 1000)
	w.hash("tagged", "tag:project", "x") // no pool: vmpooler does not count it
	w.do("SADD", vmpooler.VMKey("not-a-hash"), "x")
	w.do("SET", "vmpooler__token__s3cr3t", "x")
	w.do("HSET", "someone-elses", "pool", "p")
	res := sweep(t, reader(w.c))
	if res.Leaked != 1 || res.Expiring != 1 {
		t.Errorf("leaked %d, expiring %d; want 1 and 1", res.Leaked, res.Expiring)
	}
	if want := int64(8); res.Keys != want { // vmpooler__pools and the pending set too
		t.Errorf("%d keys, want vmpooler's %d", res.Keys, want)
	}
}

func TestAVMIsAliveWhicheverPoolItsHashNames(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.pool("a", "b", "c")
	w.vm(vmpooler.Running, "a", "twice")
	w.vm(vmpooler.Pending, "b", "twice")                     // the later clone overwrote the hash
	w.vm(vmpooler.Ready, "c", "renamed", "pool", "b")        // its pool's other VM is gone already
	w.vm(vmpooler.Running, "c", "checked-out")               // in running and migrating of one pool:
	w.do("SADD", vmpooler.Migrating.Key("c"), "checked-out") // no collision
	w.do("SADD", vmpooler.Pending.Key("a"), "twice without a hash")
	w.do("SADD", vmpooler.Ready.Key("b"), "twice without a hash")
	res := sweep(t, reader(w.c))
	if res.NameCollisions != 3 || res.Leaked != 0 || res.Expiring != 0 {
		t.Errorf("%+v; want the collisions twice, renamed and twice without a hash, and no orphan", res)
	}
}

func TestSweepCountsRequests(t *testing.T) {
	w := writer{t, server.Client(t)}
	request := func(id, status string) {
		w.do("HSET", vmpooler.RequestKey(id), "requested", "alias:pool:1", "status", status, "token:token", "s3cr3t")
	}
	request("waiting", "pending")
	w.do("ZADD", vmpooler.KeyRequestQueue, 1, "waiting")
	request("processing", "pending")
	w.do("ZADD", vmpooler.KeyRequestProcessing, 1, "processing")
	request("cloning", "pending")
	w.do("ZADD", vmpooler.KeyOndemandCreate, 1, "al:ias:pool:1:cloning")
	request("lost", "pending")
	// vmpooler's API writes no status with a new request.
	w.do("HSET", vmpooler.RequestKey("new"), "requested", "alias:pool:1")
	w.do("ZADD", vmpooler.KeyRequestQueue, 1, "new")
	w.do("HSET", vmpooler.RequestKey("new and lost"), "requested", "alias:pool:1")
	w.do("HSET", vmpooler.RequestKey("remains"), "retry_count", "1") // of one that has expired
	request("ready", "ready")
	request("failed", "failed")
	request("deleted", "deleted")
	request("odd", "s3cr3t status")
	w.do("HSET", vmpooler.RequestKey("half-written"), "status", "pending")
	res := sweep(t, reader(w.c))
	want := map[vmpooler.RequestStatus]int64{
		vmpooler.RequestPending: 7, vmpooler.RequestReady: 1, vmpooler.RequestFailed: 1,
		vmpooler.RequestDeleted: 1, vmpooler.RequestOther: 2,
	}
	if d := gocmp.Diff(want, res.Requests); d != "" {
		t.Errorf("by status (-want +got):\n%s", d)
	}
	if res.LostRequests != 2 {
		t.Errorf("%d lost requests, want 2", res.LostRequests)
	}
}

// What is on its way from one queue to another is in none for a moment.
func TestACandidateThatFindsItsQueueIsNotLeaked(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.pool("p")
	w.hash("resized", "pool", "p", "clone", ago(time.Hour))
	w.hash("leaked", "pool", "p", "clone", ago(time.Hour))
	w.hash("destroyed", "pool", "p", "clone", ago(time.Hour))
	w.hash("deleted", "pool", "p", "clone", ago(time.Hour))
	w.do("HSET", vmpooler.RequestKey("moving"), "requested", "alias:p:1", "status", "pending")
	var waited time.Duration
	opts := vmpooler.SweepOptions{
		ConfirmAfter: 2 * time.Second,
		Sleep: func(_ context.Context, d time.Duration) error {
			waited += d
			w.do("SADD", vmpooler.Discovered.Key("p"), "resized")
			w.do("EXPIRE", vmpooler.VMKey("destroyed"), 100)
			w.do("DEL", vmpooler.VMKey("deleted"))
			w.do("ZADD", vmpooler.KeyRequestProcessing, 1, "moving")
			return nil
		},
	}
	res, err := reader(w.c).Sweep(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if res.Leaked != 1 || res.LostRequests != 0 {
		t.Errorf("leaked %d, lost %d; want 1 and 0", res.Leaked, res.LostRequests)
	}
	if waited <= time.Second || waited > 2*time.Second {
		t.Errorf("it waited %v before the second look", waited)
	}
}

func TestASweepKeepsToItsShareOfRedisTime(t *testing.T) {
	c := server.Client(t)
	manyHashes(t, c, 5000, "pool", "p")
	run := func(share float64, pause time.Duration) (pauses int, least, idle, busy time.Duration) {
		least = time.Hour
		began := time.Now()
		_, err := reader(c).Sweep(t.Context(), vmpooler.SweepOptions{
			MaxShare: share, Pause: pause,
			Sleep: func(_ context.Context, d time.Duration) error {
				pauses++
				least = min(least, d)
				idle += d
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return pauses, least, idle, time.Since(began)
	}
	// busy holds more than the batches, such as reading the queues: the pauses
	// are at most 99 times as long, and not much less.
	n, _, idle, busy := run(0.01, 0)
	if n < 5 || idle > 99*busy || idle < 20*busy {
		t.Errorf("a share of 1 %%: %d pauses, busy for %v, idle for %v", n, busy, idle)
	}
	if n, least, _, _ := run(0.5, time.Hour-1); n < 5 || least < time.Hour-1 {
		t.Errorf("%d pauses of at least %v, where %v were asked for", n, least, time.Hour-1)
	}
	if n, _, _, _ := run(1, 0); n != 0 {
		t.Errorf("an unthrottled sweep rested %d times", n)
	}
}

func TestASweepStopsWhenItsContextIsDone(t *testing.T) {
	c := server.Client(t)
	manyHashes(t, c, 3000, "pool", "p")
	ctx, cancel := context.WithCancel(t.Context())
	opts := vmpooler.SweepOptions{
		Pause: time.Hour,
		Sleep: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() },
	}
	if _, err := reader(c).Sweep(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("Sweep = %v", err)
	}
}

func TestASweepThatCannotReadAQueueIsAnError(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.pool("p")
	w.do("SET", vmpooler.Ready.Key("p"), "x")
	if res, err := reader(w.c).Sweep(t.Context(), vmpooler.SweepOptions{}); err == nil || !strings.Contains(err.Error(), vmpooler.Ready.Key("p")) {
		t.Errorf("Sweep = %+v, %v: its ready VMs would count as orphans", res, err)
	}
}

func TestManyLeakedHashesAreCountedInBoundedMemory(t *testing.T) {
	c := server.Client(t)
	const n = 25_000 // more than two rounds of candidates
	manyHashes(t, c, n, "pool", "p")
	if res := sweep(t, reader(c)); res.Leaked != n {
		t.Errorf("leaked %d, want %d", res.Leaked, n)
	}
}

func TestTheMemoryOfASweepDoesNotGrowWithTheKeys(t *testing.T) {
	peak := func(n int) uint64 {
		c := server.Client(t)
		manyHashes(t, c, n, "pool", "p", "destroy", "x")
		r := reader(c)
		runtime.GC()
		var before, during runtime.MemStats
		runtime.ReadMemStats(&before)
		var most uint64
		_, err := r.Sweep(t.Context(), vmpooler.SweepOptions{Progress: func(keys int64) {
			if keys%10_000 < 1000 {
				runtime.GC()
				runtime.ReadMemStats(&during)
				most = max(most, during.HeapAlloc-min(before.HeapAlloc, during.HeapAlloc))
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return most
	}
	small, large := peak(20_000), peak(80_000)
	if large > 2*small+1<<20 {
		t.Errorf("%d KiB for 20,000 hashes, %d KiB for 80,000", small>>10, large>>10)
	}
}

// manyHashes writes n hashes of VMs in no queue; with a destroy field they
// get a TTL, as vmpooler gives them.
func manyHashes(tb testing.TB, c *redis.Client, n int, fields ...any) {
	tb.Helper()
	for i := 0; i < n; {
		pipe := c.Pipeline()
		for range min(n-i, 1000) {
			key := vmpooler.VMKey(fmt.Sprint("vm-", i))
			pipe.HSet(tb.Context(), key, fields...)
			if len(fields) > 2 {
				pipe.Expire(tb.Context(), key, time.Hour)
			}
			i++
		}
		if _, err := pipe.Exec(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
}

// A healthy run leaks nothing, though vmpooler itself counts hundreds of
// orphans, and at no moment of it may a VM on its way count as leaked.
func TestNothingIsLeakedThroughoutTheRecordedRun(t *testing.T) {
	c := server.Client(t)
	tr := testredis.Capture()
	from := -1.0
	for at := 5.0; at <= 480; at += 5 {
		if err := testredis.Apply(t.Context(), c, tr.Between(from, at), 0); err != nil {
			t.Fatal(err)
		}
		from = at
		res := sweep(t, vmpooler.NewReader(c, vmpooler.ReaderOptions{}))
		if res.Leaked != 0 || res.LostRequests != 0 {
			t.Fatalf("at %v s: leaked %d, lost %d", at, res.Leaked, res.LostRequests)
		}
	}
}

func TestTheHardRunsLeaksAndCollisionsAreSeen(t *testing.T) {
	c := server.Client(t)
	tr := testredis.CaptureHard()
	from, collisions := -1.0, int64(0)
	for at := 10.0; at <= 440; at += 10 {
		if err := testredis.Apply(t.Context(), c, tr.Between(from, at), 0); err != nil {
			t.Fatal(err)
		}
		from = at
		collisions = max(collisions, sweep(t, reader(c)).NameCollisions)
	}
	if collisions == 0 {
		t.Error("names were live in two pools, and no sweep saw it")
	}
	// Deleted by hand at the provider while pending: dropped at the timeout
	// without a TTL on the hash.
	leaked := sweep(t, reader(c)).Leaked
	if want := leakedBySets(t, c); leaked != want || leaked == 0 {
		t.Errorf("leaked %d, counted the slow way %d", leaked, want)
	}
}

// leakedBySets counts leaked hashes one by one.
func leakedBySets(t *testing.T, c *redis.Client) (n int64) {
	t.Helper()
	ctx := t.Context()
	alive := map[string]bool{}
	for _, key := range c.Keys(ctx, "vmpooler__*").Val() {
		if q, p, ok := vmpooler.QueueFromKey(key); ok {
			for _, vm := range c.SMembers(ctx, q.Key(p)).Val() {
				alive[vm] = true
			}
		}
	}
	for _, key := range c.Keys(ctx, vmpooler.VMKey("*")).Val() {
		vm, _ := vmpooler.VMFromKey(key)
		if !alive[vm] && c.TTL(ctx, key).Val() == -1 && c.HExists(ctx, key, "pool").Val() {
			n++
		}
	}
	return n
}

func TestTheSweeperKeepsTheLastResultAndForgetsItAfterAFailure(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	w := writer{t, c}
	w.pool("p")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended, next := make(chan error), make(chan struct{})
	sweeper := vmpooler.NewSweeper(reader(c), time.Minute, vmpooler.SweepOptions{
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d < time.Second {
				return nil
			}
			select {
			case <-next:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}, func(_ *vmpooler.SweepResult, err error) { ended <- err })
	if sweeper.Latest() != nil {
		t.Error("there is a result before the first sweep")
	}
	done := make(chan struct{})
	go func() { defer close(done); sweeper.Run(ctx) }()
	if err := <-ended; err != nil || sweeper.Latest() == nil {
		t.Fatalf("first sweep: %v, %v", sweeper.Latest(), err)
	}
	w.do("SET", vmpooler.Ready.Key("p"), "x")
	next <- struct{}{}
	if err := <-ended; err == nil || sweeper.Latest() != nil || sweeper.LastComplete() == nil || sweeper.Failures() != 1 {
		t.Errorf("after a failure: %v, latest %v, failures %d", err, sweeper.Latest(), sweeper.Failures())
	}
	w.do("DEL", vmpooler.Ready.Key("p"))
	next <- struct{}{}
	if err := <-ended; err != nil || sweeper.Latest() == nil {
		t.Errorf("after it recovered: %v, %v", sweeper.Latest(), err)
	}
	cancel()
	<-done
}

func TestASweepShowsEveryHashToItsVisitor(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.pool("p")
	w.vm(vmpooler.Ready, "p", "alive", "ready", "then", "token:token", "s3cr3t")
	w.hash("gone", "destroy", "later")
	w.do("EXPIRE", vmpooler.VMKey("gone"), 100)
	seen := map[string]vmpooler.HashRecord{}
	_, err := reader(w.c).Sweep(t.Context(), vmpooler.SweepOptions{
		Fields: []string{"ready", "destroy"},
		Visit:  func(rec vmpooler.HashRecord) { seen[rec.VM] = rec },
	})
	if err != nil {
		t.Fatal(err)
	}
	gone := seen["gone"]
	if gone.TTL <= 99*time.Second || gone.TTL > 100*time.Second {
		t.Errorf("TTL %v", gone.TTL)
	}
	gone.TTL = 0
	seen["gone"] = gone
	want := map[string]vmpooler.HashRecord{
		"alive": {VM: "alive", Queued: true, Fields: map[string]string{"pool": "p", "ready": "then"}},
		"gone":  {VM: "gone", Fields: map[string]string{"destroy": "later"}},
	}
	if d := gocmp.Diff(want, seen); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestMembersAndTheirHashes(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.pool("p", "q")
	w.vm(vmpooler.Running, "p", "vm", "checkout", "then")
	w.do("SADD", vmpooler.Migrating.Key("p"), "vm")
	w.do("SADD", vmpooler.Pending.Key("q"), "vm", "no-hash")
	r := reader(w.c)
	got, at, err := r.Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]vmpooler.Member{
		"vm":      {{Pool: "p", Queue: vmpooler.Running}, {Pool: "p", Queue: vmpooler.Migrating}, {Pool: "q", Queue: vmpooler.Pending}},
		"no-hash": {{Pool: "q", Queue: vmpooler.Pending}},
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	hashes, err := r.Hashes(t.Context(), []string{"no-hash", "vm"}, []string{"checkout", "destroy"})
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff([]vmpooler.HashRecord{{VM: "vm", Fields: map[string]string{"checkout": "then"}}}, hashes); d != "" {
		t.Errorf("hashes (-want +got):\n%s", d)
	}
	w.do("SET", vmpooler.Ready.Key("q"), "x")
	if !at.Equal(now) {
		t.Errorf("at %v", at)
	}
	if _, _, err := r.Members(t.Context()); err == nil {
		t.Error("a queue that can't be read is no error: its VMs would seem gone")
	}
}
