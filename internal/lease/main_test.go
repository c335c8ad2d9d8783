package lease

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// server is the redis-server that the package's tests share.
var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

const ttl = time.Minute

// clock is a clock that only a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// client returns one that tries each command once, for the test to change.
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

// acquire asks for the lease, which must come without an error.
func acquire(t *testing.T, l *Lease, want bool) {
	t.Helper()
	got, err := l.Acquire(t.Context())
	if err != nil || got != want {
		t.Fatalf("Acquire = %v, %v; want %v", got, err, want)
	}
}

// expire lets the lease end, as time would.
func expire(t *testing.T, c *redis.Client, key string) {
	t.Helper()
	if n, err := c.PExpire(t.Context(), key, -time.Second).Result(); err != nil || !n {
		t.Fatal("there is no lease to expire", err)
	}
}

// guarded is a script as those that write on the strength of a lease are: it adds
// the token to a list.
var guarded = redis.NewScript(`
if ARGV[1] ~= '' and redis.call('GET', KEYS[#KEYS]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease has passed on')
end
return redis.call('RPUSH', KEYS[1], ARGV[1])`)

const keyWritten = "written"

// write calls it with a fence.
func write(t *testing.T, c *redis.Client, f Fence) error {
	t.Helper()
	return Check(guarded.Run(t.Context(), c, []string{keyWritten, f.Key}, f.Token).Err())
}

// dumps returns all keys with their contents and roughly how long they live.
func dumps(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, key := range c.Keys(t.Context(), "*").Val() {
		dump, err := c.Dump(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		all[key] = fmt.Sprintf("%q, expires: %v", dump, c.PTTL(t.Context(), key).Val().Round(10*time.Second))
	}
	return all
}
