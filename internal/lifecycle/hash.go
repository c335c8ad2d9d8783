package lifecycle

import (
	"strconv"
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

	// LeftPending is when it was seen to have left pending; zero if nobody saw it.
	// It is in no hash: a Tracker knows it.
	LeftPending time.Time

	// CloneTook is how long the clone took, 0 if it is unknown or still going on.
	CloneTook time.Duration

	CloneFailed     bool // vmpooler wrote down why the clone failed
	CloneError      string
	CloneErrorClass string
	OpenSocketError string // why the last connection failed; empty after one that did not

	Expires time.Time // when Redis will delete the hash; zero if it has no TTL
}

// madeForRequest says whether the VM went from pending to the user of its request,
// without having been for anybody to take: vmpooler stamps such a VM as checked out,
// and only then as ready. A name's hash may have kept the request of an earlier life.
func (h Hash) madeForRequest() bool {
	return !h.Checkout.IsZero() && (h.Ready.IsZero() || h.RequestID != "" && !h.Ready.Before(h.Checkout))
}

// HashFields are the fields that NewHash looks at, for HMGET.
func HashFields() []string {
	return []string{
		vmpooler.FieldPool, vmpooler.FieldRequestID, vmpooler.FieldPoolAlias,
		vmpooler.FieldClone, vmpooler.FieldReady, vmpooler.FieldCheckout, vmpooler.FieldCheck, vmpooler.FieldDestroy,
		vmpooler.FieldCloneTime,
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
		CloneTook:   seconds(fields[vmpooler.FieldCloneTime]),
		CloneFailed: failed, CloneError: fields[vmpooler.FieldCloneError], CloneErrorClass: fields[vmpooler.FieldCloneErrorClass],
		OpenSocketError: fields[vmpooler.FieldOpenSocketError],
		Expires:         expires,
	}
}

// seconds reads a number of seconds, such as "1.01". It is 0 if it is none, and
// one beyond a week is none that a clone takes.
func seconds(text string) time.Duration {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0 && n < (7*24*time.Hour).Seconds()) { // NaN is neither
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
