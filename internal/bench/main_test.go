package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// The state of the targets.
const (
	pools                              = 60
	pending, ready, running, completed = 20, 30, 40, 5
	vms                                = pools * (pending + ready + running + completed)
	deadLetters                        = 3000
	fewHashes                          = 90_000
	manyHashes                         = 1_000_000
)

var (
	binary string
	table  report
)

func TestMain(m *testing.M) {
	if socket := os.Getenv(envBeside); socket != "" {
		if err := besideChild(socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// runAll builds the program, runs the benchmarks and prints their table. There
// are no tests here: without benchmarks there is nothing to do.
func runAll(m *testing.M) (code int, err error) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "vmpooler_exporter")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "github.com/vmpooler/vmpooler_exporter")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build: %w\n%s", err, out)
	}
	code = m.Run()
	table.print(os.Stdout)
	return code, nil
}

// site is a Redis with a state in it and an exporter process beside it.
type site struct {
	server  *testredis.Server
	client  *redis.Client
	floor   *floor
	uniform []simulator.Pool
	pools   []string // their names
	url     string
	pid     int
}

// newSite has uniform pools, with perPool VMs pending, ready, running and
// completed in each, and the hashes of destroyed VMs.
func newSite(b *testing.B, npools int, perPool [4]int, hashes int) *site {
	b.Helper()
	s := startSite(b, npools, perPool[1])
	s.populate(b, simulator.State{
		Pending: perPool[0], Ready: perPool[1], Running: perPool[2], Completed: perPool[3],
		DestroyedHashes: hashes, DeadLetters: deadLetters, Seed: 1,
	})
	return s
}

// startSite has an empty Redis, for pools of that size.
func startSite(b *testing.B, npools, size int) *site {
	b.Helper()
	s := &site{server: testredis.New(b), uniform: simulator.UniformPools(npools, size)}
	var err error
	if s.client, err = redisclient.New(s.config(), redisclient.Options{}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.client.Close() })
	for _, p := range s.uniform {
		s.pools = append(s.pools, p.Name)
	}
	if s.floor, err = dialFloor(s.server.Socket); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.floor.close() })
	return s
}

// populate replaces all that is in Redis by a state of the site's pools, now.
func (s *site) populate(b *testing.B, st simulator.State) {
	b.Helper()
	if err := s.client.FlushAll(b.Context()).Err(); err != nil {
		b.Fatal(err)
	}
	st.Pools, st.Now = s.uniform, time.Now()
	if err := simulator.Populate(b.Context(), s.client, st); err != nil {
		b.Fatal(err)
	}
}

func (s *site) config() config.Redis { return config.Redis{Network: "unix", Addr: s.server.Socket} }

// export starts the exporter and waits for its first whole scrape and sweep.
func (s *site) export(b *testing.B, args ...string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(binary, append([]string{"--redis.addr=unix://" + s.server.Socket, "--web.listen-address=" + addr, "--log.level=error"}, args...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	s.pid, s.url = cmd.Process.Pid, "http://"+addr+"/metrics"
	deadline := time.Now().Add(5 * time.Minute)
	for {
		body, err := get(s.url)
		if err == nil && strings.Contains(body, "vmpooler_exporter_sweep_keys") {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("the exporter made no sweep: %v", err)
		}
	}
}

// get is a plain GET.
func get(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// scrape is one scrape of the exporter's process, as Prometheus asks for it,
// with gzip. What Prometheus does with the answer is not the exporter's work:
// the bytes are read and left as they are.
func (s *site) scrape(b *testing.B) {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK || n == 0 {
		b.Fatalf("status %s, %d bytes, %v", resp.Status, n, err)
	}
}

// memory returns a field of the exporter's /proc/<pid>/status in MiB.
func (s *site) memory(b *testing.B, field string) float64 {
	b.Helper()
	mib, ok := memory(s.pid, field)
	if !ok {
		b.Fatalf("no %s in /proc", field)
	}
	return mib
}

// memory returns a field of /proc/<pid>/status in MiB; a process that has ended
// has none.
func memory(pid int, field string) (mib float64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err == nil
		}
	}
	return 0, false
}

func reader(s *site) *vmpooler.Reader { return vmpooler.NewReader(s.client, vmpooler.ReaderOptions{}) }
