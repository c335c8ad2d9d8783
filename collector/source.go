package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// State is what one scrape knows. It is immutable.
type State struct {
	// Snapshot and Report are nil when Err is not.
	Snapshot *vmpooler.Snapshot
	Report   *health.Report
	// Err says why nothing could be read.
	Err error
	// Took is how long reading and judging lasted.
	Took time.Duration
	// Thresholds are in force whether or not Redis answers.
	Thresholds health.Thresholds
	// Sweep tells of the background sweep.
	Sweep SweepState
	// TaskLimits are vmpooler's own.
	TaskLimits TaskLimits
	// Observed are conditions that the status does not follow.
	Observed []health.Check
}

// TaskLimits are how many clones vmpooler has in progress at most; 0 where its
// configuration is not known.
type TaskLimits struct{ Clone, Ondemand int }

// SweepState is what is known of the background sweep at a scrape.
type SweepState struct {
	Latest       *vmpooler.SweepResult // nil until one is complete, and after a failed one
	LastComplete *vmpooler.SweepResult // nil until one is complete
	Failures     int64
}

// Up says whether vmpooler's state could be read to the end.
func (s *State) Up() bool { return s.Err == nil && s.Snapshot.Lost == nil }

// Source reads States. It is safe for concurrent use; callers at the same time
// share one read.
type Source struct {
	// Observe returns conditions that the status does not follow, for the pools of a
	// snapshot; may be nil. To be set before the first State.
	Observe func(*vmpooler.Snapshot) []health.Check
	// Seen is shown each snapshot; may be nil. To be set before the first State.
	Seen func(*vmpooler.Snapshot)
	// TaskLimits are vmpooler's own. To be set before the first State.
	TaskLimits TaskLimits

	reader     *vmpooler.Reader
	sweeper    *vmpooler.Sweeper
	thresholds health.Thresholds
	flight     flight[*State]
}

// NewSource returns a Source. sweeper may be nil: then nothing that only a
// sweep can count is known. No read takes longer than limit, whatever deadline
// its callers have.
func NewSource(r *vmpooler.Reader, sweeper *vmpooler.Sweeper, t health.Thresholds, limit time.Duration) *Source {
	s := &Source{reader: r, sweeper: sweeper, thresholds: t}
	s.flight = flight[*State]{call: s.read, limit: limit}
	return s
}

// State returns a fresh State, never nil; when ctx ends first, one whose Err
// is ctx' error.
func (s *Source) State(ctx context.Context) *State {
	began := time.Now()
	st, err := s.flight.get(ctx)
	if err != nil {
		return s.failed(err, time.Since(began))
	}
	return st
}

func (s *Source) read(ctx context.Context) (st *State) {
	began := time.Now()
	defer func() {
		if p := recover(); p != nil { // it runs in a goroutine of its own: nobody else would catch it
			st = s.failed(fmt.Errorf("%w: %v", errPanic, p), time.Since(began))
		}
	}()
	snap, err := s.reader.Read(ctx)
	if err != nil {
		return s.failed(err, time.Since(began))
	}
	st = &State{Snapshot: snap, Thresholds: s.thresholds, TaskLimits: s.TaskLimits, Sweep: s.sweep()}
	if s.Seen != nil {
		s.Seen(snap)
	}
	if s.Observe != nil {
		st.Observed = s.Observe(snap)
	}
	st.Report = health.Evaluate(snap, st.Sweep.Latest, s.thresholds)
	st.Took = time.Since(began)
	return st
}

func (s *Source) failed(err error, took time.Duration) *State {
	return &State{Err: err, Took: took, Thresholds: s.thresholds, TaskLimits: s.TaskLimits, Sweep: s.sweep()}
}

func (s *Source) sweep() SweepState {
	if s.sweeper == nil {
		return SweepState{}
	}
	return SweepState{
		Latest: s.sweeper.Latest(), LastComplete: s.sweeper.LastComplete(), Failures: s.sweeper.Failures(),
	}
}
