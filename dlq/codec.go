package dlq

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// failedAtLayout is Ruby's Time#iso8601, as vmpooler writes failed_at.
const failedAtLayout = "2006-01-02T15:04:05-07:00"

// Record is a member of a dead-letter queue, read.
type Record struct {
	Entry

	ID    string  // see MemberID; there for an unreadable member too
	Raw   string  // the member itself
	Score float64 // epoch seconds of the failure, by whoever wrote it
	Err   error   // why the member is unreadable, wrapping ErrUnreadable; nil if it isn't
}

// ErrUnreadable says that a member of a dead-letter queue is none that
// vmpooler or this exporter writes.
var ErrUnreadable = errors.New("not a dead letter")

// wireEntry is the JSON of an entry, with its keys in vmpooler's order.
type wireEntry struct {
	VM           string `json:"vm"`
	Pool         string `json:"pool"`
	QueueFrom    string `json:"queue_from"`
	ErrorClass   string `json:"error_class"`
	ErrorMessage string `json:"error_message"`
	FailedAt     string `json:"failed_at"`
	RetryCount   *count `json:"retry_count,omitempty"`
	RequestID    string `json:"request_id,omitempty"`
	PoolAlias    string `json:"pool_alias,omitempty"`
}

// count is a number that may stand in quotes: the request's hash, which it is
// taken from, holds nothing but strings.
type count int

// UnmarshalJSON reads 2, "2" and null.
func (c *count) UnmarshalJSON(b []byte) error {
	n, err := strconv.Atoi(strings.Trim(string(b), `"`))
	if err == nil {
		*c = count(n)
	}
	return err
}

// Encode returns the member and the score (epoch seconds) under which e is
// kept: <vm>:<epoch>:<JSON>, as vmpooler 3.9.1 writes it, failed_at in UTC and
// to the second. Nothing is cleaned here: that is Store.Add's.
func Encode(e Entry) (member string, score float64) {
	at := e.FailedAt.UTC()
	w := wireEntry{
		VM: e.VM, Pool: e.Pool, QueueFrom: e.QueueFrom,
		ErrorClass: e.ErrorClass, ErrorMessage: e.ErrorMessage,
		FailedAt: at.Format(failedAtLayout), RequestID: e.RequestID, PoolAlias: e.PoolAlias,
	}
	if e.RetryCount != nil {
		n := count(*e.RetryCount)
		w.RetryCount = &n
	}
	var b bytes.Buffer
	b.WriteString(e.VM + ":" + strconv.FormatInt(at.Unix(), 10) + ":")
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // Ruby leaves < > & as they are
	if err := enc.Encode(w); err != nil {
		panic(err) // strings and a number
	}
	return strings.TrimSuffix(b.String(), "\n"), float64(at.Unix())
}

// Decode reads a member of the named queue (pending, clone or ready). It
// reads all that vmpooler writes, and takes the time of the failure from the
// score where failed_at is missing or unreadable. For anything else it returns
// an error that wraps ErrUnreadable and stands in the Record too, whose other
// fields then hold what could be made out. The texts are those of whoever wrote
// the member: show a message through Clean.
func Decode(queue, member string, score float64) (Record, error) {
	r := Record{ID: MemberID(queue, member), Raw: member, Score: score}
	r.Queue = queue
	r.FailedAt = scoreTime(score)
	vm, payload, ok := splitMember(member)
	if !ok {
		r.Err = fmt.Errorf("%w: it has not the form <vm>:<epoch>:<JSON>", ErrUnreadable)
		return r, r.Err
	}
	r.VM = vm
	var w wireEntry
	if err := json.Unmarshal([]byte(payload), &w); err != nil {
		r.Err = fmt.Errorf("%w: %w", ErrUnreadable, err)
		return r, r.Err
	}
	if w.VM != "" {
		r.VM = w.VM
	}
	r.Pool, r.QueueFrom, r.ErrorClass, r.ErrorMessage = w.Pool, w.QueueFrom, w.ErrorClass, w.ErrorMessage
	r.RequestID, r.PoolAlias = w.RequestID, w.PoolAlias
	if w.RetryCount != nil {
		n := int(*w.RetryCount)
		r.RetryCount = &n
	}
	if t, err := vmpooler.ParseTime(w.FailedAt); err == nil {
		r.FailedAt = t
	}
	return r, nil
}

// MemberID returns the short name under which people and the API speak of a
// member: the queue and the first 12 hex digits of the member's SHA-256, such
// as "clone-3f9a01bc22de". It is the same for every reader and after every
// restart; among 10,000 entries two share one once in some five million queues.
func MemberID(queue, member string) string {
	sum := sha256.Sum256([]byte(member))
	return queue + "-" + hex.EncodeToString(sum[:6])
}

// splitMember cuts <vm>:<epoch>:<JSON> where the JSON begins, so that neither
// its colons nor one in a VM's name (there never is one) matter.
func splitMember(member string) (vm, payload string, ok bool) {
	head, _, ok := strings.Cut(member, ":{")
	if !ok {
		return "", "", false
	}
	i := strings.LastIndexByte(head, ':')
	if i <= 0 {
		return "", "", false
	}
	if _, err := strconv.ParseInt(head[i+1:], 10, 64); err != nil {
		return "", "", false
	}
	return head[:i], member[len(head)+1:], true
}

// scoreTime returns a score as a time, to the millisecond; the zero time for a
// score that is none (infinite, or beyond the year 9999).
func scoreTime(score float64) time.Time {
	const year10000 = 253402300800
	if math.IsNaN(score) || score < 0 || score >= year10000 {
		return time.Time{}
	}
	return time.UnixMilli(int64(score * 1000)).UTC()
}
