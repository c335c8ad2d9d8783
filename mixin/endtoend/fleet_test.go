package endtoend

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// fleet is a vmpooler at work with two exporters beside it.
type fleet struct {
	redis     *testredis.Server
	exporters []*process
	config    string    // the exporters' vmpooler.yaml
	now       time.Time // when its history had passed and its life began
	stop      func()    // the simulation, and waits
}

// fleetOptions say what a fleet is and does.
type fleetOptions struct {
	simulation simulator.Options
	history    time.Duration                               // that has passed when it is started
	settings   map[string]any                              // vmpooler.yaml's :config:
	pool       map[string]any                              // what each of its :pools: has besides name, size and alias
	flags      func(tb testing.TB, socket string) []string // the exporters', the addresses apart
}

// startFleet writes the history into a redis-server of the fleet's own at once, lets
// the simulation go on in real time and starts the exporters.
func startFleet(tb testing.TB, o fleetOptions) *fleet {
	tb.Helper()
	f := &fleet{redis: testredis.New(tb), config: filepath.Join(tb.TempDir(), "vmpooler.yaml")}
	f.simulate(tb, o)
	writeYAML(tb, f.config, vmpoolerYAML(o))
	flags := []string{"--config.file=" + f.config, "--redis.addr=unix://" + f.redis.Socket}
	f.exporters = startExporters(tb, 2, append(flags, o.flags(tb, f.redis.Socket)...)...)
	return f
}

// simulate starts the simulation, which ends with the test at the latest. Its errors
// fail the test.
func (f *fleet) simulate(tb testing.TB, o fleetOptions) {
	tb.Helper()
	c := f.redis.NewClient()
	f.now = time.Now()
	o.simulation.Start, o.simulation.Wall = f.now.Add(-o.history), time.Now
	sim, err := simulator.New(c, o.simulation)
	if err == nil {
		err = sim.Step(tb.Context(), f.now)
	}
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tick := time.NewTicker(100 * time.Millisecond)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := sim.Run(ctx, tick.C, 1, nil); err != nil && ctx.Err() == nil {
			tb.Errorf("the simulation: %v", err)
		}
	})
	f.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		tick.Stop()
		c.Close()
	})
	tb.Cleanup(f.stop)
}

// vmpoolerYAML is the file that the simulated vmpooler would have.
func vmpoolerYAML(o fleetOptions) map[string]any {
	var pools []any
	for _, p := range o.simulation.Pools {
		pool := map[string]any{"name": p.Name, "size": p.Size, "timeout": int(p.Timeout.Minutes())}
		if p.Alias != "" {
			pool["alias"] = []string{p.Alias}
		}
		maps.Copy(pool, o.pool)
		pools = append(pools, pool)
	}
	return map[string]any{":config": o.settings, ":pools": pools}
}

// breakConfig makes the exporters' configuration wrong and tells them to read it.
func (f *fleet) breakConfig(tb testing.TB) {
	tb.Helper()
	if err := os.WriteFile(f.config, []byte(":config:\n  purge_interval: soon\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	for _, e := range f.exporters {
		if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			tb.Fatal(err)
		}
	}
}

// killRedis ends the fleet's Redis for good.
func (f *fleet) killRedis(tb testing.TB) {
	tb.Helper()
	f.stop()
	if err := f.redis.Kill(); err != nil {
		tb.Fatal(err)
	}
}

// provider writes a program that lists the VMs of a pool, as --inventory.command
// asks for it: those that vmpooler has, and one that nobody knows.
func provider(tb testing.TB, socket string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "provider.sh")
	text := "#!/bin/sh\nset -e\nvms=$(" + tool(tb, "redis-cli") + " -s " + socket + " --raw sunion"
	for _, q := range []string{"pending", "ready", "running", "completed", "discovered", "migrating"} {
		text += ` "vmpooler__` + q + `__$2"`
	}
	text += ")\nprintf '%s\\n' $vms pix-stray\n"
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		tb.Fatal(err)
	}
	return file
}
