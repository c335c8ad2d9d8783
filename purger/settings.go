package purger

import "time"

// Settings say what is stale, and how much may be purged. An age is exceeded,
// never reached.
type Settings struct {
	// Targets are those that are switched on.
	Targets map[Target]bool

	MaxPendingAge   time.Duration // by clone
	MaxReadyAge     time.Duration // by ready
	MaxCompletedAge time.Duration // by destroy, else since first seen in completed
	MaxOrphanedAge  time.Duration // by clone
	MaxRequestAge   time.Duration // by the request's score

	DataTTL     time.Duration // of the metadata of a VM or a request that was purged
	DeadLetters bool          // whether a purged pending VM gets one: dlq_enabled
	DLQTTL      time.Duration // how long that lives: dlq_ttl

	Limits Limits
}

// orphanTTL is how long orphaned metadata still lives: contract section 2.
const orphanTTL = time.Hour

// Limits bound what one cycle may do to a pool.
type Limits struct {
	PerPool      int           // actions of a cycle
	ReadyPercent int           // of the pool's ready VMs, rounded down, but one unless it is 0
	MaxSkew      time.Duration // between this host's clock and the Redis server's
	MaxStale     time.Duration // age of what is known
	Override     bool          // go beyond PerPool and ReadyPercent, once
}

// DefaultLimits are those that an ordinary bad day does not meet: a pool whose
// every pending VM is stuck is cleared, one that would lose half its ready VMs at
// once is not.
func DefaultLimits() Limits {
	return Limits{PerPool: 200, ReadyPercent: 50, MaxSkew: time.Minute, MaxStale: 10 * time.Minute}
}
