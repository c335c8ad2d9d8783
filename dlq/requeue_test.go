package dlq

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	failedID  = "3a367972-058e-4da6-a1f6-298ffebc7630"
	otherID   = "d82dc250-0eef-4c9b-bae9-c8cbaf50888f"
	failedKey = "vmpooler__odrequest__" + failedID
)

// failedRequest writes a request that failed for good with all that vmpooler
// leaves of it, beside one that it works on.
func failedRequest(tb testing.TB, c *redis.Client, id string) {
	tb.Helper()
	do := func(args ...any) {
		tb.Helper()
		if err := c.Do(tb.Context(), args...).Err(); err != nil {
			tb.Fatalf("%v: %v", args, err)
		}
	}
	key := vmpooler.RequestKey(id)
	do("HSET", key, "requested", "a:pool-a:2,b:pool__b:1", "status", "failed", "retry_count", "3",
		"failure_reason", "Max retry attempts exceeded", "token:token", "secret", "token:user", "jo")
	do("EXPIRE", key, 604800)
	do("SADD", "vmpooler__"+id+"__a__pool-a", "pix-left-one", "pix-left-two")
	do("EXPIRE", "vmpooler__"+id+"__a__pool-a", 604800)
	do("SADD", "vmpooler__running__pool-a", "pix-users-own")
	do("SADD", "vmpooler__completed__pool-a", "pix-left-one")
	do("SADD", "vmpooler__pending__pool__b", "pix-of-other", "pix-of-nobody", "pix-without-hash")
	do("HSET", "vmpooler__vm__pix-of-other", "request_id", otherID)
	do("HSET", "vmpooler__vm__pix-of-nobody", "clone", "2026-11-23 08:32:46 +0000")
	do("HSET", vmpooler.RequestKey(otherID), "requested", "a:pool-a:1", "status", "pending")
	do("ZADD", "vmpooler__provisioning__request", 1, "waits")
	do("ZADD", "vmpooler__provisioning__processing", 1, otherID)
	do("ZADD", "vmpooler__odcreate__task", 1, "a:pool-a:1:"+otherID)
}

// contents is the whole database in words: what every key holds, and whether it
// expires.
func contents(tb testing.TB, c *redis.Client) map[string]string {
	tb.Helper()
	all := make(map[string]string)
	for _, key := range c.Keys(tb.Context(), "*").Val() {
		var text string
		switch kind := c.Type(tb.Context(), key).Val(); kind {
		case "hash":
			hash := c.HGetAll(tb.Context(), key).Val()
			for _, field := range slices.Sorted(maps.Keys(hash)) {
				text += fmt.Sprintf("%s=%q ", field, hash[field])
			}
		case "set":
			text = fmt.Sprint(slices.Sorted(slices.Values(c.SMembers(tb.Context(), key).Val())))
		case "zset":
			text = fmt.Sprint(c.ZRangeWithScores(tb.Context(), key, 0, -1).Val())
		default:
			tb.Fatalf("%s is a %s", key, kind)
		}
		if c.TTL(tb.Context(), key).Val() > 0 {
			text += " expires"
		}
		all[key] = text
	}
	return all
}

// unchanged returns a check that every byte and expiry is still as it is now.
func unchanged(tb testing.TB, c *redis.Client) func() {
	tb.Helper()
	read := func() map[string]string {
		all := make(map[string]string)
		for _, key := range c.Keys(tb.Context(), "*").Val() {
			all[key] = fmt.Sprintf("%q until %d", c.Dump(tb.Context(), key).Val(), c.PExpireTime(tb.Context(), key).Val())
		}
		return all
	}
	before := read()
	return func() {
		tb.Helper()
		if d := cmp.Diff(before, read()); d != "" {
			tb.Errorf("it has changed Redis:\n%s", d)
		}
	}
}

func TestRequeueChangesTheRequestAndNothingElse(t *testing.T) {
	c := server.Client(t)
	failedRequest(t, c, failedID)
	want := contents(t, c)

	began := time.Now()
	got, err := Requeue(t.Context(), c, failedID, RequeueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if late := got.At.Sub(began); got.ID != failedID || got.Requeues != 1 || late < -time.Second || late > time.Minute {
		t.Errorf("%+v, asked at %v", got, began)
	}
	score := c.ZScore(t.Context(), vmpooler.KeyRequestQueue, failedID).Val()
	if late := score - float64(got.At.Unix()); late < 0 || late > 1 {
		t.Errorf("score %v, at %v", score, got.At)
	}
	want[failedKey] = fmt.Sprintf(`requested="a:pool-a:2,b:pool__b:1" requeued="1" requeued_at=%q retry_count="0" status="pending" token:token="secret" token:user="jo" `,
		got.At.Format("2006-01-02 15:04:05 +0000"))
	want["vmpooler__provisioning__request"] = fmt.Sprintf("[{1 waits} {%v %s}]", score, failedID)
	delete(want, "vmpooler__"+failedID+"__a__pool-a")
	if d := cmp.Diff(want, contents(t, c)); d != "" {
		t.Error(d)
	}
}

func TestRequeueRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		id      string
		prepare []any // a command
		want    RefusedError
	}{
		"no id":                      {"", nil, RefusedError{Reason: RefusedGone}},
		"no hash":                    {"none", nil, RefusedError{Reason: RefusedGone}},
		"an id like a pattern":       {"*", nil, RefusedError{Reason: RefusedGone}},
		"no hash any more":           {failedID, []any{"DEL", failedKey}, RefusedError{Reason: RefusedGone}},
		"hash is a string":           {failedID, []any{"SET", failedKey, "x"}, RefusedError{Reason: RefusedType, Detail: failedKey}},
		"no requested":               {failedID, []any{"HDEL", failedKey, "requested"}, RefusedError{Reason: RefusedMalformed, Detail: "requested"}},
		"requested is empty":         {failedID, []any{"HSET", failedKey, "requested", ""}, RefusedError{Reason: RefusedMalformed, Detail: "requested"}},
		"requested without a count":  {failedID, []any{"HSET", failedKey, "requested", "a:b"}, RefusedError{Reason: RefusedMalformed, Detail: "requested"}},
		"requested with a bad item":  {failedID, []any{"HSET", failedKey, "requested", "a:pool-a:1,"}, RefusedError{Reason: RefusedMalformed, Detail: "requested"}},
		"requeued is no number":      {failedID, []any{"HSET", failedKey, "requeued", "-1"}, RefusedError{Reason: RefusedMalformed, Detail: "requeued"}},
		"no status":                  {failedID, []any{"HDEL", failedKey, "status"}, RefusedError{Reason: RefusedStatus}},
		"pending":                    {failedID, []any{"HSET", failedKey, "status", "pending"}, RefusedError{Reason: RefusedStatus, Detail: "pending"}},
		"ready":                      {failedID, []any{"HSET", failedKey, "status", "ready"}, RefusedError{Reason: RefusedStatus, Detail: "ready"}},
		"deleted":                    {failedID, []any{"HSET", failedKey, "status", "deleted"}, RefusedError{Reason: RefusedStatus, Detail: "deleted"}},
		"waiting":                    {failedID, []any{"ZADD", vmpooler.KeyRequestQueue, 1, failedID}, RefusedError{Reason: RefusedQueued}},
		"being worked on":            {failedID, []any{"ZADD", vmpooler.KeyRequestProcessing, 1, failedID}, RefusedError{Reason: RefusedProcessing}},
		"a clone waits":              {failedID, []any{"ZADD", vmpooler.KeyOndemandCreate, 0, "b:q:0:" + failedID}, RefusedError{Reason: RefusedTask, Detail: "b:q:0:" + failedID}},
		"a VM runs":                  {failedID, []any{"SADD", "vmpooler__running__pool-a", "pix-left-two"}, RefusedError{Reason: RefusedRunning, Detail: "pix-left-two"}},
		"a VM is being made":         {failedID, []any{"HSET", "vmpooler__vm__pix-of-nobody", "request_id", failedID}, RefusedError{Reason: RefusedPending, Detail: "pix-of-nobody"}},
		"requeued three times":       {failedID, []any{"HSET", failedKey, "requeued", "3"}, RefusedError{Reason: RefusedLimit, Requeues: 3}},
		"requeued beyond all number": {failedID, []any{"HSET", failedKey, "requeued", "99999999999999999999"}, RefusedError{Reason: RefusedLimit}},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			failedRequest(t, c, failedID)
			if tc.prepare != nil {
				if err := c.Do(t.Context(), tc.prepare...).Err(); err != nil {
					t.Fatal(err)
				}
			}
			tc.want.ID = tc.id
			check := unchanged(t, c)
			for _, dry := range []bool{true, false} {
				_, err := Requeue(t.Context(), c, tc.id, RequeueOptions{DryRun: dry})
				var got *RefusedError
				if !errors.As(err, &got) {
					t.Fatalf("dry run %v: %v", dry, err)
				}
				if tc.want.Reason == RefusedLimit && tc.want.Requeues == 0 {
					got.Requeues = 0
				}
				if d := cmp.Diff(tc.want, *got); d != "" {
					t.Error(d)
				}
			}
			check()
		})
	}
}

func TestRequeueRefusesKeysOfAnotherType(t *testing.T) {
	for _, key := range requeueKeys(failedID, "a:pool-a:2,b:pool__b:1") {
		t.Run(key, func(t *testing.T) {
			c := server.Client(t)
			failedRequest(t, c, failedID)
			c.Del(t.Context(), key)
			c.RPush(t.Context(), key, "x")
			check := unchanged(t, c)
			_, err := Requeue(t.Context(), c, failedID, RequeueOptions{})
			var got *RefusedError
			if !errors.As(err, &got) || got.Reason != RefusedType || got.Detail != key {
				t.Error(err)
			}
			check()
		})
	}
}

// The keys are derived from what was read a round trip before.
func TestRequeueRefusesARequestThatChangedMeanwhile(t *testing.T) {
	c := server.Client(t)
	failedRequest(t, c, failedID)
	for _, read := range []string{"a:pool-a:1", ""} {
		check := unchanged(t, c)
		reply, err := runRequeue(t.Context(), c, failedID, read, time.Now(), RequeueOptions{MaxRequeues: 3})
		if err != nil || reply.code != string(RefusedChanged) {
			t.Errorf("%+v, %v", reply, err)
		}
		check()
	}
}

func TestRequeueTakesTheLimitThatIsGiven(t *testing.T) {
	c := server.Client(t)
	failedRequest(t, c, failedID)
	c.HSet(t.Context(), failedKey, FieldRequeued, 4, FieldRequeuedAt, "2026-11-23 08:32:46 +0000")
	if got, err := Requeue(t.Context(), c, failedID, RequeueOptions{MaxRequeues: 5}); err != nil || got.Requeues != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	if got := c.HGet(t.Context(), failedKey, FieldRequeuedAt).Val(); got == "2026-11-23 08:32:46 +0000" {
		t.Error("the time of the requeue before has stayed")
	}
}

func TestADryRunOfARequeueWritesNothing(t *testing.T) {
	c := server.Client(t)
	failedRequest(t, c, failedID)
	check := unchanged(t, c)
	got, err := Requeue(t.Context(), c, failedID, RequeueOptions{DryRun: true})
	if err != nil || got.Requeues != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	check()
}

func TestOfTwentyRequeuesAtOnceOneWins(t *testing.T) {
	c := server.Client(t)
	failedRequest(t, c, failedID)
	errs := make([]error, 20)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = Requeue(t.Context(), c, failedID, RequeueOptions{}) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		var refused *RefusedError
		switch {
		case err == nil:
			won++
		case !errors.As(err, &refused) || refused.Reason != RefusedStatus:
			t.Error(err)
		}
	}
	if n := c.HGet(t.Context(), failedKey, FieldRequeued).Val(); won != 1 || n != "1" {
		t.Errorf("%d won, requeued is %s", won, n)
	}
}

// The demo has no other server.
func TestRequeueRunsOnMiniredis(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer c.Close()
	failedRequest(t, c, failedID)
	if _, err := Requeue(t.Context(), c, failedID, RequeueOptions{DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := Requeue(t.Context(), c, failedID, RequeueOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, c); got["vmpooler__"+failedID+"__a__pool-a"] != "" || c.TTL(t.Context(), failedKey).Val() > 0 ||
		c.HGet(t.Context(), failedKey, "status").Val() != "pending" || c.ZScore(t.Context(), vmpooler.KeyRequestQueue, failedID).Val() == 0 {
		t.Error(got)
	}
	var refused *RefusedError
	if _, err := Requeue(t.Context(), c, failedID, RequeueOptions{}); !errors.As(err, &refused) || refused.Reason != RefusedStatus {
		t.Error(err)
	}
}

func FuzzParseRequested(f *testing.F) {
	for _, seed := range []string{"a:b:1", "a:b:1,c:d:2", "", ",", "a:b:+1", "a:b:0", "a::1", "a:b:1:c", "a:b:99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, ok := parseRequested(text)
		if ok != (len(parts) > 0) {
			t.Fatalf("%q: %v, %v", text, parts, ok)
		}
		for _, p := range parts {
			if p.alias == "" || p.pool == "" || p.count < 1 {
				t.Errorf("%q: %+v", text, p)
			}
		}
		if n := len(requeueKeys("id", text)); n != 4+3*len(parts) {
			t.Errorf("%q: %d keys", text, n)
		}
	})
}
