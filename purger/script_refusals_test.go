package purger

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// refusedByRedis holds the plan to be refused with these words and to change
// nothing, and to be applied once mend has run.
func (s *scene) refusedByRedis(words string, mend func()) {
	s.t.Helper()
	p := s.plan()
	before := dumps(s.t, s.admin)
	a, err := s.apply(p)
	if err != nil || a.Outcome != Refused || !regexp.MustCompile(words).MatchString(a.Why) {
		s.t.Errorf("%s: %q (%v); want a refusal with %s", a.Outcome, a.Why, err, words)
	}
	if !strings.Contains(a.Why, "vmpooler_") && !strings.Contains(a.Why, "used as arguments") { // Redis' own check of the call
		s.t.Errorf("no key is named: %q", a.Why)
	}
	if d := cmp.Diff(before, dumps(s.t, s.admin)); d != "" {
		s.t.Errorf("a refusal has changed Redis:\n%s", d)
	}
	mend()
	a.Outcome = Planned
	if a, err = s.apply(p); err != nil || a.Outcome != Applied {
		s.t.Errorf("mended: %s: %q, %v", a.Outcome, a.Why, err)
	}
}

// Those scripts that need memory refuse when there is none; the others only free some.
func TestAFullRedisIsLeftAsItWas(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--maxmemory-policy", "noeviction"))
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			c := s.Client(t)
			defer c.ConfigSet(context.WithoutCancel(t.Context()), "maxmemory", "0")
			scene := newScene(t, c, c, k)
			full := func() { c.ConfigSet(t.Context(), "maxmemory", "1") }
			if k.target == Request || k.queue == vmpooler.Pending && k.queued() {
				full()
				scene.refusedByRedis("OOM", func() { c.ConfigSet(t.Context(), "maxmemory", "0") })
				return
			}
			p := scene.plan()
			full()
			if a, err := scene.apply(p); err != nil || a.Outcome != Applied {
				t.Errorf("%s: %q, %v", a.Outcome, a.Why, err)
			}
		})
	}
}

func TestAReplicaIsLeftAsItWas(t *testing.T) {
	s := testredis.New(t)
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			c := s.Client(t)
			scene := newScene(t, c, c, k)
			// It keeps what it has for as long as it doesn't find its primary.
			c.ReplicaOf(t.Context(), "127.0.0.1", "1")
			defer c.ReplicaOf(context.WithoutCancel(t.Context()), "NO", "ONE")
			scene.refusedByRedis("READONLY", func() { c.ReplicaOf(t.Context(), "NO", "ONE") })
		})
	}
}

// calledBy returns the commands that an action's scripts call, in lower case, as the
// server counts them.
func calledBy(t *testing.T, c *redis.Client, k kind) []string {
	t.Helper()
	s := newScene(t, c, c, k)
	p := s.plan()
	s.do("CONFIG", "RESETSTAT")
	if a, err := s.apply(p); err != nil || a.Outcome != Applied {
		t.Fatalf("%s: %q, %v", a.Outcome, a.Why, err)
	}
	stats := c.Info(t.Context(), "commandstats").Val()
	var names []string
	for _, m := range regexp.MustCompile(`cmdstat_([a-z]+):`).FindAllStringSubmatch(stats, -1) {
		if !slices.Contains([]string{"config", "info", "eval", "evalsha"}, m[1]) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return names
}

func TestAUserWithoutAPermissionChangesNothing(t *testing.T) {
	s := testredis.New(t)
	admin := newClient(t, s, nil)
	for _, k := range kinds() {
		called := calledBy(t, s.Client(t), k)
		if len(called) < 7 {
			t.Fatalf("%v calls only %v", k, called)
		}
		for _, missing := range called {
			t.Run(k.String()+"/"+missing, func(t *testing.T) {
				s.Client(t)
				scene := newScene(t, admin, nil, k)
				rule := func(rules ...any) *redis.Client {
					scene.do(append([]any{"ACL", "SETUSER", "purge", "reset", "on", ">pw", "~*", "+@all"}, rules...)...)
					// A connection that is there keeps the rules that it began with.
					return newClient(t, s, func(o *redis.Options) { o.Username, o.Password = "purge", "pw" })
				}
				scene.ap.Client = rule("-" + missing)
				scene.refusedByRedis("NOPERM", func() { scene.ap.Client = rule() })
			})
		}
	}
}

func TestAUserWhoMayNotTouchAKeyChangesNothing(t *testing.T) {
	s := testredis.New(t)
	admin := newClient(t, s, nil)
	patterns := func(k kind) []string {
		if k.target == Request {
			return []string{"vmpooler__odrequest__*", "vmpooler__provisioning__request", "vmpooler__provisioning__processing", "vmpooler__odcreate__task"}
		}
		list := []string{"vmpooler__vm__*", "vmpooler__pools"}
		for _, q := range vmpooler.Queues() {
			list = append(list, q.Key("*"))
		}
		if k.queued() && k.queue == vmpooler.Pending {
			list = append(list, "vmpooler__dlq__*", "vmpooler_exporter__dlq__*")
		}
		return list
	}
	for _, k := range kinds() {
		all := append(patterns(k), "vmpooler_exporter__lease__purge")
		for i, missing := range all {
			t.Run(k.String()+"/"+missing, func(t *testing.T) {
				s.Client(t)
				scene := newScene(t, admin, nil, k)
				rule := func(patterns []string) *redis.Client {
					args := []any{"ACL", "SETUSER", "purge", "reset", "on", ">pw", "+@all"}
					for _, pattern := range patterns {
						args = append(args, "~"+pattern)
					}
					scene.do(args...)
					return newClient(t, s, func(o *redis.Options) { o.Username, o.Password = "purge", "pw" })
				}
				scene.ap.Client = rule(slices.Delete(slices.Clone(all), i, i+1))
				scene.refusedByRedis("NOPERM", func() { scene.ap.Client = rule(all) })
			})
		}
	}
}

// A dead connection ends the cycle: nobody knows what became of the action under way,
// and nothing is known to be wrong with the others.
func TestADeadConnectionEndsTheCycle(t *testing.T) {
	s := testredis.New(t)
	c := newClient(t, s, nil)
	scene := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	p := scene.plan()
	p.Actions = append(p.Actions, p.Actions[0])
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := scene.ap.Apply(t.Context(), p); err == nil || p.Actions[0].Outcome != Failed || p.Actions[1].Outcome != Planned {
		t.Errorf("%v: %s, %s", err, p.Actions[0].Outcome, p.Actions[1].Outcome)
	}
}
