package explain

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// Kind is what a Report is about.
type Kind string

// The kinds.
const (
	KindVM      Kind = "vm"
	KindRequest Kind = "request"
)

// Report is all that is known of one VM or request. Its JSON has times in RFC 3339
// and UTC, to the second, and ages in whole seconds; what is not known is left out.
// Names (of VMs, pools, requests) are as they stand in Redis, in sentences too: who
// shows them escapes them. Texts of errors are cleaned, as dlq.Clean does.
type Report struct {
	Kind  Kind      `json:"kind"`
	Name  string    `json:"name"`  // the VM's, or the request's id
	Known bool      `json:"known"` // whether anything at all is known of it
	AsOf  time.Time `json:"as_of"` // by the Redis server's clock

	Where []Place     `json:"where"` // in the order of a life; empty: in no queue
	Facts Facts       `json:"facts"`
	VMs   []RequestVM `json:"vms,omitempty"` // of a request: those that it has, or that are being made for it

	// Next is what vmpooler will do with it, in sentences; empty where nothing is
	// known of it.
	Next     string   `json:"next"`
	Warnings []string `json:"warnings"` // what is not as it should be, and what could not be read, a sentence each
	Events   []Event  `json:"events"`   // oldest first

	DeadLetters Letters         `json:"dead_letters"` // its own, and those of its request; newest first
	Purges      []purger.Record `json:"purges"`       // newest first
}

// Place is a queue that it is in.
type Place struct {
	// Queue is one of the six, or the rest of the key's name for one of requests:
	// provisioning__request, provisioning__processing, odcreate__task.
	Queue string `json:"queue"`
	Pool  string `json:"pool,omitempty"`
	// Since is when it came there, AgeSeconds how long ago that is; nil if unknown.
	Since      *time.Time `json:"since,omitempty"`
	AgeSeconds *int64     `json:"age_seconds,omitempty"`
}

// Facts are what the hash says, apart from times that are Events. Those of a request
// come last.
type Facts struct {
	Metadata   bool   `json:"metadata"`              // whether there is a hash
	TTLSeconds *int64 `json:"ttl_seconds,omitempty"` // how long the hash will live; nil if it has no TTL

	Pool            string     `json:"pool,omitempty"`
	Template        string     `json:"template,omitempty"`
	Domain          string     `json:"domain,omitempty"`
	RequestID       string     `json:"request_id,omitempty"`
	PoolAlias       string     `json:"pool_alias,omitempty"`
	Checkout        *time.Time `json:"checkout,omitempty"`
	LifetimeSeconds *int64     `json:"lifetime_seconds,omitempty"` // how long its user may keep it
	Error           string     `json:"error,omitempty"`            // of its clone, or of the last connection

	Requested     string     `json:"requested,omitempty"` // <alias>:<pool>:<count>[,…]
	Status        string     `json:"status,omitempty"`    // of a VM: that of its request
	RetryCount    *int       `json:"retry_count,omitempty"`
	FailureReason string     `json:"failure_reason,omitempty"`
	Requeued      *int       `json:"requeued,omitempty"` // how often it was put back
	RequeuedAt    *time.Time `json:"requeued_at,omitempty"`
}

// RequestVM is one of a request's VMs.
type RequestVM struct {
	VM     string   `json:"vm"`
	Pool   string   `json:"pool"`
	Alias  string   `json:"pool_alias"`
	Given  bool     `json:"given"`  // whether the request has got it
	Queues []string `json:"queues"` // of that pool, where it is now
	// Destroyed says that its destruction has begun, or is over if it is in no queue.
	Destroyed bool `json:"destroyed"`
}

// Source says where an Event was read.
type Source string

// The sources.
const (
	FromHash       Source = "hash"
	FromQueue      Source = "queue"
	FromDeadLetter Source = "dead letter"
	FromPurge      Source = "purge"
)

// Event is one thing that happened.
type Event struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"` // a phrase without its full stop
	Source Source    `json:"source"`
}

// Letters are dead letters, whose JSON is that of `dlq list`.
type Letters []dlq.Record

// MarshalJSON implements json.Marshaler.
func (l Letters) MarshalJSON() ([]byte, error) {
	lines := make([]json.RawMessage, len(l))
	for i := range l {
		line, err := dlq.MarshalRecord(&l[i])
		if err != nil {
			return nil, err
		}
		lines[i] = line
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(lines)
	return b.Bytes(), err
}

// second returns a pointer to t in UTC, cut to the second; nil for the zero time.
func second(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

func seconds(d time.Duration) *int64 {
	n := int64(d / time.Second)
	return &n
}
