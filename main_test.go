package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"github.com/vmpooler/vmpooler_exporter/internal/checkredis"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var server *testredis.Server

func TestMain(m *testing.M) {
	if os.Getenv(asTheProgram) != "" {
		main() // which exits
	}
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
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

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// command runs the program to its end.
func command(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs buffer
	err := run(t.Context(), args, &out, &errs)
	text := errs.String()
	if err != nil {
		text += err.Error()
	}
	return out.String(), text, exitCode(err)
}

// exporter is a running one.
type exporter struct {
	t    *testing.T
	addr string
	out  buffer
	log  buffer
	end  func() error // interrupts it and waits
}

func start(t *testing.T, args ...string) *exporter {
	t.Helper()
	return startChanged(t, nil, args...)
}

// startChanged starts a program that change, which may be nil, has changed.
func startChanged(t *testing.T, change func(*program), args ...string) *exporter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &exporter{t: t, addr: l.Addr().String()}
	l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	p := newProgram(&e.out, &e.log)
	if change != nil {
		change(p)
	}
	go func() { ended <- p.run(ctx, append(args, "--web.listen-address="+e.addr)) }()
	e.end = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := e.end(); err != nil {
			t.Errorf("it ended with %v\n%s", err, &e.log)
		}
	})
	for {
		if answers(e.addr) {
			return e
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("it ended with %v\n%s", err, &e.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// answers says whether somebody answers there. That the port is open is not enough: it
// is before anything else is done. The request is one that no handler sees.
func answers(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return false
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n"); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 1))
	return err == nil
}

func (e *exporter) get(path string) (status int, body string) {
	e.t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + e.addr + path)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// untilSwept waits for the first sweep's numbers.
func (e *exporter) untilSwept() string {
	e.t.Helper()
	var body string
	e.until("a sweep", func() bool {
		_, body = e.get("/metrics")
		return strings.Contains(body, "vmpooler_exporter_sweep_keys")
	})
	return body
}

// patience is how long a test waits for what it needs: long for a busy machine, and
// short of the run's own deadline, whose end says nothing of what was missing.
const patience = 20 * time.Second

// until waits until something is so.
func (e *exporter) until(what string, so func() bool) {
	e.t.Helper()
	for began := time.Now(); !so(); {
		if time.Since(began) > patience {
			e.t.Fatalf("not in %s: %s\n%s", patience, what, &e.log)
		}
	}
}

func must(t *testing.T, c *redis.Client, args ...any) {
	t.Helper()
	if err := c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// pending puts VMs that have waited that long into a pool's pending queue.
func pending(t *testing.T, c *redis.Client, pool string, n int, age time.Duration) {
	t.Helper()
	must(t, c, "SADD", vmpooler.KeyPools, pool)
	for i := range n {
		vm := fmt.Sprintf("%s-%d", pool, i)
		must(t, c, "SADD", vmpooler.Pending.Key(pool), vm)
		must(t, c, "HSET", vmpooler.VMKey(vm), "pool", pool, "clone", vmpooler.FormatTime(time.Now().Add(-age)))
	}
}

func unixAddr(s *testredis.Server) string { return "--redis.addr=unix://" + s.Socket }

func TestServe(t *testing.T) {
	c := server.Client(t)
	pending(t, c, "p", 3, time.Minute)
	e := start(t, unixAddr(server))
	body := e.untilSwept()
	for _, want := range []string{
		"vmpooler_up 1\n", "vmpooler_health_status 0\n", `vmpooler_health_queue_size{pool="p",queue="pending"} 3`,
		"vmpooler_exporter_build_info{", "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
	if status, body := e.get("/"); status != http.StatusOK || !strings.Contains(body, "/metrics") {
		t.Errorf("/ answers %d:\n%s", status, body)
	}
	if status, _ := e.get("/nothing"); status != http.StatusNotFound {
		t.Errorf("/nothing answers %d", status)
	}
	if err := e.end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if l := e.log.String(); !strings.Contains(l, `msg="shutting down"`) || strings.Contains(l, "level=error") {
		t.Errorf("the log:\n%s", l)
	}
}

func TestServeReadsThePoolsOfTheFile(t *testing.T) {
	server.Client(t)
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	writeFile(t, file, `---
:config:
  health_thresholds:
    pending_queue_max: 7
:redis:
  server: ignored.example.com
:pools:
- name: only-in-the-file
  size: 4
`)
	e := start(t, "--config.file="+file, unixAddr(server))
	_, body := e.get("/metrics")
	for _, want := range []string{
		`vmpooler_health_threshold{name="pending_queue_max"} 7`, `vmpooler_pool_size{pool="only-in-the-file"} 4`,
		`vmpooler_health_queue_size{pool="only-in-the-file",queue="ready"} 0`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
}

func TestServeWithBasicAuth(t *testing.T) {
	server.Client(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("right"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "web.yml")
	writeFile(t, file, "basic_auth_users:\n  ada: "+string(hash)+"\n")
	e := start(t, unixAddr(server), "--web.config.file="+file)
	for userinfo, want := range map[string]int{"": 401, "ada:wrong@": 401, "eve:right@": 401, "ada:right@": 200} {
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + userinfo + e.addr + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("as %q: %d, want %d", userinfo, resp.StatusCode, want)
		}
	}
}

func TestLogsInJSON(t *testing.T) {
	server.Client(t)
	e := start(t, unixAddr(server), "--log.format=json", "--log.level=debug")
	e.untilSwept()
	if err := e.end(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(e.log.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil || v["ts"] == nil || v["level"] == nil || v["caller"] == nil || v["msg"] == nil {
			t.Errorf("not a line of JSON with ts, level, caller and msg: %s", line)
		}
	}
}

func TestTheDemoServesASimulatedVmpooler(t *testing.T) {
	e := start(t, "demo")
	body := e.untilSwept()
	for _, want := range []string{"vmpooler_up 1\n", "vmpooler_health_status ", `queue="ready"} `} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
	if n := strings.Count(body, "\nvmpooler_pool_size{"); n < 3 {
		t.Errorf("%d pools", n)
	}
	if out := e.out.String(); !strings.Contains(out, "http://"+e.addr+"/metrics") {
		t.Errorf("it does not print what to open:\n%s", out)
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag":         {[]string{"--nonsense"}, "nonsense"},
		"a share above all":    {[]string{"--sweep.max-share=2"}, "--sweep.max-share"},
		"no interval":          {[]string{"--sweep.interval=0s"}, "--sweep.interval"},
		"no timeout":           {[]string{"--scrape.timeout=0s"}, "--scrape.timeout"},
		"a path of its own":    {[]string{"--web.telemetry-path=/"}, "--web.telemetry-path"},
		"a missing file":       {[]string{"--config.file=/none.yaml"}, "/none.yaml"},
		"a level that is none": {[]string{"--log.level=loud"}, "loud"},
		"a listener in use":    {[]string{"--web.listen-address=" + server.Addr()}, "address already in use"},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, code := command(t, append(tc.args, unixAddr(server))...)
			if code != 1 || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, %q; want 1 and %q", code, stderr, tc.want)
			}
		})
	}
}

func TestHealthExitCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		pending int
		age     time.Duration
		want    int
		status  string
	}{
		"healthy":   {3, time.Minute, 0, "healthy"},
		"degraded":  {11, 3 * time.Hour, 1, "degraded"},
		"unhealthy": {51, 3 * time.Hour, 2, "unhealthy"},
	} {
		t.Run(name, func(t *testing.T) {
			pending(t, server.Client(t), "p", tc.pending, tc.age)
			stdout, stderr, code := command(t, "health", unixAddr(server))
			if code != tc.want || !strings.Contains(strings.ToLower(stdout), tc.status) {
				t.Errorf("exit %d\n%s%s", code, stdout, stderr)
			}
			stdout, _, code = command(t, "health", "--output=json", unixAddr(server))
			var v struct{ Status string }
			if err := json.Unmarshal([]byte(stdout), &v); err != nil || code != tc.want || v.Status != tc.status {
				t.Errorf("exit %d, %v\n%s", code, err, stdout)
			}
		})
	}
	for want, args := range map[string][]string{
		"/none.sock":        {"--redis.addr=unix:///none.sock"},
		"/none.yaml":        {"--config.file=/none.yaml"},
		"nonsense":          {"--nonsense"},
		"--sweep.max-share": {"--sweep.max-share=7"},
	} {
		t.Run("unknown because of "+want, func(t *testing.T) {
			stdout, stderr, code := command(t, append(args, "health")...)
			if code != 3 || stdout != "" || !strings.Contains(stderr, want) {
				t.Errorf("exit %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

func TestHealthJSONHasTheContractsKeys(t *testing.T) {
	pending(t, server.Client(t), "p", 101, time.Minute)
	stdout, _, _ := command(t, "health", "--output=json", unixAddr(server))
	var v map[string]any
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"status", "checked_at", "reasons", "thresholds", "metrics"} {
		if v[key] == nil {
			t.Errorf("no %q", key)
		}
	}
	if _, err := time.Parse(time.RFC3339, v["checked_at"].(string)); err != nil {
		t.Error(err)
	}
	reason := v["reasons"].([]any)[0].(map[string]any)
	want := map[string]any{"condition": "pending_queue", "pool": "p", "severity": "warning", "value": 101.0, "threshold": 100.0}
	for key, value := range want {
		if reason[key] != value {
			t.Errorf("reason's %q is %v, want %v", key, reason[key], value)
		}
	}
}

func TestCheckConfigTellsEveryMistake(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	writeFile(t, file, ":config:\n  purge_interval: soon\n  max_ready_age: -1\n")
	_, stderr, code := command(t, "check-config", file)
	for _, want := range []string{file + ":2: purge_interval", file + ":3: max_ready_age"} {
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d without %q:\n%s", code, want, stderr)
		}
	}
}

// Nothing that is secret may be seen anywhere, at debug level too: passwords,
// users' tokens in fields and in the names of keys.
func TestNoSecretIsSeenAnywhere(t *testing.T) {
	const planted = "s3cr3t"
	for name, wrong := range map[string]bool{"logged in": false, "refused": true} {
		t.Run(name, func(t *testing.T) {
			s := testredis.New(t, testredis.WithArgs("--requirepass", planted+"-redis"),
				testredis.WithClient(func(o *redis.Options) { o.Password = planted + "-redis" }))
			c := s.Client(t)
			pending(t, c, "p", 1, time.Minute)
			must(t, c, "HSET", vmpooler.VMKey("p-0"), "token:token", planted+"-token", "token:user", "ada")
			must(t, c, "HSET", "vmpooler__token__"+planted+"-key", "user", "ada")
			must(t, c, "SET", "vmpooler__pending__"+planted+"-broken", "not a set") // is a pool's name, and shown
			must(t, c, "DEL", "vmpooler__pending__"+planted+"-broken")
			must(t, c, "HSET", vmpooler.RequestKey("r"), "requested", "a:p:1", "status", planted+"-status", "token:token", planted+"-token")
			must(t, c, "HSET", vmpooler.VMKey("odd"), "pool", planted+"-pool-of-an-orphan", "clone", planted+"-time")
			password := planted + "-redis"
			if wrong {
				password = planted + "-wrong"
			}
			file := filepath.Join(t.TempDir(), "vmpooler.yaml")
			writeFile(t, file, fmt.Sprintf(":redis:\n  server: 127.0.0.1\n  port: %d\n  password: %s\n:providers:\n  :vsphere:\n    password: %s-vsphere\n", s.Port, password, planted))
			e := start(t, "--config.file="+file, "--log.level=debug", "--sweep.confirm-after=0s")
			var seen bytes.Buffer
			for range 2 {
				_, body := e.get("/metrics")
				seen.WriteString(body)
			}
			if !wrong {
				seen.WriteString(e.untilSwept())
			}
			_, body := e.get("/")
			seen.WriteString(body)
			for _, args := range [][]string{
				{"health", "--config.file=" + file},
				{"health", "-o", "json", "--config.file=" + file},
				{"check-config", file},
				{"check-redis", "--config.file=" + file},
				{"health", fmt.Sprintf("--redis.addr=redis://ada:%s@127.0.0.1:%d/0", password, s.Port)},
				{"health", "--redis.addr=redis://ada:" + password + "@127.0.0.1:99999/0"},
				{"health", "--redis.addr=redis://ada:" + password + "@[::1/0"},
				{"check-redis", "--redis.addr=http://ada:" + password + "@127.0.0.1/0"},
			} {
				stdout, stderr, _ := command(t, args...)
				seen.WriteString(stdout + stderr)
			}
			if err := e.end(); err != nil {
				t.Fatal(err)
			}
			seen.WriteString(e.log.String())
			for line := range strings.Lines(seen.String()) {
				if strings.Contains(line, planted) {
					t.Errorf("seen: %s", line)
				}
			}
		})
	}
}

func TestAnInterruptEndsEvenAHungScrape(t *testing.T) {
	s := testredis.New(t)
	e := start(t, unixAddr(s), "--scrape.timeout=1s")
	e.untilSwept()
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	defer s.Thaw()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, body := e.get("/metrics"); !strings.Contains(body, "vmpooler_up 0") {
			t.Errorf("a scrape under way was answered with\n%s", body)
		}
	})
	for !strings.Contains(e.log.String(), "failing") {
		if t.Context().Err() != nil {
			t.Fatal("the scrape never failed")
		}
	}
	if err := e.end(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestExitCode(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {exitError{code: 2}, 2}, {fmt.Errorf("with: %w", exitError{3, errors.New("x")}), 3},
	} {
		if got := exitCode(tc.err); got != tc.want {
			t.Errorf("exitCode(%v) = %d, want %d", tc.err, got, tc.want)
		}
	}
}

// The ACL lines that check-redis prints must be enough for the whole exporter,
// and name no command that it never sends.
func TestThePrintedACLIsEnoughAndNoMore(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	pending(t, c, "p", 3, time.Minute)
	must(t, c, "HSET", vmpooler.VMKey("leaked"), "pool", "p")
	must(t, c, "CONFIG", "RESETSTAT")
	for name, lines := range map[string][]string{
		"read":          {checkredis.ReadACL(0).Line},
		"read fast way": {checkredis.ReadACL(0).Line, checkredis.FastReadACL(checkredis.Version{Product: "Redis", Number: "7.0.15"}).Line},
	} {
		t.Run(name, func(t *testing.T) {
			for _, line := range lines {
				var words []any
				for w := range strings.FieldsSeq(strings.ReplaceAll(line, "PASSWORD", "pw")) {
					words = append(words, w)
				}
				must(t, c, words...)
			}
			e := start(t, fmt.Sprintf("--redis.addr=redis://vmpooler_exporter:pw@127.0.0.1:%d/0", s.Port), "--sweep.confirm-after=0s")
			e.untilSwept()
			_, body := e.get("/metrics")
			if !strings.Contains(body, "vmpooler_up 1\n") || !strings.Contains(body, `{state="leaked"} 1`) {
				t.Errorf("not all could be read:\n%s", &e.log)
			}
			for line := range strings.Lines(body) {
				if strings.HasPrefix(line, "vmpooler_exporter_collector_success{") && !strings.HasSuffix(line, " 1\n") {
					t.Error(line)
				}
			}
		})
	}
	stats := c.Info(t.Context(), "commandstats").Val()
	for _, cmd := range checkredis.ReadCommands {
		if cmd.Name == "SORT" { // for servers before 7.0
			continue
		}
		if !strings.Contains(stats, "cmdstat_"+strings.ToLower(cmd.Name)+":calls=") {
			t.Errorf("the ACL line permits %s, which the exporter never sends", cmd.Name)
		}
	}
}

func TestAHangupDoesNotEndIt(t *testing.T) {
	server.Client(t)
	e := start(t, unixAddr(server))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(e.log.String(), "the configuration is reloaded") {
		if t.Context().Err() != nil {
			t.Fatal("the signal was not seen")
		}
	}
	if status, _ := e.get("/metrics"); status != http.StatusOK {
		t.Errorf("/metrics answers %d", status)
	}
}

func TestThereIsNoSweepWithoutACollectorThatNeedsOne(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	e := start(t, unixAddr(s), "--no-collector.orphans", "--no-collector.ondemand", "--no-collector.events")
	if _, body := e.get("/metrics"); !strings.Contains(body, "vmpooler_up 1\n") || strings.Contains(body, "sweep") {
		t.Errorf("/metrics:\n%s", body)
	}
	if err := e.end(); err != nil {
		t.Fatal(err)
	}
	if stats := c.Info(t.Context(), "commandstats").Val(); strings.Contains(stats, "cmdstat_scan:") {
		t.Error("it swept")
	}
}

func TestTheDemosFileIsGoodForTheOtherCommands(t *testing.T) {
	e := start(t, "demo")
	_, rest, ok := strings.Cut(e.out.String(), "--config.file=")
	if !ok {
		t.Fatalf("it names no file:\n%s", &e.out)
	}
	file := strings.Fields(rest)[0]
	if stdout, stderr, code := command(t, "check-config", file); code != 0 {
		t.Errorf("check-config: exit %d\n%s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := command(t, "health", "--config.file="+file, "--sweep.confirm-after=0s"); code == 3 {
		t.Errorf("health: exit %d\n%s%s", code, stdout, stderr)
	}
	if err := e.end(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", file, err)
	}
}

// After a failover the server may be another one, which can do more.
func TestTheFastWayIsTriedAnewOnANewConnection(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	pending(t, c, "p", 1, time.Minute)
	must(t, c, "ACL", "SETUSER", "default", "-sort_ro", "-sort")
	e := start(t, unixAddr(s), "--no-collector.orphans", "--no-collector.ondemand", "--no-collector.events")
	e.get("/metrics")
	must(t, c, "ACL", "SETUSER", "default", "+sort_ro")
	must(t, c, "CONFIG", "RESETSTAT")
	must(t, c, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	e.get("/metrics") // finds its connection gone
	e.get("/metrics")
	if stats := c.Info(t.Context(), "commandstats").Val(); !strings.Contains(stats, "cmdstat_sort_ro:") {
		t.Errorf("SORT_RO was not tried anew:\n%s", stats)
	}
}
