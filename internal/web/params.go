package web

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// errParameter is wrapped by every error that is the asker's: the text names the
// parameter and what is allowed.
var errParameter = errors.New("this address can't be answered")

const (
	longestValue = 1024   // bytes of a parameter
	lastPage     = 10_000 // of any list
)

// query reads the parameters of one request. Each may be given once; those that
// were not asked for are refused in the end.
type query struct {
	values url.Values
	known  []string
	err    error
}

func newQuery(raw string) *query {
	q := &query{}
	if q.values, q.err = url.ParseQuery(raw); q.err != nil {
		q.err = fmt.Errorf("%w: it is not written as addresses are", errParameter)
	}
	return q
}

// text returns a parameter, "" if it is not there.
func (q *query) text(key string) string {
	q.known = append(q.known, key)
	values := q.values[key]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		q.fail("%s is given %d times", key, len(values))
		return ""
	case len(values[0]) > longestValue:
		q.fail("%s is longer than %s bytes", key, count(longestValue))
		return ""
	}
	return values[0]
}

// oneOf returns a parameter, or the first of the allowed values if it is not there.
func (q *query) oneOf(key string, allowed ...string) string {
	value := q.text(key)
	switch {
	case value == "":
		return allowed[0]
	case !slices.Contains(allowed, value):
		q.fail("%s must be one of %s", key, strings.Join(allowed, ", "))
		return allowed[0]
	}
	return value
}

// whole returns a whole number from 1 to most, or none if it is not there.
func (q *query) whole(key string, none, most int) int {
	value := q.text(key)
	if value == "" {
		return none
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != value {
		q.fail("%s must be a number from 1 to %s", key, count(int64(most)))
		return none
	}
	return n
}

// fail keeps the first thing that is wrong.
func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = fmt.Errorf("%w: %s", errParameter, fmt.Sprintf(format, args...))
	}
}

// end returns what was wrong, a parameter that nobody asked for included. A name
// that is not ours is not repeated beyond what plain allows.
func (q *query) end() error {
	for _, key := range slices.Sorted(maps.Keys(q.values)) {
		if !slices.Contains(q.known, key) {
			if len(q.known) == 0 {
				q.fail("it takes no parameters, and %q is one", plain(key))
			} else {
				q.fail("%q is no parameter of it; there %s %s", plain(key), is(int64(len(q.known))), strings.Join(q.known, ", "))
			}
		}
	}
	return q.err
}

// The orders of the pools, and which of them are shown. The first is the default.
var (
	poolSorts = []string{"worst", "name", "ready", "pending", "stuck", "age", "running"}
	poolsOnly = []string{"all", "problems", "empty", "stuck", "held"}
)

// overviewQuery says which pools the overview shows, and how.
type overviewQuery struct {
	Sort   string // of poolSorts
	Filter string // of poolsOnly
	Pool   string // a part of the name, in any case
	Page   int    // from 1 on
}

// parseOverview reads a query of the overview. The error wraps errParameter.
func parseOverview(raw string) (overviewQuery, error) {
	q := newQuery(raw)
	o := overviewQuery{
		Sort: q.oneOf("sort", poolSorts...), Filter: q.oneOf("filter", poolsOnly...),
		Pool: q.text("pool"), Page: q.whole("page", 1, lastPage),
	}
	return o, q.end()
}

// href is the address of the overview with this query, without what is the default.
func (o overviewQuery) href() string {
	v := make(url.Values)
	if o.Sort != poolSorts[0] {
		v.Set("sort", o.Sort)
	}
	if o.Filter != poolsOnly[0] {
		v.Set("filter", o.Filter)
	}
	if o.Pool != "" {
		v.Set("pool", o.Pool)
	}
	if o.Page > 1 {
		v.Set("page", strconv.Itoa(o.Page))
	}
	if len(v) == 0 {
		return "/#pools"
	}
	return "/?" + v.Encode() + "#pools"
}

// By is the address of the same pools in another order.
func (o overviewQuery) By(sort string) string {
	o.Sort, o.Page = sort, 1
	return o.href()
}

func (o overviewQuery) onPage(n int) overviewQuery {
	o.Page = n
	return o
}
