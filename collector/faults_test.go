package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// client connects as the exporter does.
func client(t *testing.T, cfg config.Redis) *redis.Client {
	t.Helper()
	c, err := redisclient.New(cfg, redisclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func unix(socket string) config.Redis { return config.Redis{Network: "unix", Addr: socket} }

// someState is a pool with a VM in it.
func someState(t *testing.T, c redis.UniversalClient) {
	t.Helper()
	must(t, c, "SADD", vmpooler.KeyPools, "good")
	addVM(t, c, vmpooler.Pending, "good", "vm", "clone", ago(time.Minute))
}

const goodPending = `vmpooler_health_queue_size{pool="good",queue="pending"}`

func success(collector string) string {
	return fmt.Sprintf("vmpooler_exporter_collector_success{collector=%q}", collector)
}

// wantDown checks that an exposition says that nothing could be read, and all
// that is true then too.
func wantDown(t *testing.T, exposition string) {
	t.Helper()
	wanted := map[string]string{
		"vmpooler_up": "0", "vmpooler_health_status": "", goodPending: "",
		`vmpooler_health_threshold{name="pending_queue_max"}`: "100",
	}
	for _, c := range All() {
		wanted[success(c.Name)] = "0"
	}
	want(t, exposition, wanted)
}

func wantUp(t *testing.T, exposition string) {
	t.Helper()
	wanted := map[string]string{"vmpooler_up": "1", "vmpooler_health_status": "0", goodPending: "1"}
	for _, c := range All() {
		wanted[success(c.Name)] = "1"
	}
	want(t, exposition, wanted)
}

// logged counts the log's lines at error level.
func (b *bench) logged() int { return strings.Count(b.log.String(), "level=error") }

// wantOneReason checks that what is down over several scrapes is one line.
func (b *bench) wantOneReason(text string) {
	b.t.Helper()
	if l := b.log.String(); b.logged() != 1 || !strings.Contains(l, text) {
		b.t.Errorf("the log should hold one error, with %q:\n%s", text, l)
	}
}

func TestRedisIsDownAtTheStartAndComesBack(t *testing.T) {
	s := testredis.New(t)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, client(t, unix(s.Socket)), benchOptions{})
	for range 3 {
		wantDown(t, b.scrape())
	}
	b.wantOneReason("connect")
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	someState(t, s.Client(t))
	// go-redis tries again at most once a second while nothing answers.
	waitFor(t, func() bool { return series(b.scrape())["vmpooler_up"] == "1" })
	wantUp(t, b.scrape())
	if !strings.Contains(b.log.String(), "msg=recovered") {
		t.Errorf("the log does not tell that it is over:\n%s", b.log)
	}
}

func TestRedisIsLostInTheMiddleOfAScrape(t *testing.T) {
	s := testredis.New(t)
	someState(t, s.Client(t))
	p := testredis.NewProxy(t, s)
	b := newBench(t, client(t, unix(p.Socket)), benchOptions{})
	wantUp(t, b.scrape())
	before := p.Passed()
	wantUp(t, b.scrape())
	whole := p.Passed() - before
	for after := int64(0); after < whole; after += max(1, whole/12) { // in each of the round trips
		t.Run(fmt.Sprint(after, " bytes"), func(t *testing.T) {
			p.CutAfter(after)
			got := b.scrape()
			want(t, got, map[string]string{
				"vmpooler_up": "0", "vmpooler_health_status": "", goodPending: "", success("queues"): "0", success("health"): "0",
			})
			p.CutAfter(-1)
			wantUp(t, b.scrape())
		})
	}
}

func TestAHungRedisDoesNotHangTheScrape(t *testing.T) {
	s := testredis.New(t)
	someState(t, s.Client(t))
	b := newBench(t, client(t, unix(s.Socket)), benchOptions{})
	wantUp(t, b.scrape())
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 2 {
		wantDown(t, b.scrape("X-Prometheus-Scrape-Timeout-Seconds", "0.5"))
	}
	if took := time.Since(began); took > time.Second { // two scrapes of half a second
		t.Errorf("two scrapes with a timeout of 0.5 s took %v", took)
	}
	b.wantOneReason("deadline exceeded")
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	wantUp(t, b.scrape())
}

func TestTheDeadlineWithoutAHeaderIsTheConfiguredOne(t *testing.T) {
	s := testredis.New(t)
	b := newBench(t, client(t, unix(s.Socket)), benchOptions{timeout: 300 * time.Millisecond})
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	defer s.Thaw()
	began := time.Now()
	for _, header := range []string{"", "soon", "-1", "1e99", "NaN"} {
		wantDown(t, b.scrape("X-Prometheus-Scrape-Timeout-Seconds", header))
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("five scrapes took %v", took)
	}
}

func TestRedisIsLoading(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	someState(t, c)
	b := newBench(t, client(t, unix(s.Socket)), benchOptions{})
	wantUp(t, b.scrape())
	// A megabyte of keys, each of which then takes the server a while to load.
	for i := range 2000 {
		must(t, c, "SET", fmt.Sprint("k", i), strings.Repeat("x", 500))
	}
	must(t, c, "CONFIG", "SET", "key-load-delay", "2000", "loading-process-events-interval-bytes", "1024")
	reloaded := make(chan error, 1)
	go func() {
		r := s.NewClient()
		defer r.Close()
		reloaded <- r.Do(context.WithoutCancel(t.Context()), "DEBUG", "RELOAD").Err()
	}()
	for !strings.Contains(c.Info(t.Context(), "persistence").Val(), "loading:1") {
		select {
		case err := <-reloaded:
			t.Fatalf("the server loaded before it could be asked: %v", err)
		default:
		}
	}
	wantDown(t, b.scrape())
	b.wantOneReason("LOADING")
	must(t, c, "CONFIG", "SET", "key-load-delay", "0")
	<-reloaded
	wantUp(t, b.scrape())
}

func TestAWrongPassword(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--requirepass", "s3cr3t-right"),
		testredis.WithClient(func(o *redis.Options) { o.Password = "s3cr3t-right" }))
	someState(t, s.Client(t))
	for name, password := range map[string]config.Secret{"wrong": "s3cr3t-wrong", "none": ""} {
		t.Run(name, func(t *testing.T) {
			cfg := unix(s.Socket)
			cfg.Password = password
			b := newBench(t, client(t, cfg), benchOptions{})
			for range 2 {
				got := b.scrape()
				wantDown(t, got)
				if strings.Contains(got+b.log.String(), "s3cr3t") {
					t.Errorf("a password shows:\n%s\n%s", got, b.log)
				}
			}
			if b.logged() != 1 {
				t.Errorf("%d errors in the log:\n%s", b.logged(), b.log)
			}
		})
	}
	cfg := unix(s.Socket)
	cfg.Password = "s3cr3t-right"
	wantUp(t, newBench(t, client(t, cfg), benchOptions{}).scrape())
}

func TestPermissionsAreMissing(t *testing.T) {
	s := testredis.New(t)
	admin := s.Client(t)
	someState(t, admin)
	as := func(t *testing.T, rules ...any) *bench {
		t.Helper()
		must(t, admin, append([]any{"ACL", "SETUSER", "exporter", "reset", "on", ">pw"}, rules...)...)
		cfg := unix(s.Socket)
		cfg.Username, cfg.Password = "exporter", "pw"
		return newBench(t, client(t, cfg), benchOptions{})
	}
	t.Run("all", func(t *testing.T) {
		b := as(t, "-@all")
		wantDown(t, b.scrape())
		b.wantOneReason("NOPERM")
	})
	t.Run("all but TIME", func(t *testing.T) {
		b := as(t, "-@all", "+time")
		wantDown(t, b.scrape())
		b.wantOneReason("NOPERM")
	})
	t.Run("the queues of one pool", func(t *testing.T) {
		must(t, admin, "SADD", vmpooler.KeyPools, "bad")
		defer must(t, admin, "SREM", vmpooler.KeyPools, "bad")
		b := as(t, "+@all", "~vmpooler__p*", "~vmpooler__*good", "~vmpooler__vm__*",
			"~vmpooler__dlq*", "~vmpooler__tasks*", "~vmpooler__odcreate*", "~vmpooler__config*", "~vmpooler__lastboot")
		want(t, b.scrape(), map[string]string{
			"vmpooler_up": "1", goodPending: "1", success("queues"): "0", success("health"): "0",
			success("dlq"): "1", success("tasks"): "1", success("pools"): "1", success("ondemand"): "1",
			`vmpooler_health_queue_size{pool="bad",queue="pending"}`: "0", // vmpooler__p*
			`vmpooler_health_queue_size{pool="bad",queue="ready"}`:   "",
		})
	})
	t.Run("all queues", func(t *testing.T) {
		b := as(t, "+@all", "~*", "-smembers", "-sort", "-sort_ro")
		want(t, b.scrape(), map[string]string{
			"vmpooler_up": "1", "vmpooler_health_status": "", success("queues"): "0", success("pools"): "0", success("tasks"): "1",
		})
	})
	t.Run("TIME", func(t *testing.T) {
		b := as(t, "+@all", "~*", "-time")
		want(t, b.scrape(), map[string]string{
			"vmpooler_up": "1", goodPending: "1", "vmpooler_redis_clock_skew_seconds": "", success("redis"): "0", success("queues"): "1",
		})
		b.wantOneReason("TIME")
	})
	t.Run("the dead letters", func(t *testing.T) {
		b := as(t, "+@all", "~*", "-zcard")
		want(t, b.scrape(), map[string]string{
			"vmpooler_up": "1", goodPending: "1", "vmpooler_health_dlq_total_size": "", success("dlq"): "0", success("ondemand"): "0",
			`vmpooler_health_condition{condition="dlq_size",pool="",severity="warning"}`: "", "vmpooler_health_status": "0",
		})
	})
}

func TestAReadOnlyReplicaIsReadLikeItsMaster(t *testing.T) {
	master := testredis.New(t, testredis.WithArgs("--repl-diskless-sync-delay", "0"))
	someState(t, master.Client(t))
	for name, args := range map[string][]string{"7": nil, "6.2": {"--rename-command", "SORT_RO", ""}} {
		t.Run(name, func(t *testing.T) {
			replica := testredis.New(t, testredis.WithArgs(append(args, "--replicaof", "127.0.0.1 "+fmt.Sprint(master.Port))...))
			c := client(t, unix(replica.Socket))
			for c.SCard(t.Context(), vmpooler.KeyPools).Val() == 0 {
				if t.Context().Err() != nil {
					t.Fatal("the replica never had its master's data")
				}
			}
			wantUp(t, newBench(t, c, benchOptions{}).scrape())
		})
	}
}

func TestOneBrokenPoolHidesNoOther(t *testing.T) {
	c := server.Client(t)
	someState(t, c)
	must(t, c, "SADD", vmpooler.KeyPools, "bad")
	must(t, c, "SET", vmpooler.Pending.Key("bad"), "x")
	b := newBench(t, c, benchOptions{})
	for range 2 {
		want(t, b.scrape(), map[string]string{
			"vmpooler_up": "1", "vmpooler_health_status": "0", goodPending: "1",
			`vmpooler_health_queue_size{pool="bad",queue="pending"}`:                             "",
			`vmpooler_health_queue_size{pool="bad",queue="ready"}`:                               "0",
			`vmpooler_health_condition{condition="pending_queue",pool="bad",severity="warning"}`: "",
			success("queues"): "0", success("pools"): "1", success("dlq"): "1",
			"vmpooler_health_clone_slots_leaked": "", // whose clones they are can't be known
		})
	}
	if l := b.log.String(); !strings.Contains(l, vmpooler.Pending.Key("bad")) || strings.Count(l, `subject="collector queues"`) != 1 {
		t.Errorf("the key should be in the log, once:\n%s", l)
	}
	must(t, c, "DEL", vmpooler.Pending.Key("bad"))
	wantUp(t, b.scrape())
}

// A pool that vmpooler removes between two commands leaves no key behind.
func TestAPoolIsRemovedBetweenTwoCommands(t *testing.T) {
	c := server.Client(t)
	someState(t, c)
	must(t, c, "SADD", vmpooler.KeyPools, "removed")
	addVM(t, c, vmpooler.Ready, "removed", "vm2", "ready", ago(time.Minute))
	hooked := client(t, unix(server.Socket))
	hooked.AddHook(afterFirstPipeline(func() {
		must(t, c, "DEL", vmpooler.Ready.Key("removed"), vmpooler.PoolKey("removed"), vmpooler.VMKey("vm2"))
	}))
	got := newBench(t, hooked, benchOptions{}).scrape()
	wantUp(t, got)
	want(t, got, map[string]string{`vmpooler_health_queue_size{pool="removed",queue="ready"}`: "0"})
}

// afterFirstPipeline is a go-redis hook that runs between two round trips.
type afterFirstPipeline func()

func (f afterFirstPipeline) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (f afterFirstPipeline) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (f afterFirstPipeline) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if len(cmds) > 0 && cmds[0].Name() == "time" {
			f()
		}
		return err
	}
}

func TestAClientThatHangsUpIsNotLoggedAndLeavesNothingBehind(t *testing.T) {
	s := testredis.New(t)
	b := newBench(t, client(t, unix(s.Socket)), benchOptions{timeout: time.Second})
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	defer s.Thaw()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
	if l := b.log.String(); l != "" {
		t.Errorf("the log holds %s", l)
	}
}

func TestScrapesAtTheSameTimeShareOneRead(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	someState(t, c)
	cfg := client(t, unix(s.Socket))
	cfg.Ping(t.Context())
	b := newBench(t, cfg, benchOptions{})
	must(t, c, "CONFIG", "RESETSTAT")
	if err := s.Freeze(); err != nil { // so that all of them come while the first one waits
		t.Fatal(err)
	}
	const scrapes = 20
	var wg sync.WaitGroup
	for range scrapes {
		wg.Go(func() { wantUp(t, b.scrape()) })
	}
	for b.waiting() < scrapes {
		if t.Context().Err() != nil {
			t.Fatal("the scrapes never came together")
		}
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if l := c.Info(t.Context(), "commandstats").Val(); !strings.Contains(l, "cmdstat_time:calls=1,") {
		t.Errorf("%d scrapes were more than one read:\n%s", scrapes, l)
	}
}

// waiting is how many callers share the read under way.
func (b *bench) waiting() int {
	f := &b.source.flight
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now == nil {
		return 0
	}
	return f.now.waiters
}

func TestOneCallersCancellationFailsNobodyElses(t *testing.T) {
	release := make(chan struct{})
	f := flight[int]{limit: time.Hour, call: func(ctx context.Context) int {
		select {
		case <-release:
			return 1
		case <-ctx.Done():
			return -1
		}
	}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := f.get(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who gave up got %v", err)
		}
	})
	other := make(chan int, 1)
	wg.Go(func() {
		v, err := f.get(t.Context())
		if err != nil {
			t.Error(err)
		}
		other <- v
	})
	waitFor(t, func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.now != nil && f.now.waiters == 2 })
	cancel()
	waitFor(t, func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.now.waiters == 1 })
	close(release)
	if v := <-other; v != 1 {
		t.Errorf("the other caller got %d", v)
	}
	wg.Wait()
}

func TestACallThatNobodyWaitsForIsCancelledAndCatchesNobody(t *testing.T) {
	ended := make(chan struct{}, 2)
	calls := 0
	f := flight[int]{limit: time.Hour, call: func(ctx context.Context) int {
		calls++
		if calls > 1 {
			return calls
		}
		<-ctx.Done()
		ended <- struct{}{}
		return 0
	}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-ended
	if v, err := f.get(t.Context()); v != 2 || err != nil {
		t.Errorf("the next caller got %d, %v", v, err)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		if t.Context().Err() != nil {
			t.Fatal("it never came to that")
		}
	}
}

func TestAPanicIsCaughtCountedAndHidesNothing(t *testing.T) {
	c := server.Client(t)
	someState(t, c)
	b := newBench(t, c, benchOptions{})
	broken := Collector{Name: "broken", collect: func(*State, *emitter) error { panic("oh") }}
	b.handler = NewHandler(b.source, HandlerOptions{
		Timeout: time.Second, Enabled: append([]Collector{broken}, All()...), Base: prometheus.NewRegistry(),
	}, log.NewLogfmtLogger(b.log))
	b.scrape()
	got := b.scrape()
	wantUp(t, got)
	want(t, got, map[string]string{success("broken"): "0"})
	// The counter is gathered beside the collectors: it may have this scrape's.
	if n := series(got)["vmpooler_exporter_panics_total"]; n != "1" && n != "2" {
		t.Errorf("%s panics counted after two", n)
	}
	b.wantOneReason("panicked: oh")
}

func TestACollectorThatIsOffIsAbsent(t *testing.T) {
	c := server.Client(t)
	someState(t, c)
	b := newBench(t, c, benchOptions{})
	b.handler.opts.Enabled = All()[:1]
	want(t, b.scrape(), map[string]string{
		success("dlq"): "1", success("queues"): "", goodPending: "", "vmpooler_health_dlq_total_size": "0",
	})
}

func TestNumbersThatNoSweepHasProducedAreAbsent(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	someState(t, c)
	leaked := `vmpooler_health_orphaned_metadata{state="leaked"}`
	want(t, newBench(t, c, benchOptions{}).scrape(), map[string]string{
		leaked: "", "vmpooler_ondemand_requests_lost": "", "vmpooler_exporter_sweep_age_seconds": "",
		"vmpooler_health_name_collisions": "", success("orphans"): "1",
	})
	b := newBench(t, c, benchOptions{sweep: true})
	want(t, b.scrape(), map[string]string{leaked: "0", "vmpooler_ondemand_requests_lost": "0", success("orphans"): "1"})
	must(t, c, "SET", vmpooler.Ready.Key("good"), "x")
	b.next <- struct{}{}
	<-b.sweep
	want(t, b.scrape(), map[string]string{leaked: "", success("orphans"): "0", "vmpooler_exporter_sweep_failures_total": "1"})
}

func TestAReasonIsLoggedWhenItBeginsChangesAndIsOver(t *testing.T) {
	var b syncBuffer
	f := newFaults(log.NewLogfmtLogger(&b))
	reset := func(port int) error { return fmt.Errorf("read tcp 10.0.0.1:%d->10.0.0.2:6379: connection reset", port) }
	for _, step := range []struct {
		err  error
		want string // in a line of its own; nothing if empty
	}{
		{nil, ""},
		{reset(40001), "level=error"},
		{reset(40002), ""}, // only our own port differs
		{errors.New("LOADING"), "level=error"},
		{nil, "level=info msg=recovered"},
		{nil, ""},
		{reset(40003), "level=error"},
	} {
		before := len(b.String())
		f.note("redis", step.err)
		got := b.String()[before:]
		if (got == "") != (step.want == "") || !strings.Contains(got, step.want) {
			t.Errorf("%v: %q, want %q", step.err, got, step.want)
		}
	}
}
