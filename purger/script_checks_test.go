package purger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// meanwhile is something that happens between the plan and its application.
type meanwhile struct {
	name string
	do   func(s *scene, a *Action)
	why  string
}

func (s *scene) commands(lines ...[]any) {
	s.t.Helper()
	for _, args := range lines {
		s.do(args...)
	}
}

// happens sends these commands.
func happens(why, name string, lines ...[]any) meanwhile {
	return meanwhile{name: name, why: why, do: func(s *scene, _ *Action) { s.commands(lines...) }}
}

type cmd = []any

// ofEveryVM holds for every script that a VM is given to.
func ofEveryVM(k kind) []meanwhile {
	list := []meanwhile{
		happens("metadata has changed", "cloned anew", cmd{"HSET", vmKey, "clone", past(time.Minute)}),
		happens("metadata has changed", "the hash is gone", cmd{"DEL", vmKey}),
		happens("another VM", "cloned anew in another pool", cmd{"HSET", vmKey, "pool", "q"}),
		happens("of another type: "+vmKey, "the hash is of another type", cmd{"DEL", vmKey}, cmd{"SADD", vmKey, "x"}),
		{"too young by the server's clock", func(_ *scene, a *Action) { a.Check.MinAge = 1000 * time.Hour }, "not old enough"},
	}
	if k.target == Orphaned {
		list[1].why = "not there any more"
	}
	if k.target == Ghost {
		list = list[:len(list)-1] // its rule is no age
	}
	if k.target == Ready || k.target == Completed {
		list[0].why = "another VM" // clone is not the evidence
		list = append(list, happens("metadata has changed", "its evidence is another",
			cmd{"HSET", vmKey, k.queue.AgeField(), past(80 * time.Hour)}))
	}
	for _, q := range vmpooler.Queues() {
		for _, pool := range []string{"p", "q", "listed since", "only the caller's"} {
			if k.queued() && q == k.queue && pool == "p" {
				continue
			}
			list = append(list, meanwhile{fmt.Sprintf("in %v of %s", q, pool), func(s *scene, _ *Action) {
				if pool == "listed since" {
					s.do("SADD", "vmpooler__pools", pool)
				}
				s.do("SADD", q.Key(pool), "vm")
			}, "in another queue: " + q.Key(pool)})
		}
	}
	if k.queued() {
		list = append(list,
			happens("not there any more", "it has left its queue", cmd{"SREM", k.queue.Key("p"), "vm"}),
			happens("of another type: "+k.queue.Key("p"), "its queue is of another type", cmd{"DEL", k.queue.Key("p")}, cmd{"SET", k.queue.Key("p"), "x"}),
			// Neither Redis nor the caller knows the pool any more: its own queues are looked at.
			happens("in another queue: vmpooler__running__p", "its pool is not listed any more", cmd{"DEL", "vmpooler__pools"}, cmd{"SADD", "vmpooler__running__p", "vm"}),
		)
	}
	return list
}

// ofThis holds for the kind alone.
func ofThis(k kind) []meanwhile {
	switch {
	case k.target == Orphaned:
		return []meanwhile{
			happens("expires by itself", "it has a TTL", cmd{"EXPIRE", vmKey, 100}),
			happens("another VM", "it has no pool", cmd{"HDEL", vmKey, "pool"}),
			happens("in another queue: vmpooler__running__p", "its pool is not listed any more",
				cmd{"DEL", "vmpooler__pools"}, cmd{"SADD", "vmpooler__running__p", "vm"}),
			{"the second look comes too soon", func(s *scene, _ *Action) {
				s.ap.ConfirmAfter, s.ap.Sleep = time.Hour, noSleep
			}, "not old enough"},
		}
	case k.target == Request:
		list := []meanwhile{
			happens("moved on", "it is ready", cmd{"HSET", requestKey, "status", "ready"}),
			happens("moved on", "its status is gone", cmd{"HDEL", requestKey, "status"}),
			happens("moved on", "it is in no queue", cmd{"ZREM", "vmpooler__provisioning__processing", requestID}),
			happens("moved on", "asked for anew", cmd{"ZADD", "vmpooler__provisioning__processing", time.Now().Unix(), requestID}),
			happens("moved on", "back in the first queue", cmd{"ZADD", "vmpooler__provisioning__request", time.Now().Unix(), requestID}),
			happens("not there any more", "its hash is gone", cmd{"DEL", requestKey}),
			happens("not there any more", "nobody asks for anything", cmd{"HDEL", requestKey, "requested"}),
			{"too young by the server's clock", func(_ *scene, a *Action) { a.Check.MinAge = 1000 * time.Hour }, "not old enough"},
		}
		for _, key := range []string{requestKey, vmpooler.KeyRequestQueue, vmpooler.KeyRequestProcessing, vmpooler.KeyOndemandCreate} {
			list = append(list, happens("of another type: "+key, key+" is of another type", cmd{"DEL", key}, cmd{"SET", key, "x"}))
		}
		return list
	case k.queue == vmpooler.Pending:
		return []meanwhile{
			happens("with a user", "it is given to its request this moment", cmd{"HSET", vmKey, "checkout", past(0)}),
			happens("of another type: vmpooler__dlq__pending", "the dead letters are of another type",
				cmd{"DEL", "vmpooler__dlq__pending"}, cmd{"HSET", "vmpooler__dlq__pending", "x", "y"}),
			happens("of another type: vmpooler_exporter__dlq__pending", "the index is of another type",
				cmd{"SET", "vmpooler_exporter__dlq__pending", "x"}),
		}
	case k.queue == vmpooler.Ready:
		return []meanwhile{
			happens("with a user", "it is checked out", cmd{"HSET", vmKey, "checkout", past(0)}),
			happens("of another type: vmpooler__completed__p", "completed is of another type", cmd{"SET", "vmpooler__completed__p", "x"}),
		}
	}
	return nil
}

func TestWhatHasMovedOnIsLeftAloneEntirely(t *testing.T) {
	for _, k := range kinds() {
		list := ofThis(k)
		if k.target != Request {
			list = append(list, ofEveryVM(k)...)
		}
		for _, m := range list {
			t.Run(k.String()+"/"+m.name, func(t *testing.T) {
				c := server.Client(t)
				s := newScene(t, c, c, k)
				s.extra = []string{"only the caller's"}
				p := s.plan()
				m.do(s, &p.Actions[0])
				s.unchanged(p, Skipped, m.why)
			})
		}
	}
}

// Between the two looks at an orphan, too.
func TestWhatMovesBetweenTheTwoLooksIsNoOrphan(t *testing.T) {
	for name, tc := range map[string]struct {
		why   string
		lines [][]any
	}{
		"it was between two queues":      {"in another queue: vmpooler__running__p", []cmd{{"SADD", "vmpooler__running__p", "vm"}}},
		"it is between two queues again": {"metadata has changed: since the first look", []cmd{{"HSET", vmKey, "checkout", past(0)}}},
		"ready":                          {"since the first look", []cmd{{"HSET", vmKey, "ready", past(0)}}},
		"destroyed":                      {"since the first look", []cmd{{"HSET", vmKey, "destroy", past(0)}}},
		"checked":                        {"since the first look", []cmd{{"HSET", vmKey, "check", past(0)}}},
		"it expires":                     {"expires by itself", []cmd{{"EXPIRE", vmKey, 100}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, kind{target: Orphaned})
			p := s.plan()
			looks := 0
			s.ap.Fence = func() (lease.Fence, bool) {
				if looks++; looks == 2 {
					s.commands(tc.lines...)
					s.do("COPY", vmKey, "as it was then")
				}
				return lease.Fence{Key: lease.KeyPurge, Token: "7:ours"}, true
			}
			a, err := s.apply(p)
			if err != nil || a.Outcome != Skipped || !strings.Contains(a.Why, tc.why) || looks != 2 {
				t.Errorf("%s: %q, %v after %d looks", a.Outcome, a.Why, err, looks)
			}
			all := contents(t, c)
			if all[vmKey] != all["as it was then"] {
				t.Errorf("the hash went from %s to %s", all["as it was then"], all[vmKey])
			}
		})
	}
}

func TestTheFirstLookWritesNothing(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{target: Orphaned})
	s.ap.ConfirmAfter, s.ap.Sleep = time.Hour, func(context.Context, time.Duration) error { return errStopped }
	p := s.plan()
	before := dumps(t, c)
	if a, err := s.apply(p); !errors.Is(err, errStopped) || a.Outcome != Planned {
		t.Errorf("%s, %v", a.Outcome, err)
	}
	if d := cmp.Diff(before, dumps(t, c)); d != "" {
		t.Error(d)
	}
}

// A paused process wakes up, or a second one is faster.
func TestALeaseThatPassedOnRefusesAndChangesNothing(t *testing.T) {
	for _, k := range kinds() {
		for name, args := range map[string]cmd{
			"another has it": {"SET", lease.KeyPurge, "8:theirs"},
			"nobody has it":  {"DEL", lease.KeyPurge},
		} {
			t.Run(k.String()+"/"+name, func(t *testing.T) {
				c := server.Client(t)
				s := newScene(t, c, c, k)
				p := s.plan()
				s.do(args...)
				s.unchanged(p, Refused, "passed on")
				p.Actions[0].Outcome = Planned
				if _, err := s.apply(p); !errors.Is(err, lease.ErrFenced) {
					t.Errorf("the error that ends the cycle: %v", err)
				}
				s.ap.Fence = func() (lease.Fence, bool) { return lease.Fence{Key: lease.KeyPurge, Token: "7:ours"}, false }
				p.Actions[0].Outcome = Planned
				s.unchanged(p, Refused, "not ours")
			})
		}
	}
	t.Run("at an orphan's second look", func(t *testing.T) {
		c := server.Client(t)
		s := newScene(t, c, c, kind{target: Orphaned})
		p := s.plan()
		looks := 0
		s.ap.Fence = func() (lease.Fence, bool) {
			if looks++; looks == 2 {
				s.do("SET", lease.KeyPurge, "8:theirs")
			}
			return lease.Fence{Key: lease.KeyPurge, Token: "7:ours"}, true
		}
		if a, err := s.apply(p); !errors.Is(err, lease.ErrFenced) || a.Outcome != Refused || c.PTTL(t.Context(), vmKey).Val() != -1 {
			t.Errorf("%s, %v", a.Outcome, err)
		}
	})
}

var errStopped = errors.New("stopped")

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
