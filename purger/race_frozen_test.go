package purger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// envFrozen holds the socket of the Redis that a child process purges.
const envFrozen = "VMPOOLER_EXPORTER_TEST_PURGE"

// TestPurgeAsAChild is no test of its own: it is the process that is frozen by the
// test below.
func TestPurgeAsAChild(t *testing.T) {
	socket := os.Getenv(envFrozen)
	if socket == "" {
		return
	}
	c := newClient(t, &testredis.Server{Socket: socket}, nil)
	keeper := lease.NewKeeper(lease.New(c, lease.KeyPurge, "child", time.Second, nil), log.NewNopLogger())
	keeper.Turn(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		keeper.Run(ctx)
	}()
	source := Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c}
	st, err := source.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var believed lease.Fence
	ap := Applier{
		Client: c, Settings: raceSettings(), Now: time.Now, MaxShare: 1,
		// What this process believes is not asked: it believes that the lease is its own.
		Fence: func() (lease.Fence, bool) {
			f, ours := keeper.Fence()
			if ours {
				believed = f
			}
			return believed, true
		},
	}
	err = ap.Apply(t.Context(), Make(Input{State: st}, raceSettings()))
	cancel()
	<-ended
	if !errors.Is(err, lease.ErrFenced) {
		t.Errorf("it was not fenced off: %v", err)
	}
}

func TestAProcessThatWakesUpLateWritesNothing(t *testing.T) {
	const stale = 5000
	s := testredis.New(t)
	c := newClient(t, s, nil)
	pipe := c.Pipeline()
	pipe.SAdd(t.Context(), vmpooler.KeyPools, "p")
	for i := range stale {
		vm := fmt.Sprint("vm-", i)
		pipe.SAdd(t.Context(), vmpooler.Pending.Key("p"), vm)
		pipe.HSet(t.Context(), vmpooler.VMKey(vm), "clone", past(time.Hour), "pool", "p")
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestPurgeAsAChild$", "-test.v")
	child.Env = append(os.Environ(), envFrozen+"="+s.Socket)
	var out strings.Builder
	child.Stdout, child.Stderr = &out, &out
	testredis.DieWithParent(child)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- child.Wait() }()
	wait := func(what string, until func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !until(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				_ = child.Process.Kill()
				t.Fatalf("%s: not in time\n%s", what, &out)
			}
		}
	}
	left := func() int64 { return c.SCard(t.Context(), vmpooler.Pending.Key("p")).Val() }
	wait("the child purges", func() bool { return left() < stale-500 })
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ours := lease.New(c, lease.KeyPurge, "parent", time.Hour, nil)
	wait("the lease passes on", func() bool {
		ok, err := ours.Acquire(t.Context())
		return ok && err == nil
	})
	if n := left(); n == 0 || n == stale {
		t.Fatalf("%d of %d are left: it was not frozen in mid-cycle", n, stale)
	}
	before := dumps(t, c)
	m := startMonitor(t, s)
	if err := child.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := <-exited; err != nil || !strings.Contains(out.String(), "PASS") {
		t.Errorf("the child: %v\n%s", err, &out)
	}
	tried := 0
	for _, words := range m.scriptCalls() {
		switch strings.ToUpper(words[0]) {
		case "GET", "PTTL":
			tried++
		default:
			t.Errorf("after its lease has passed on, it sends %q", words)
		}
	}
	after := dumps(t, c)
	if tried == 0 || len(before) != len(after) {
		t.Errorf("%d calls, %d keys before, %d after", tried, len(before), len(after))
	}
	for key := range before {
		if before[key] != after[key] {
			t.Errorf("%s has changed", key)
		}
	}
}
