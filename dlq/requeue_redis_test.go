package dlq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// requeueRefused holds a requeue, and a dry run of it, to an error with the
// word in it and to have changed nothing; and the requeue to work once mend has
// run.
func requeueRefused(t *testing.T, admin, client *redis.Client, word string, mend func()) {
	t.Helper()
	check := unchanged(t, admin)
	for _, dry := range []bool{true, false} {
		_, err := Requeue(t.Context(), client, failedID, RequeueOptions{DryRun: dry})
		if err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), failedKey) {
			t.Errorf("dry run %v: error %v, want %q and the key in it", dry, err, word)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a token: %v", err)
		}
		check()
	}
	mend()
	if _, err := Requeue(t.Context(), client, failedID, RequeueOptions{}); err != nil {
		t.Error(err)
	}
}

func TestAFullRedisRefusesARequeue(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--maxmemory-policy", "noeviction"))
	c := client(t, s, nil)
	failedRequest(t, c, failedID)
	c.ConfigSet(t.Context(), "maxmemory", "1")
	requeueRefused(t, c, c, "OOM", func() { c.ConfigSet(t.Context(), "maxmemory", "0") })
}

func TestAReplicaRefusesARequeue(t *testing.T) {
	s := testredis.New(t)
	c := client(t, s, nil)
	failedRequest(t, c, failedID)
	// It keeps what it has for as long as it doesn't find its primary.
	if err := c.ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	requeueRefused(t, c, c, "READONLY", func() { c.ReplicaOf(t.Context(), "NO", "ONE") })
}

// requeueCommands are what a user needs to requeue.
var requeueCommands = []string{
	"type", "hget", "zscore", "zrange", "smembers", "sismember", "zadd", "hsetnx", "hdel", "persist", "srem", "time", "evalsha", "eval",
}

func TestAUserWithoutAPermissionRequeuesNothing(t *testing.T) {
	s := testredis.New(t)
	admin := client(t, s, nil)
	rule := func(t *testing.T, keys []string, missing string) {
		t.Helper()
		args := []any{"acl", "setuser", "requeue", "reset", "on", ">pw"}
		for _, key := range keys {
			args = append(args, "~"+key)
		}
		for _, command := range requeueCommands {
			if command != missing {
				args = append(args, "+"+command)
			}
		}
		if err := admin.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	all := []string{"vmpooler__*"}
	try := func(name string, keys []string, missing string) {
		t.Run(name, func(t *testing.T) {
			admin.FlushAll(t.Context())
			failedRequest(t, admin, failedID)
			rule(t, keys, missing)
			// A connection of its own: one that is there keeps its user's last rules for good.
			user := client(t, s, func(o *redis.Options) { o.Username, o.Password = "requeue", "pw" })
			requeueRefused(t, admin, user, "NOPERM", func() { rule(t, all, "") })
		})
	}
	for _, missing := range requeueCommands[:len(requeueCommands)-1] { // EVAL is for a server without the script
		try(missing, all, missing)
	}
	patterns := []string{
		"vmpooler__odrequest__*", "vmpooler__provisioning__*", "vmpooler__odcreate__task", "vmpooler__" + failedID + "*",
		"vmpooler__running__*", "vmpooler__pending__*", "vmpooler__vm__*",
	}
	for i := range patterns {
		try(patterns[i], slices.Delete(slices.Clone(patterns), i, i+1), "")
	}
	s.Client(t) // flushes
	failedRequest(t, admin, failedID)
	rule(t, patterns, "")
	user := client(t, s, func(o *redis.Options) { o.Username, o.Password = "requeue", "pw" })
	if _, err := Requeue(t.Context(), user, failedID, RequeueOptions{}); err != nil {
		t.Errorf("with all of them: %v", err)
	}
}

func TestRequeueWithoutRedisIsAnErrorThatNamesTheKey(t *testing.T) {
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DisableIdentity: true})
	defer c.Close()
	_, err := Requeue(t.Context(), c, failedID, RequeueOptions{})
	if refused := (*RefusedError)(nil); err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), failedKey) {
		t.Error(err)
	}
}

// deaf loses the answers to scripts about this request.
type deaf struct{ key string }

func (deaf) DialHook(next redis.DialHook) redis.DialHook { return next }

func (deaf) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (d deaf) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if args := cmd.Args(); err == nil && strings.HasPrefix(cmd.Name(), "eval") && len(args) > 3 && args[3] == d.key {
			cmd.SetErr(io.ErrUnexpectedEOF)
			return io.ErrUnexpectedEOF
		}
		return err
	}
}

func TestARequeueWithoutAnAnswerIsUnknown(t *testing.T) {
	c := server.Client(t)
	failedRequest(t, c, failedID)
	lossy := client(t, server, nil)
	lossy.AddHook(deaf{failedKey})
	outcomes, err := RequeueAll(t.Context(), lossy, []string{failedID, otherID}, RequeueAllOptions{})
	if !errors.Is(err, ErrRequeueUnknown) || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), failedKey) {
		t.Error(err)
	}
	if want := []RequeueState{RequeueUnknown, RequeueNotTried}; !slices.Equal(states(outcomes), want) {
		t.Error(states(outcomes))
	}
	if _, err := Requeue(t.Context(), lossy, failedID, RequeueOptions{DryRun: true}); err == nil || errors.Is(err, ErrRequeueUnknown) {
		t.Errorf("a dry run: %v", err)
	}
}

// A script blocks Redis, so this prints how long: some 3 ms for many times what
// a request ever has.
func TestARequeueOfALargeRequestIsShort(t *testing.T) {
	c := server.Client(t)
	failedRequest(t, c, failedID)
	pipe := c.Pipeline()
	for i := range 1000 {
		vm := fmt.Sprintf("pix-many-%d", i)
		pipe.SAdd(t.Context(), "vmpooler__pending__pool-a", vm)
		pipe.HSet(t.Context(), "vmpooler__vm__"+vm, "request_id", otherID)
		pipe.SAdd(t.Context(), "vmpooler__"+failedID+"__a__pool-a", vm)
		pipe.ZAdd(t.Context(), "vmpooler__odcreate__task", redis.Z{Score: 1, Member: fmt.Sprintf("a:pool-a:%d:%s", i, otherID)})
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := Requeue(t.Context(), c, failedID, RequeueOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Logf("1000 pending VMs, 1000 given and 1000 tasks: %v", time.Since(began))
}

// Sent again, the script would find a request that is pending, and refuse it.
func TestARequeueWhoseAnswerIsLostIsNotSentAgain(t *testing.T) {
	c := server.Client(t)
	failedRequest(t, c, failedID)
	lose := new(atomic.Bool)
	retrying := client(t, server, func(o *redis.Options) {
		o.MaxRetries = 2
		o.Dialer = testredis.LossyDialer(lose, "evalsha", failedKey)
	})
	if err := requeueScript.Load(t.Context(), retrying).Err(); err != nil {
		t.Fatal(err)
	}
	lose.Store(true)
	if _, err := Requeue(t.Context(), retrying, failedID, RequeueOptions{}); !errors.Is(err, ErrRequeueUnknown) {
		t.Error(err)
	}
	if status := c.HGet(t.Context(), failedKey, "status").Val(); status != "pending" {
		t.Errorf("it is %s: nothing was lost", status)
	}
}
