package dlq

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const dataTTL = 168 * time.Hour

// exporter is a recorder with its sweep.
type exporter struct {
	*Recorder

	reader  *vmpooler.Reader
	metrics *Metrics
}

// newExporter returns an exporter that has just been started; now is the moment
// that its test has come to.
func newExporter(c *redis.Client, rules lifecycle.Rules, now func() time.Time) *exporter {
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: now})
	m := NewMetrics(prometheus.NewRegistry(), now)
	store := NewStore(c, StoreOptions{TTL: dataTTL, MaxEntries: 100_000})
	return &exporter{NewRecorder(reader, store, RecorderOptions{
		Interval: time.Second, Deadline: time.Minute, Rules: rules, Logger: log.NewNopLogger(), Events: NewEvents(prometheus.NewRegistry()), Metrics: m,
	}), reader, m}
}

func (e *exporter) record(t *testing.T) {
	t.Helper()
	if err := e.Record(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (e *exporter) sweep(t *testing.T) {
	t.Helper()
	e.sweepWhileRecording(t, math.MaxInt)
}

// sweepWhileRecording sweeps, with a look at the queues after every so many hashes.
func (e *exporter) sweepWhileRecording(t *testing.T, every int) {
	t.Helper()
	n := 0
	_, err := e.reader.Sweep(t.Context(), vmpooler.SweepOptions{Fields: lifecycle.HashFields(), Visit: func(rec vmpooler.HashRecord) {
		e.Visit(rec)
		if n++; n%every == 0 {
			e.record(t)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	e.SweepDone(nil)
}

// catchUp is what an exporter does at its start, until it has seen everything.
func (e *exporter) catchUp(t *testing.T) {
	t.Helper()
	for range 2 {
		e.record(t)
		e.sweep(t)
	}
	e.record(t)
}

// run is a recorded run of vmpooler 3.9.1.
type run struct {
	trace   *testredis.Trace
	end     float64       // seconds
	timeout time.Duration // of pools that have none of their own
	letters string        // the file of the dead letters that vmpooler itself wrote
}

var (
	ordinary = run{testredis.Capture(), 480, time.Minute, "capture/dlq.jsonl"}
	hard     = run{testredis.CaptureHard(), 442, 2 * time.Minute, "capture-hard/dlq.jsonl"}
)

// replay plays a run, moved so that it ends now: dead letters leave by the
// server's clock.
type replay struct {
	run

	t     *testing.T
	c     *redis.Client
	own   *testredis.Trace // what vmpooler itself wrote to its dead-letter queues; may be nil
	shift time.Duration
	at    float64
	rules lifecycle.Rules
}

func newReplay(t *testing.T, run run) *replay {
	t.Helper()
	return &replay{
		run: run, t: t, c: server.Client(t), at: -1,
		shift: time.Since(run.trace.At(run.end)).Truncate(time.Second),
		rules: lifecycle.Rules{DataTTL: dataTTL, Timeout: run.timeouts(t)},
	}
}

// timeouts returns what the pools' own hashes say, as vmpooler wrote them.
func (r *run) timeouts(t *testing.T) func(pool string) time.Duration {
	t.Helper()
	known := make(map[string]time.Duration)
	for _, w := range r.trace.Writes {
		pool, ok := strings.CutPrefix(w.Command[1], vmpooler.PoolKey(""))
		if !ok || w.Command[0] != "hmset" {
			continue
		}
		for i := 2; i+1 < len(w.Command); i += 2 {
			if w.Command[i] == "timeout" {
				minutes, err := strconv.Atoi(w.Command[i+1])
				if err != nil {
					t.Fatal(err)
				}
				known[pool] = time.Duration(minutes) * time.Minute
			}
		}
	}
	if len(known) == 0 {
		t.Fatal("the recording names no timeout")
	}
	return func(pool string) time.Duration { return cmp.Or(known[pool], r.timeout) }
}

func (r *replay) now() time.Time { return r.trace.At(r.at).Add(r.shift) }

// to applies the writes until at.
func (r *replay) to(at float64) {
	r.t.Helper()
	writes := r.trace.Between(r.at, at)
	for i := range writes {
		writes[i] = r.expiring(writes[i])
	}
	if err := testredis.Apply(r.t.Context(), r.c, writes, r.shift); err != nil {
		r.t.Fatal(err)
	}
	if r.own != nil {
		r.applyOwn(r.own.Between(r.at, at))
	}
	r.at = at
}

// expiring turns an expiry that counts from the moment of its write, which is
// another one here, into one at the very moment.
func (r *replay) expiring(w testredis.Write) testredis.Write {
	r.t.Helper()
	if w.Command[0] != "expire" {
		return w
	}
	ttl, err := time.ParseDuration(w.Command[2] + "s")
	if err != nil {
		r.t.Fatal(err)
	}
	at := r.trace.At(w.T).Add(r.shift + ttl)
	return testredis.Write{T: w.T, Command: []string{"pexpireat", w.Command[1], strconv.FormatInt(at.UnixMilli(), 10)}}
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

func (r *replay) exporter() *exporter { return newExporter(atMoment(r.t, r.c, r.now), r.rules, r.now) }

// live plays the run at its own pace, second by second of its own time: each
// exporter polls in each and sweeps in each sixtieth. Between runs after each.
func (r *replay) live(exporters []*exporter, between func(second int)) {
	r.t.Helper()
	for second := 1; second <= int(r.end); second++ {
		r.to(float64(second))
		for _, e := range exporters {
			e.record(r.t)
			if second%60 == 0 {
				e.sweep(r.t)
			}
		}
		if between != nil {
			between(second)
		}
	}
	for _, e := range exporters { // what the last sweep found
		e.record(r.t)
	}
}
