package dlq

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// beforeEach runs before every command of a client, and may refuse it.
type beforeEach func(command string) error

func (beforeEach) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f beforeEach) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := f(cmd.Name()); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

func (f beforeEach) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if err := f(cmd.Name()); err != nil {
				for _, cmd := range cmds {
					cmd.SetErr(err)
				}
				return err
			}
		}
		return next(ctx, cmds)
	}
}

var oneMinute = lifecycle.Rules{DataTTL: dataTTL, Timeout: func(string) time.Duration { return time.Minute }}

// failedHash is what the sweep shows of a clone that failed just now.
func failedHash(vm string) vmpooler.HashRecord {
	return vmpooler.HashRecord{VM: vm, TTL: dataTTL, Fields: map[string]string{
		"pool": "p", "clone": vmpooler.FormatTime(time.Now()), "clone_error": "no space left", "request_id": "some-request",
	}}
}

func vmsOf(all []Entry) []string {
	var vms []string
	for _, e := range all {
		vms = append(vms, e.VM)
	}
	slices.Sort(vms)
	return vms
}

// The sweep goes on while failures are written.
func TestWhatIsFoundDuringAWriteIsWrittenNext(t *testing.T) {
	c := server.Client(t)
	e := newExporter(c, oneMinute, time.Now)
	e.record(t)
	e.Visit(failedHash("first"))
	shown := false
	c.AddHook(beforeEach(func(command string) error {
		if command == "evalsha" && !shown {
			shown = true
			e.Visit(failedHash("second"))
		}
		return nil
	}))
	e.record(t)
	e.record(t)
	if got := vmsOf(entries(t, c)); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("entries of %v", got)
	}
}

func TestAFailureWaitsUntilItsRetriesCanBeRead(t *testing.T) {
	c := server.Client(t)
	e := newExporter(c, oneMinute, time.Now)
	e.record(t)
	do(t, c, "HSET "+vmpooler.RequestKey("some-request")+" retry_count 2")
	e.Visit(failedHash("vm"))
	broken := true
	c.AddHook(beforeEach(func(command string) error {
		if command == "hmget" && broken {
			return io.EOF
		}
		return nil
	}))
	if err := e.Record(t.Context()); !errors.Is(err, io.EOF) {
		t.Fatalf("Record = %v", err)
	}
	broken = false
	e.record(t)
	if got := entries(t, c); len(got) != 1 || got[0].RetryCount == nil || *got[0].RetryCount != 2 {
		t.Errorf("entries %+v", got)
	}
}

// A sweep that did not come to its end has not shown all of the past.
func TestASweepThatFailedIsNoFirstSweep(t *testing.T) {
	c := server.Client(t)
	e := newExporter(c, oneMinute, time.Now)
	e.record(t)
	e.SweepDone(errors.New("connection reset"))
	past := failedHash("vm")
	past.TTL -= 3 * time.Hour
	past.Fields["clone"] = vmpooler.FormatTime(time.Now().Add(-3*time.Hour - time.Minute))
	e.Visit(past)
	e.SweepDone(nil)
	e.record(t)
	if got := vmsOf(entries(t, c)); !slices.Equal(got, []string{"vm"}) {
		t.Errorf("entries of %v", got)
	}
}

// A panic in one look is survived, and what was in hand is found again.
func TestAPanicDoesNotEndTheRecording(t *testing.T) {
	c := server.Client(t)
	now := time.Now()
	for _, words := range [][]any{
		{"SADD", vmpooler.KeyPools, "p"},
		{"SADD", vmpooler.Completed.Key("p"), "vm"},
		{"HSET", vmpooler.VMKey("vm"), "pool", "p", "clone", vmpooler.FormatTime(now.Add(-time.Hour)), "destroy", vmpooler.FormatTime(now)},
	} {
		if err := c.Do(t.Context(), words...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	panics := true
	rules := lifecycle.Rules{DataTTL: dataTTL, Timeout: func(string) time.Duration {
		if panics {
			panic("oh")
		}
		return time.Minute
	}}
	e := newExporter(c, rules, time.Now)
	if err := e.Record(t.Context()); err == nil || !strings.Contains(err.Error(), "panicked: oh") {
		t.Fatalf("Record = %v", err)
	}
	e.Visit(vmpooler.HashRecord{VM: "other", Fields: map[string]string{
		"pool": "p", "clone": vmpooler.FormatTime(now.Add(-time.Hour)), "destroy": vmpooler.FormatTime(now),
	}})
	panics = false
	e.record(t)
	if got := entries(t, c); len(got) != 1 || got[0].VM != "vm" || got[0].Queue != "pending" {
		t.Errorf("entries %v", got)
	}
}
