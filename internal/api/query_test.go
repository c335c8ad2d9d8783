package api

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestParametersThatAreWrongAreRefused(t *testing.T) {
	s := newSite(t, server.Client(t), nil)
	long := strings.Repeat("x", maxValue+1)
	for query, want := range map[string]string{
		"dlq?foo=1":                      `there is no parameter "foo": allowed are queue, pool, vm,`,
		"dlq?" + long + "=1":             `there is no parameter "xxxxxxxx`,
		"dlq?pool=a&pool=b":              "pool may be given once, not 2 times",
		"dlq?pool=":                      "pool must not be empty",
		"dlq?pool":                       "pool must not be empty",
		"dlq?pool=" + long:               "pool must have 512 bytes at the most, not 513",
		"dlq?pool=%ff":                   "pool must be UTF-8 without control characters",
		"dlq?pool=a%00b":                 "pool must be UTF-8 without control characters",
		"dlq?pool=%zz":                   "the query of the URL can't be read",
		"dlq?pool=a;vm=b":                "the query of the URL can't be read",
		"dlq?queue=redy":                 `queue must be pending or clone or ready, not "redy"`,
		"dlq?order=up":                   `order must be newest or oldest, not "up"`,
		"dlq?limit=0":                    "limit must be a whole number from 1 to 1000",
		"dlq?limit=1001":                 "limit must be a whole number from 1 to 1000",
		"dlq?limit=-1":                   "limit must be a whole number from 1 to 1000",
		"dlq?limit=007":                  "limit must be a whole number from 1 to 1000",
		"dlq?limit=1e2":                  "limit must be a whole number from 1 to 1000",
		"dlq?limit=99999999999999999999": "limit must be a whole number from 1 to 1000",
		"dlq?since=yesterday":            `since must be a time`,
		"dlq?until=yesterday":            `until must be a time`,
		"dlq?since=1h&until=2h":          "is later than until",
		"dlq?cursor=abc":                 "this is no cursor of a list",
		"dlq/stats?order=newest":         `there is no parameter "order"`,
		"dlq/stats?limit=all":            "limit must be",
		"dlq/export?limit=1":             `there is no parameter "limit"`,
		"dlq/export?since=x":             "since must be a time",
		"dlq/clone-1?limit=1":            `there is no parameter "limit": none is allowed here`,
		"dlq/" + long:                    "id must have 512 bytes",
		"dlq/%00":                        "id must be UTF-8",
		"vm/" + long:                     "vm must have 512 bytes",
		"request/%ff":                    "id must be UTF-8",
		"health?pool=a":                  `there is no parameter "pool": none is allowed here`,
		"purge?plan=true":                `there is no parameter "plan": allowed are limit, cursor`,
		"purge?cursor=a":                 "cursor must be the next_cursor",
		"purge?cursor=.1":                "cursor must be the next_cursor",
		"purge?cursor=a.-1":              "cursor must be the next_cursor",
		"purge?cursor=a.01":              "cursor must be the next_cursor",
		"purge?limit=0":                  "limit must be",
		"purge/history?cursor=1":         "cursor must be the next_cursor",
		"purge/history?cursor=%2B":       "cursor must be the next_cursor",
		"purge/history?limit=2000":       "limit must be",
		"purge/history?since=1h":         `there is no parameter "since"`,
	} {
		t.Run(query, func(t *testing.T) {
			failed(t, s.get("/api/v1/queue/"+query), http.StatusBadRequest, badData, want)
		})
	}
	failed(t, s.get("/api/v1/openapi.json?a=1"), http.StatusBadRequest, badData, "none is allowed here")
}

func TestLettersOfAQuery(t *testing.T) {
	v, err := parseQuery("pool=a%2Bb&since=2h&until=2026-11-23T08:00:00%2B01:00&queue=clone", filterParams)
	if err != nil {
		t.Fatal(err)
	}
	f, err := v.letters(now)
	if err != nil || f.Pool != "a+b" || !f.Since.Equal(now.Add(-2*time.Hour)) ||
		!f.Until.Equal(now.Add(-2*time.Hour)) || len(f.Queues) != 1 || f.Queues[0] != "clone" {
		t.Errorf("%+v, %v", f, err)
	}
}

// Whatever the query, it is refused as bad data or read into a filter that the dead
// letters take.
func FuzzLettersQuery(f *testing.F) {
	for _, q := range []string{
		"", "queue=clone&pool=a&vm=b&request_id=c&error=d&since=1h&until=1m&order=oldest", "since=2026-11-23&until=2026-11-22",
		"pool=a&pool=b", "limit=10&cursor=AUHawPkcAAAAE0QvtOciN7BwZW5kaW5n", "pool=%zz", "a;b", "=", "&&", "since=99999999999w",
	} {
		f.Add(q)
	}
	allowed := append(append([]string{"order"}, filterParams...), pageParams...)
	f.Fuzz(func(t *testing.T, raw string) {
		v, err := parseQuery(raw, allowed)
		if isBadData(t, err) {
			return
		}
		for name, value := range v {
			if value == "" || len(value) > maxValue {
				t.Errorf("%s=%q", name, value)
			}
		}
		if n, err := v.limit(); !isBadData(t, err) && (n < 1 || n > maxLimit) {
			t.Errorf("limit %d", n)
		}
		if from, err := maps.Clone(v).position(); !isBadData(t, err) && from < 0 {
			t.Errorf("%q: %d", raw, from)
		}
		filter, err := v.letters(now)
		if isBadData(t, err) {
			return
		}
		if err := filter.Validate(); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	})
}

func FuzzPurgeQueries(f *testing.F) {
	for _, q := range []string{"", "cursor=7FQJDU74IWHH.2&limit=5", "cursor=1-0&pool=a", "cursor=-.-", "cursor=a.9999999999999999999"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		v, err := parseQuery(raw, []string{"pool", "vm", "request_id", "plan_id", "limit", "cursor"})
		if isBadData(t, err) {
			return
		}
		if filter, err := v.purged(); !isBadData(t, err) && (filter.Limit < 1 || filter.Limit > maxLimit) {
			t.Errorf("%q: %+v", raw, filter)
		}
		if at, err := planCursor(v["cursor"]); !isBadData(t, err) {
			pageOf(purged().Last, nil, at.from, maxLimit)
			if at.from < 0 || v["cursor"] != "" && at.plan == "" {
				t.Errorf("%q: %+v", raw, at)
			}
		}
	})
}

// isBadData says whether there is an error, and checks that it is the client's.
func isBadData(t *testing.T, err error) bool {
	t.Helper()
	var f *failure
	if err != nil && (!errors.As(err, &f) || f.kind != badData || f.message == "") {
		t.Errorf("%v", err)
	}
	return err != nil
}

// What a query says in another way of writing it is the same.
func TestAQueryMayBeEscapedInAnyWay(t *testing.T) {
	v, err := parseQuery(url.Values{"error": {"no & room?"}}.Encode(), filterParams)
	if f, ferr := v.letters(now); err != nil || ferr != nil || f.Error != "no & room?" || f.Order != "" {
		t.Errorf("%+v, %v, %v", f, err, ferr)
	}
}
