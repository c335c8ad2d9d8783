package dlq

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// byHand are those who change something and are no recorder.
func byHand(t *testing.T, c *redis.Client) map[string]func(client *redis.Client) error {
	t.Helper()
	return map[string]func(*redis.Client) error{
		"a requeue": func(client *redis.Client) error {
			_, err := RequeueAll(t.Context(), client, []string{failedID}, RequeueAllOptions{})
			return err
		},
		"a deletion": func(client *redis.Client) error {
			_, err := Delete(t.Context(), client, []string{letterID(t, c)}, false)
			return err
		},
	}
}

// letterID returns the id of the only dead letter.
func letterID(t *testing.T, c *redis.Client) string {
	t.Helper()
	members := c.ZRange(t.Context(), vmpooler.DLQKey("clone"), 0, -1).Val()
	if len(members) != 1 {
		t.Fatalf("%d dead letters", len(members))
	}
	return MemberID("clone", members[0])
}

// handScene is a Redis with a failed request and a dead letter.
func handScene(t *testing.T) *redis.Client {
	t.Helper()
	c := server.Client(t)
	failedRequest(t, c, failedID)
	member := `vm:1795422766:{"vm":"vm","pool":"p","queue_from":"clone","error_class":"E","error_message":"no room","failed_at":"2026-11-23T08:32:46Z"}`
	if err := c.ZAdd(t.Context(), vmpooler.DLQKey("clone"), redis.Z{Score: 1795422766, Member: member}).Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// besides is all that is there but for leases.
func besides(t *testing.T, c *redis.Client) string {
	t.Helper()
	var kept []string
	for line := range strings.Lines(dump(t, c)) {
		if !strings.Contains(line, "vmpooler_exporter__lease") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func TestOneChangesThingsByHandAtATime(t *testing.T) {
	for name := range byHand(t, nil) {
		t.Run(name, func(t *testing.T) {
			c := handScene(t)
			act := byHand(t, c)[name]
			if err := c.Set(t.Context(), lease.KeyLetters, "9:host:7:another", time.Minute).Err(); err != nil {
				t.Fatal(err)
			}
			before := besides(t, c)
			if busy, ok := errors.AsType[*lease.BusyError](act(c)); !ok || busy.Owner != "host:7:another" {
				t.Errorf("%v", busy)
			}
			if after := besides(t, c); after != before {
				t.Errorf("it has changed:\n%s\nit was\n%s", after, before)
			}
			c.Del(t.Context(), lease.KeyLetters)
			if err := act(c); err != nil {
				t.Fatal(err)
			}
			if after := besides(t, c); after == before || c.Exists(t.Context(), lease.KeyLetters).Val() != 0 {
				t.Error("nothing was done, or the lease was not given back")
			}
		})
	}
}

// passing lets the lease pass on just before the script that changes something is run.
type passing struct {
	c     *redis.Client
	first string // key
}

func (passing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (passing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (p passing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); strings.HasPrefix(cmd.Name(), "eval") && len(args) > 3 && args[3] == p.first {
			p.c.Set(ctx, lease.KeyLetters, "9:host:7:another", time.Minute)
		}
		return next(ctx, cmd)
	}
}

func TestWhoseLeaseHasPassedOnChangesNothing(t *testing.T) {
	for name, key := range map[string]string{"a requeue": failedKey, "a deletion": vmpooler.DLQKey("clone")} {
		t.Run(name, func(t *testing.T) {
			c := handScene(t)
			late := client(t, server, nil)
			late.AddHook(passing{c, key})
			before := besides(t, c)
			err := byHand(t, c)[name](late)
			if !errors.Is(err, lease.ErrFenced) || errors.Is(err, ErrRequeueUnknown) {
				t.Errorf("%v", err)
			}
			if after := besides(t, c); after != before {
				t.Errorf("it has changed:\n%s\nit was\n%s", after, before)
			}
		})
	}
}

func TestADryRunNeedsNoLease(t *testing.T) {
	c := handScene(t)
	before := dump(t, c)
	if _, err := RequeueAll(t.Context(), c, []string{failedID}, RequeueAllOptions{RequeueOptions: RequeueOptions{DryRun: true}}); err != nil {
		t.Error(err)
	}
	if _, err := Delete(t.Context(), c, []string{letterID(t, c)}, true); err != nil {
		t.Error(err)
	}
	if after := dump(t, c); after != before {
		t.Errorf("it has changed:\n%s", after)
	}
}
