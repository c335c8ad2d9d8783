package live

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// sampleAt is how far into a minute a Sampler looks whether the minute has its sample:
// late, so that whoever scrapes or opens the page within it has taken it by then.
const sampleAt = 50 * time.Second

// Sampler sees to it that a History has a sample of every minute, whether or not
// anybody asks for the state. It reads at most once a minute, and not in one in which
// a state was read anyway. It is for one goroutine.
type Sampler struct {
	source  StateSource
	history *History
	logger  log.Logger
	now     func() time.Time
}

// NewSampler returns a Sampler that has read nothing. A nil now is the real clock.
func NewSampler(source StateSource, history *History, logger log.Logger, now func() time.Time) *Sampler {
	if now == nil {
		now = time.Now
	}
	return &Sampler{source: source, history: history, logger: logger, now: now}
}

// Run takes samples until ctx is done.
func (s *Sampler) Run(ctx context.Context) {
	for {
		timer := time.NewTimer(s.Turn(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Turn takes the sample of this minute if it is time and there is none, and returns
// how long the next look is away. A reading that fails leaves a gap: who scrapes, and
// the page, say why.
func (s *Sampler) Turn(ctx context.Context) time.Duration {
	clock := s.history.clock(s.now())
	begun := clock.Truncate(Step)
	if left := begun.Add(sampleAt).Sub(clock); left > 0 {
		return left
	}
	if !s.history.has(clock) {
		s.read(ctx)
	}
	next := begun.Add(Step + sampleAt).Sub(s.history.clock(s.now()))
	return max(time.Second, next) // a reading may have taken longer, or the clock been set
}

func (s *Sampler) read(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			level.Error(s.logger).Log("msg", "the sample of a minute panicked", "panic", p, "stack", debug.Stack())
		}
	}()
	if st := s.source.State(ctx); st.Err == nil {
		s.history.Add(st.Snapshot)
	}
}
