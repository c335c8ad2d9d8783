package simulator

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

var start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// recorder is a client's hook that keeps the commands that went through it.
type recorder struct {
	commands [][]string
	reads    bool // keep reading commands as well
}

var reading = []string{"hello", "client", "smembers", "exists", "get", "hget", "hmget", "zrange"}

func (r *recorder) add(c redis.Cmder) {
	args := make([]string, len(c.Args()))
	for i, a := range c.Args() {
		args[i] = fmt.Sprint(a)
	}
	if r.reads || !slices.Contains(reading, args[0]) {
		r.commands = append(r.commands, args)
	}
}

func (r *recorder) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (r *recorder) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		r.add(cmd)
		return next(ctx, cmd)
	}
}

func (r *recorder) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, c := range cmds {
			r.add(c)
		}
		return next(ctx, cmds)
	}
}

func (r *recorder) text() string {
	var b strings.Builder
	for _, c := range r.commands {
		b.WriteString(strings.Join(c, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// busy are options with which much happens within minutes of simulated time.
func busy() Options {
	return Options{
		Start: start,
		Seed:  7,
		Pools: []Pool{
			{Name: "debian-12-x86_64", Alias: "debian-12-64", Size: 8, Timeout: 2 * time.Minute, Notify: time.Minute},
			{Name: "redhat-9-x86_64", Alias: "redhat-9-64", Size: 6, Timeout: 2 * time.Minute, Notify: 2 * time.Minute, ReadyTTL: 10 * time.Minute},
			{Name: "windows-2022-x86_64", Size: 4, Timeout: 3 * time.Minute},
		},
		Rates: &Rates{
			Checkouts: 12, Requests: 40, CloneFailure: 0.12, NeverBoots: 0.12, ReadyDies: 0.3,
			DestroyFailure: 0.08, Tokens: 0.6, Leaks: 6,
		},
		Durations: &Durations{
			Clone:   Span{2 * time.Second, 12 * time.Second},
			Boot:    Span{5 * time.Second, 30 * time.Second},
			Destroy: Span{time.Second, 6 * time.Second},
			Hold:    Span{30 * time.Second, 5 * time.Minute},
		},
		LoopDelay:    3 * time.Second,
		CheckTime:    10 * time.Second,
		RunningCheck: 20 * time.Second,
		MaxRetries:   2,
		TaskLimit:    20,
	}
}

// record runs a simulation for so long, in steps, and returns its commands.
func record(t *testing.T, client *redis.Client, opts Options, length, step time.Duration) *recorder {
	t.Helper()
	rec := &recorder{}
	client.AddHook(rec)
	s := newSimulator(t, client, opts)
	advance(t, s, length, step)
	return rec
}

func newSimulator(t *testing.T, client redis.UniversalClient, opts Options) *Simulator {
	t.Helper()
	s, err := New(client, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// advance lets the simulation go on for so long, in steps.
func advance(t *testing.T, s *Simulator, length, step time.Duration) {
	t.Helper()
	for end := s.Now().Add(length); s.Now().Before(end); {
		next := s.Now().Add(step)
		if next.After(end) {
			next = end
		}
		if err := s.Step(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
}
