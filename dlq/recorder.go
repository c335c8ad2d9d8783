package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	Events   *Events
	Metrics  *Metrics // nil where nothing is recorded
	// Looked is shown at each look where every VM is, and which of those that have
	// moved or gone, or whose end is awaited, have no hash. May be nil.
	Looked func(places map[string][]vmpooler.Member, hashless []string, now time.Time)
}

// Recorder follows VMs and requests by the evidence that vmpooler leaves in
// Redis: it looks at the queues' members, asks for the hashes of what changed,
// and is shown every hash by the background sweep. It counts what it sees, and
// keeps failures as dead letters.
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
	most    int           // of these: mostWaiting

	requests *lifecycle.RequestTracker

	followed bool // whether another process was the one that writes, when we last looked

	trimmed time.Time // when the queues were last trimmed, by our clock

	failing string // the last error that was logged
}

// NewRecorder returns a Recorder that has seen nothing yet. Without a store,
// which is then nil, it counts and writes nothing.
func NewRecorder(r *vmpooler.Reader, s *Store, o RecorderOptions) *Recorder {
	return &Recorder{
		reader: r, store: s, opts: o, most: mostWaiting,
		tracker: lifecycle.NewTracker(o.Rules), requests: lifecycle.NewRequestTracker(),
	}
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
			err = fmt.Errorf("the recorder panicked: %v", p)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.tracker.Forget() // what was in hand is found again by the next sweep
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, r.opts.Deadline)
	defer cancel()
	err = r.look(ctx)
	if r.store != nil && r.leads() {
		if err = errors.Join(err, r.write(ctx), r.tidy(ctx)); err == nil {
			r.opts.Metrics.succeeded()
		}
	}
	return errors.Join(err, r.lookAtRequests(ctx)) // no dead letter hangs on requests
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
	if r.opts.Looked != nil {
		r.opts.Looked(places, hashless(need, records), now)
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

// hashless returns those of the VMs, in ascending order, of which there is no record.
// Records are in the VMs' order.
func hashless(vms []string, records []vmpooler.HashRecord) (none []string) {
	for _, vm := range vms {
		if len(records) > 0 && records[0].VM == vm {
			records = records[1:]
			continue
		}
		none = append(none, vm)
	}
	return none
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
	return lifecycle.NewHash(rec.VM, rec.Fields, expiry(rec.TTL, now))
}

// take counts events and lines failures up for the store.
func (r *Recorder) take(events []lifecycle.Event) {
	for _, e := range events {
		r.opts.Events.vm(e)
		if e.Failure != nil && r.store != nil {
			r.waiting = append(r.waiting, candidate(e.Failure))
		}
	}
	if len(r.waiting) > r.most {
		r.waiting = r.waiting[:r.most]
		r.tracker.Forget()
	}
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
		level.Info(r.opts.Logger).Log("msg", "following the queues again")
	default:
		level.Error(r.opts.Logger).Log("msg", "the queues can't be followed to the end; what has evidence is recorded later", "err", err)
	}
	r.failing = text
}
