package config

import (
	"iter"
	"time"
)

// Settings is everything that vmpooler.yaml, the environment and the flags
// say, validated. It is read-only once Load has returned it, and safe to
// share between goroutines.
type Settings struct {
	Redis  Redis
	DLQ    DLQ
	Purge  Purge
	Health Health

	// Pools are those of the file, in its order. Nil when there is no file or
	// no :pools: in it: vmpooler then takes its pools from Redis. An empty
	// list in the file is an empty slice, not nil.
	Pools []Pool

	// Providers are those of the file, in its order.
	Providers []Provider

	// PoolTimeout and PoolReadyTTL apply to a pool that has none of its own,
	// also to one that comes from Redis.
	PoolTimeout  time.Duration
	PoolReadyTTL time.Duration

	// TaskLimit and OndemandCloneLimit are vmpooler's own limits on clones in
	// progress.
	TaskLimit          int
	OndemandCloneLimit int

	// Files are the files that were read, in the order in which they apply.
	Files []string

	// Warnings are what is probably a mistake but does not stop anything.
	Warnings []Warning

	sources map[string]string // by Explain's key; absent means the default
}

// KnowsVmpooler says whether vmpooler's own settings are known: from its file, whose
// silence is vmpooler's default. Without one they are guesses.
func (s *Settings) KnowsVmpooler() bool { return len(s.Files) > 0 }

// DLQ are the settings of the dead-letter queue.
type DLQ struct {
	Enabled    bool
	TTL        time.Duration // how long an entry lives after its failure, at least 1 h
	MaxEntries int           // in each queue, at least 1
}

// Purge are the settings of the automatic purge. An age of 0 makes everything
// too old at once.
type Purge struct {
	Enabled  bool
	DryRun   bool
	Interval time.Duration // between two cycles, at least 1 s

	MaxPendingAge   time.Duration
	MaxReadyAge     time.Duration
	MaxCompletedAge time.Duration
	MaxOrphanedAge  time.Duration
	MaxRequestAge   time.Duration
}

// Health are the settings of the health check.
type Health struct {
	Publish    bool          // write vmpooler__health; health_check_enabled in the file
	Interval   time.Duration // between two publications, at least 1 s
	Thresholds Thresholds
}

// Thresholds are the limits of the health rule; every comparison with one is
// strict.
type Thresholds struct {
	PendingQueueMax    int           // VMs in one pool's pending; unhealthy above twice that
	ReadyQueueMax      int           // VMs in one pool's ready; unhealthy above twice that
	DLQMaxWarning      int           // dead letters in all queues
	DLQMaxCritical     int           // dead letters in all queues
	StuckVMAge         time.Duration // stuck_vm_age_threshold
	StuckVMMaxWarning  int           // stuck VMs in all pools
	StuckVMMaxCritical int           // stuck VMs in all pools
}

// All gives each threshold's name in the file and its value, ages in seconds,
// always in the file's documented order.
func (t Thresholds) All() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		s := &Settings{Health: Health{Thresholds: t}}
		for _, f := range thresholdFields {
			if !yield(f.key, f.number(s)) {
				return
			}
		}
	}
}

// Pool is one pool of the file.
type Pool struct {
	Name     string
	Aliases  []string
	Size     OptionalInt   // VMs to keep ready; vmpooler's API may override it at run time
	Timeout  time.Duration // how long a VM may take to become ready
	ReadyTTL time.Duration // how long a VM stays ready; 0 for as long as it likes
	Provider string        // of Settings.Providers, by name; empty for DefaultProvider
	Folder   string
	Template string

	Datacenter string // in place of its provider's
	Zone       string // the same

	Source string // "vmpooler.yaml:40", where the pool begins
}

// Provider is where vmpooler has VMs made, and what has to be known to ask it for
// them. Only the keys of its class are read, see providerKeys.
type Provider struct {
	Name  string // what pools call it
	Class string // in small letters: provider_class, else the name

	Server     string // vsphere: host, or host:port
	Username   string
	Password   Secret
	Insecure   bool   // take any certificate
	Datacenter string // of pools that name none

	Project string // gce
	Zone    string // of pools that name none

	Filename string // dummy: where it keeps its VMs; empty if only in its memory

	Source string // "vmpooler.yaml:3", where the provider begins
}

// OptionalInt is a number that may be unknown, which is not the same as 0.
type OptionalInt struct {
	Value int
	Known bool
}
