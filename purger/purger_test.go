package purger

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// newPurger returns what purges as the program does, through this client.
func newPurger(c *redis.Client, change func(*Options)) *Purger {
	o := Options{
		Client: c, Source: &Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c},
		Settings: settings(), Logger: log.NewNopLogger(), Owner: "host:1:test",
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

// The entry is purged, and nobody knows: to say that it was not there any more, as the
// script would the second time, is a lie.
func TestAnActionWhoseAnswerIsLostHasFailed(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	s.do("DEL", "vmpooler_exporter__lease__purge")
	lose := new(atomic.Bool)
	retrying := newClient(t, server, func(o *redis.Options) {
		o.MaxRetries = 2
		o.Dialer = testredis.LossyDialer(lose, "evalsha", vmpooler.VMKey(""))
	})
	if err := pendingScript.Load(t.Context(), retrying).Err(); err != nil {
		t.Fatal(err)
	}
	p := newPurger(retrying, nil)
	plan, err := p.Plan(t.Context(), Scope{Targets: []Target{Pending}})
	if err != nil || plan.Count(Planned) != 1 {
		t.Fatalf("%v\n%s", err, lines(plan))
	}
	lose.Store(true)
	err = p.Apply(t.Context(), plan, "command", nil)
	if err == nil || plan.Actions[0].Outcome != Failed {
		t.Errorf("%s, %s; %v", plan.Actions[0].Outcome, plan.Actions[0].Why, err)
	}
	if c.SIsMember(t.Context(), "vmpooler__pending__p", "vm").Val() {
		t.Error("nothing was lost: it was not even applied")
	}
}

// A dead letter's time is by the server's clock, as all others are.
func TestADeadLettersTimeIsTheServers(t *testing.T) {
	c := server.Client(t)
	newScene(t, c, c, kind{Pending, vmpooler.Pending}).do("DEL", "vmpooler_exporter__lease__purge", "vmpooler__dlq__pending")
	behind := time.Now().Add(-45 * time.Second) // this host's clock
	p := newPurger(c, func(o *Options) { o.Now = func() time.Time { return behind } })
	plan, err := p.Plan(t.Context(), Scope{Targets: []Target{Pending}})
	if err != nil {
		t.Fatal(err)
	}
	plan.skew = 45 * time.Second
	if err := p.Apply(t.Context(), plan, "command", nil); err != nil {
		t.Fatal(err)
	}
	letters := c.ZRangeWithScores(t.Context(), "vmpooler__dlq__pending", 0, -1).Val()
	if len(letters) != 1 {
		t.Fatalf("%v", letters)
	}
	if off := time.Since(time.Unix(int64(letters[0].Score), 0)); off < -2*time.Second || off > 10*time.Second {
		t.Errorf("it is %v off", off)
	}
}

// A pool that vmpooler__pools does not have is searched too, whoever knows of it.
func TestAVMInAnUnlistedPoolStays(t *testing.T) {
	for name, know := range map[string]func(*Options, *Plan){
		"the file has the pool": func(o *Options, _ *Plan) { o.Pools = []string{"gone"} },
		"the plan knows of it":  func(_ *Options, p *Plan) { p.pools = []string{"gone"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
			s.do("DEL", "vmpooler_exporter__lease__purge")
			plan, err := newPurger(c, nil).Plan(t.Context(), Scope{Targets: []Target{Pending}})
			if err != nil || plan.Count(Planned) != 1 {
				t.Fatalf("%v\n%s", err, lines(plan))
			}
			plan.pools = nil
			s.do("SADD", "vmpooler__running__gone", "vm")
			p := newPurger(c, func(o *Options) { know(o, plan) })
			if err := p.Apply(t.Context(), plan, "command", nil); err != nil {
				t.Fatal(err)
			}
			if a := plan.Actions[0]; a.Outcome != Skipped || !strings.Contains(a.Why, "vmpooler__running__gone") {
				t.Errorf("%s: %s", a.Outcome, a.Why)
			}
		})
	}
}

// The queues that are seldom there are asked for a thousand pools at a time.
func TestAVMInTheLastOfManyPoolsStays(t *testing.T) {
	for _, q := range []vmpooler.Queue{vmpooler.Migrating, vmpooler.Discovered, vmpooler.Running} {
		c := server.Client(t)
		s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
		for i := range 2500 {
			s.extra = append(s.extra, fmt.Sprint("pool-", i))
		}
		s.ap.Pools = s.extra
		p := s.plan()
		s.do("SADD", q.Key("pool-2499"), "vm")
		if err := s.ap.Apply(t.Context(), p); err != nil || p.Actions[0].Outcome != Skipped {
			t.Errorf("%s: %s, %s, %v", q, p.Actions[0].Outcome, p.Actions[0].Why, err)
		}
	}
}

func TestAPurgeThatTakesLongerThanItsLeaseLives(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	s.do("DEL", "vmpooler_exporter__lease__purge")
	for i := range 60 {
		vm := fmt.Sprint("more-", i)
		s.do("HSET", vmpooler.VMKey(vm), "clone", past(50*time.Hour), "pool", "p")
		s.do("SADD", "vmpooler__pending__p", vm)
	}
	const ttl = time.Second
	p := newPurger(c, func(o *Options) { o.LeaseTTL = ttl })
	plan, err := p.Plan(t.Context(), Scope{Targets: []Target{Pending}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = p.Apply(t.Context(), plan, "command", func(*Action) { s.do("DEBUG", "SLEEP", 0.04) })
	if err != nil || plan.Count(Applied) != 61 {
		t.Errorf("%d applied, %v", plan.Count(Applied), err)
	}
	if took := time.Since(began); took < 2*ttl {
		t.Errorf("it took %v only", took)
	}
}

// The stream is capped, about: Redis drops whole nodes of it.
func TestTheAuditIsCapped(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	recorded(t, c, 12_000)
	for i := range auditBatch {
		s.do("SADD", "vmpooler__pending__p", fmt.Sprint("gone-", i))
	}
	s.do("DEL", "vmpooler_exporter__lease__purge")
	p := newPurger(c, nil)
	plan, err := p.Plan(t.Context(), Scope{Targets: []Target{Pending}})
	if err != nil || plan.Count(Planned) != 1 {
		t.Fatalf("%v\n%s", err, lines(plan))
	}
	if err := p.Apply(t.Context(), plan, "command", nil); err != nil {
		t.Fatal(err)
	}
	if n := c.XLen(t.Context(), KeyAudit).Val(); n < auditLength || n > auditLength+200 {
		t.Errorf("%d entries, want about %d", n, auditLength)
	}
}
