package dlq

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// lettersOfRequests writes two letters of one request, one of another and one
// of none, and returns their ids.
func lettersOfRequests(tb testing.TB, c *redis.Client) []string {
	tb.Helper()
	of := func(e Entry, request string) Entry {
		e.RequestID = request
		return e
	}
	return put(tb, c,
		of(letter("clone", "pix-a", "debian", "RuntimeError", "x", time.Hour), failedID),
		of(letter("pending", "pix-b", "debian", "Timeout", "x", 2*time.Hour), failedID),
		of(letter("clone", "pix-c", "windows", "RuntimeError", "x", 3*time.Hour), otherID),
		letter("clone", "pix-d", "debian", "RuntimeError", "x", 4*time.Hour))
}

func TestTheRequestsOfDeadLetters(t *testing.T) {
	c := server.Client(t)
	ids := lettersOfRequests(t, c)
	putRaw(t, c, "clone", "garbage", 1)
	garbage := MemberID("clone", "garbage")
	got, err := RequestsOf(t.Context(), c, append(ids, garbage, ids[0]))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Requests, []string{failedID, otherID}) || got.Letters != 3 {
		t.Errorf("%+v", got)
	}
	want := []*RefusedError{{ID: ids[3], Reason: RefusedNoRequest}, {ID: garbage, Reason: RefusedUnreadable}}
	if d := cmp.Diff(want, got.Refused); d != "" {
		t.Error(d)
	}
	if !strings.Contains(got.Refused[0].Error(), "pools refill themselves") {
		t.Error(got.Refused[0])
	}
	var none *NotFoundError
	if _, err := RequestsOf(t.Context(), c, []string{ids[0], "clone-000000000000"}); !errors.As(err, &none) {
		t.Error(err)
	}
}

func TestTheRequestsThatAFilterMatches(t *testing.T) {
	c := server.Client(t)
	lettersOfRequests(t, c)
	putRaw(t, c, "clone", "garbage", 1)
	for name, tc := range map[string]struct {
		filter    Filter
		requests  []string
		noRequest int
	}{
		"a queue":   {Filter{Queues: []string{"clone"}}, []string{otherID, failedID}, 2},
		"a pool":    {Filter{Pool: "debian", Limit: 1}, []string{failedID}, 1},
		"a class":   {Filter{Error: "timeout"}, []string{failedID}, 0},
		"a VM":      {Filter{VM: "pix-d"}, nil, 1},
		"a request": {Filter{RequestID: otherID}, []string{otherID}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := RequestsMatching(t.Context(), c, tc.filter, len(tc.requests))
			if err != nil || !slices.Equal(got.Requests, tc.requests) || got.NoRequest != tc.noRequest || got.Refused != nil {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	var many *TooManyRequestsError
	if got, err := RequestsMatching(t.Context(), c, Filter{}, 1); !errors.As(err, &many) || many.Matched != 2 || got.Requests != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := RequestsMatching(t.Context(), c, Filter{Queues: []string{""}}, 1); !errors.Is(err, ErrFilter) {
		t.Error(err)
	}
}

func TestRequestsThatAreNamedTwiceAreOne(t *testing.T) {
	got := SelectRequests([]string{"b", "a", "b"})
	if !slices.Equal(got.Requests, []string{"b", "a"}) || got.Letters != 0 {
		t.Errorf("%+v", got)
	}
}

func TestRefusalsAreSentences(t *testing.T) {
	seen := make(map[string]bool)
	for _, reason := range []Refusal{
		RefusedGone, RefusedType, RefusedMalformed, RefusedChanged, RefusedStatus, RefusedQueued, RefusedLimit, RefusedProcessing,
		RefusedTask, RefusedRunning, RefusedPending, RefusedNoRequest, RefusedUnreadable, "new",
	} {
		e := &RefusedError{ID: "id\x1b", Reason: reason, Detail: "\x1b[2J", Requeues: 2}
		why := e.Why()
		if seen[why] || strings.ContainsAny(e.Error(), "\x1b") || !strings.HasSuffix(e.Error(), "is not requeued: "+why) {
			t.Errorf("%s: %q", reason, e)
		}
		seen[why] = true
	}
	if why := (&RefusedError{Reason: RefusedStatus}).Why(); seen[why] {
		t.Error(why)
	}
}
