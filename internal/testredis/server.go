// Package testredis gives tests a real redis-server of their own and the two
// recorded runs of vmpooler to replay into it.
//
// A test package starts one server in TestMain (Main) and takes an empty
// database from it in each test (Client); a test that needs a server of a
// certain kind starts one for itself (Start). A missing redis-server is a
// failure, never a skip. Nothing but tests and benchmarks imports it.
package testredis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is one redis-server process, reachable by a unix socket and by TCP on
// a free loopback port. It persists nothing.
type Server struct {
	Socket string // path of the unix socket
	Port   int    // on 127.0.0.1
	Dir    string // its working directory, removed by Stop

	cmd  *exec.Cmd
	auth func(*redis.Options)
}

// Option changes how a server is started.
type Option func(*settings)

type settings struct {
	args []string
	auth func(*redis.Options)
}

// WithArgs appends arguments to redis-server's command line, such as
// "--requirepass", "secret".
func WithArgs(args ...string) Option {
	return func(s *settings) { s.args = append(s.args, args...) }
}

// WithClient sets how this package's own clients must connect, for a server
// whose arguments ask for a password or TLS.
func WithClient(f func(*redis.Options)) Option {
	return func(s *settings) { s.auth = f }
}

// Addr returns the server's TCP address.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// Start runs a redis-server and waits until it answers. It returns an error
// that says what to install where there is no redis-server.
func Start(opts ...Option) (*Server, error) {
	var set settings
	for _, o := range opts {
		o(&set)
	}
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("the tests need a redis-server (apt-get install redis-server): %w", err)
	}
	dir, err := os.MkdirTemp("", "testredis") // short: a socket's path has at most 107 bytes
	if err != nil {
		return nil, err
	}
	const attempts = 5 // another process may take the free port first
	for range attempts {
		var s *Server
		if s, err = start(bin, dir, set); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(dir))
}

func start(bin, dir string, set settings) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{Socket: filepath.Join(dir, "redis.sock"), Port: port, Dir: dir, auth: set.auth}
	args := append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--unixsocket", s.Socket,
		"--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", filepath.Join(dir, "log"),
		"--enable-debug-command", "yes",
	}, set.args...)
	s.cmd = exec.Command(bin, args...)
	DieWithParent(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	if err := s.waitReady(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, errors.Join(fmt.Errorf("redis-server does not answer: %w\n%s", err, log), s.kill())
	}
	return s, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// waitReady asks until the server answers, for ten seconds at the most.
func (s *Server) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c := s.NewClient()
	defer c.Close()
	for {
		err := c.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// NewClient returns a client on the unix socket, for the caller to close.
func (s *Server) NewClient() *redis.Client {
	o := &redis.Options{Network: "unix", Addr: s.Socket, ContextTimeoutEnabled: true, DisableIdentity: true}
	if s.auth != nil {
		s.auth(o)
	}
	return redis.NewClient(o)
}

// Client returns a client on an emptied server, closed when the test ends.
func (s *Server) Client(tb testing.TB) *redis.Client {
	tb.Helper()
	c := s.NewClient()
	tb.Cleanup(func() { c.Close() })
	if err := c.FlushAll(tb.Context()).Err(); err != nil {
		tb.Fatalf("empty the test's redis: %v", err)
	}
	return c
}

// Freeze stops the process (SIGSTOP): its sockets accept, nothing answers.
// Thaw lets it go on.
func (s *Server) Freeze() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw ends a Freeze.
func (s *Server) Thaw() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

// Restart kills the process and starts an empty one at the same addresses.
func (s *Server) Restart() error {
	if err := s.kill(); err != nil {
		return err
	}
	next := exec.Command(s.cmd.Path, s.cmd.Args[1:]...)
	next.SysProcAttr = s.cmd.SysProcAttr
	s.cmd = next
	if err := s.cmd.Start(); err != nil {
		return err
	}
	return s.waitReady()
}

// Kill ends the process and keeps its addresses for a Restart.
func (s *Server) Kill() error { return s.kill() }

func (s *Server) kill() error {
	if s.cmd.ProcessState != nil {
		return nil
	}
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// Stop ends the process and removes its directory.
func (s *Server) Stop() error { return errors.Join(s.kill(), os.RemoveAll(s.Dir)) }

// New starts a server for one test.
func New(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := Start(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Errorf("stop redis-server: %v", err)
		}
	})
	return s
}

// Main runs a package's tests around one shared server, puts it where set
// says, and exits. after, if not nil, is run once the tests are done and the
// server is gone, and a message from it fails the run (for goleak.Find).
func Main(m *testing.M, set func(*Server), after func() error) {
	s, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	set(s)
	code := m.Run()
	if err := s.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if after != nil && code == 0 {
		if err := after(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
