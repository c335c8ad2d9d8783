package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

const (
	maxCommandOutput = 8 << 20 // bytes
	maxStderr        = 1 << 10 // bytes, the last ones
	commandWait      = 2 * time.Second
)

// commandVariables are what a command gets of the exporter's environment. The rest
// may hold secrets (REDIS_PASSWORD, VMPOOLER_CONFIG).
var commandVariables = []string{"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"}

// command asks a provider that is not known here, by a program of the operator's:
//
//	PATH ARGS… PROVIDER POOL
//
// which prints the pool's VMs, one a line, and exits with 0. It is started without
// a shell, in a process group of its own, with nothing on stdin, and killed with
// all it started when its time is up.
type command struct {
	path     string
	args     []string
	env      []string
	provider string
	wait     time.Duration // for output that outlives the program
}

// newCommand returns a command without a provider. The error is of one that can't
// be run.
func newCommand(line, variables []string) (*command, error) {
	path, err := exec.LookPath(line[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the command of the inventory can't be run: %w", err)
	}
	c := &command{path: path, args: line[1:], wait: commandWait}
	for _, name := range append(append([]string{}, commandVariables...), variables...) {
		if value, ok := os.LookupEnv(name); ok {
			c.env = append(c.env, name+"="+value)
		}
	}
	return c, nil
}

// of returns the command for a provider.
func (c *command) of(provider string) *command {
	with := *c
	with.provider = provider
	return &with
}

// List implements Lister. Whatever may mean that the list is not whole is an
// error: another exit status than 0, more than 8 MiB, a last line without an end,
// output that stays open.
func (c *command) List(ctx context.Context, pool config.Pool) ([]string, error) {
	for _, arg := range []string{c.provider, pool.Name} {
		if strings.HasPrefix(arg, "-") || strings.ContainsFunc(arg, control) {
			return nil, fmt.Errorf("%q can't be handed to a command", arg)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stdout, stderr := &head{most: maxCommandOutput, full: cancel}, &tail{most: maxStderr}
	args := append(append([]string{}, c.args...), c.provider, pool.Name)
	cmd := exec.CommandContext(ctx, c.path, args...) //nolint:gosec // the operator's program, and no shell reads the arguments
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = c.env, stdout, stderr, c.wait
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	_ = killGroup(cmd.Process.Pid) // what it has left behind
	switch {
	case stdout.overflowed():
		return nil, fmt.Errorf("%s prints more than %d MiB", c.path, maxCommandOutput>>20)
	case errors.Is(err, exec.ErrWaitDelay):
		return nil, fmt.Errorf("%s ended, and something it started held on to its output", c.path)
	case err != nil:
		return nil, c.failure(ctx, err, stderr.String())
	}
	names, err := parseNames(stdout.bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.path, err)
	}
	return names, nil
}

func (c *command) failure(ctx context.Context, err error, stderr string) error {
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	if stderr = clean(stderr); stderr != "" {
		return fmt.Errorf("%s: %w: %s", c.path, err, stderr)
	}
	return fmt.Errorf("%s: %w", c.path, err)
}

// killGroup kills a process and all it started, if they have not left its group.
func killGroup(pid int) error {
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		return os.ErrProcessDone
	}
	return nil
}

// head keeps the first bytes that are written to it. When there are more it says so.
type head struct {
	most int
	full func()

	mu   sync.Mutex // after WaitDelay the writer may still be at it
	text bytes.Buffer
	over bool
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.text.Len()+len(p) > h.most {
		h.over = true
		h.full()
		return 0, errors.New("too much output")
	}
	return h.text.Write(p)
}

func (h *head) overflowed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.over
}

func (h *head) bytes() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Clone(h.text.Bytes())
}

// tail keeps the last bytes that are written to it.
type tail struct {
	most int

	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[max(0, len(p)-t.most):]...)
	t.text = t.text[max(0, len(t.text)-t.most):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
