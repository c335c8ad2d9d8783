package web

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

var errTest = errors.New("WRONGTYPE")

var update = flag.Bool("update", false, "write the golden files anew")

var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

// now is the moment of every test here.
var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// aged makes n VMs whose ages step evenly up to oldest.
func aged(n int, oldest time.Duration) []vmpooler.VM {
	vms := make([]vmpooler.VM, n)
	for i := range vms {
		vms[i] = vmpooler.VM{Name: fmt.Sprintf("vm-%d", i), Since: ago(oldest * time.Duration(i+1) / time.Duration(n)), Cloned: true}
	}
	return vms
}

func pool(name string, size int64, pending, ready, running []vmpooler.VM) vmpooler.Pool {
	p := vmpooler.Pool{Name: name, Size: vmpooler.Known(size)}
	p.Queues[vmpooler.Pending].VMs, p.Queues[vmpooler.Ready].VMs, p.Queues[vmpooler.Running].VMs = pending, ready, running
	p.Queues[vmpooler.Completed].VMs = aged(1, time.Minute)
	return p
}

// scene is a Source, a Stories and a state to be changed by a test.
type scene struct {
	mu      sync.Mutex
	view    *live.View
	err     error
	page    dlq.Page
	asked   dlq.Filter
	stories map[string]*explain.Report
}

func (s *scene) View(context.Context) (*live.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	return s.view, nil
}

func (s *scene) Last() (*live.View, time.Duration) { return s.view, 0 }

func (s *scene) Settings() *config.Settings { return config.Defaults() }

func (s *scene) Letters(_ context.Context, f dlq.Filter) (dlq.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = f
	return s.page, s.err
}

func (s *scene) story(kind explain.Kind, name string) (*explain.Report, error) {
	if r := s.stories[string(kind)+" "+name]; r != nil {
		return r, nil
	}
	return &explain.Report{Kind: kind, Name: name}, s.err
}

func (s *scene) VM(_ context.Context, name string) (*explain.Report, error) {
	return s.story(explain.KindVM, name)
}

func (s *scene) Request(_ context.Context, id string) (*explain.Report, error) {
	return s.story(explain.KindRequest, id)
}

func (s *scene) handler(o Options) *Handler {
	o.Source, o.Stories = s, s
	o.Now = func() time.Time { return now }
	o.MetricsPath = "/metrics"
	if o.Logger == nil {
		o.Logger = log.NewLogfmtLogger(os.Stderr)
	}
	return NewHandler(o)
}

// newScene makes a view of these pools, with nothing wrong besides.
func newScene(pools ...vmpooler.Pool) *scene {
	settings := config.Defaults()
	settings.Redis.Password = "hunter2"
	settings.DLQ.Enabled, settings.Purge.Enabled = true, true
	snap := &vmpooler.Snapshot{
		Now: now, SkewKnown: true, Pools: pools,
		DLQ:      []vmpooler.DLQ{{Queue: "clone", Size: vmpooler.Known(0)}, {Queue: "pending", Size: vmpooler.Known(0)}, {Queue: "ready", Size: vmpooler.Known(0)}},
		Tasks:    vmpooler.Tasks{Clone: vmpooler.Known(3), OndemandClone: vmpooler.Known(0)},
		Ondemand: vmpooler.Ondemand{Waiting: vmpooler.Known(0), Processing: vmpooler.Known(0), CreateTasks: vmpooler.Known(0), OldestKnown: true},
	}
	for i := range pools {
		for q := range pools[i].Queues {
			for k := range pools[i].Queues[q].VMs {
				pools[i].Queues[q].VMs[k].Cloned = vmpooler.Queue(q) != vmpooler.Pending || k > 2
			}
		}
	}
	sweep := &vmpooler.SweepResult{
		Finished: ago(40 * time.Second), Duration: 2500 * time.Millisecond, Keys: 98_211, Expiring: 569,
		Requests: map[vmpooler.RequestStatus]int64{vmpooler.RequestReady: 214, vmpooler.RequestFailed: 6},
	}
	thresholds := config.DefaultThresholds()
	state := &collector.State{
		Snapshot: snap, Took: 3 * time.Millisecond, Thresholds: thresholds,
		Sweep: collector.SweepState{Latest: sweep, LastComplete: sweep},
	}
	s := &scene{view: &live.View{
		At: now, State: state, StateRead: ago(time.Second),
		Letters: &dlq.Stats{}, LettersRead: ago(4 * time.Second),
		Purge: &purger.Status{Next: now.Add(21 * time.Minute)}, Lease: &live.Lease{Leads: true, Owner: "ops-1:4711:ABC"},
		Settings: settings, Hours: hours(pools), Started: ago(3 * time.Hour),
	}}
	s.judge()
	return s
}

// judge evaluates the state after a test has changed it.
func (s *scene) judge() {
	st := s.view.State
	st.Report = health.Evaluate(st.Snapshot, st.Sweep.Latest, st.Thresholds)
}

// hours draws a last hour for each pool that ends at what it has now.
func hours(pools []vmpooler.Pool) map[string]*live.Hour {
	out := make(map[string]*live.Hour, len(pools))
	for i := range pools {
		ready, pending := int64(len(pools[i].Queues[vmpooler.Ready].VMs)), int64(len(pools[i].Queues[vmpooler.Pending].VMs))
		h := &live.Hour{Step: time.Minute, End: now}
		for k := range int64(60) {
			wave := (k*7 + int64(i)*11) % 9 / 3
			if k == 59 {
				wave = 0
			}
			h.Ready = append(h.Ready, max(0, ready+wave+(59-k)/20*int64(i%3)))
			h.Pending = append(h.Pending, max(0, pending*k/59+wave/2))
			h.Running = append(h.Running, 3)
		}
		out[pools[i].Name] = h
	}
	return out
}

func fine(name string, size int) vmpooler.Pool {
	return pool(name, int64(size), aged(1, 95*time.Second), aged(size, 5*time.Hour+7*time.Minute), aged(3, 26*time.Hour))
}

func sixPools() []vmpooler.Pool {
	return []vmpooler.Pool{
		fine("centos-7-x86_64", 10), fine("debian-12-x86_64", 20), fine("redhat-9-x86_64", 5),
		fine("ubuntu-2204-x86_64", 8), fine("win-2019-x86_64", 4), fine("win-2022-x86_64", 12),
	}
}

func healthyScene() *scene { return newScene(sixPools()...) }

// troubledScene has something of everything.
func troubledScene() *scene {
	pools := sixPools()
	pools[5] = pool("win-2022-x86_64", 12, append(aged(61, 3*time.Hour+12*time.Minute), aged(2, time.Minute)...), nil, aged(8, 9*time.Hour))
	for i := range 61 {
		pools[5].Queues[vmpooler.Pending].VMs[i].Since = ago(2*time.Hour + time.Duration(i+1)*time.Minute)
	}
	pools[1] = pool("debian-12-x86_64", 20, aged(141, 95*time.Minute), aged(12, 4*time.Hour), aged(30, 20*time.Hour))
	pools[0].Queues[vmpooler.Completed].Err = errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")
	pools[3].Queues[vmpooler.Ready].VMs = aged(5, time.Hour)
	s := newScene(pools...)
	v := s.view
	st := v.State
	st.Snapshot.DLQ[0].Size, st.Snapshot.DLQ[1].Size = vmpooler.Known(1000), vmpooler.Known(204)
	st.Snapshot.Errs[vmpooler.PartQueues] = errors.New("vmpooler__completed__centos-7-x86_64: WRONGTYPE Operation against a key holding the wrong kind of value")
	st.Snapshot.Ondemand.Waiting, st.Snapshot.Ondemand.Processing = vmpooler.Known(1), vmpooler.Known(2)
	st.Snapshot.Ondemand.CreateTasks = vmpooler.Known(4)
	st.Snapshot.Ondemand.OldestRequest = ago(13 * time.Minute)
	st.Sweep.Latest.Leaked, st.Sweep.Latest.LostRequests, st.Sweep.Failures = 12, 1, 2
	st.Observed = []health.Check{
		{Condition: health.PurgeHeld, Pool: "debian-12-x86_64", Severity: health.Warning, Value: 1},
		{Condition: health.QueueCliff, Pool: "redhat-9-x86_64", Severity: health.Warning, Value: 1},
	}
	v.Hours["ubuntu-2204-x86_64"].Ahead = []live.Ahead{{Event: live.Empty, In: 12*time.Minute + 20*time.Second}, {Event: live.PendingLimit, Limit: 100, In: 2 * time.Hour}}
	v.Letters = someStats()
	v.Requests = []live.Request{
		{ID: "7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11", Made: ago(13 * time.Minute), Status: "pending", Requested: "win-2022:win-2022-x86_64:2", Retries: 1},
		{ID: "b2c44a10-90aa-4a62-8f0e-0a8c8cf7a1de", Made: ago(4 * time.Minute), Status: "pending", Requested: "debian-12:debian-12-x86_64:5,win-2022:win-2022-x86_64:1"},
		{ID: "f00d0000-1111-4222-8333-444455556666", Made: ago(20 * time.Second)},
	}
	v.RequestsTotal = 3
	plan := somePlan(false)
	v.Purge = &purger.Status{Last: plan, LastAt: ago(39 * time.Minute), LastTook: 412 * time.Millisecond, Next: now.Add(21 * time.Minute)}
	v.Lease = &live.Lease{Owner: "ops-1:4711:ABC", Other: lease.Holder{Owner: "ops-2:812:XYZ", For: 20 * time.Second}}
	s.page = somePage()
	s.stories = someStories()
	s.judge()
	return s
}

// manyPools are n pools of which some have trouble.
func manyPools(n int) []vmpooler.Pool {
	systems := []string{"centos-7", "debian-12", "redhat-9", "ubuntu-2204", "win-2019", "win-2022", "sles-15", "macos-14", "oracle-8", "fedora-40"}
	pools := make([]vmpooler.Pool, n)
	for i := range pools {
		name := fmt.Sprintf("%s-x86_64-%03d", systems[i%len(systems)], i)
		size := 5 + i%17
		ready := size - i%4
		if i%23 == 5 {
			ready = 0
		}
		pools[i] = pool(name, int64(size), aged(i%6+120*(i%97/96), time.Duration(30+i)*time.Minute), aged(ready, time.Duration(i)*11*time.Minute), aged(i%30, 30*time.Hour))
	}
	return pools
}

func manyScene() *scene {
	s := newScene(manyPools(200)...)
	t := troubledScene().view
	v := s.view
	v.Letters, v.Requests, v.RequestsTotal, v.Purge, v.Lease = t.Letters, t.Requests, 3, t.Purge, t.Lease
	v.State.Snapshot.DLQ[0].Size = vmpooler.Known(1204)
	i := 0
	for _, name := range []string{"win-2022-x86_64-005", "sles-15-x86_64-016", "debian-12-x86_64-031"} {
		v.Hours[name].Ahead = []live.Ahead{{Event: live.Empty, In: time.Duration(9+20*i) * time.Minute}}
		i++
	}
	s.judge()
	return s
}

// admins is an IsAdmin that takes everybody with a header for one.
func admins(r *http.Request) (string, bool) {
	user := r.Header.Get("X-Test-User")
	return user, user != ""
}

// contains says of a page which of these texts it lacks.
func contains(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
}
