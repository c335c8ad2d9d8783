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
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// envFrozen holds the socket of the Redis that a child process purges.
const envFrozen = "VMPOOLER_EXPORTER_TEST_PURGE"

// frozenTTL is how long the child's lease lives by itself.
const frozenTTL = 4 * time.Second

// TestPurgeAsAChild is no test of its own: it is the process that is frozen by the
// tests below. It believes that the lease is its own, whatever it is told.
func TestPurgeAsAChild(t *testing.T) {
	socket := os.Getenv(envFrozen)
	if socket == "" {
		return
	}
	c := newClient(t, &testredis.Server{Socket: socket}, nil)
	keeper := lease.NewKeeper(lease.New(c, lease.KeyPurge, "child", frozenTTL, nil), log.NewNopLogger())
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

// TestPurgerAsAChild is another such process: a purge as the program does it.
func TestPurgerAsAChild(t *testing.T) {
	socket := os.Getenv(envFrozen)
	if socket == "" {
		return
	}
	c := newClient(t, &testredis.Server{Socket: socket}, nil)
	p := New(Options{
		Client: c, Source: &Source{Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}), Client: c},
		Settings: raceSettings(), Logger: log.NewNopLogger(), Owner: "child", LeaseTTL: frozenTTL,
	})
	plan, err := p.Plan(t.Context(), Scope{})
	if err != nil {
		t.Fatal(err)
	}
	err = p.Apply(t.Context(), plan, "command", nil)
	if !errors.Is(err, lease.ErrFenced) && !errors.Is(err, errNoLease) {
		t.Errorf("it went on: %v", err)
	}
}

// frozenChild is a process that purges, and is stopped in the middle of it.
type frozenChild struct {
	t      *testing.T
	c      *redis.Client
	s      *testredis.Server
	cmd    *exec.Cmd
	out    strings.Builder
	exited chan error
}

func freeze(t *testing.T, test string) *frozenChild {
	t.Helper()
	const stale = 5000
	f := &frozenChild{t: t, s: testredis.New(t), exited: make(chan error, 1)}
	f.c = newClient(t, f.s, nil)
	pipe := f.c.Pipeline()
	pipe.SAdd(t.Context(), vmpooler.KeyPools, "p")
	for i := range stale {
		vm := fmt.Sprint("vm-", i)
		pipe.SAdd(t.Context(), vmpooler.Pending.Key("p"), vm)
		pipe.HSet(t.Context(), vmpooler.VMKey(vm), "clone", past(time.Hour), "pool", "p")
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.cmd = exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.v")
	f.cmd.Env = append(os.Environ(), envFrozen+"="+f.s.Socket)
	f.cmd.Stdout, f.cmd.Stderr = &f.out, &f.out
	testredis.DieWithParent(f.cmd)
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { f.exited <- f.cmd.Wait() }()
	f.wait("the child purges", func() bool { return f.left() < stale-500 })
	f.signal(syscall.SIGSTOP)
	if n := f.left(); n == 0 {
		t.Fatal("it was not frozen in mid-cycle")
	}
	return f
}

// left is how many stale VMs there are still.
func (f *frozenChild) left() int64 {
	return f.c.SCard(f.t.Context(), vmpooler.Pending.Key("p")).Val()
}

func (f *frozenChild) signal(s syscall.Signal) {
	f.t.Helper()
	if err := f.cmd.Process.Signal(s); err != nil {
		f.t.Fatal(err)
	}
}

func (f *frozenChild) wait(what string, until func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !until(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			_ = f.cmd.Process.Kill()
			f.t.Fatalf("%s: not in time\n%s", what, &f.out)
		}
	}
}

// passOn lets the child's lease end, and another have it.
func (f *frozenChild) passOn() *lease.Lease {
	f.t.Helper()
	ours := lease.New(f.c, lease.KeyPurge, "parent", time.Hour, nil)
	f.wait("the lease passes on", func() bool {
		ok, err := ours.Acquire(f.t.Context())
		return ok && err == nil
	})
	return ours
}

// awake wakes the child, which must end as its test wants it, and holds what was there
// before to be there still, but for the lease.
func (f *frozenChild) awake() {
	f.t.Helper()
	before := dumps(f.t, f.c)
	f.signal(syscall.SIGCONT)
	if err := <-f.exited; err != nil || !strings.Contains(f.out.String(), "PASS") {
		f.t.Errorf("the child: %v\n%s", err, &f.out)
	}
	after := dumps(f.t, f.c)
	if len(before) != len(after) {
		f.t.Errorf("%d keys before, %d after", len(before), len(after))
	}
	for key := range before {
		if before[key] != after[key] {
			f.t.Errorf("%s has changed", key)
		}
	}
}

func TestAProcessThatWakesUpLateWritesNothing(t *testing.T) {
	f := freeze(t, "TestPurgeAsAChild")
	f.passOn()
	m := startMonitor(t, f.s)
	f.awake()
	tried := 0
	for _, words := range m.scriptCalls() {
		switch strings.ToUpper(words[0]) {
		case "GET", "PTTL":
			tried++
		default:
			t.Errorf("after its lease has passed on, it sends %q", words)
		}
	}
	if tried == 0 {
		t.Error("it has not even tried")
	}
}

// Nobody has the lease any more when it wakes: its plan is old all the same.
func TestAPurgeThatWakesUpLateTakesNoNewLease(t *testing.T) {
	for name, meanwhile := range map[string]func(*frozenChild){
		"another has purged": func(f *frozenChild) {
			if err := f.passOn().Release(f.t.Context()); err != nil {
				f.t.Fatal(err)
			}
		},
		"nobody has purged": func(f *frozenChild) {
			f.wait("the lease ends", func() bool { return f.c.Exists(f.t.Context(), lease.KeyPurge).Val() == 0 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := freeze(t, "TestPurgerAsAChild")
			meanwhile(f)
			f.awake()
		})
	}
}
