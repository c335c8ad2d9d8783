package purger

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Action is one stale entry, why it is one, and what is to be done about it.
type Action struct {
	Target    Target
	Pool      string // empty for a request
	VM        string // empty for a request
	RequestID string // of a request only

	// Queue is where the VM is. It means nothing for an orphan or a request.
	Queue vmpooler.Queue

	// Age is how old the entry was when the plan was made, by the time that its
	// target's rule counts from.
	Age    time.Duration
	Reason string // a sentence without its full stop, such as "pending for 3h2m, limit 2h0m"
	Does   string // what it will do, such as "dead letter, out of pending, metadata expires in 168h"

	// Provider is what the provider said of the VM.
	Provider inventory.Verdict

	Check Check

	request, alias string // of a VM that was made for a request; for its dead letter
	retries        int

	Outcome Outcome
	Why     string // why it was held, skipped or refused, or how it failed
}

// Check is the evidence that the action's script looks for again on the server.
type Check struct {
	// Field of the hash, and its very text. No text means that the field must be
	// missing.
	Field, Text string
	// Since is what the text says; MinAge is what the age by the server's clock must
	// exceed. A MinAge of 0 or below is no condition.
	Since  time.Time
	MinAge time.Duration
	// Clone is the text of the hash's clone field: it tells this life of the VM's
	// name from the next.
	Clone string
}

// Plan is what is to be done at one moment, in order.
type Plan struct {
	ID      string
	Made    time.Time // by the Redis server's clock
	Redis   string    // which Redis it is for
	DryRun  bool
	Actions []Action // by target, pool and age, oldest first
	Held    []Hold   // pools that nothing is done to, by name
	// UnknownVMs are VMs that a provider has and no queue knows, by pool. They are
	// only ever named.
	UnknownVMs map[string][]string

	pools []string      // those that had a VM in a queue: the scripts look into all of them
	skew  time.Duration // the Redis server's clock minus this host's
}

// Hold is why a pool is left alone.
type Hold struct {
	Pool   string    `json:"pool"`             // empty for all of them
	Target Target    `json:"target,omitempty"` // empty for all of them
	Cause  HoldCause `json:"cause"`
	Reason string    `json:"reason"`
}

// HoldCause is the kind of a hold, for a label.
type HoldCause string

// The causes.
const (
	HoldLimit    HoldCause = "limit"    // the plan is beyond the blast radius of a pool
	HoldRequests HoldCause = "requests" // or, beyond that of a pool, for requests, which are of none
	HoldCliff    HoldCause = "cliff"    // the pool's queues have just lost most of their VMs
	HoldClock    HoldCause = "clock"    // this host's clock and Redis' differ too much
	HoldStale    HoldCause = "stale"    // what is known is too old
	HoldStart    HoldCause = "start"    // the exporter has just started
)

// Overridable says whether an override goes beyond the hold: beyond numbers alone.
func (c HoldCause) Overridable() bool { return c == HoldLimit || c == HoldRequests }

// held returns the hold on an action, if there is one.
func (p *Plan) held(a *Action) (Hold, bool) {
	for _, h := range p.Held {
		if (h.Pool == "" || h.Pool == a.Pool) && (h.Target == "" || h.Target == a.Target) {
			return h, true
		}
	}
	return Hold{}, false
}

// sort puts the actions into their order.
func (p *Plan) sort() {
	slices.SortFunc(p.Actions, func(a, b Action) int {
		return cmp.Or(
			cmp.Compare(a.Target.rank(), b.Target.rank()),
			cmp.Compare(a.Pool, b.Pool),
			-cmp.Compare(a.Age, b.Age),
			cmp.Compare(a.VM, b.VM),
			cmp.Compare(a.RequestID, b.RequestID),
		)
	})
}

// Count returns how many actions have this outcome.
func (p *Plan) Count(o Outcome) (n int) {
	for i := range p.Actions {
		if p.Actions[i].Outcome == o {
			n++
		}
	}
	return n
}

// actionJSON is an Action as programs get it.
type actionJSON struct {
	Target     Target            `json:"target"`
	Pool       string            `json:"pool,omitempty"`
	VM         string            `json:"vm,omitempty"`
	RequestID  string            `json:"request_id,omitempty"`
	AgeSeconds int64             `json:"age_seconds"`
	Reason     string            `json:"reason"`
	Does       string            `json:"does"`
	Provider   inventory.Verdict `json:"provider,omitempty"`
	Outcome    Outcome           `json:"outcome"`
	Why        string            `json:"why,omitempty"`
}

// MarshalJSON implements json.Marshaler: ages are whole seconds.
func (a *Action) MarshalJSON() ([]byte, error) {
	return json.Marshal(actionJSON{
		Target: a.Target, Pool: a.Pool, VM: a.VM, RequestID: a.RequestID,
		AgeSeconds: int64(a.Age / time.Second), Reason: a.Reason, Does: a.Does,
		Provider: a.Provider, Outcome: a.Outcome, Why: a.Why,
	})
}
