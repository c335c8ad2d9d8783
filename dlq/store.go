package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Candidate is a failure that may or may not be in its queue already.
type Candidate struct {
	Entry

	// CloneBegan is when this life of the VM began, zero if unknown. A life can
	// fail only once per queue.
	CloneBegan time.Time
}

// Result says what became of a Candidate.
type Result uint8

// The results. The zero Result is that of a candidate that an error kept from
// Redis: it can be handed in again.
const (
	Unwritten Result = iota
	Added
	Duplicate // recorded already, by whomever
	Expired   // older than the TTL, or than all that a full queue holds
)

// String returns the result in lower case, as a label's value.
func (r Result) String() string {
	switch r {
	case Unwritten:
		return "unwritten"
	case Added:
		return "added"
	case Duplicate:
		return "duplicate"
	case Expired:
		return "expired"
	default:
		return "unknown"
	}
}

// AddSummary counts what one call did.
type AddSummary struct {
	Added, Duplicates, TooOld int // candidates, by their Result

	Evicted int // entries dropped for dlq_max_entries, the oldest first
	Expired int // entries dropped for dlq_ttl
}

func (s *AddSummary) count(results []Result) {
	for _, r := range results {
		switch r {
		case Unwritten:
		case Added:
			s.Added++
		case Duplicate:
			s.Duplicates++
		case Expired:
			s.TooOld++
		}
	}
}

// StoreOptions are the settings of a Store.
type StoreOptions struct {
	TTL        time.Duration // how long after its failure an entry lives: dlq_ttl; required
	MaxEntries int           // of a queue: dlq_max_entries; required
	// Fence proves to the scripts that this process is the one that writes, and says
	// whether it is. Nil where several may: a failure is one entry even so.
	Fence func() (lease.Fence, bool)
}

// Store writes dead letters to vmpooler's queues. The contract's rules are
// its: every entry leaves TTL after its failure by the server's clock, no queue
// holds more than MaxEntries, and the same failure is one entry after a restart,
// beside a second exporter, and beside a vmpooler that writes its own.
//
// A Store may be used by several goroutines, one at a time being served.
type Store struct {
	client redis.UniversalClient
	opts   StoreOptions

	mu     sync.Mutex
	queues map[string]*queueView
}

// NewStore returns a Store that has yet to say a word to Redis.
func NewStore(client redis.UniversalClient, opts StoreOptions) *Store {
	return &Store{client: client, opts: opts, queues: make(map[string]*queueView)}
}

// Writes says whether this process is the one that writes, as far as can be known
// without asking.
func (s *Store) Writes() bool {
	_, err := s.fence()
	return err == nil
}

func (s *Store) fence() (lease.Fence, error) {
	if s.opts.Fence == nil {
		return lease.Fence{}, nil
	}
	f, ours := s.opts.Fence()
	if !ours {
		return lease.Fence{}, lease.ErrFenced
	}
	return f, nil
}

// known are the queues that there are to write to.
var known = vmpooler.DLQQueues()

// IndexKey returns the name of the exporters' index of a queue: a sorted set of
// VMs, the score being the epoch seconds of each one's newest failure.
func IndexKey(queue string) string { return "vmpooler_exporter__dlq__" + queue }

// Add cleans the candidates' messages and writes those that are new, oldest
// first, in calls of batchSize. The results stand in the candidates' order.
//
// An error names the queue's key and wraps Redis's; the calls of a queue end at
// its first error, and the other queues are still written. What it kept from
// Redis is Unwritten and safe to hand in again, as is everything else: a repeated
// candidate is a Duplicate. A call that Redis refuses (OOM, READONLY, NOPERM,
// WRONGTYPE) changes nothing in it.
func (s *Store) Add(ctx context.Context, candidates []Candidate) ([]Result, AddSummary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]Result, len(candidates))
	byQueue := make(map[string][]int)
	for i, c := range candidates {
		byQueue[c.Queue] = append(byQueue[c.Queue], i)
	}
	var sum AddSummary
	var errs []error
	for _, queue := range slices.Sorted(maps.Keys(byQueue)) {
		order := byQueue[queue]
		slices.SortStableFunc(order, func(a, b int) int { return compare(candidates[a], candidates[b]) })
		if err := s.addTo(ctx, queue, candidates, order, results, &sum); err != nil {
			errs = append(errs, fmt.Errorf("dead letters: %s: %w", vmpooler.DLQKey(queue), err))
		}
	}
	sum.count(results)
	return results, sum, errors.Join(errs...)
}

func compare(a, b Candidate) int {
	return cmp.Or(a.FailedAt.Compare(b.FailedAt), cmp.Compare(a.VM, b.VM))
}

// addTo writes the candidates of one queue, given by their indices.
func (s *Store) addTo(ctx context.Context, queue string, all []Candidate, order []int, results []Result, sum *AddSummary) error {
	if !slices.Contains(known[:], queue) {
		return errors.New("no queue that vmpooler keeps")
	}
	view := s.view(queue)
	if err := view.refresh(ctx, s.client); err != nil {
		return err
	}
	view.forget(view.read.Add(-s.opts.TTL - backstop))
	for batch := range slices.Chunk(order, batchSize) {
		ready := make([]written, len(batch))
		for i, j := range batch {
			ready[i] = prepare(all[j])
		}
		verdicts, err := s.run(ctx, queue, view, ready, sum)
		if err != nil {
			return err
		}
		for i, j := range batch {
			results[j] = verdicts[i]
			if verdicts[i] == Added {
				view.added(ready[i])
			}
		}
	}
	return nil
}

// Trim drops what is too old or too much from all queues, as Add does by the
// way: entries leave on time in a queue that nothing is added to, too.
func (s *Store) Trim(ctx context.Context) (AddSummary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum AddSummary
	var errs []error
	for _, queue := range known {
		if _, err := s.run(ctx, queue, s.view(queue), nil, &sum); err != nil {
			errs = append(errs, fmt.Errorf("dead letters: %s: %w", vmpooler.DLQKey(queue), err))
		}
	}
	return sum, errors.Join(errs...)
}
