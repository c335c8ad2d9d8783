package simulator

import (
	"errors"
	"fmt"
	"time"
)

// Pool is a pool of VMs. The zero value of a field but Name and Size has
// vmpooler's own default.
type Pool struct {
	Name  string
	Alias string // what users ask for on demand; Name if empty
	Size  int    // VMs to keep pending or ready

	Timeout  time.Duration // whole minutes until a VM that is not ready has failed; 15 if 0
	Notify   time.Duration // whole minutes until timeout_notification is set; 0: never
	ReadyTTL time.Duration // whole minutes a VM may stay ready; 1440 if 0
}

func (p Pool) alias() string {
	if p.Alias != "" {
		return p.Alias
	}
	return p.Name
}

// Rates say how often things happen. The probabilities are from 0 to 1.
type Rates struct {
	Checkouts float64 // an hour, for each VM of a pool's size
	Requests  float64 // on-demand requests an hour and pool

	CloneFailure   float64 // probability that a clone fails
	NeverBoots     float64 // probability that a cloned VM never answers
	ReadyDies      float64 // probability that a ready VM stops answering within an hour
	DestroyFailure float64 // probability that an attempt to destroy a VM fails
	Tokens         float64 // probability that a user gives a token

	Leaks float64 // VMs an hour, in all, that are deleted by hand at the provider while pending
}

// Span is a range that a duration is drawn from, evenly.
type Span struct{ Min, Max time.Duration }

// Durations say how long things take.
type Durations struct {
	Clone   Span // from the beginning of a clone to its end
	Boot    Span // from then until the VM answers
	Destroy Span // one attempt
	Hold    Span // how long a user keeps a VM
}

// Options configure a Simulator. The zero value of a field is replaced by
// what Defaults has there.
type Options struct {
	Pools     []Pool
	Seed      uint64
	Start     time.Time // the moment that the manager starts; required
	Rates     *Rates
	Durations *Durations
	Scenario  []Change

	Prefix    string        // of VMs' names
	Domain    string        // of VMs' names on the network
	DataTTL   time.Duration // whole hours that the metadata of a destroyed VM stays
	LoopDelay time.Duration // between two inventories of a pool
	CheckTime time.Duration // between two checks of a ready VM (vm_checktime)

	OndemandDelay time.Duration // between two turns of the loop over on-demand requests; vmpooler's is a second

	// RunningCheck is the time between two checks of a running VM. vmpooler
	// makes one in every inventory; with thousands of VMs that is most of what
	// it writes, so here it can be less.
	RunningCheck time.Duration

	TaskLimit          int           // clones at a time (task_limit)
	OndemandCloneLimit int           // on-demand clones at a time (ondemand_clone_limit)
	MaxRetries         int           // of a request (max_vm_retries)
	RequestTTL         time.Duration // until a request that is not ready fails (ondemand_request_ttl)

	// Wall, if set, tells the server's time: a key that expires is given a TTL
	// that much shorter as the simulated moment lies in the past, so that a
	// history written at once ends as if it had been lived through.
	Wall func() time.Time

	// OnFailure, if set, is told of every failed VM when it fails: the truth that
	// what reads Redis is held against.
	OnFailure func(Failure)
}

// Defaults returns the options that are used where none are given: those of
// vmpooler, and rates of a quiet day.
func Defaults() Options {
	return Options{
		Pools: DefaultPools(),
		Rates: &Rates{
			Checkouts: 3, Requests: 2, CloneFailure: 0.03, NeverBoots: 0.02, ReadyDies: 0.02,
			DestroyFailure: 0.05, Tokens: 0.7,
		},
		Durations: &Durations{
			Clone:   Span{15 * time.Second, 60 * time.Second},
			Boot:    Span{20 * time.Second, 90 * time.Second},
			Destroy: Span{3 * time.Second, 15 * time.Second},
			Hold:    Span{5 * time.Minute, 40 * time.Minute},
		},
		Prefix:             "pix-",
		Domain:             "example.com",
		DataTTL:            168 * time.Hour,
		LoopDelay:          5 * time.Second,
		CheckTime:          time.Minute,
		OndemandDelay:      time.Second,
		RunningCheck:       time.Minute,
		TaskLimit:          10,
		OndemandCloneLimit: 10,
		MaxRetries:         3,
		RequestTTL:         5 * time.Minute,
	}
}

// DefaultPools returns six pools of different sizes, 46 VMs in all.
func DefaultPools() []Pool {
	return []Pool{
		{Name: "debian-12-x86_64", Alias: "debian-12-64", Size: 12, Notify: 15 * time.Minute},
		{Name: "ubuntu-24.04-x86_64", Alias: "ubuntu-24.04-64", Size: 12, Notify: 15 * time.Minute},
		{Name: "redhat-9-x86_64", Alias: "redhat-9-64", Size: 10, Notify: 15 * time.Minute},
		{Name: "windows-2022-x86_64", Size: 6, Timeout: 30 * time.Minute},
		{Name: "sles-15-ppc64le", Alias: "sles-15-power", Size: 4},
		{Name: "almalinux-9-aarch64", Alias: "almalinux-9-arm", Size: 2},
	}
}

// UniformPools returns n pools of the given size, for load at any scale.
func UniformPools(n, size int) []Pool {
	pools := make([]Pool, n)
	for i := range pools {
		pools[i] = Pool{Name: fmt.Sprintf("pool-%03d-x86_64", i), Alias: fmt.Sprintf("pool-%03d-64", i), Size: size}
	}
	return pools
}

// orDefault replaces v by d if it is the zero value.
func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (o Options) withDefaults() Options {
	d := Defaults()
	if len(o.Pools) == 0 {
		o.Pools = d.Pools
	}
	orDefault(&o.Rates, d.Rates)
	orDefault(&o.Durations, d.Durations)
	orDefault(&o.Prefix, d.Prefix)
	orDefault(&o.Domain, d.Domain)
	orDefault(&o.DataTTL, d.DataTTL)
	orDefault(&o.LoopDelay, d.LoopDelay)
	orDefault(&o.CheckTime, d.CheckTime)
	orDefault(&o.OndemandDelay, d.OndemandDelay)
	orDefault(&o.RunningCheck, d.RunningCheck)
	orDefault(&o.TaskLimit, d.TaskLimit)
	orDefault(&o.OndemandCloneLimit, d.OndemandCloneLimit)
	orDefault(&o.MaxRetries, d.MaxRetries)
	orDefault(&o.RequestTTL, d.RequestTTL)
	o.Pools = append([]Pool(nil), o.Pools...) // the caller's stay as they are
	for i := range o.Pools {
		orDefault(&o.Pools[i].Timeout, 15*time.Minute)
		orDefault(&o.Pools[i].ReadyTTL, 1440*time.Minute)
	}
	return o
}

// validate returns every mistake in o, joined.
func (o Options) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.Start.IsZero() {
		bad("no time to start at")
	}
	seen := make(map[string]bool)
	for _, p := range o.Pools {
		if p.Name == "" || seen[p.Name] {
			bad("pool %q: a name must be there, once", p.Name)
		}
		seen[p.Name] = true
		if p.Size < 0 {
			bad("pool %q: size %d", p.Name, p.Size)
		}
		for _, d := range []time.Duration{p.Timeout, p.Notify, p.ReadyTTL} {
			if d < 0 || d%time.Minute != 0 {
				bad("pool %q: %v: not whole minutes", p.Name, d)
			}
		}
	}
	r := o.Rates
	for _, p := range []float64{r.CloneFailure, r.NeverBoots, r.ReadyDies, r.DestroyFailure, r.Tokens} {
		if p < 0 || p > 1 {
			bad("probability %v: not from 0 to 1", p)
		}
	}
	for _, n := range []float64{r.Checkouts, r.Requests, r.Leaks} {
		if n < 0 {
			bad("rate %v: below 0", n)
		}
	}
	for _, s := range []Span{o.Durations.Clone, o.Durations.Boot, o.Durations.Destroy, o.Durations.Hold} {
		if s.Min < 0 || s.Max < s.Min {
			bad("duration from %v to %v", s.Min, s.Max)
		}
	}
	if o.DataTTL < time.Hour || o.DataTTL%time.Hour != 0 {
		bad("data TTL %v: not whole hours", o.DataTTL)
	}
	if o.LoopDelay < 0 || o.CheckTime < 0 || o.OndemandDelay < 0 || o.RunningCheck < 0 || o.RequestTTL < 0 {
		bad("a delay below 0")
	}
	if o.TaskLimit < 0 || o.OndemandCloneLimit < 0 || o.MaxRetries < 0 {
		bad("a limit below 0")
	}
	for i, c := range o.Scenario {
		if err := c.validate(seen); err != nil {
			bad("change %d of the scenario: %w", i, err)
		}
	}
	return errors.Join(errs...)
}
