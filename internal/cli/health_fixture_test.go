package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var healthNow = time.Date(2026, 11, 23, 8, 32, 46, 123456789, time.UTC)

var healthThresholds = health.Thresholds{
	PendingQueueMax: 100, ReadyQueueMax: 500, DLQMaxWarning: 100, DLQMaxCritical: 1000,
	StuckVMAge: 2 * time.Hour, StuckVMMaxWarning: 10, StuckVMMaxCritical: 50,
}

// healthCase is a state of vmpooler and its sweep.
type healthCase struct {
	snap     *vmpooler.Snapshot
	sweep    *vmpooler.SweepResult
	sweepErr error
}

func (c healthCase) report() *health.Report {
	return health.Evaluate(c.snap, c.sweep, healthThresholds)
}

// aged makes n VMs whose ages step evenly from youngest up to oldest.
func aged(n int, youngest, oldest time.Duration) []vmpooler.VM {
	vms := make([]vmpooler.VM, n)
	for i := range vms {
		d := oldest
		if n > 1 {
			d = youngest + (oldest-youngest)*time.Duration(i)/time.Duration(n-1)
		}
		vms[i] = vmpooler.VM{Name: fmt.Sprintf("vm-%d", i), Since: healthNow.Add(-d), Cloned: true}
	}
	return vms
}

// ageless makes n VMs of unknown age.
func ageless(n int) []vmpooler.VM { return make([]vmpooler.VM, n) }

type queues map[vmpooler.Queue][]vmpooler.VM

// pool makes a pool whose last VM became ready twelve minutes ago.
func pool(name string, size int64, q queues) vmpooler.Pool {
	p := vmpooler.Pool{Name: name, Size: vmpooler.Known(size), LastReady: healthNow.Add(-12 * time.Minute)}
	for queue, vms := range q {
		p.Queues[queue].VMs = vms
	}
	return p
}

func fine(name string, size int) vmpooler.Pool {
	return pool(name, int64(size), queues{
		vmpooler.Ready:     aged(size, time.Minute, 5*time.Hour+7*time.Minute),
		vmpooler.Pending:   aged(1, 0, 95*time.Second),
		vmpooler.Running:   aged(3, time.Hour, 26*time.Hour),
		vmpooler.Completed: aged(1, 0, time.Minute),
	})
}

// snapshot is one with the pools given and nothing wrong besides.
func snapshot(pools ...vmpooler.Pool) *vmpooler.Snapshot {
	return &vmpooler.Snapshot{
		Now: healthNow, SkewKnown: true, Pools: pools,
		DLQ: []vmpooler.DLQ{
			{Queue: "clone", Size: vmpooler.Known(12)}, {Queue: "pending", Size: vmpooler.Known(3)}, {Queue: "ready", Size: vmpooler.Known(0)},
		},
		Tasks: vmpooler.Tasks{Clone: vmpooler.Known(0), OndemandClone: vmpooler.Known(0)},
		Ondemand: vmpooler.Ondemand{
			Waiting: vmpooler.Known(0), Processing: vmpooler.Known(0), CreateTasks: vmpooler.Known(0), OldestKnown: true,
		},
	}
}

func swept() *vmpooler.SweepResult {
	return &vmpooler.SweepResult{Duration: 2500 * time.Millisecond, Keys: 98_211, Expiring: 569}
}

func healthyCase() healthCase {
	return healthCase{snap: snapshot(
		fine("centos-7-x86_64", 10), fine("debian-12-x86_64", 20), fine("redhat-9-x86_64", 5),
		fine("ubuntu-2204-x86_64", 8), fine("win-2019-x86_64", 4), fine("win-2022-x86_64", 12),
	), sweep: swept()}
}

// degradedCase has one pool beyond its limit, and an empty one that waits.
func degradedCase() healthCase {
	c := healthyCase()
	c.snap.Pools[1].Queues[vmpooler.Pending].VMs = aged(141, time.Minute, 95*time.Minute)
	c.snap.Pools[3].Queues[vmpooler.Ready].VMs = nil
	c.snap.Ondemand.Waiting, c.snap.Ondemand.Processing = vmpooler.Known(4), vmpooler.Known(2)
	c.snap.Ondemand.OldestRequest = healthNow.Add(-13 * time.Minute)
	return c
}

// unhealthyCase has something of everything, with all of it read.
func unhealthyCase() healthCase {
	c := degradedCase()
	s := c.snap
	s.Pools[5].Queues[vmpooler.Pending].VMs = aged(214, time.Minute, 3*time.Hour+12*time.Minute)
	s.Pools[5].Queues[vmpooler.Ready].VMs = nil
	s.Pools[5].LastReady = healthNow.Add(-(3*time.Hour + 15*time.Minute))
	s.Pools[4].Queues[vmpooler.Ready].VMs = aged(1204, time.Minute, 52*time.Hour)
	s.Pools[4].Queues[vmpooler.Discovered].VMs = ageless(7)
	s.Pools[4].Queues[vmpooler.Migrating].VMs = aged(2, 0, time.Second)
	s.Pools[2].Queues[vmpooler.Ready].VMs = nil
	s.Pools[2].Queues[vmpooler.Pending].VMs = nil
	s.Pools[2].LastReady = healthNow.Add(-(52 * time.Hour))
	s.Pools[0].Queues[vmpooler.Pending].VMs = ageless(3)
	s.Pools[0].Size = vmpooler.Number{}
	s.Pools[0].LastReady = time.Time{}
	s.DLQ[0].Size, s.DLQ[1].Size = vmpooler.Known(1100), vmpooler.Known(104)
	s.Tasks = vmpooler.Tasks{Clone: vmpooler.Known(8), OndemandClone: vmpooler.Known(2)}
	s.Ondemand.CreateTasks = vmpooler.Known(3)
	s.Skew = -42 * time.Second
	c.sweep.Leaked, c.sweep.LostRequests, c.sweep.NameCollisions = 1041, 2, 1
	return c
}

// unreadableCase has keys of another type and no sweep.
func unreadableCase() healthCase {
	c := healthyCase()
	wrongType := errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")
	s := c.snap
	s.Pools[3].Queues[vmpooler.Pending].Err = wrongType
	s.Pools[4].Queues[vmpooler.Running].Err = wrongType
	s.Pools[4].Queues[vmpooler.Discovered].Err = wrongType
	s.DLQ[1].Size = vmpooler.Number{}
	s.Tasks.Clone = vmpooler.Number{}
	s.SkewKnown = false
	s.Ondemand = vmpooler.Ondemand{}
	s.Errs = [vmpooler.NumParts]error{
		vmpooler.PartServer: errors.New("TIME: NOPERM this user has no permissions to run the 'time' command"),
		vmpooler.PartQueues: errors.Join(
			fmt.Errorf("vmpooler__pending__ubuntu-2204-x86_64: %w", wrongType), errors.New("and 2 more")),
		vmpooler.PartTasks:    errors.New("vmpooler__tasks__clone: not a number: \"\x1b[2Jmany\""),
		vmpooler.PartDLQ:      fmt.Errorf("vmpooler__dlq__pending: %w", wrongType),
		vmpooler.PartOndemand: fmt.Errorf("vmpooler__provisioning__request: %w", wrongType),
	}
	c.sweep, c.sweepErr = nil, fmt.Errorf("sweep: vmpooler__pending__ubuntu-2204-x86_64: %w", wrongType)
	return c
}

// lostCase is a connection that ended between the fixed keys and the queues.
func lostCase() healthCase {
	c := healthyCase()
	reset := &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 32, 4, 17), Port: 6379}, Err: io.ErrUnexpectedEOF}
	c.snap.Lost = reset
	for i := range c.snap.Pools {
		for q := range c.snap.Pools[i].Queues {
			if i > 0 || vmpooler.Queue(q) > vmpooler.Ready {
				c.snap.Pools[i].Queues[q] = vmpooler.QueueState{Err: reset}
			}
		}
	}
	c.snap.Errs[vmpooler.PartQueues] = fmt.Errorf("vmpooler__pending__centos-7-x86_64: %w", reset)
	c.sweep, c.sweepErr = nil, nil
	return c
}

// hostileCase has names that play tricks on a terminal, and wide ones.
func hostileCase() healthCase {
	snap := snapshot(
		fine("\x1b[2J\x1b[1;1Hgone", 5), fine("\u009b31mred", 5), fine("back\rspace\b\n", 5), fine("rtl-\u202egnp.exe", 5),
		fine("not-utf8-\xff\xfe", 5), fine("プール-ウィンドウズ-二〇二二", 5), fine("café-cafe\u0301", 5), fine("🚀-rockets", 5),
		fine("win-2022-x86_64-with-a-very-long-name-that-ends-in-arm64", 5), fine("<b>&amp;</b>", 5), fine("", 5),
	)
	snap.Pools[5].Queues[vmpooler.Ready].VMs = nil
	snap.Pools[0].Queues[vmpooler.Pending].VMs = aged(120, 0, time.Hour)
	snap.DLQ[0].Queue = "\x1b]0;title\a"
	return healthCase{snap: snap, sweep: swept()}
}

// manyCase has more pools in trouble than fit any screen.
func manyCase() healthCase {
	var pools []vmpooler.Pool
	for i := range 40 {
		p := fine(fmt.Sprintf("pool-%02d", i), 5)
		switch {
		case i%2 == 0:
			p.Queues[vmpooler.Pending].VMs = aged(101+i, 0, time.Hour)
		case i == 7:
			p.Queues[vmpooler.Pending].VMs = aged(4, time.Hour, 3*time.Hour)
		}
		pools = append(pools, p)
	}
	return healthCase{snap: snapshot(pools...), sweep: swept()}
}

func emptyCase() healthCase { return healthCase{snap: snapshot(), sweep: &vmpooler.SweepResult{}} }
