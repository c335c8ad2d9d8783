package vmpooler

import "time"

// Snapshot is one moment of vmpooler's state, as one scrape reads it. It is
// immutable once Reader.Read has returned it, so any number of goroutines may
// share it. What could not be read is marked as unknown and never guessed:
// Errs says why.
type Snapshot struct {
	// Now is the moment that ages count to: the Redis server's clock, which
	// every program that shares the Redis has in common, or the injected one.
	Now time.Time
	// Skew is the Redis server's clock minus this host's, taken at half of
	// the round trip that asked for it.
	Skew      time.Duration
	SkewKnown bool

	Pools    []Pool // by name, ascending
	DLQ      []DLQ  // by queue's name, ascending
	Tasks    Tasks
	Ondemand Ondemand

	// Errs holds, for each part that is not whole, what went wrong.
	Errs [NumParts]error
	// Lost is the error that ended the reading before the queues were read, or
	// nil: a lost connection, a server that began to load.
	Lost error
	// Took is how long each part's round trips lasted, by this host's clock.
	Took [NumParts]time.Duration
}

// Part is a portion of a Snapshot that can fail alone.
type Part uint8

// The parts of a Snapshot.
const (
	PartServer   Part = iota // the server's clock
	PartPools                // the pools' names, sizes and last ready times
	PartQueues               // the six queues of each pool
	PartTasks                // the counters of clones in progress
	PartDLQ                  // the sizes of the dead-letter queues
	PartOndemand             // the zsets of on-demand requests
)

// NumParts is the length of an array indexed by Part.
const NumParts = 6

// Number is a count that may be unknown: absent is not zero.
type Number struct {
	Value int64
	Known bool
}

// Known returns a Number that is known to be n.
func Known(n int64) Number { return Number{Value: n, Known: true} }

// Pool is one pool's configuration and queues.
type Pool struct {
	Name string
	// Size is how many ready VMs vmpooler is to keep: the size set at run
	// time, else the configured one.
	Size Number
	// LastReady is when a VM of the pool last became ready; zero if unknown.
	LastReady time.Time
	Queues    [NumQueues]QueueState
}

// QueueState is what a set of VMs holds, or the error that kept it unread.
type QueueState struct {
	VMs []VM // in no order
	Err error
}

// VM is one member of a queue.
type VM struct {
	Name string
	// Since is when the VM entered the queue, by its hash (Queue.AgeField) or,
	// for running and migrating, by the pool's active hash, which has the same
	// times; zero if it is missing or cannot be read.
	Since time.Time
	// Cloned says that the clone is done. It is filled in for pending only.
	Cloned bool
}

// AgeTolerance is how far in the future a time may lie and still count as now:
// vmpooler's host and Redis' seldom agree to the second. Beyond it the age is
// unknown.
const AgeTolerance = 5 * time.Minute

// Age returns the VM's age at now in whole seconds, as vmpooler counts it
// (cut, not rounded), and whether it is known.
func (v VM) Age(now time.Time) (seconds int64, known bool) {
	if v.Since.IsZero() {
		return 0, false
	}
	d := now.Sub(v.Since)
	if d < -AgeTolerance {
		return 0, false
	}
	return max(0, int64(d/time.Second)), true
}

// DLQ is the size of one dead-letter queue.
type DLQ struct {
	Queue string // pending, clone, ready, or a name that a later vmpooler made
	Size  Number
}

// Tasks are vmpooler's own counters of clones in progress.
type Tasks struct {
	Clone         Number // of pools
	OndemandClone Number // of on-demand requests
}

// Ondemand is the backlog of on-demand requests.
type Ondemand struct {
	Waiting       Number    // requests that vmpooler has not looked at
	Processing    Number    // requests whose VMs are being made
	CreateTasks   Number    // clones that wait to be begun
	OldestRequest time.Time // when the oldest of Waiting and Processing was made; zero if there is none
	OldestKnown   bool      // false if either could not be read
}
