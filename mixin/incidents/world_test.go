package incidents

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

// instances are the two exporters, by the addresses that they are scraped at.
var instances = []string{"a:10124", "b:10124"}

// alone is how long a vmpooler has lived when its exporters start: its pools are full.
const alone = 10 * time.Minute

// world is a vmpooler with its exporters, on the clock of a bubble.
type world struct {
	t        *testing.T
	settings *config.Settings
	server   *miniredis.Miniredis
	redis    *redis.Client // vmpooler's own, which always gets through
	sim      *simulator.Simulator
	wires    map[string]*wire // the exporters' ways to Redis
	replicas map[string]*replica
	seen     *recording
	wanted   map[string]bool // words that series have to be among; nil for all
	scraped  []string        // instances, those that there are
	missed   map[string]bool // instances that the next scrape does not reach
	unlisted map[string]bool // pools of which the provider shows nothing
}

// fleet are the pools: of every size, one VM and none among them.
func fleet() []simulator.Pool {
	return []simulator.Pool{
		{Name: "debian-12-x86_64", Alias: "debian-12-64", Size: 20},
		{Name: "ubuntu-24.04-x86_64", Alias: "ubuntu-24.04-64", Size: 12},
		{Name: "redhat-9-x86_64", Alias: "redhat-9-64", Size: 8},
		{Name: "windows-2022-x86_64", Size: 5},
		{Name: "sles-15-ppc64le", Alias: "sles-15-power", Size: 1},
		{Name: "almalinux-9-aarch64", Alias: "almalinux-9-arm", Size: 0},
	}
}

// file is the vmpooler.yaml of the exporters: everything on, and vmpooler's own
// defaults but for the keys that are given.
func file(pools []simulator.Pool, further string) string {
	var b strings.Builder
	b.WriteString(":redis:\n  server: 127.0.0.1\n  data_ttl: 1\n:config:\n  dlq_enabled: true\n  purge_enabled: true\n  health_check_enabled: true\n" + further + ":pools:\n")
	for _, p := range pools {
		fmt.Fprintf(&b, "  - name: %s\n    size: %d\n    timeout: %d\n", p.Name, p.Size, int(max(p.Timeout, 15*time.Minute).Minutes()))
	}
	return b.String()
}

// plan says how a world is made, and what happens in it.
type plan struct {
	options simulator.Options
	single  bool            // there is one exporter
	file    string          // further lines of :config:
	wanted  map[string]bool // names of series, among other words; nil for all
	lasts   time.Duration
	happen  func(w *world, at time.Duration) // before each scrape; at counts from the first
}

// simulate lets a vmpooler live, and returns what its exporters said.
func simulate(t *testing.T, p plan) *recording {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vmpooler.yaml")
	if err := os.WriteFile(path, []byte(file(p.options.Pools, p.file)), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(config.Options{File: path, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	var seen *recording
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settings, p.options)
		w.wanted = p.wanted
		if p.single {
			w.scraped = instances[:1]
		}
		defer w.end()
		w.live(p)
		seen = w.seen
	})
	return seen
}

func newWorld(t *testing.T, s *config.Settings, opts simulator.Options) *world {
	t.Helper()
	w := &world{
		t: t, settings: s, server: miniredis.NewMiniRedis(), seen: newRecording(time.Now().Add(alone)),
		wires: make(map[string]*wire), replicas: make(map[string]*replica), unlisted: make(map[string]bool),
		scraped: instances, missed: make(map[string]bool),
	}
	w.server.ClockTTL(true)
	for _, instance := range instances {
		w.wires[instance] = &wire{server: w.server}
	}
	w.redis = redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Protocol: 2, DisableIdentity: true, PoolSize: enough, PipelinePoolSize: -1})
	w.redis.AddHook(&wire{server: w.server})
	opts.Start = time.Now()
	var err error
	if w.sim, err = simulator.New(w.redis, opts); err != nil {
		t.Fatal(err)
	}
	return w
}

// live lets vmpooler fill its pools, starts the exporters and scrapes them.
func (w *world) live(p plan) {
	w.pass(time.Now().Add(alone))
	for _, instance := range w.scraped {
		w.start(instance)
	}
	first := time.Now()
	for at := time.Duration(0); at < p.lasts; at += scrapeEvery {
		p.happen(w, at)
		w.scrape()
		w.pass(first.Add(at + scrapeEvery))
	}
}

// pass lets time go by in steps of a second, in the middle of which vmpooler does its
// work: nobody else does theirs then.
func (w *world) pass(until time.Time) {
	const second = time.Second
	for now := time.Now(); now.Before(until); now = time.Now() {
		half := now.Truncate(second).Add(second / 2)
		time.Sleep(half.Sub(now))
		w.tick()
		time.Sleep(time.Until(half.Add(second / 2)))
	}
}

func (w *world) tick() {
	w.t.Helper()
	if err := w.sim.Step(w.t.Context(), time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// start starts an exporter.
func (w *world) start(instance string) {
	w.t.Helper()
	w.replicas[instance] = newReplica(w.t, w.settings, w.wires[instance], provider{fails: func(pool string) bool { return w.unlisted[pool] }})
}

// stop ends one, if it is there. It is scraped in vain.
func (w *world) stop(instance string) {
	if r := w.replicas[instance]; r != nil {
		r.end()
		delete(w.replicas, instance)
	}
}

func (w *world) scrape() {
	w.t.Helper()
	for _, instance := range w.scraped {
		labels := fmt.Sprintf(`job="vmpooler_exporter",instance=%q`, instance)
		r := w.replicas[instance]
		if r == nil || w.missed[instance] {
			w.seen.add("up{"+labels+"}", 0)
			continue
		}
		w.seen.add("up{"+labels+"}", 1)
		err := r.scrape(w.t.Context(), func(series string) string {
			if name, _, _ := strings.Cut(series, "{"); w.wanted != nil && !w.wanted[name] {
				return ""
			}
			return withLabels(series, labels)
		}, w.seen.add)
		if err != nil {
			w.t.Fatal(err)
		}
	}
	clear(w.missed)
	w.seen.done()
}

func (w *world) end() {
	for instance := range w.replicas {
		w.stop(instance)
	}
	_ = w.redis.Close()
	w.server.Close()
	time.Sleep(time.Minute) // a client that found nobody looks again, and sees that it is closed
}

// do sends what was done behind vmpooler's back.
func (w *world) do(pipe redis.Pipeliner) {
	w.t.Helper()
	if _, err := pipe.Exec(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}
