package demo

import (
	"bytes"
	"fmt"
	"net"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

// The times of the story, from its beginning; it begins anew every cycle.
const (
	history = 12 * time.Minute // what has passed when the demo starts
	cycle   = 10 * time.Minute

	spellAt   = 15 * time.Second
	spellFor  = 3 * time.Minute
	leakAt    = 5*time.Minute + 45*time.Second
	loseAt    = 6*time.Minute + 15*time.Second
	emptyAt   = 7 * time.Minute
	emptyFor  = 6 * time.Second
	restartAt = 9 * time.Minute
	downFor   = 5 * time.Second

	timeout   = 2 * time.Minute // of every pool but slowPool
	taskLimit = 20              // clones at a time

	// The purge's, shrunk as everything here is.
	purgeEvery  = 30 * time.Second
	pendingAge  = 3 * time.Minute
	orphanedAge = 2 * time.Minute
)

// PurgeGrace is how long the demo's purge watches before its first cycle.
const PurgeGrace = 30 * time.Second

// Thresholds returns the thresholds by which the status moves as Story tells.
// Those of the dead-letter queues are out of reach, so that what collects
// there does not hide it.
func (d *Demo) Thresholds() config.Thresholds {
	return config.Thresholds{
		PendingQueueMax:    11,
		ReadyQueueMax:      500,
		DLQMaxWarning:      5000,
		DLQMaxCritical:     20000,
		StuckVMAge:         45 * time.Second,
		StuckVMMaxWarning:  6,
		StuckVMMaxCritical: 20,
	}
}

// Config returns a vmpooler.yaml with the demo's Redis and thresholds.
func (d *Demo) Config() []byte {
	host, port, _ := net.SplitHostPort(d.Addr()) // it is the address of a listener
	var b bytes.Buffer
	fmt.Fprintf(&b, ":redis:\n  server: %s\n  port: %s\n  data_ttl: %d\n", host, port, int(d.DataTTL().Hours()))
	fmt.Fprintf(&b, ":config:\n  dlq_enabled: true\n  purge_enabled: true\n  purge_interval: %.0f\n  max_pending_age: %.0f\n  max_orphaned_age: %.0f\n",
		purgeEvery.Seconds(), pendingAge.Seconds(), orphanedAge.Seconds())
	fmt.Fprintf(&b, "  timeout: %d\n  task_limit: %d\n  health_thresholds:\n", int(timeout.Minutes()), taskLimit)
	for name, value := range d.Thresholds().All() {
		fmt.Fprintf(&b, "    %s: %.0f\n", name, value)
	}
	return b.Bytes()
}

// DataTTL returns how long the metadata of the demo's destroyed VMs stays
// (data_ttl): an hour, so that a demo that runs for days stays small.
func (d *Demo) DataTTL() time.Duration { return time.Hour }

// Story returns what will happen when, a line each, to be printed.
func (d *Demo) Story() []string {
	line := func(at time.Duration, format string, args ...any) string {
		return fmt.Sprintf("%5s  ", clock(at)) + fmt.Sprintf(format, args...)
	}
	return []string{
		fmt.Sprintf("A simulated vmpooler with %d pools, and %d minutes of history.", len(pools()), int(history.Minutes())),
		fmt.Sprintf("What happens, in minutes from the start (%s), every %d minutes anew:", d.start.Format(time.TimeOnly), int(cycle.Minutes())),
		line(spellAt, "new VMs stop booting and more clones fail: ready VMs run out, pending ones get stuck"),
		line(spellAt+time.Minute, "the status becomes degraded, and within the next minute unhealthy"),
		line(spellAt+spellFor, "VMs boot again; the stuck ones time out within %d minutes", int(timeout.Minutes())),
		line(spellAt+spellFor+timeout, "the status is healthy again"),
		line(leakAt, "a clone slot leaks: it stays counted until the manager's restart"),
		line(loseAt, "an on-demand request is lost: it is pending and in no queue; the next sweep finds it"),
		line(emptyAt, "the provider's list of %s is empty for %d s: all its running VMs are dropped", emptyPool, int(emptyFor.Seconds())),
		line(restartAt, "the manager restarts"),
		"Now and then a VM that is deleted by hand leaves its metadata behind, without a TTL.",
		fmt.Sprintf("The purge gives such metadata a TTL once it is %d minutes old, and clears %s,", int(orphanedAge.Minutes()), slowPool),
		fmt.Sprintf("whose timeout is far too long, of VMs that have been pending for %d minutes.", int(pendingAge.Minutes())),
	}
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

const (
	emptyPool = "sles-15-ppc64le"
	// slowPool's VMs stay pending for as long as somebody lets them: few enough that
	// the status does not follow them.
	slowPool = "almalinux-9-aarch64"
)

func pools() []simulator.Pool {
	list := []simulator.Pool{
		{Name: "debian-12-x86_64", Alias: "debian-12-64", Size: 14},
		{Name: "ubuntu-24.04-x86_64", Alias: "ubuntu-24.04-64", Size: 12},
		{Name: "redhat-9-x86_64", Alias: "redhat-9-64", Size: 10},
		{Name: "windows-2022-x86_64", Size: 8},
		{Name: emptyPool, Alias: "sles-15-power", Size: 6},
		{Name: slowPool, Alias: "almalinux-9-arm", Size: 4},
	}
	for i := range list {
		list[i].Timeout, list[i].Notify = timeout, time.Minute
		if list[i].Name == slowPool {
			list[i].Timeout = time.Hour
		}
	}
	return list
}

// options returns the simulation's: everything takes seconds where it would
// take minutes, and users come often.
func options(began time.Time, seed uint64) simulator.Options {
	at := func(c simulator.Change, at time.Duration) simulator.Change {
		c.At, c.Every = history+at, cycle
		return c
	}
	return simulator.Options{
		Pools: pools(),
		Seed:  seed,
		Start: began,
		Rates: &simulator.Rates{
			Checkouts: 30, Requests: 12, CloneFailure: 0.03, NeverBoots: 0.01, ReadyDies: 0.5,
			DestroyFailure: 0.05, Tokens: 0.7, Leaks: 15,
		},
		Durations: &simulator.Durations{
			Clone:   simulator.Span{Min: 2 * time.Second, Max: 6 * time.Second},
			Boot:    simulator.Span{Min: 5 * time.Second, Max: 14 * time.Second},
			Destroy: simulator.Span{Min: time.Second, Max: 5 * time.Second},
			Hold:    simulator.Span{Min: 40 * time.Second, Max: 3 * time.Minute},
		},
		Scenario: []simulator.Change{
			at(simulator.Change{Effect: simulator.Spell, For: spellFor, CloneFailure: 0.2, NeverBoots: 0.97}, spellAt),
			at(simulator.Change{Effect: simulator.LeakCloneSlot}, leakAt),
			at(simulator.Change{Effect: simulator.LoseRequest}, loseAt),
			at(simulator.Change{Effect: simulator.ProviderEmpty, For: emptyFor, Pools: []string{emptyPool}}, emptyAt),
			at(simulator.Change{Effect: simulator.Restart, For: downFor}, restartAt),
		},
		DataTTL:      time.Hour,
		LoopDelay:    2 * time.Second,
		CheckTime:    15 * time.Second,
		RunningCheck: 30 * time.Second,
		TaskLimit:    taskLimit,
		MaxRetries:   2,
		RequestTTL:   2 * time.Minute,
	}
}
