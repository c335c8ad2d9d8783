package endtoend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// process is a running server under test. It ends with its test.
type process struct {
	name string
	addr string // host:port that it listens on
	log  buffer

	cmd   *exec.Cmd
	ended chan struct{} // closed when it has, for whatever reason
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// tail returns the last lines.
func (b *buffer) tail(lines int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := strings.Split(strings.TrimRight(b.b.String(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// serve starts a server on a free port of its own, and returns once GET
// /-/ready is answered with 200. Somebody else may take the port first, so it is
// tried on three. On a failure of the test its log is shown.
func serve(tb testing.TB, name string, command func(addr string) *exec.Cmd) *process {
	tb.Helper()
	var err error
	for range 3 {
		p := &process{name: name, addr: freeAddr(tb), ended: make(chan struct{})}
		p.cmd = command(p.addr)
		p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
		p.start(tb)
		if err = p.untilReady(tb.Context()); err == nil {
			return p
		}
		if !strings.Contains(p.log.tail(20), "address already in use") {
			break
		}
	}
	tb.Fatalf("%s: %v", name, err)
	return nil
}

func (p *process) start(tb testing.TB) {
	tb.Helper()
	testredis.DieWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("%s: %v", p.name, err)
	}
	go func() {
		p.cmd.Wait() // how it ended, its log says
		close(p.ended)
	}()
	tb.Cleanup(func() {
		p.stop()
		if tb.Failed() {
			tb.Logf("the last lines of %s's log:\n%s", p.name, p.log.tail(40))
		}
	})
}

// stop interrupts the process and waits; what does not heed it is killed.
func (p *process) stop() {
	p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

func (p *process) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return poll(ctx, func() error {
		select {
		case <-p.ended:
			return errEnded
		default:
		}
		status, _, err := get(ctx, "http://"+p.addr+"/-/ready")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("/-/ready answers %d", status)
		}
		return err
	})
}

// errEnded ends a poll at once: waiting longer can't help.
var errEnded = errors.New("it has ended")

// poll asks until f has no error, until errEnded, or until ctx is done; then it
// returns f's last one.
func poll(ctx context.Context, f func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// until polls for at most the given time, and fails the test with f's last error.
func until(tb testing.TB, limit time.Duration, what string, f func() error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), limit)
	defer cancel()
	began := time.Now()
	if err := poll(ctx, f); err != nil {
		tb.Fatalf("within %v it was not so that %s: %v", limit, what, err)
	}
	tb.Logf("%s: after %.1f s", what, time.Since(began).Seconds())
}

func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// tool returns the path of the first of the programs that is there.
func tool(tb testing.TB, names ...string) string {
	tb.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	tb.Fatalf("the test needs %s (in Debian: apt-get install prometheus prometheus-alertmanager redis-server)", strings.Join(names, " or "))
	return ""
}

// check runs a program to its end, which must be a good one.
func check(tb testing.TB, program string, args ...string) {
	tb.Helper()
	if out, err := exec.CommandContext(tb.Context(), program, args...).CombinedOutput(); err != nil {
		tb.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}
