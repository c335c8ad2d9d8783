package lease

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// losing returns a client that sends again what it knows no answer of, and what lets
// its next answer be lost.
func losing(t *testing.T) (*redis.Client, *atomic.Bool) {
	t.Helper()
	lose := new(atomic.Bool)
	return client(t, server, func(o *redis.Options) {
		o.MaxRetries = 2
		o.Dialer = testredis.LossyDialer(lose)
	}), lose
}

func TestAScriptWhoseAnswerIsLostIsNotSentAgain(t *testing.T) {
	count := redis.NewScript("return redis.call('INCRBY', KEYS[1], ARGV[1])")
	for name, tc := range map[string]struct {
		client func(redis.UniversalClient) redis.UniversalClient
		want   string
		fails  bool
	}{
		"sent once":            {Once, "3", true},
		"as go-redis sends it": {func(c redis.UniversalClient) redis.UniversalClient { return c }, "6", false},
	} {
		t.Run(name, func(t *testing.T) {
			server.Client(t) // empties it
			c, lose := losing(t)
			if err := count.Load(t.Context(), c).Err(); err != nil {
				t.Fatal(err)
			}
			lose.Store(true)
			err := count.Run(t.Context(), tc.client(c), []string{"n"}, 3).Err()
			if (err != nil) != tc.fails {
				t.Error(err)
			}
			if n := c.Get(t.Context(), "n").Val(); n != tc.want {
				t.Errorf("n = %s, want %s", n, tc.want)
			}
		})
	}
}

func TestOnceRunsScriptsThatTheServerDoesNotKnow(t *testing.T) {
	c := server.Client(t)
	c.ScriptFlush(t.Context())
	echo := redis.NewScript("return {KEYS[1], KEYS[2], ARGV[1]}")
	got, err := echo.Run(t.Context(), Once(c), []string{"a", "b"}, "c").StringSlice()
	if err != nil || len(got) != 3 || got[0] != "a" || got[1] != "b" || got[2] != "c" {
		t.Errorf("%v, %v", got, err)
	}
}

// A grant whose answer was lost is nobody's until it ends.
func TestAGrantWhoseAnswerIsLostIsNotOurs(t *testing.T) {
	server.Client(t)
	c, lose := losing(t)
	l := New(c, KeyPurge, "a", ttl, nil)
	if err := acquireScript.Load(t.Context(), c).Err(); err != nil {
		t.Fatal(err)
	}
	lose.Store(true)
	ok, err := l.Acquire(t.Context())
	if ok || err == nil || errors.As(err, new(*BusyError)) {
		t.Errorf("Acquire = %v, %v", ok, err)
	}
	if _, ours := l.Fence(); ours {
		t.Error("it is ours")
	}
}
