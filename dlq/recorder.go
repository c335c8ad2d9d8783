package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// mostWaiting bounds the failures that wait for Redis to take writes again. What
// is beyond is not lost: its evidence is in the hashes, for the next sweep.
const mostWaiting = 50_000

// RecorderOptions configure a Recorder.
type RecorderOptions struct {
	Interval time.Duration // between two looks at the queues
	Deadline time.Duration // of one look
	Rules    lifecycle.Rules
	Logger   log.Logger
	Metrics  *Metrics
}

// Recorder captures failures from the evidence that vmpooler leaves in Redis:
// it looks at the queues' members, asks for the hashes of what changed, and is
// shown every hash by the background sweep.
type Recorder struct {
	reader *vmpooler.Reader
	store  *Store
	opts   RecorderOptions

	mu      sync.Mutex // the sweep shows hashes from another goroutine
	tracker *lifecycle.Tracker
	unread  []string      // VMs whose hashes could not be read when they were needed
	started bool          // whether the first look was whole
	ahead   time.Duration // the Redis server's clock minus ours
	waiting []Candidate   // found, and not in Redis yet

	trimmed time.Time // when the queues were last trimmed, by our clock

	failing string // the last error that was logged
}

// NewRecorder returns a Recorder that has seen nothing yet.
func NewRecorder(r *vmpooler.Reader, s *Store, o RecorderOptions) *Recorder {
	return &Recorder{reader: r, store: s, opts: o, tracker: lifecycle.NewTracker(o.Rules)}
}

// Run looks and records at every interval until ctx is done.
func (r *Recorder) Run(ctx context.Context) {
	ticker := time.NewTicker(r.opts.Interval)
	defer ticker.Stop()
	for {
		r.note(ctx, r.Record(ctx))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Record is one look at the queues, and one attempt to write what waits. What
// could not be read or written is taken up by the next. The error is Redis's,
// wrapped.
func (r *Recorder) Record(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // one bad look must not end the recording
			err = fmt.Errorf("dead letters: the recorder panicked: %v", p)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.tracker.Forget() // what was in hand is found again by the next sweep
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, r.opts.Deadline)
	defer cancel()
	if err := errors.Join(r.look(ctx), r.write(ctx), r.tidy(ctx)); err != nil {
		return err
	}
	r.opts.Metrics.succeeded()
	return nil
}

// trimInterval is how often entries that are due leave a queue to which nothing
// is added.
const trimInterval = time.Minute

// tidy takes back what vmpooler recorded as well, a moment after us, and lets go
// what is due.
func (r *Recorder) tidy(ctx context.Context) error {
	dropped, err := r.store.Settle(ctx)
	r.opts.Metrics.duplicates.Add(float64(dropped))
	if err != nil || time.Since(r.trimmed) < trimInterval {
		return err
	}
	sum, err := r.store.Trim(ctx)
	r.opts.Metrics.wrote(nil, sum, err)
	if err == nil {
		r.trimmed = time.Now()
	}
	return err
}

func (r *Recorder) look(ctx context.Context) error {
	places, now, err := r.reader.Members(ctx)
	if err != nil {
		return err
	}
	need, first := r.needed(places, now)
	records, err := r.reader.Hashes(ctx, need, lifecycle.HashFields())
	if err != nil {
		return err
	}
	hashes := make([]lifecycle.Hash, len(records))
	for i, rec := range records {
		hashes[i] = hash(rec, now)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread, r.started = nil, true
	r.take(r.tracker.Take(hashes, now, first))
	return nil
}

// needed returns the VMs whose hashes are to be read, and whether this is the
// first look. Until they have been read they are asked for again.
func (r *Recorder) needed(places map[string][]vmpooler.Member, now time.Time) (vms []string, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread = append(r.tracker.Look(places, now), r.unread...)
	slices.Sort(r.unread)
	r.unread = slices.Compact(r.unread)
	r.ahead = time.Until(now)
	return r.unread, !r.started
}

// Visit is shown every VM's hash by the background sweep, which one bad hash must
// not end.
func (r *Recorder) Visit(rec vmpooler.HashRecord) {
	defer func() {
		if p := recover(); p != nil {
			level.Error(r.opts.Logger).Log("msg", "a VM's hash could not be judged", "vm", rec.VM, "panic", fmt.Sprint(p))
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now().Add(r.ahead)
	r.take(r.tracker.Sweep(hash(rec, now), now))
}

// SweepDone is told of the end of each sweep.
func (r *Recorder) SweepDone(err error) {
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracker.SweepDone()
}

func hash(rec vmpooler.HashRecord, now time.Time) lifecycle.Hash {
	var expires time.Time
	if rec.TTL > 0 {
		expires = now.Add(rec.TTL)
	}
	return lifecycle.NewHash(rec.VM, rec.Fields, expires)
}

// take counts events and lines failures up for the store.
func (r *Recorder) take(events []lifecycle.Event) {
	for _, e := range events {
		if !e.Past && e.Pool != "" { // what is left of some hashes names no pool
			r.opts.Metrics.events.WithLabelValues(strings.ToValidUTF8(e.Pool, "\uFFFD"), e.Kind.String()).Inc()
		}
		if e.Failure != nil {
			r.waiting = append(r.waiting, candidate(e.Failure))
		}
	}
	if len(r.waiting) > mostWaiting {
		r.waiting = r.waiting[:mostWaiting]
		r.tracker.Forget()
	}
}

func candidate(f *lifecycle.Failure) Candidate {
	queue := f.Kind.Queue()
	return Candidate{
		Entry: Entry{
			Queue: queue, QueueFrom: queue, VM: f.VM, Pool: f.Pool,
			ErrorClass: f.Class, ErrorMessage: f.Message, FailedAt: f.At,
			RequestID: f.RequestID, PoolAlias: f.PoolAlias,
		},
		CloneBegan: f.CloneBegan,
	}
}

// write hands what waits to the store, and forgets what Redis has.
func (r *Recorder) write(ctx context.Context) error {
	r.mu.Lock()
	batch := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	left, err := r.add(ctx, batch)
	r.mu.Lock()
	r.waiting = append(left, r.waiting...)
	r.mu.Unlock()
	return err
}

// add writes a batch and returns those of it that Redis has not taken.
func (r *Recorder) add(ctx context.Context, batch []Candidate) (left []Candidate, err error) {
	var ids []string
	for _, c := range batch {
		if c.RequestID != "" {
			ids = append(ids, c.RequestID)
		}
	}
	retries, err := r.reader.RequestRetries(ctx, ids)
	if err != nil {
		return batch, err
	}
	for i := range batch {
		n := retries[batch[i].RequestID] // 0 for a pool's own VM, as vmpooler has it
		batch[i].RetryCount = &n
	}
	results, sum, err := r.store.Add(ctx, batch)
	added := make(map[string]int)
	for i, result := range results {
		switch result {
		case Unwritten:
			left = append(left, batch[i])
		case Added:
			added[batch[i].Queue]++
		default:
		}
	}
	r.opts.Metrics.wrote(added, sum, err)
	return left, err
}

// note logs an error once, and its end.
func (r *Recorder) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch text {
	case r.failing:
	case "":
		level.Info(r.opts.Logger).Log("msg", "recording dead letters again")
	default:
		level.Error(r.opts.Logger).Log("msg", "dead letters can't be recorded; what has evidence is recorded later", "err", err)
	}
	r.failing = text
}
