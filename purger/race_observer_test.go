package purger

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// observer follows everything that Redis is told, in the order in which Redis did it,
// and holds each write of a script of the purge to the state at that very moment. It
// knows nothing of the purger.
type observer struct {
	m    *monitor
	ages Settings
	done chan struct{}

	sets   map[string]map[string]bool // queues, by key
	places map[string]map[string]bool // VM → keys of the queues that it is in
	hashes map[string]map[string]string
	ttls   map[string]bool
	scores map[string]map[string]float64

	orphaned map[string]bool // VMs whose hash was given an orphan's TTL
	letters  map[string]int  // VM → dead letters that wait for its removal from pending
	members  map[string]bool // of the dead letters: two of one VM and second are one
	removed  string          // VM that a script has just taken out of pending

	purged map[Target]int
	faults []string
}

func observe(t *testing.T, s *testredis.Server, ages Settings) *observer {
	t.Helper()
	o := &observer{
		m: startMonitor(t, s), ages: ages, done: make(chan struct{}),
		sets: make(map[string]map[string]bool), places: make(map[string]map[string]bool),
		hashes: make(map[string]map[string]string), ttls: make(map[string]bool), scores: make(map[string]map[string]float64),
		orphaned: make(map[string]bool), letters: make(map[string]int), members: make(map[string]bool), purged: make(map[Target]int),
	}
	go func() {
		defer close(o.done)
		o.m.each(o.see)
	}()
	return o
}

// finish waits until all has been seen, and reports the faults.
func (o *observer) finish(t *testing.T) {
	t.Helper()
	o.m.end()
	<-o.done
	for vm, n := range o.letters {
		if n != 0 {
			o.fault("%d dead letters of %s, which was not taken out of pending", n, vm)
		}
	}
	for i, fault := range o.faults {
		if i == 20 {
			t.Errorf("and %d more", len(o.faults)-i)
			break
		}
		t.Error(fault)
	}
}

// agrees holds what the observer believes against Redis itself: else it would be
// of no use as a witness.
func (o *observer) agrees(t *testing.T, c *redis.Client) {
	t.Helper()
	for key, members := range o.sets {
		want := slices.Sorted(maps.Keys(members))
		got := c.SMembers(t.Context(), key).Val()
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("the observer is wrong about %s: %d members, %d in Redis", key, len(want), len(got))
		}
	}
	for key, fields := range o.hashes {
		if vm, ok := vmpooler.VMFromKey(key); ok && fields["clone"] != c.HGet(t.Context(), key, "clone").Val() {
			t.Errorf("the observer is wrong about the hash of %s", vm)
		}
	}
}

func (o *observer) fault(format string, args ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

// see takes one command.
func (o *observer) see(words []string, script bool) {
	name := strings.ToUpper(words[0])
	if len(words) < 2 || strings.HasPrefix(words[1], "vmpooler_exporter__") {
		return // not vmpooler's
	}
	switch name {
	case "SADD", "SREM", "SMOVE", "HSET", "HMSET", "HDEL", "HSETNX", "EXPIRE", "PEXPIRE", "DEL", "ZADD", "ZREM":
	case "SET", "INCR", "DECR", "HINCRBY", "PERSIST", "SPOP", "XADD":
		if script {
			o.fault("a script sends %q", words)
		}
		return
	default:
		return // it only reads
	}
	if script {
		if strings.HasSuffix(words[1], "__vmpooler_exporter_nothing") || words[len(words)-1] == "__vmpooler_exporter_nothing" {
			return // a call without an effect
		}
		o.judge(name, words)
	}
	o.take(name, words[1], words[2:], script)
}

// take changes what is believed.
func (o *observer) take(name, key string, args []string, script bool) {
	_, _, queue := vmpooler.QueueFromKey(key)
	switch name {
	case "SADD":
		if queue {
			for _, vm := range args {
				o.put(key, vm, script)
			}
		}
	case "SREM":
		for _, vm := range args {
			o.drop(key, vm)
		}
	case "SMOVE":
		if o.sets[key][args[1]] {
			o.drop(key, args[1])
			o.put(args[0], args[1], script)
		}
	case "HSET", "HMSET":
		for i := 0; i+1 < len(args); i += 2 {
			o.hash(key)[args[i]] = args[i+1]
		}
	case "HSETNX":
		if _, ok := o.hash(key)[args[0]]; !ok {
			o.hash(key)[args[0]] = args[1]
		}
	case "HDEL":
		for _, field := range args {
			delete(o.hash(key), field)
		}
		if len(o.hashes[key]) == 0 {
			o.forget(key)
		}
	case "EXPIRE", "PEXPIRE":
		o.ttls[key] = true
	case "DEL":
		o.forget(key)
	case "ZADD":
		if o.scores[key] == nil {
			o.scores[key] = make(map[string]float64)
		}
		score, _ := strconv.ParseFloat(args[len(args)-2], 64)
		o.scores[key][args[len(args)-1]] = score
	case "ZREM":
		for _, member := range args {
			delete(o.scores[key], member)
		}
	}
}

func (o *observer) hash(key string) map[string]string {
	if o.hashes[key] == nil {
		o.hashes[key] = make(map[string]string)
	}
	return o.hashes[key]
}

func (o *observer) forget(key string) {
	delete(o.hashes, key)
	delete(o.ttls, key)
	if vm, ok := vmpooler.VMFromKey(key); ok {
		delete(o.orphaned, vm)
	}
}

func (o *observer) put(key, vm string, script bool) {
	if o.sets[key] == nil {
		o.sets[key] = make(map[string]bool)
	}
	if o.places[vm] == nil {
		o.places[vm] = make(map[string]bool)
	}
	o.sets[key][vm], o.places[vm][key] = true, true
	if q, _, _ := vmpooler.QueueFromKey(key); !script && o.orphaned[vm] && (q == vmpooler.Ready || q == vmpooler.Running) {
		o.fault("%s was on its way to %s when its hash was given a TTL", vm, key)
	}
}

func (o *observer) drop(key, vm string) {
	delete(o.sets[key], vm)
	delete(o.places[vm], key)
}

// judge holds a script's write to what is known at the moment.
func (o *observer) judge(name string, words []string) {
	key, args := words[1], words[2:]
	q, pool, queue := vmpooler.QueueFromKey(key)
	vm, isVM := vmpooler.VMFromKey(key)
	_, isRequest := vmpooler.RequestFromKey(key)
	switch {
	case queue && name == "SREM" && q == vmpooler.Pending:
		o.stale(Pending, args[0], pool, q, vmpooler.FieldClone, o.ages.MaxPendingAge)
		o.letters[args[0]]--
		o.removed = args[0]
	case queue && name == "SREM" && q == vmpooler.Completed:
		o.stale(Completed, args[0], pool, q, vmpooler.FieldDestroy, o.ages.MaxCompletedAge)
	case queue && name == "SMOVE" && q == vmpooler.Ready && args[0] == vmpooler.Completed.Key(pool):
		o.stale(Ready, args[1], pool, q, vmpooler.FieldReady, o.ages.MaxReadyAge)
	case name == "ZADD" && key == vmpooler.DLQKey("pending"):
		vm, _, _ := strings.Cut(args[len(args)-1], ":")
		o.members[args[len(args)-1]] = true
		if o.letters[vm]++; o.letters[vm] != 1 {
			o.fault("%s has %d letters at once", vm, o.letters[vm])
		}
	case key == vmpooler.DLQKey("pending") && name == "PEXPIRE":
	case isVM && name == "EXPIRE":
		if o.ttls[key] {
			o.fault("%s: the TTL of its hash is set a second time", vm)
		}
		if o.removed == vm {
			o.removed = ""
			return
		}
		o.purged[Orphaned]++
		if len(o.places[vm]) > 0 || o.hashes[key]["pool"] == "" || o.since(vm, vmpooler.FieldClone) <= o.ages.MaxOrphanedAge {
			o.fault("%s is no orphan: in %v, %v", vm, o.places[vm], o.hashes[key])
		}
		o.orphaned[vm] = true
	case isRequest && name == "HSETNX" && args[0] == "status":
		o.purged[Request]++
	case isRequest && name == "HDEL":
		id, _ := vmpooler.RequestFromKey(key)
		_, waits := o.scores[vmpooler.KeyRequestQueue][id]
		_, works := o.scores[vmpooler.KeyRequestProcessing][id]
		if status := o.hashes[key]["status"]; !waits && !works || status != "" && status != "pending" {
			o.fault("request %s is %q, waiting: %v, worked on: %v", id, status, waits, works)
		}
	case isRequest && (name == "HSETNX" || name == "EXPIRE"):
	case name == "ZREM" && (key == vmpooler.KeyRequestQueue || key == vmpooler.KeyRequestProcessing || key == vmpooler.KeyOndemandCreate):
	default:
		o.fault("no script of the purge may send %q", words)
	}
}

// stale holds a VM that is purged from a queue to being there, and nowhere else, for
// too long, and nobody's.
func (o *observer) stale(target Target, vm, pool string, q vmpooler.Queue, field string, limit time.Duration) {
	o.purged[target]++
	hash, places := o.hashes[vmpooler.VMKey(vm)], o.places[vm]
	if len(places) != 1 || !places[q.Key(pool)] {
		o.fault("%s is purged from %s, and is in %v", vm, q.Key(pool), places)
	}
	if age := o.since(vm, field); age <= limit {
		o.fault("%s is purged from %s, by %s only %v old", vm, q.Key(pool), field, age)
	}
	if q != vmpooler.Completed && hash["checkout"] != "" {
		o.fault("%s is purged from %s, and is a user's", vm, q.Key(pool))
	}
	if hash["pool"] != pool {
		o.fault("%s is purged from %s, and its hash is that of another in %s", vm, q.Key(pool), hash["pool"])
	}
}

// since is how old what a field says was when the command was done, by the server's
// clock; below 0 if it says nothing.
func (o *observer) since(vm, field string) time.Duration {
	at, err := vmpooler.ParseTime(o.hashes[vmpooler.VMKey(vm)][field])
	if err != nil {
		return -1
	}
	return o.m.at.Sub(at)
}
