package dlq

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const dataTTL = 168 * time.Hour

// replay is a recorded run, moved so that it ends now: dead letters leave by the
// server's clock.
type replay struct {
	t     *testing.T
	c     *redis.Client
	trace *testredis.Trace
	own   *testredis.Trace // what vmpooler itself wrote to its dead-letter queues; may be nil
	shift time.Duration
	at    float64
	rules lifecycle.Rules
}

func newReplay(t *testing.T, hard bool) *replay {
	t.Helper()
	r := &replay{t: t, c: server.Client(t), trace: testredis.Capture(), at: -1}
	timeouts := map[string]time.Duration{}
	if hard {
		r.trace = testredis.CaptureHard()
		timeouts = map[string]time.Duration{
			"redhat-9-x86_64": 2 * time.Minute, "windows-2022-x86_64": 3 * time.Minute, "sles-15-ppc64le": 2 * time.Minute,
		}
	}
	r.rules = lifecycle.Rules{DataTTL: dataTTL, Timeout: func(pool string) time.Duration {
		if d, ok := timeouts[pool]; ok {
			return d
		}
		return time.Minute
	}}
	r.shift = time.Since(r.trace.At(480)).Truncate(time.Second)
	return r
}

func (r *replay) now() time.Time { return r.trace.At(r.at).Add(r.shift) }

// to applies the writes until at.
func (r *replay) to(at float64) {
	r.t.Helper()
	if err := testredis.Apply(r.t.Context(), r.c, r.trace.Between(r.at, at), r.shift); err != nil {
		r.t.Fatal(err)
	}
	if r.own != nil {
		r.applyOwn(r.own.Between(r.at, at))
	}
	r.at = at
}

// applyOwn writes vmpooler's own dead letters, moved.
func (r *replay) applyOwn(writes []testredis.Write) {
	r.t.Helper()
	for _, w := range writes {
		queue, ok := vmpooler.DLQFromKey(w.Command[1])
		if !ok || w.Command[0] != "zadd" {
			continue
		}
		score, err := strconv.ParseFloat(w.Command[2], 64)
		if err != nil {
			r.t.Fatal(err)
		}
		rec, err := Decode(queue, w.Command[3], score)
		if err != nil {
			r.t.Fatal(err)
		}
		rec.FailedAt = rec.FailedAt.Add(r.shift)
		member, score := Encode(rec.Entry)
		if err := r.c.ZAdd(r.t.Context(), w.Command[1], redis.Z{Score: score, Member: member}).Err(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// exporter is a recorder with its sweep.
type exporter struct {
	*Recorder

	reader  *vmpooler.Reader
	metrics *Metrics
}

func (r *replay) exporter(c *redis.Client) *exporter {
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: r.now})
	m := NewMetrics(prometheus.NewRegistry(), nil, r.now)
	return &exporter{NewRecorder(reader, NewStore(c, StoreOptions{TTL: dataTTL, MaxEntries: 10_000}), RecorderOptions{
		Interval: time.Second, Deadline: time.Minute, Rules: r.rules, Logger: log.NewNopLogger(), Metrics: m,
	}), reader, m}
}

func (e *exporter) sweep(t *testing.T) {
	t.Helper()
	_, err := e.reader.Sweep(t.Context(), vmpooler.SweepOptions{Fields: lifecycle.HashFields(), Visit: e.Visit})
	if err != nil {
		t.Fatal(err)
	}
	e.SweepDone(nil)
}

// entries returns how often each VM is in each queue.
func (r *replay) entries() map[string]int {
	r.t.Helper()
	got := map[string]int{}
	for _, q := range vmpooler.DLQQueues() {
		for _, member := range r.c.ZRange(r.t.Context(), vmpooler.DLQKey(q), 0, -1).Val() {
			vm, _, _ := strings.Cut(member, ":")
			got[q+" "+vm]++
		}
	}
	return got
}

// compare holds the entries against vmpooler's own dead letters.
func (r *replay) compare(truth string, recall, precision float64) {
	r.t.Helper()
	want := map[string]int{}
	total := 0
	for d := json.NewDecoder(bytes.NewReader(testredis.File(truth))); ; {
		var l struct {
			Queue string
			Entry struct{ VM string }
		}
		if err := d.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			r.t.Fatal(err)
		}
		want[l.Queue+" "+l.Entry.VM]++
		total++
	}
	found, extra := 0, 0
	for key, n := range r.entries() {
		found += min(n, want[key])
		extra += max(0, n-want[key])
		if n > max(1, want[key]) {
			r.t.Errorf("%s is there %d times", key, n)
		}
	}
	gotRecall, gotPrecision := float64(found)/float64(total), float64(found)/float64(found+extra)
	r.t.Logf("found %d of %d (recall %.1f %%), %d extra (precision %.1f %%)", found, total, 100*gotRecall, extra, 100*gotPrecision)
	if gotRecall < recall || gotPrecision < precision {
		r.t.Errorf("recall %.3f (at least %.3f), precision %.3f (at least %.3f)", gotRecall, recall, gotPrecision, precision)
	}
}

var runs = map[string]struct {
	hard  bool
	end   float64
	truth string
}{
	"the ordinary run": {false, 480, "capture/dlq.jsonl"},
	"the hard run":     {true, 442, "capture-hard/dlq.jsonl"},
}

func TestTheRecordedRunsDeadLettersAreCaptured(t *testing.T) {
	for name, run := range runs {
		t.Run(name, func(t *testing.T) {
			r := newReplay(t, run.hard)
			e := r.exporter(r.c)
			for at := 1.0; at <= run.end; at++ {
				r.to(at)
				if err := e.Record(t.Context()); err != nil {
					t.Fatal(err)
				}
				if int(at)%60 == 0 {
					e.sweep(t)
				}
			}
			if err := e.Record(t.Context()); err != nil { // what the last sweep found
				t.Fatal(err)
			}
			r.compare(run.truth, 0.985, 0.985)
		})
	}
}

func TestAnExporterThatStartsLaterFindsWhatHappenedBefore(t *testing.T) {
	for name, run := range runs {
		t.Run(name, func(t *testing.T) {
			r := newReplay(t, run.hard)
			r.to(run.end)
			e := r.exporter(r.c)
			for range 2 {
				if err := e.Record(t.Context()); err != nil {
					t.Fatal(err)
				}
				e.sweep(t)
			}
			if err := e.Record(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.compare(run.truth, 0.94, 0.98)
			if n := testutil.CollectAndCount(e.metrics.events); n != 0 {
				t.Errorf("%d rates of what happened before anybody watched", n)
			}
		})
	}
}

// Twenty restarts, a second exporter, and vmpooler's own dead-letter queue: each
// failure is one entry.
func TestEachFailureIsOneEntry(t *testing.T) {
	r := newReplay(t, true)
	r.own = testredis.CaptureHardOwn()
	rng := rand.New(rand.NewPCG(1, 2))
	first, second := r.exporter(r.c), r.exporter(r.c)
	restarts := 0
	for at := 1.0; at <= 442; at++ {
		r.to(at)
		for _, e := range []*exporter{first, second} {
			if err := e.Record(t.Context()); err != nil {
				t.Fatal(err)
			}
			if int(at)%60 == 0 {
				e.sweep(t)
			}
		}
		if rng.IntN(20) == 0 {
			first, second = second, r.exporter(r.c)
			restarts++
		}
	}
	if restarts < 20 {
		t.Errorf("only %d restarts", restarts)
	}
	r.compare("capture-hard/dlq.jsonl", 0.985, 0.985)
}

func TestWhatRedisRefusesIsRecordedLater(t *testing.T) {
	s := testredis.New(t)
	admin := s.Client(t)
	r := newReplay(t, false)
	r.c = admin
	for _, words := range [][]any{
		{"ACL", "SETUSER", "exporter", "on", ">pw", "~*", "+@all", "-zadd"},
	} {
		if err := admin.Do(t.Context(), words...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket, Username: "exporter", Password: "pw", DisableIdentity: true})
	t.Cleanup(func() { c.Close() })
	e := r.exporter(c)
	before := testutil.ToFloat64(e.metrics.lastSuccess)
	r.to(100)
	for range 3 {
		if err := e.Record(t.Context()); err == nil || !strings.Contains(err.Error(), "can't run this command") {
			t.Fatalf("Record = %v", err)
		}
		e.sweep(t)
	}
	if testutil.ToFloat64(e.metrics.lastSuccess) != before || testutil.ToFloat64(e.metrics.failures) == 0 {
		t.Error("the time of the last success did not stand still, or the failures are not counted")
	}
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "exporter", "+zadd").Err(); err != nil {
		t.Fatal(err)
	}
	if err := e.Record(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(r.entries()); n < 20 {
		t.Errorf("%d entries once writes work again", n)
	}
	if testutil.ToFloat64(e.metrics.lastSuccess) == before {
		t.Error("the time of the last success stands still for ever")
	}
}

// A panic in one look is survived, and what was in hand is found again.
func TestAPanicDoesNotEndTheRecording(t *testing.T) {
	c := server.Client(t)
	now := time.Now()
	for _, words := range [][]any{
		{"SADD", vmpooler.KeyPools, "p"},
		{"SADD", vmpooler.Completed.Key("p"), "vm"},
		{"HSET", vmpooler.VMKey("vm"), "pool", "p", "clone", vmpooler.FormatTime(now.Add(-time.Hour)), "destroy", vmpooler.FormatTime(now)},
	} {
		if err := c.Do(t.Context(), words...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	panics := true
	r := &replay{t: t, c: c, trace: testredis.Capture(), shift: now.Sub(testredis.Capture().At(0)), rules: lifecycle.Rules{
		DataTTL: dataTTL, Timeout: func(string) time.Duration {
			if panics {
				panic("oh")
			}
			return time.Minute
		},
	}}
	e := r.exporter(c)
	if err := e.Record(t.Context()); err == nil || !strings.Contains(err.Error(), "panicked: oh") {
		t.Fatalf("Record = %v", err)
	}
	e.Visit(vmpooler.HashRecord{VM: "other", Fields: map[string]string{
		"pool": "p", "clone": vmpooler.FormatTime(now.Add(-time.Hour)), "destroy": vmpooler.FormatTime(now),
	}})
	panics = false
	if err := e.Record(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.entries(); got["pending vm"] != 1 {
		t.Errorf("entries %v", got)
	}
}
