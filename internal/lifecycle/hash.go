package lifecycle

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Hash is what a VM's hash says at one moment. A time is zero where the field
// is missing or can't be read. The user's token is not in it.
type Hash struct {
	VM        string
	Pool      string // as the hash has it: of two VMs of one name, the later one's
	RequestID string // empty for a VM that was made for its pool
	PoolAlias string

	Clone    time.Time // the clone began
	Ready    time.Time // it became ready
	Checkout time.Time // a user got it
	Check    time.Time // vmpooler last looked after it while it was ready
	Destroy  time.Time // its destruction began, for the last time: each attempt stamps it anew

	CloneFailed     bool // vmpooler wrote down why the clone failed
	CloneError      string
	CloneErrorClass string
	OpenSocketError string // why the last connection failed; empty after one that did not

	Expires time.Time // when Redis will delete the hash; zero if it has no TTL
}

// HashFields are the fields that NewHash looks at, for HMGET.
func HashFields() []string {
	return []string{
		vmpooler.FieldPool, vmpooler.FieldRequestID, vmpooler.FieldPoolAlias,
		vmpooler.FieldClone, vmpooler.FieldReady, vmpooler.FieldCheckout, vmpooler.FieldCheck, vmpooler.FieldDestroy,
		vmpooler.FieldCloneError, vmpooler.FieldCloneErrorClass, vmpooler.FieldOpenSocketError,
	}
}

// NewHash makes a Hash of the fields that are there and of the hash's time of
// expiry, zero if it has none.
func NewHash(vm string, fields map[string]string, expires time.Time) Hash {
	at := func(field string) time.Time {
		t, err := vmpooler.ParseTime(fields[field])
		if err != nil {
			return time.Time{}
		}
		return t
	}
	_, failed := fields[vmpooler.FieldCloneError]
	return Hash{
		VM: vm, Pool: fields[vmpooler.FieldPool],
		RequestID: fields[vmpooler.FieldRequestID], PoolAlias: fields[vmpooler.FieldPoolAlias],
		Clone: at(vmpooler.FieldClone), Ready: at(vmpooler.FieldReady), Checkout: at(vmpooler.FieldCheckout),
		Check: at(vmpooler.FieldCheck), Destroy: at(vmpooler.FieldDestroy),
		CloneFailed: failed, CloneError: fields[vmpooler.FieldCloneError], CloneErrorClass: fields[vmpooler.FieldCloneErrorClass],
		OpenSocketError: fields[vmpooler.FieldOpenSocketError],
		Expires:         expires,
	}
}
