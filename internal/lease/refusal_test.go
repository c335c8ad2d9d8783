package lease

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// refused holds an attempt to take the lease to an error with the words and the key in
// it, and to have changed nothing; once mend has run it must succeed.
func refused(t *testing.T, admin, user *redis.Client, words string, mend func()) {
	t.Helper()
	before := dumps(t, admin)
	l := New(user, KeyPurge, "a", ttl, nil)
	ok, err := l.Acquire(t.Context())
	if err == nil || ok || !regexp.MustCompile(words).MatchString(err.Error()) || !strings.Contains(err.Error(), KeyPurge) {
		t.Fatalf("Acquire = %v, %v; want %q and the key in the error", ok, err, words)
	}
	if _, ours := l.Fence(); ours {
		t.Error("it is ours")
	}
	if d := cmp.Diff(before, dumps(t, admin)); d != "" {
		t.Errorf("a refusal has changed Redis:\n%s", d)
	}
	mend()
	acquire(t, l, true)
}

func do(t *testing.T, c *redis.Client, command string) {
	t.Helper()
	var args []any
	for word := range strings.FieldsSeq(command) {
		args = append(args, word)
	}
	if err := c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

func TestARefusalByRedisChangesNothing(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--maxmemory-policy", "noeviction"))
	for name, tc := range map[string]struct{ words, refuse, mend string }{
		"out of memory":           {"OOM", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"},
		"a replica":               {"READONLY", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"},
		"the lease is no string":  {"WRONGTYPE", "SADD " + KeyPurge + " x", "DEL " + KeyPurge},
		"the number is no string": {"WRONGTYPE", "SADD " + keyNumber + " x", "DEL " + keyNumber},
		"the number is no number": {"not an integer", "SET " + keyNumber + " x", "DEL " + keyNumber},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.Client(t)
			do(t, c, tc.refuse)
			refused(t, c, c, tc.words, func() { do(t, c, tc.mend) })
		})
	}
}

// noPerm is what Redis says of a command that is not permitted, before 7.2 too.
const noPerm = "NOPERM|executing the script can't"

func TestAUserWithoutAPermissionChangesNothing(t *testing.T) {
	s := testredis.New(t)
	admin := client(t, s, nil)
	user := func(t *testing.T, missing string) *redis.Client {
		t.Helper()
		do(t, admin, "ACL SETUSER exporter reset on >pw ~vmpooler_exporter__* +@all -"+missing)
		return client(t, s, func(o *redis.Options) { o.Username, o.Password = "exporter", "pw" })
	}
	for _, missing := range []string{"get", "incr", "set", "evalsha"} {
		t.Run(missing, func(t *testing.T) {
			s.Client(t) // empties it
			refused(t, admin, user(t, missing), noPerm, func() { user(t, "flushall") })
		})
	}
	for _, missing := range []string{"get", "pexpire"} {
		t.Run("to prolong, "+missing, func(t *testing.T) {
			s.Client(t)
			l := New(client(t, s, nil), KeyPurge, "a", ttl, nil)
			acquire(t, l, true)
			before := dumps(t, admin)
			l.client = user(t, missing)
			if ok, err := l.Acquire(t.Context()); err == nil || ok || !regexp.MustCompile(noPerm).MatchString(err.Error()) {
				t.Errorf("Acquire = %v, %v", ok, err)
			}
			if _, ours := l.Fence(); !ours {
				t.Error("what was held is held until its time has passed")
			}
			if d := cmp.Diff(before, dumps(t, admin)); d != "" {
				t.Error(d)
			}
		})
	}
	for _, missing := range []string{"get", "del"} {
		t.Run("to give back, "+missing, func(t *testing.T) {
			s.Client(t)
			l := New(client(t, s, nil), KeyPurge, "a", ttl, nil)
			acquire(t, l, true)
			before := dumps(t, admin)
			l.client = user(t, missing)
			if err := l.Release(t.Context()); err == nil || !strings.Contains(err.Error(), KeyPurge) {
				t.Error(err)
			}
			if _, ours := l.Fence(); ours {
				t.Error("it is still used")
			}
			if d := cmp.Diff(before, dumps(t, admin)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRedisGoesDownAndComesBack(t *testing.T) {
	s := testredis.New(t)
	at := newClock()
	l := New(client(t, s, nil), KeyPurge, "a", ttl, at.now)
	acquire(t, l, true)
	first, _ := l.Fence()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Acquire(t.Context()); err == nil || ok || !strings.Contains(err.Error(), KeyPurge) {
		t.Errorf("Acquire = %v, %v", ok, err)
	}
	if _, ours := l.Fence(); !ours {
		t.Error("it is not held until its time has passed")
	}
	at.advance(ttl)
	if _, ours := l.Fence(); ours {
		t.Error("it is held beyond its time")
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	c := client(t, s, nil)
	c.Set(t.Context(), keyNumber, "1", 0) // what a Redis that persists has kept
	acquire(t, l, true)
	if f, ours := l.Fence(); !ours || f == first {
		t.Errorf("%v %v", f, ours)
	}
}

// What the scripts call has been there since Redis 2.6, SET's options too. The
// statistics count what scripts call.
func TestOnlyCommandsOf62AreSent(t *testing.T) {
	c := server.Client(t)
	do(t, c, "CONFIG RESETSTAT")
	l := New(c, KeyPurge, "a", time.Minute, nil)
	for range 2 {
		acquire(t, l, true)
	}
	acquire(t, New(c, KeyPurge, "b", time.Minute, nil), false)
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, m := range regexp.MustCompile(`cmdstat_([a-z|]+):`).FindAllStringSubmatch(c.Info(t.Context(), "commandstats").Val(), -1) {
		if m[1] != "config|resetstat" && m[1] != "eval" { // EVAL only where a script is not yet known
			sent = append(sent, m[1])
		}
	}
	slices.Sort(sent)
	if want := []string{"del", "evalsha", "get", "incr", "pexpire", "pttl", "set"}; !slices.Equal(sent, want) {
		t.Errorf("sent: %v, want %v", sent, want)
	}
}
