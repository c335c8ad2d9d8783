package purger

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// secret stands in every hash, and must come out nowhere.
const secret = "s3cr3t-token"

// scene is a Redis with one stale entry of a kind, in the pool "p" of two pools, and
// what purges it.
type scene struct {
	t     *testing.T
	admin *redis.Client // sees and may do everything
	kind  kind
	ap    *Applier
	extra []string // pools that only the caller knows
	view  *inventory.View
}

// kind is a target, for ghosts with the queue that they are in.
type kind struct {
	target Target
	queue  vmpooler.Queue
}

func (k kind) String() string {
	if k.target == Ghost {
		return "ghost in " + k.queue.String()
	}
	return string(k.target)
}

// queued says whether the entry is in a queue; orphans and requests are not.
func (k kind) queued() bool { return k.target != Orphaned && k.target != Request }

// kinds are all there are.
func kinds() []kind {
	return []kind{
		{Pending, vmpooler.Pending},
		{Ready, vmpooler.Ready},
		{Completed, vmpooler.Completed},
		{target: Orphaned},
		{target: Request},
		{Ghost, vmpooler.Pending},
		{Ghost, vmpooler.Ready},
		{Ghost, vmpooler.Completed},
	}
}

const (
	vmKey      = "vmpooler__vm__vm"
	requestID  = "3a367972-058e"
	requestKey = "vmpooler__odrequest__" + requestID
)

func past(d time.Duration) string { return vmpooler.FormatTime(time.Now().Add(-d)) }

// settings have every target on, and the ages of the contract.
func testSettings() Settings {
	return Settings{
		Targets:       all(),
		MaxPendingAge: 2 * time.Hour, MaxReadyAge: 24 * time.Hour, MaxCompletedAge: time.Hour,
		MaxOrphanedAge: 24 * time.Hour, MaxRequestAge: 24 * time.Hour,
		DataTTL: 168 * time.Hour, DeadLetters: true, DLQTTL: 168 * time.Hour, Limits: DefaultLimits(),
	}
}

// newScene fills the server. It is applied by the client, which may be another's than
// the one that fills it.
func newScene(t *testing.T, admin, client *redis.Client, k kind) *scene {
	t.Helper()
	s := &scene{t: t, admin: admin, kind: k}
	s.ap = &Applier{
		Client: client, Settings: testSettings(), Now: time.Now, MaxShare: 1, ConfirmAfter: time.Nanosecond,
		Fence: func() (lease.Fence, bool) { return lease.Fence{Key: lease.KeyPurge, Token: "7:ours"}, true },
	}
	s.do("SET", lease.KeyPurge, "7:ours", "EX", 3600)
	s.do("SADD", "vmpooler__pools", "p", "q")
	s.do("SADD", "vmpooler__running__p", "in use", "in use, too")
	s.do("SADD", "vmpooler__running__q", "in use in q")
	s.do("SADD", "vmpooler__discovered__q", "found")
	s.do("SADD", "vmpooler__migrating__p", "in use")
	s.do("HSET", "vmpooler__vm__in use", "clone", past(100*time.Hour), "ready", past(99*time.Hour), "checkout", past(98*time.Hour), "pool", "p")
	s.do("ZADD", "vmpooler__dlq__pending", time.Now().Unix(), "before:1:{}")
	s.do("PEXPIRE", "vmpooler__dlq__pending", 50*3600*1000)
	s.stale()
	return s
}

// stale makes the stale entry.
func (s *scene) stale() {
	s.t.Helper()
	if s.kind.target == Request {
		s.do("HSET", requestKey, "requested", "alias:p:2", "status", "pending", "retry_count", "1", "token:token", secret)
		s.do("ZADD", "vmpooler__provisioning__processing", time.Now().Add(-30*time.Hour).Unix(), requestID, 1, "another")
		s.do("ZADD", "vmpooler__provisioning__request", time.Now().Add(-time.Hour).Unix(), "young")
		s.do("ZADD", "vmpooler__odcreate__task", 1, "alias:p:1:"+requestID, 0, "al:ias:p:2:"+requestID, 1, "alias:p:1:x"+requestID)
		s.do("SADD", "vmpooler__"+requestID+"__alias__p", "in use")
		return
	}
	s.do("HSET", vmKey, "clone", past(72*time.Hour), "pool", "p", "template", "p", "clone_time", "30.5", "token:token", secret)
	if s.kind.target == Orphaned {
		return
	}
	s.do("SADD", s.kind.queue.Key("p"), "vm", "a", "b", "c")
	switch s.kind.queue {
	case vmpooler.Pending:
		s.do("HSET", vmKey, "request_id", requestID, "pool_alias", "alias")
	case vmpooler.Ready:
		s.do("HSET", vmKey, "ready", past(71*time.Hour))
	case vmpooler.Completed:
		s.do("HSET", vmKey, "ready", past(71*time.Hour), "checkout", past(50*time.Hour), "destroy", past(2*time.Hour))
		s.do("EXPIRE", vmKey, 100*3600)
	case vmpooler.Running, vmpooler.Discovered, vmpooler.Migrating:
		s.t.Fatal("nothing is ever purged from there")
	}
	if s.kind.target == Ghost {
		h := inventory.NewHistory()
		for _, age := range []time.Duration{10 * time.Minute, time.Minute} {
			s.view = h.Take([]inventory.Listing{{Pool: "p", Began: time.Now().Add(-age), VMs: []string{"a", "b", "c", "in use"}}},
				func(string) []string { return []string{"vm", "a", "b", "c", "in use"} })
		}
	}
}

// do sends one command, which must succeed.
func (s *scene) do(args ...any) {
	s.t.Helper()
	if err := s.admin.Do(s.t.Context(), args...).Err(); err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
}

// plan returns the plan for the entry, and nothing else.
func (s *scene) plan() *Plan {
	s.t.Helper()
	configured := make([]vmpooler.ConfiguredPool, len(s.extra))
	for i, name := range s.extra {
		configured[i].Name = name
	}
	source := Source{Reader: vmpooler.NewReader(s.admin, vmpooler.ReaderOptions{Pools: configured}), Client: s.admin, Orphans: true}
	st, err := source.Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	p := Make(Input{State: st, View: s.view, Targets: []Target{s.kind.target}}, s.ap.Settings)
	if len(p.Actions) != 1 || p.Actions[0].Outcome != Planned {
		s.t.Fatalf("planned: %+v, want one action; held: %v", p.Actions, p.Held)
	}
	s.ap.Pools = s.extra
	return p
}

// apply applies the plan and returns its one action.
func (s *scene) apply(p *Plan) (*Action, error) {
	s.t.Helper()
	err := s.ap.Apply(s.t.Context(), p)
	a := &p.Actions[0]
	text, jsonErr := a.MarshalJSON()
	if jsonErr != nil || bytes.Contains(text, []byte(secret)) || err != nil && strings.Contains(err.Error(), secret) {
		s.t.Errorf("a token: %s, %v, %v", text, err, jsonErr)
	}
	return a, err
}

// unchanged applies the plan, which must have this outcome and reason, and change
// nothing.
func (s *scene) unchanged(p *Plan, want Outcome, why string) {
	s.t.Helper()
	before := dumps(s.t, s.admin)
	a, err := s.apply(p)
	if a.Outcome != want || !strings.Contains(a.Why, why) {
		s.t.Errorf("%s: %q (%v); want %s: %q", a.Outcome, a.Why, err, want, why)
	}
	if d := cmp.Diff(before, dumps(s.t, s.admin)); d != "" {
		s.t.Errorf("Redis has changed:\n%s", d)
	}
}

// applied applies the plan, which must succeed, and returns what changed: for each
// key its content before and after.
func (s *scene) applied(p *Plan) map[string]change {
	s.t.Helper()
	before := contents(s.t, s.admin)
	a, err := s.apply(p)
	if err != nil || a.Outcome != Applied {
		s.t.Fatalf("%s: %q, %v", a.Outcome, a.Why, err)
	}
	after, changes := contents(s.t, s.admin), make(map[string]change)
	for key, text := range before {
		if after[key] != text {
			changes[key] = change{text, after[key]}
		}
	}
	for key, text := range after {
		if _, ok := before[key]; !ok {
			changes[key] = change{"", text}
		}
	}
	return changes
}

type change struct{ Before, After string }

// dumps returns all keys with their contents, byte for byte, and roughly how long they
// live.
func dumps(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, key := range c.Keys(t.Context(), "*").Val() {
		dump, err := c.Dump(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		all[key] = fmt.Sprintf("%q, expires: %v", dump, c.PTTL(t.Context(), key).Val().Round(20*time.Second))
	}
	return all
}

// newClient returns one that tries each command once, for the test to change.
func newClient(tb testing.TB, s *testredis.Server, change func(*redis.Options)) *redis.Client {
	tb.Helper()
	o := &redis.Options{Network: "unix", Addr: s.Socket, ContextTimeoutEnabled: true, DisableIdentity: true, MaxRetries: -1}
	if change != nil {
		change(o)
	}
	c := redis.NewClient(o)
	tb.Cleanup(func() { c.Close() })
	return c
}

// contents returns all keys with their contents as text, and roughly how long they
// live.
func contents(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	ctx, all := t.Context(), make(map[string]string)
	for _, key := range c.Keys(ctx, "*").Val() {
		var text string
		switch kind := c.Type(ctx, key).Val(); kind {
		case "set":
			members := c.SMembers(ctx, key).Val()
			slices.Sort(members)
			text = strings.Join(members, ", ")
		case "hash":
			text = fmt.Sprint(c.HGetAll(ctx, key).Val())
		case "zset":
			text = fmt.Sprint(c.ZRangeWithScores(ctx, key, 0, -1).Val())
		default:
			text = c.Get(ctx, key).Val()
		}
		if ttl := c.PTTL(ctx, key).Val(); ttl > 0 {
			text += fmt.Sprintf("; for %v", ttl.Round(time.Minute))
		}
		all[key] = text
	}
	return all
}
