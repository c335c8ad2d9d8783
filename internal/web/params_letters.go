package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// How many dead letters a page has: messages of a kilobyte are no rarity.
const (
	lettersDefault = 50
	lettersMost    = 200
)

// lettersQuery says which dead letters are shown, as it was asked: the form has to
// show again what was typed.
type lettersQuery struct {
	Queue, Pool, VM, RequestID, Error string
	Since, Until                      string // as dlq.ParseSince takes them
	Order                             string
	Limit                             int
	Cursor                            string
}

// parseLetters reads a query of the list of dead letters. Its parameters are those of
// the API and of the command. The error wraps errParameter or dlq.ErrFilter.
func parseLetters(raw string, now time.Time) (lettersQuery, dlq.Filter, error) {
	q := newQuery(raw)
	l := lettersQuery{
		Queue: q.text("queue"), Pool: q.text("pool"), VM: q.text("vm"), RequestID: q.text("request_id"),
		Error: q.text("error"), Since: q.text("since"), Until: q.text("until"),
		Order: q.oneOf("order", string(dlq.Newest), string(dlq.Oldest)), Limit: q.whole("limit", lettersDefault, lettersMost),
		Cursor: q.text("cursor"),
	}
	if err := q.end(); err != nil {
		return l, dlq.Filter{}, err
	}
	f := dlq.Filter{
		Pool: l.Pool, VM: l.VM, RequestID: l.RequestID, Error: l.Error,
		Order: dlq.Order(l.Order), Limit: l.Limit, Cursor: l.Cursor,
	}
	if l.Queue != "" {
		f.Queues = []string{l.Queue}
	}
	for _, t := range [...]struct {
		key, text string
		into      *time.Time
	}{{"since", l.Since, &f.Since}, {"until", l.Until, &f.Until}} {
		if t.text == "" {
			continue
		}
		at, err := dlq.ParseSince(t.text, now)
		if err != nil {
			return l, f, fmt.Errorf("%s: %w", t.key, err)
		}
		*t.into = at
	}
	return l, f, f.Validate()
}

// href is the address of the list with this query, without what is the default; "" for
// one that would be refused as too long.
func (l lettersQuery) href() string {
	v := make(url.Values)
	for _, p := range [...]struct{ key, value, none string }{
		{"queue", l.Queue, ""},
		{"pool", l.Pool, ""},
		{"vm", l.VM, ""},
		{"request_id", l.RequestID, ""},
		{"error", l.Error, ""},
		{"since", l.Since, ""},
		{"until", l.Until, ""},
		{"order", l.Order, string(dlq.Newest)},
		{"limit", strconv.Itoa(l.Limit), strconv.Itoa(lettersDefault)},
		{"cursor", l.Cursor, ""},
	} {
		if len(p.value) > longestValue {
			return ""
		}
		if p.value != p.none && p.value != "" && p.value != "0" {
			v.Set(p.key, p.value)
		}
	}
	if len(v) == 0 {
		return "/dlq"
	}
	return "/dlq?" + v.Encode()
}

func (l lettersQuery) after(cursor string) lettersQuery {
	l.Cursor = cursor
	return l
}

// Filtered says whether anything is left out.
func (l lettersQuery) Filtered() bool {
	return l.Queue+l.Pool+l.VM+l.RequestID+l.Error+l.Since+l.Until != ""
}

// queueChoices are the queues that the form offers, and the one that was asked for,
// whatever it is.
func (l lettersQuery) queueChoices() []string {
	three := vmpooler.DLQQueues()
	choices := append([]string{""}, three[:]...)
	if slices.Contains(choices, l.Queue) {
		return choices
	}
	return append(choices, l.Queue)
}

// vmHref, requestHref, poolHref and poolLetters are the addresses of one VM's and one
// request's time line, of a pool's VMs and of its dead letters; "" for a name that an
// address can't hold.
func vmHref(vm string) string      { return nameHref("/vm/", vm) }
func requestHref(id string) string { return nameHref("/request/", id) }
func poolHref(pool string) string  { return nameHref("/pool/", pool) }

func poolLetters(pool string) string {
	if pool == "" {
		return ""
	}
	return lettersQuery{Pool: pool}.href()
}

func nameHref(prefix, name string) string {
	if name == "" || name == "." || name == ".." || len(name) > longestValue {
		return ""
	}
	return prefix + url.PathEscape(name)
}
