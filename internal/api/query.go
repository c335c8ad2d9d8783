package api

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// How many entries a page may have, and how long a value may be, in bytes.
const (
	defaultLimit = 50
	maxLimit     = 1000
	maxValue     = 512
)

// quantum is how exact a time that is said as "15m ago" is: as exact as what is
// shown is new.
const quantum = live.Period

// values are the parameters of a request: each of them is allowed, there once, and
// a text that is neither empty nor too long.
type values map[string]string

// parseQuery reads the query of a URL, in which nothing else than these parameters
// may be. The error is a *failure.
func parseQuery(raw string, allowed []string) (values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(badData, "the query of the URL can't be read: %s", quote(err.Error()))
	}
	v := make(values, len(query))
	for _, name := range slices.Sorted(maps.Keys(query)) {
		given := query[name]
		switch {
		case !slices.Contains(allowed, name) && len(allowed) == 0:
			return nil, refuse(badData, "there is no parameter %s: none is allowed here", quote(name))
		case !slices.Contains(allowed, name):
			return nil, refuse(badData, "there is no parameter %s: allowed are %s", quote(name), strings.Join(allowed, ", "))
		case len(given) > 1:
			return nil, refuse(badData, "%s may be given once, not %d times", name, len(given))
		}
		if err := checkText(name, given[0]); err != nil {
			return nil, err
		}
		v[name] = given[0]
	}
	return v, nil
}

// checkText says what is wrong with a text of the client's.
func checkText(name, text string) error {
	switch {
	case text == "":
		return refuse(badData, "%s must not be empty: leave it out", name)
	case len(text) > maxValue:
		return refuse(badData, "%s must have %d bytes at the most, not %d", name, maxValue, len(text))
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return refuse(badData, "%s must be UTF-8 without control characters", name)
	}
	return nil
}

// quote shows a text of the client's, or the beginning of it.
func quote(text string) string {
	const longest = 64
	if len(text) > longest {
		return strconv.Quote(text[:longest]) + "…"
	}
	return strconv.Quote(text)
}

// limit returns how many entries the page may have.
func (v values) limit() (int, error) {
	text, given := v["limit"]
	if !given {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit || strconv.Itoa(n) != text {
		return 0, refuse(badData, "limit must be a whole number from 1 to %d, not %s", maxLimit, quote(text))
	}
	return n, nil
}

// position takes a cursor that is a number of entries out of the values.
func (v values) position() (int, error) {
	text, given := v["cursor"]
	delete(v, "cursor")
	n, err := strconv.Atoi(text)
	if given && (err != nil || n < 0 || strconv.Itoa(n) != text) {
		return 0, notACursor(text)
	}
	return n, nil
}

// oneOf returns a parameter that has one of these values, or "" if it is not given.
func (v values) oneOf(name string, allowed ...string) (string, error) {
	text, given := v[name]
	if given && !slices.Contains(allowed, text) {
		return "", refuse(badData, "%s must be %s, not %s", name, strings.Join(allowed, " or "), quote(text))
	}
	return text, nil
}

// time returns a moment, or the zero time if it is not given.
func (v values) time(name string, now time.Time) (time.Time, error) {
	text, given := v[name]
	if !given {
		return time.Time{}, nil
	}
	t, err := dlq.ParseSince(text, now)
	if err != nil {
		return time.Time{}, refuse(badData, "%s must be a time (2006-01-02 or 2006-01-02T15:04:05Z) or how long ago (15m, 2h, 3d), not %s", name, quote(text))
	}
	return t, nil
}

// letters reads what chooses dead letters; "… ago" counts to now.
func (v values) letters(now time.Time) (dlq.Filter, error) {
	f := dlq.Filter{Pool: v["pool"], VM: v["vm"], RequestID: v["request_id"], Error: v["error"], Cursor: v["cursor"]}
	known := vmpooler.DLQQueues()
	queue, err := v.oneOf("queue", known[:]...)
	if err != nil {
		return f, err
	}
	if queue != "" {
		f.Queues = []string{queue}
	}
	order, err := v.oneOf("order", string(dlq.Newest), string(dlq.Oldest))
	if err != nil {
		return f, err
	}
	f.Order = dlq.Order(order)
	if f.Since, err = v.time("since", now); err != nil {
		return f, err
	}
	if f.Until, err = v.time("until", now); err != nil {
		return f, err
	}
	if err := f.Validate(); err != nil {
		return f, failureOf(err)
	}
	return f, nil
}

// historyCursor is the id of an entry of a stream.
var historyCursor = regexp.MustCompile(`^\d{1,19}-\d{1,19}$`)

// purged reads what chooses entries of the purge's history.
func (v values) purged() (purger.HistoryFilter, error) {
	f := purger.HistoryFilter{Pool: v["pool"], VM: v["vm"], RequestID: v["request_id"], Plan: v["plan_id"], Before: v["cursor"]}
	if f.Before != "" && !historyCursor.MatchString(f.Before) {
		return f, notACursor(f.Before)
	}
	var err error
	f.Limit, err = v.limit()
	return f, err
}

func notACursor(text string) error {
	return refuse(badData, "cursor must be the next_cursor of the page before, not %s: begin again without one", quote(text))
}
