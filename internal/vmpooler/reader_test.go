package vmpooler_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func ages(q vmpooler.QueueState) map[string]int64 {
	out := map[string]int64{}
	for _, vm := range q.VMs {
		age, known := vm.Age(now)
		if !known {
			age = -1
		}
		out[vm.Name] = age
	}
	return out
}

func TestAgesComeFromTheFieldOfTheQueue(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.pool("p")
	w.vm(vmpooler.Pending, "p", "pending", "clone", ago(time.Minute), "ready", ago(time.Hour))
	w.vm(vmpooler.Ready, "p", "ready", "clone", ago(time.Hour), "ready", ago(2*time.Minute))
	w.vm(vmpooler.Running, "p", "running", "ready", ago(time.Hour), "checkout", ago(time.Hour))
	w.do("HSET", vmpooler.ActiveKey("p"), "running", ago(3*time.Minute), "moved", ago(5*time.Minute))
	w.vm(vmpooler.Completed, "p", "completed", "clone", ago(time.Hour), "destroy", ago(4*time.Minute))
	w.vm(vmpooler.Migrating, "p", "moved", "clone", ago(time.Hour))
	w.vm(vmpooler.Discovered, "p", "found", "clone", ago(time.Hour))
	p := pool(t, read(t, reader(w.c)), "p")
	for q, want := range map[vmpooler.Queue]map[string]int64{
		vmpooler.Pending:    {"pending": 60},
		vmpooler.Ready:      {"ready": 120},
		vmpooler.Running:    {"running": 180},
		vmpooler.Completed:  {"completed": 240},
		vmpooler.Migrating:  {"moved": 300},
		vmpooler.Discovered: {"found": -1},
	} {
		if d := gocmp.Diff(want, ages(p.Queues[q])); d != "" {
			t.Errorf("%v (-want +got):\n%s", q, d)
		}
	}
}

func TestAgeIsUnknown(t *testing.T) {
	for name, fields := range map[string][]string{
		"without a hash":                nil,
		"with a hash but no time":       {"pool", "p"},
		"with an unreadable time":       {"clone", "yesterday"},
		"with an empty time":            {"clone", ""},
		"with a time far in the future": {"clone", ago(-time.Hour)},
		"with a time that is not UTF-8": {"clone", "\xff\xfe"},
	} {
		t.Run(name, func(t *testing.T) {
			w := writer{t, server.Client(t)}
			w.pool("p")
			w.do("SADD", vmpooler.Pending.Key("p"), "vm")
			if fields != nil {
				w.hash("vm", fields...)
			}
			got := ages(pool(t, read(t, reader(w.c)), "p").Queues[vmpooler.Pending])
			if d := gocmp.Diff(map[string]int64{"vm": -1}, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestAgeIsKnown(t *testing.T) {
	for name, tc := range map[string]struct {
		clone string
		want  int64
	}{
		"in another zone":             {"2026-11-23 13:30:00 +0530", 3600},
		"with the zone's name":        {"2026-11-23 08:59:00 UTC", 60},
		"in RFC 3339":                 {"2026-11-23T09:59:00+01:00", 60},
		"a little ahead of our clock": {ago(-time.Minute), 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := writer{t, server.Client(t)}
			w.pool("p")
			w.vm(vmpooler.Pending, "p", "vm", "clone", tc.clone)
			got := ages(pool(t, read(t, reader(w.c)), "p").Queues[vmpooler.Pending])
			if d := gocmp.Diff(map[string]int64{"vm": tc.want}, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestAFieldOfTenMegabytesIsAnUnknownAge(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.pool("p")
	w.vm(vmpooler.Pending, "p", "vm", "clone", strings.Repeat("2", 10<<20))
	w.vm(vmpooler.Pending, "p", "other", "clone", ago(time.Minute))
	got := ages(pool(t, read(t, reader(w.c)), "p").Queues[vmpooler.Pending])
	if d := gocmp.Diff(map[string]int64{"vm": -1, "other": 60}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// One bad key must not hide anything else.
func TestAKeyOfAnotherType(t *testing.T) {
	makeWrong := map[string][]any{
		"string": {"SET", "KEY", "x"}, "list": {"RPUSH", "KEY", "x"}, "zset": {"ZADD", "KEY", 1, "x"}, "hash": {"HSET", "KEY", "f", "v"},
	}
	for kind, cmd := range makeWrong {
		for _, q := range vmpooler.Queues() {
			t.Run(q.String()+" is a "+kind, func(t *testing.T) {
				w := writer{t, server.Client(t)}
				w.pool("bad", "good")
				args := slices.Clone(cmd)
				args[1] = q.Key("bad")
				w.do(args...)
				w.vm(q, "good", "vm", "clone", ago(time.Minute))
				s := read(t, reader(w.c))
				if s.Errs[vmpooler.PartQueues] == nil || !strings.Contains(s.Errs[vmpooler.PartQueues].Error(), q.Key("bad")) {
					t.Errorf("the error does not name the key: %v", s.Errs[vmpooler.PartQueues])
				}
				for _, other := range vmpooler.Queues() {
					if bad := pool(t, s, "bad").Queues[other].Err != nil; bad != (other == q) {
						t.Errorf("%v of the bad pool: error %v", other, bad)
					}
				}
				if n := len(pool(t, s, "good").Queues[q].VMs); n != 1 {
					t.Errorf("the good pool has %d VMs in %v", n, q)
				}
				if s.Lost != nil {
					t.Errorf("the connection counts as lost: %v", s.Lost)
				}
			})
		}
	}
	for _, tc := range []struct {
		key  string
		part vmpooler.Part
	}{
		{vmpooler.KeyPoolSizes, vmpooler.PartPools},
		{vmpooler.KeyLastBoot, vmpooler.PartPools},
		{vmpooler.PoolKey("p"), vmpooler.PartPools},
		{vmpooler.ActiveKey("p"), vmpooler.PartQueues},
		{vmpooler.KeyTasksClone, vmpooler.PartTasks},
		{vmpooler.DLQKey("clone"), vmpooler.PartDLQ},
		{vmpooler.KeyRequestQueue, vmpooler.PartOndemand},
		{vmpooler.KeyRequestProcessing, vmpooler.PartOndemand},
		{vmpooler.KeyOndemandCreate, vmpooler.PartOndemand},
	} {
		t.Run(tc.key, func(t *testing.T) {
			w := writer{t, server.Client(t)}
			w.do("RPUSH", tc.key, "x")
			s := read(t, reader(w.c, vmpooler.ConfiguredPool{Name: "p"}))
			for part, err := range s.Errs {
				if (err != nil) != (vmpooler.Part(part) == tc.part) {
					t.Errorf("part %d: %v", part, err)
				}
			}
		})
	}
	t.Run("without the list of pools neither pools nor queues are whole", func(t *testing.T) {
		w := writer{t, server.Client(t)}
		w.do("RPUSH", vmpooler.KeyPools, "x")
		w.vm(vmpooler.Ready, "p", "vm", "ready", ago(time.Minute))
		s := read(t, reader(w.c, vmpooler.ConfiguredPool{Name: "p"}))
		if s.Errs[vmpooler.PartPools] == nil || s.Errs[vmpooler.PartQueues] == nil {
			t.Errorf("%v", s.Errs)
		}
		if n := len(pool(t, s, "p").Queues[vmpooler.Ready].VMs); n != 1 {
			t.Errorf("the file's pool has %d ready VMs", n)
		}
	})
}

func TestADeadLetterKeyThatVmpoolerDocumentsAsAHashIsSkipped(t *testing.T) {
	w := writer{t, server.Client(t)}
	w.do("HSET", vmpooler.DLQKey("tasks"), "f", "v")
	w.do("ZADD", vmpooler.DLQKey("later"), 1, "x")
	r := reader(w.c)
	sweep(t, r) // finds their names
	s := read(t, r)
	if err := s.Errs[vmpooler.PartDLQ]; err != nil {
		t.Error(err)
	}
	var got []string
	for _, q := range s.DLQ {
		got = append(got, q.Queue)
	}
	if d := gocmp.Diff([]string{"clone", "later", "pending", "ready"}, got); d != "" {
		t.Errorf("dead-letter queues (-want +got):\n%s", d)
	}
}

func TestPoolsAreThoseOfTheFileOfRedisAndOfQueuesThatASweepFound(t *testing.T) {
	w := writer{t, server.Client(t)}
	odd := "odd:na.me - été \xff__x"
	w.pool("in-redis", odd)
	w.vm(vmpooler.Ready, odd, "vm1", "ready", ago(time.Minute))
	w.vm(vmpooler.Ready, "unlisted", "vm2", "ready", ago(time.Minute))
	w.do("HSET", vmpooler.KeyPoolSizes, "in-redis", "7")
	w.do("HSET", vmpooler.PoolKey(odd), "size", "3", "name", odd)
	w.do("HSET", vmpooler.KeyLastBoot, odd, ago(time.Hour), "in-redis", "never")
	r := reader(w.c, vmpooler.ConfiguredPool{Name: "in-file", Size: vmpooler.Known(5)})
	names := func(s *vmpooler.Snapshot) (out []string) {
		for _, p := range s.Pools {
			out = append(out, p.Name)
		}
		return out
	}
	if d := gocmp.Diff([]string{"in-file", "in-redis", odd}, names(read(t, r))); d != "" {
		t.Errorf("before a sweep (-want +got):\n%s", d)
	}
	if res := sweep(t, r); res.Leaked != 0 {
		t.Errorf("%d VMs of a pool that no key lists count as leaked", res.Leaked)
	}
	s := read(t, r)
	if d := gocmp.Diff([]string{"in-file", "in-redis", odd, "unlisted"}, names(s)); d != "" {
		t.Errorf("after it (-want +got):\n%s", d)
	}
	for name, want := range map[string]vmpooler.Number{
		"in-file": vmpooler.Known(5), "in-redis": vmpooler.Known(7), odd: vmpooler.Known(3), "unlisted": {},
	} {
		if got := pool(t, s, name).Size; got != want {
			t.Errorf("size of %q = %+v, want %+v", name, got, want)
		}
	}
	if got := pool(t, s, odd).LastReady; !got.Equal(now.Add(-time.Hour)) {
		t.Errorf("last ready of %q = %v", odd, got)
	}
	if got := pool(t, s, "in-redis").LastReady; !got.IsZero() {
		t.Errorf("an unreadable last ready became %v", got)
	}
	if n := len(pool(t, s, odd).Queues[vmpooler.Ready].VMs); n != 1 {
		t.Errorf("%q has %d ready VMs", odd, n)
	}
	w.do("DEL", vmpooler.Ready.Key("unlisted"))
	sweep(t, r)
	if d := gocmp.Diff([]string{"in-file", "in-redis", odd}, names(read(t, r))); d != "" {
		t.Errorf("after its queue is gone (-want +got):\n%s", d)
	}
}

func TestCountersOfTasksAndRequests(t *testing.T) {
	w := writer{t, server.Client(t)}
	s := read(t, reader(w.c))
	if s.Tasks.Clone != vmpooler.Known(0) || s.Ondemand.Waiting != vmpooler.Known(0) || !s.Ondemand.OldestKnown {
		t.Errorf("an empty Redis: %+v, %+v", s.Tasks, s.Ondemand)
	}
	w.do("SET", vmpooler.KeyTasksClone, "4")
	w.do("SET", vmpooler.KeyTasksOndemandClone, "four")
	w.do("ZADD", vmpooler.KeyRequestQueue, now.Add(-time.Minute).Unix(), "a")
	w.do("ZADD", vmpooler.KeyRequestProcessing, now.Add(-time.Hour).Unix(), "b", now.Unix(), "c")
	w.do("ZADD", vmpooler.KeyOndemandCreate, 1, "alias:pool:2:b")
	s = read(t, reader(w.c))
	want := vmpooler.Ondemand{
		Waiting: vmpooler.Known(1), Processing: vmpooler.Known(2), CreateTasks: vmpooler.Known(1),
		OldestRequest: now.Add(-time.Hour), OldestKnown: true,
	}
	if d := gocmp.Diff(want, s.Ondemand); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	if s.Tasks.Clone != vmpooler.Known(4) || s.Tasks.OndemandClone.Known || s.Errs[vmpooler.PartTasks] == nil {
		t.Errorf("tasks %+v, error %v", s.Tasks, s.Errs[vmpooler.PartTasks])
	}
}

// Every way to read the queues must say the same, whatever the server and the
// user allow.
func TestEachWayToReadTheQueuesSaysTheSame(t *testing.T) {
	want := captureSnapshot(t, testredis.New(t).Client(t), nil)
	for name, tc := range map[string]struct {
		args []string
		user bool
	}{
		"6.2: no SORT_RO":                        {args: []string{"--rename-command", "SORT_RO", ""}},
		"a server without any SORT, as the demo": {args: []string{"--rename-command", "SORT_RO", "", "--rename-command", "SORT", ""}},
		"a user who may read vmpooler__* only":   {user: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := testredis.New(t, testredis.WithArgs(tc.args...))
			as := s.Client(t)
			if tc.user {
				if err := as.Do(t.Context(), "ACL", "SETUSER", "reader", "on", "nopass", "~vmpooler__*", "+@read", "+time", "+multi").Err(); err != nil {
					t.Fatal(err)
				}
				as = redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket, Username: "reader", Password: "x"})
				t.Cleanup(func() { as.Close() })
			}
			got := captureSnapshot(t, s.Client(t), as)
			if d := gocmp.Diff(want, got, cmpopts.EquateErrors()); d != "" {
				t.Errorf("(-SORT_RO +this):\n%s", d)
			}
		})
	}
}

// captureSnapshot reads a moment of the recorded run as the client as.
func captureSnapshot(t *testing.T, c, as *redis.Client) *vmpooler.Snapshot {
	t.Helper()
	if as == nil {
		as = c
	}
	tr := testredis.CaptureHard()
	if err := tr.Replay(t.Context(), c, 255, 0); err != nil {
		t.Fatal(err)
	}
	r := vmpooler.NewReader(as, vmpooler.ReaderOptions{Now: func() time.Time { return tr.At(255) }})
	s := read(t, r)
	for part, err := range s.Errs {
		if err != nil {
			t.Errorf("part %d: %v", part, err)
		}
	}
	for i := range s.Pools {
		for q := range s.Pools[i].Queues {
			slices.SortFunc(s.Pools[i].Queues[q].VMs, func(a, b vmpooler.VM) int { return cmp.Compare(a.Name, b.Name) })
		}
	}
	s.Skew, s.Took = 0, [vmpooler.NumParts]time.Duration{}
	return s
}

func TestTheWayToReadIsTriedAnewAfterAReconnect(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	w := writer{t, c}
	w.pool("p")
	w.vm(vmpooler.Pending, "p", "vm", "clone", ago(time.Minute))
	w.do("ACL", "SETUSER", "default", "-sort_ro", "-sort")
	r := reader(c)
	read(t, r)
	w.do("ACL", "SETUSER", "default", "+sort_ro")
	w.do("CONFIG", "RESETSTAT")
	read(t, r)
	if calls(t, c, "sort_ro") {
		t.Error("SORT_RO was tried again without a reason")
	}
	r.Reprobe()
	read(t, r)
	if !calls(t, c, "sort_ro") {
		t.Error("SORT_RO was not tried again")
	}
}

func calls(t *testing.T, c *redis.Client, command string) bool {
	t.Helper()
	return strings.Contains(c.Info(t.Context(), "commandstats").Val(), "cmdstat_"+command+":")
}

func TestReadFailsWhenNothingCanBeRead(t *testing.T) {
	t.Run("no permission for anything", func(t *testing.T) {
		s := testredis.New(t)
		if err := s.Client(t).Do(t.Context(), "ACL", "SETUSER", "nobody", "on", "nopass", "-@all").Err(); err != nil {
			t.Fatal(err)
		}
		c := redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket, Username: "nobody", Password: "x", DisableIdentity: true})
		defer c.Close()
		if s, err := reader(c).Read(t.Context()); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("Read = %+v, %v", s, err)
		}
	})
	t.Run("a hung server", func(t *testing.T) {
		s := testredis.New(t)
		c := s.Client(t)
		if err := s.Freeze(); err != nil {
			t.Fatal(err)
		}
		defer s.Thaw()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := reader(c).Read(ctx); !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "timeout") {
			t.Errorf("Read = %v", err)
		}
	})
	t.Run("no server", func(t *testing.T) {
		s := testredis.New(t)
		c := s.NewClient()
		defer c.Close()
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if _, err := reader(c).Read(t.Context()); !vmpooler.IsConnectionError(err) {
			t.Errorf("Read = %v", err)
		}
	})
}

func TestClockSkewIsTheServersClockMinusOurs(t *testing.T) {
	s := read(t, vmpooler.NewReader(server.Client(t), vmpooler.ReaderOptions{}))
	if !s.SkewKnown || s.Skew < -time.Second || s.Skew > time.Second {
		t.Errorf("skew of one and the same host: %v, %v", s.Skew, s.SkewKnown)
	}
	if d := time.Since(s.Now); d < -time.Second || d > time.Minute {
		t.Errorf("now is %v ago", d)
	}
}
