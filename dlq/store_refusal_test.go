package dlq

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// dumps returns all keys of the server with their contents and whether they
// expire.
func dumps(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, key := range c.Keys(t.Context(), "*").Val() {
		dump, err := c.Dump(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		all[key] = fmt.Sprintf("%q, expires: %v", dump, c.PTTL(t.Context(), key).Val().Round(time.Hour))
	}
	return all
}

// refused holds an Add to an error with the words and the key in it, and to
// have changed nothing; then the same candidates are added once mend has run.
func refused(t *testing.T, admin, client *redis.Client, words, key string, mend func()) {
	t.Helper()
	at := time.Now().Truncate(time.Second)
	candidates := []Candidate{
		failure("a", at.Add(-time.Minute), at), failure("kept", at.Add(-time.Minute), at), // the second is there already
		failure("b", at.Add(-time.Minute), at),
	}
	before := dumps(t, admin)
	s := NewStore(client, StoreOptions{TTL: 24 * time.Hour, MaxEntries: 2})
	results, sum, err := s.Add(t.Context(), candidates)
	if err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), key) {
		t.Fatalf("error %v, want %q and %q in it", err, words, key)
	}
	if d := cmp.Diff([]Result{Unwritten, Unwritten, Unwritten}, results); d != "" || sum != (AddSummary{}) {
		t.Error(d, sum)
	}
	if d := cmp.Diff(before, dumps(t, admin)); d != "" {
		t.Errorf("a refusal has changed Redis:\n%s", d)
	}

	mend()
	results, sum, err = s.Add(t.Context(), candidates)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Result{Added, Duplicate, Added}, results); d != "" {
		t.Error(d)
	}
	if sum.Added != 2 || sum.Duplicates != 1 {
		t.Errorf("%+v", sum)
	}
}

// prepared fills the queue with one entry that is to leave by age, and two that are too
// many with those of refused.
func prepared(t *testing.T, c *redis.Client) {
	t.Helper()
	now := time.Now()
	vmpoolerWrites(t, c, "old", now.Add(-25*time.Hour))
	vmpoolerWrites(t, c, "evictable", now.Add(-time.Hour))
	vmpoolerWrites(t, c, "kept", now)
	c.Expire(t.Context(), vmpooler.DLQKey("clone"), 100*time.Hour)
	c.ZAdd(t.Context(), IndexKey("clone"), redis.Z{Score: 1, Member: "stale"})
	c.ZAdd(t.Context(), OwnKey("clone"), redis.Z{Score: 1, Member: "clone-0:1"})
}

func client(t *testing.T, s *testredis.Server, change func(*redis.Options)) *redis.Client {
	t.Helper()
	o := &redis.Options{Network: "unix", Addr: s.Socket, ContextTimeoutEnabled: true, DisableIdentity: true, MaxRetries: -1}
	if change != nil {
		change(o)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAFullRedisIsLeftAsItWas(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--maxmemory-policy", "noeviction"))
	c := client(t, s, nil)
	prepared(t, c)
	c.ConfigSet(t.Context(), "maxmemory", "1")
	refused(t, c, c, "OOM", vmpooler.DLQKey("clone"), func() { c.ConfigSet(t.Context(), "maxmemory", "0") })
}

func TestAReplicaIsLeftAsItWas(t *testing.T) {
	primary, replica := testredis.New(t), testredis.New(t)
	p, r := client(t, primary, nil), client(t, replica, nil)
	prepared(t, p)
	if err := r.ReplicaOf(t.Context(), "127.0.0.1", fmt.Sprint(primary.Port)).Err(); err != nil {
		t.Fatal(err)
	}
	synced := func() bool {
		return strings.Contains(r.Info(t.Context(), "replication").Val(), "master_link_status:up")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !synced() {
		select {
		case <-ctx.Done():
			t.Fatal("the replica does not follow")
		case <-time.After(20 * time.Millisecond):
		}
	}
	refused(t, r, r, "READONLY", vmpooler.DLQKey("clone"), func() { r.ReplicaOf(t.Context(), "NO", "ONE") })
}

func TestAUserWithoutAPermissionChangesNothing(t *testing.T) {
	all := []string{"zadd", "zrange", "zcard", "zremrangebyrank", "zremrangebyscore", "pexpire", "time"}
	for _, missing := range all {
		t.Run(missing, func(t *testing.T) {
			s := testredis.New(t)
			admin := client(t, s, nil)
			prepared(t, admin)
			rule := func(missing string) {
				args := []any{"acl", "setuser", "dlq", "reset", "on", ">pw", "~vmpooler__*", "~vmpooler_exporter__*", "+evalsha", "+eval"}
				for _, command := range all {
					if command != missing {
						args = append(args, "+"+command)
					}
				}
				if err := admin.Do(t.Context(), args...).Err(); err != nil {
					t.Fatal(err)
				}
			}
			rule(missing)
			user := client(t, s, func(o *redis.Options) { o.Username, o.Password = "dlq", "pw" })
			refused(t, admin, user, "NOPERM", vmpooler.DLQKey("clone"), func() { rule("") })
		})
	}
}

func TestAUserWhoMayNotTouchTheIndexChangesNothing(t *testing.T) {
	s := testredis.New(t)
	admin := client(t, s, nil)
	prepared(t, admin)
	rule := func(keys ...any) {
		admin.Do(t.Context(), append([]any{"acl", "setuser", "dlq", "reset", "on", ">pw", "+@all"}, keys...)...)
	}
	rule("~vmpooler__*")
	user := client(t, s, func(o *redis.Options) { o.Username, o.Password = "dlq", "pw" })
	refused(t, admin, user, "NOPERM", vmpooler.DLQKey("clone"), func() { rule("~vmpooler__*", "~vmpooler_exporter__*") })
}

func TestAKeyOfAnotherTypeIsLeftAsItWas(t *testing.T) {
	for _, key := range []string{vmpooler.DLQKey("clone"), IndexKey("clone"), OwnKey("clone")} {
		t.Run(key, func(t *testing.T) {
			c := server.Client(t)
			prepared(t, c)
			c.Set(t.Context(), key, "text", 0)
			refused(t, c, c, "WRONGTYPE", key, func() {
				c.Del(t.Context(), key)
				vmpoolerWrites(t, c, "kept", time.Now())
			})
		})
	}
}

func TestALoadingRedisIsLeftAsItWas(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--loading-process-events-interval-bytes", "1024", "--rdbcompression", "no"))
	admin, c := client(t, s, nil), client(t, s, nil)
	prepared(t, admin)
	for i := range 50 {
		admin.Set(t.Context(), fmt.Sprint(i), strings.Repeat("x", 4000), 0)
	}
	before := dumps(t, admin)
	if err := admin.ConfigSet(t.Context(), "key-load-delay", "20000").Err(); err != nil {
		t.Fatal(err)
	}
	c.Ping(t.Context()) // connected before the loading begins
	done := make(chan error)
	go func() {
		done <- client(t, s, func(o *redis.Options) { o.ReadTimeout = time.Minute }).Do(t.Context(), "debug", "reload").Err()
	}()
	at := time.Now()
	store := NewStore(c, storeOptions)
	loading := false
	for !loading {
		err := c.Exists(t.Context(), "k").Err()
		if loading = err != nil && strings.Contains(err.Error(), "LOADING"); loading {
			_, _, err = store.Add(t.Context(), []Candidate{failure("a", at, at)})
			if err == nil || !strings.Contains(err.Error(), "LOADING") {
				t.Error(err)
			}
		}
		if time.Since(at) > 20*time.Second {
			t.Fatal("never saw it loading")
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, dumps(t, admin)); d != "" {
		t.Error(d)
	}
}
