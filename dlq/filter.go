package dlq

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Order is the order in time that entries are listed in.
type Order string

// The orders. Entries of the same second and queue stand in an order of their
// own, which stays the same however many come and go.
const (
	Newest Order = "newest" // first; the default
	Oldest Order = "oldest" // first
)

// How many entries a page may have.
const (
	DefaultLimit = 50
	MaxLimit     = 10_000
)

// ErrFilter is wrapped by every error that is the filter's and not Redis's.
var ErrFilter = errors.New("filter")

// Filter chooses dead letters. All that is set must hold; the zero value
// chooses every entry of the three queues that vmpooler writes.
type Filter struct {
	Queues    []string  // pending, clone, ready, or any other X of a vmpooler__dlq__X; none: the three
	Pool      string    // exactly
	VM        string    // exactly, or with its domain
	RequestID string    // exactly
	Error     string    // a part of the error's class or message, in any case
	Since     time.Time // failed then or later, by the entry's score; zero: no limit
	Until     time.Time // failed then or earlier, to the end of that second; zero: no limit

	// Order, Limit and Cursor are List's alone.
	Order  Order
	Limit  int    // DefaultLimit if 0, MaxLimit at the most
	Cursor string // Page.NextCursor of the page before; "" for the first
}

// Validate returns an error that wraps ErrFilter and says what is wrong.
func (f *Filter) Validate() error {
	_, err := f.compile()
	return err
}

// Empty says whether f leaves nothing out of the queues that vmpooler writes.
func (f *Filter) Empty() bool {
	return len(f.Queues) == 0 && !f.byContent() && f.Since.IsZero() && f.Until.IsZero()
}

// byContent says whether f asks for what only a readable entry tells.
func (f *Filter) byContent() bool {
	return f.Pool != "" || f.VM != "" || f.RequestID != "" || f.Error != ""
}

// query is a valid Filter, ready for use.
type query struct {
	Filter

	after    *position
	min, max float64 // scores, both inclusive
	errLower string
}

func (f *Filter) compile() (*query, error) {
	q := &query{Filter: *f, min: math.Inf(-1), max: math.Inf(1), errLower: strings.ToLower(f.Error)}
	if q.Order == "" {
		q.Order = Newest
	}
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	switch {
	case q.Order != Newest && q.Order != Oldest:
		return nil, fmt.Errorf("%w: order must be %s or %s, not %q", ErrFilter, Newest, Oldest, f.Order)
	case q.Limit < 0 || q.Limit > MaxLimit:
		return nil, fmt.Errorf("%w: limit must be from 1 to %d, not %d", ErrFilter, MaxLimit, f.Limit)
	case !f.Since.IsZero() && !f.Until.IsZero() && f.Since.After(f.Until):
		return nil, fmt.Errorf("%w: since (%s) is later than until (%s)", ErrFilter,
			f.Since.Format(time.RFC3339), f.Until.Format(time.RFC3339))
	case slices.Contains(f.Queues, ""):
		return nil, fmt.Errorf("%w: a queue's name must not be empty", ErrFilter)
	}
	if len(f.Queues) == 0 {
		three := vmpooler.DLQQueues()
		q.Queues = three[:]
	}
	q.Queues = slices.Compact(slices.Sorted(slices.Values(q.Queues)))
	if !f.Since.IsZero() {
		q.min = float64(f.Since.Unix())
	}
	if !f.Until.IsZero() {
		// vmpooler's scores are whole seconds, but nothing says they must be.
		q.max = math.Nextafter(float64(f.Until.Unix()+1), 0)
	}
	if f.Cursor != "" {
		after, err := parseCursor(f.Cursor, q.Order)
		if err != nil {
			return nil, err
		}
		q.after = &after
		if q.Order == Newest {
			q.max = min(q.max, after.score)
		} else {
			q.min = max(q.min, after.score)
		}
	}
	return q, nil
}

// matches says whether f chooses r, whose queue and score are in range
// already. An unreadable entry has no pool, VM, request or error.
func (q *query) matches(r *Record) bool {
	if !q.byContent() {
		return true
	}
	return r.Err == nil &&
		(q.Pool == "" || r.Pool == q.Pool) &&
		(q.VM == "" || r.VM == q.VM || r.VM != "" && strings.HasPrefix(q.VM, r.VM+".")) &&
		(q.RequestID == "" || r.RequestID == q.RequestID) &&
		(q.errLower == "" ||
			strings.Contains(strings.ToLower(r.ErrorClass), q.errLower) ||
			strings.Contains(strings.ToLower(r.ErrorMessage), q.errLower))
}

// cannotMatch tells from the raw member alone, where it can, that an entry is
// not among the chosen: reading its JSON would cost ten times as much. What
// stands in a member without escapes stands there as it is. A member that does
// not look like an entry is not judged, so that it is counted as unreadable.
func (q *query) cannotMatch(raw string) bool {
	if !q.byContent() || strings.IndexByte(raw, '\\') >= 0 ||
		!strings.Contains(raw, `:{"vm":"`) || !strings.HasSuffix(raw, "}") || !utf8.ValidString(raw) {
		return false
	}
	return !strings.Contains(raw, q.Pool) || !strings.Contains(raw, q.RequestID) ||
		q.errLower != "" && !strings.Contains(strings.ToLower(raw), q.errLower)
}

// scoreArg writes a score so that Redis reads back the same one.
func scoreArg(score float64) string { return strconv.FormatFloat(score, 'g', -1, 64) }
