package lifecycle

import (
	"slices"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// keepReady is how long the hash of a request stays after vmpooler has fulfilled
// it: its expiry less this is when that was.
const keepReady = 30 * 24 * time.Hour

// RequestEventKind is a step in the life of an on-demand request.
type RequestEventKind uint8

// The steps.
const (
	Requested RequestEventKind = iota
	Fulfilled
	RequestFailed
	RequestDeleted
)

// RequestEventKinds lists all steps, in the order of their constants.
func RequestEventKinds() []RequestEventKind {
	return []RequestEventKind{Requested, Fulfilled, RequestFailed, RequestDeleted}
}

// String returns the step's name as a label has it.
func (k RequestEventKind) String() string {
	return [...]string{"requested", "fulfilled", "failed", "deleted"}[k]
}

// Request is what the hash of an on-demand request says at one moment. The
// user's token is not in it.
type Request struct {
	ID      string
	Pools   []string // those that it asks for, each once
	Status  vmpooler.RequestStatus
	Expires time.Time // when Redis will delete the hash; zero if it has no TTL
}

// NewRequest makes a Request of the fields that are there and of the hash's time
// of expiry, zero if it has none.
func NewRequest(id string, fields map[string]string, expires time.Time) Request {
	r := Request{ID: id, Status: vmpooler.RequestStatus(fields[vmpooler.FieldStatus]), Expires: expires}
	for item := range strings.SplitSeq(fields[vmpooler.FieldRequested], ",") {
		if f := strings.Split(item, ":"); len(f) == 3 && f[1] != "" && !slices.Contains(r.Pools, f[1]) {
			r.Pools = append(r.Pools, f[1])
		}
	}
	return r
}

// RequestFields are the fields that NewRequest looks at, for HMGET.
func RequestFields() []string { return []string{vmpooler.FieldRequested, vmpooler.FieldStatus} }

// RequestEvent is one step of one on-demand request.
type RequestEvent struct {
	Kind  RequestEventKind
	ID    string
	Pools []string
	At    time.Time
	Took  time.Duration // since it was made; 0 for Requested
}

// fulfilled is when vmpooler gave the hash of a request that is ready its TTL,
// if that can be told: it lies between when the request was made and now.
func (r Request) fulfilled(made, now time.Time) time.Time {
	at := r.Expires.Add(-keepReady)
	if r.Expires.IsZero() || at.Before(made) || at.After(now) {
		return now
	}
	return at
}
