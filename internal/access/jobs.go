package access

import (
	"sync"
	"time"
)

// Jobs lets one job at a time change something, and not too many in a minute. It is
// safe for concurrent use.
type Jobs struct {
	perMinute int
	now       func() time.Time

	mu     sync.Mutex
	busy   bool
	recent []time.Time // when the jobs of the last minute began
}

// NewJobs returns Jobs of which at most so many begin in a minute.
func NewJobs(perMinute int, now func() time.Time) *Jobs {
	return &Jobs{perMinute: perMinute, now: now}
}

// Begin returns what ends the job, or nil if it may not begin: because another one is
// under way (busy), or too many were; then wait says when to come again.
func (j *Jobs) Begin() (end func(), busy bool, wait time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy {
		return nil, true, 0
	}
	now := j.now()
	for len(j.recent) > 0 && now.Sub(j.recent[0]) >= time.Minute {
		j.recent = j.recent[1:]
	}
	if len(j.recent) >= j.perMinute {
		return nil, false, time.Minute - now.Sub(j.recent[0])
	}
	j.recent = append(j.recent, now)
	j.busy = true
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.busy = false
	}, false, 0
}
