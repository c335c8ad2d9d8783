package purger

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// effects is what an action changes, and nothing else: for each key what must be in
// it before and after, "" for one that is not there.
func effects(k kind) map[string]change {
	if k.target == Request {
		return map[string]change{
			requestKey:                    {"status:pending", "status:failed"},
			vmpooler.KeyRequestProcessing: {requestID, "another"},
			vmpooler.KeyOndemandCreate:    {":" + requestID, "alias:p:1:x" + requestID},
		}
	}
	if k.target == Orphaned {
		return map[string]change{vmKey: {"clone", "; for 1h0m0s"}}
	}
	queue := k.queue.Key("p")
	switch k.queue {
	case vmpooler.Pending:
		return map[string]change{
			queue:                      {"a, b, c, vm", "a, b, c"},
			vmKey:                      {"clone", "; for 168h0m0s"},
			vmpooler.DLQKey("pending"): {"before:1:{}", `"vm":"vm"`},
			dlq.IndexKey("pending"):    {"", " vm}"},
		}
	case vmpooler.Ready:
		return map[string]change{queue: {"a, b, c, vm", "a, b, c"}, "vmpooler__completed__p": {"", "vm"}}
	case vmpooler.Completed:
		return map[string]change{queue: {"a, b, c, vm", "a, b, c"}}
	case vmpooler.Running, vmpooler.Discovered, vmpooler.Migrating:
	}
	return nil
}

func TestAnActionChangesWhatItSaysAndNothingElse(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, k)
			got, want := s.applied(s.plan()), effects(k)
			for key, w := range want {
				g, ok := got[key]
				if !ok || !strings.Contains(g.Before, w.Before) || !strings.Contains(g.After, w.After) || w.Before == "" && g.Before != "" {
					t.Errorf("%s went from %q to %q, want %q in the first and %q in the second", key, g.Before, g.After, w.Before, w.After)
				}
				delete(got, key)
			}
			if len(got) != 0 {
				t.Errorf("changed besides: %v", got)
			}
		})
	}
}

func TestARequestFailsWithItsReasonAndOutOfAllItsQueues(t *testing.T) {
	for _, queue := range []string{vmpooler.KeyRequestQueue, vmpooler.KeyRequestProcessing} {
		for _, status := range []string{"pending", ""} {
			t.Run(queue+" "+status, func(t *testing.T) {
				c := server.Client(t)
				s := newScene(t, c, c, kind{target: Request})
				s.do("ZREM", vmpooler.KeyRequestProcessing, requestID)
				s.do("ZADD", queue, float64(time.Now().Add(-40*time.Hour).UnixMilli())/1000, requestID) // vmpooler's scores may have a fraction
				if s.do("HDEL", requestKey, "status"); status != "" {
					s.do("HSET", requestKey, "status", status)
				}
				s.applied(s.plan())
				hash := c.HGetAll(t.Context(), requestKey).Val()
				if hash["status"] != "failed" || !strings.HasPrefix(hash["failure_reason"], "Purged: waiting for 1d16h, limit 1d0h") ||
					hash["requested"] != "alias:p:2" || hash["token:token"] != secret || hash["retry_count"] != "1" {
					t.Errorf("%v", hash)
				}
				if ttl := c.TTL(t.Context(), requestKey).Val(); ttl < 167*time.Hour || ttl > 168*time.Hour {
					t.Errorf("it lives for %v", ttl)
				}
				for _, key := range []string{vmpooler.KeyRequestQueue, vmpooler.KeyRequestProcessing, vmpooler.KeyOndemandCreate} {
					for _, member := range c.ZRange(t.Context(), key, 0, -1).Val() {
						if strings.HasSuffix(":"+member, ":"+requestID) {
							t.Errorf("%s has %s", key, member)
						}
					}
				}
			})
		}
	}
}

// A TTL is set where there is none, and never changed.
func TestATTLThatIsThereStays(t *testing.T) {
	for _, k := range []kind{{Pending, vmpooler.Pending}, {Ghost, vmpooler.Pending}, {Completed, vmpooler.Completed}, {target: Request}} {
		t.Run(k.String(), func(t *testing.T) {
			c := server.Client(t)
			s := newScene(t, c, c, k)
			key := vmKey
			if k.target == Request {
				key = requestKey
			}
			s.do("EXPIRE", key, 1000)
			s.applied(s.plan())
			if ttl := c.TTL(t.Context(), key).Val(); ttl > 1000*time.Second || ttl < 900*time.Second {
				t.Errorf("it lives for %v now", ttl)
			}
		})
	}
}

func TestWithoutDeadLettersNoneIsWritten(t *testing.T) {
	c := server.Client(t)
	s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
	s.ap.Settings.DeadLetters = false
	got := s.applied(s.plan())
	if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, []string{"vmpooler__pending__p", vmKey}) {
		t.Errorf("changed: %v", keys)
	}
}

func TestADeadLetterSaysWhatWasPurgedAndWhy(t *testing.T) {
	for _, target := range []Target{Pending, Ghost} {
		c := server.Client(t)
		s := newScene(t, c, c, kind{target, vmpooler.Pending})
		s.do("HSET", "vmpooler__odrequest__"+requestID, "retry_count", "2")
		at := time.Now().Truncate(time.Second)
		s.applied(s.plan())
		letters := c.ZRangeWithScores(t.Context(), vmpooler.DLQKey("pending"), 1, -1).Val()
		if len(letters) != 1 {
			t.Fatalf("%d letters", len(letters))
		}
		e, err := dlq.Decode("pending", letters[0].Member.(string), letters[0].Score)
		if err != nil {
			t.Fatal(err)
		}
		class := map[Target]string{Pending: ClassPurge, Ghost: ClassMissing}[target]
		if e.VM != "vm" || e.Pool != "p" || e.ErrorClass != class || e.RequestID != requestID || e.PoolAlias != "alias" ||
			e.RetryCount == nil || *e.RetryCount != 2 || e.FailedAt.Before(at) || e.ErrorMessage == "" {
			t.Errorf("%+v", e)
		}
		if score := c.ZScore(t.Context(), dlq.IndexKey("pending"), "vm").Val(); score != letters[0].Score {
			t.Errorf("the index has it at %v, the queue at %v: it would be recorded twice", score, letters[0].Score)
		}
		for _, key := range []string{vmpooler.DLQKey("pending"), dlq.IndexKey("pending")} {
			if ttl := c.TTL(t.Context(), key).Val(); ttl <= 168*time.Hour || ttl > 170*time.Hour {
				t.Errorf("%s lives for %v", key, ttl)
			}
		}
	}
}

// Whatever a plan says: these queues are written to by no script.
func TestNoActionIsForAQueueOfUsers(t *testing.T) {
	for _, q := range []vmpooler.Queue{vmpooler.Running, vmpooler.Discovered, vmpooler.Migrating} {
		c := server.Client(t)
		s := newScene(t, c, c, kind{Pending, vmpooler.Pending})
		p := s.plan()
		s.do("SREM", "vmpooler__pending__p", "vm")
		s.do("SADD", q.Key("p"), "vm")
		p.Actions[0].Queue = q
		s.unchanged(p, Refused, "never written to")
	}
}

// writes are the commands of the scripts that change something, and by what each may
// name its key.
var writes = map[string][]string{
	"SREM": {"pending", "completed"}, "SMOVE": {"ready"}, "ZREM": {"waiting", "processing", "creating", "KEYS[i]"},
	"EXPIRE": {"hash", "hash .. NOTHING"}, "PEXPIRE": {"KEYS[3]", "KEYS[4]", "KEYS[i] .. NOTHING"},
	"ZADD": {"KEYS[3]", "KEYS[4]", "KEYS[i]"}, "HDEL": {"hash"}, "HSETNX": {"hash"}, "XADD": {"KEYS[1]"},
}

var (
	scripts = map[string]string{
		"prelude": prelude, "pending": pendingSource, "ready": readySource,
		"completed": completedSource, "orphaned": orphanedSource, "request": requestSource, "audit": auditSource,
	}
	luaComment = regexp.MustCompile(`--[^\n]*`)
	luaCommand = regexp.MustCompile(`'([A-Z]{3,})'(?:, ([^,)}]+))?`)
)

func TestTheSourcesWriteToNoQueueOfUsers(t *testing.T) {
	reads := []string{"GET", "TYPE", "EXISTS", "HGET", "PTTL", "TIME", "SMEMBERS", "SISMEMBER", "ZSCORE", "ZRANGE"}
	words := []string{"XX", "NX", "INCR", "WRONGTYPE", "MAXLEN"}
	found := 0
	for name, source := range scripts {
		source = luaComment.ReplaceAllString(source, "")
		for _, m := range luaCommand.FindAllStringSubmatch(source, -1) {
			allowed, write := writes[m[1]]
			switch {
			case write && slices.Contains(allowed, m[2]):
				found++
			case write:
				t.Errorf("%s.lua: %s is given the key %s", name, m[1], m[2])
			case !slices.Contains(reads, m[1]) && !slices.Contains(words, m[1]):
				t.Errorf("%s.lua: %s is not known here", name, m[1])
			}
		}
		for _, queue := range []string{"running", "discovered", "migrating"} {
			if n := strings.Count(source, queue); n > 0 && (name != "prelude" || n > 1) { // QUEUES, of elsewhere
				t.Errorf("%s.lua names %s", name, queue)
			}
		}
		if strings.Contains(source, "redis.call(unpack") || strings.Contains(source, "token") {
			t.Errorf("%s.lua calls what can't be seen here, or reads a token", name)
		}
	}
	if found < 20 {
		t.Errorf("%d writes found: does the pattern still fit?", found)
	}
}

func TestEachScriptRunsInTheDemosRedis(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			m := miniredis.RunT(t)
			c := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
			defer c.Close()
			s := newScene(t, c, c, k)
			if k.target == Orphaned {
				s.ap.ConfirmAfter = time.Nanosecond
			}
			p := s.plan()
			got, want := s.applied(p), effects(k)
			if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, slices.Sorted(maps.Keys(want))) {
				t.Errorf("changed: %v", keys)
			}
			p.Actions[0].Outcome = Planned
			if a, err := s.apply(p); err != nil || a.Outcome != Skipped {
				t.Errorf("a second time: %s: %q, %v", a.Outcome, a.Why, err)
			}
			s.do("SET", "vmpooler_exporter__lease__purge", "8:theirs")
			p.Actions[0].Outcome = Planned
			if a, _ := s.apply(p); a.Outcome != Refused {
				t.Errorf("with another's lease: %s: %q", a.Outcome, a.Why)
			}
		})
	}
}
