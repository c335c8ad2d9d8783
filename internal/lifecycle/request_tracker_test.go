package lifecycle

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// requestLook is one look at the requests that wait, and what the hashes that are
// then needed say.
type requestLook struct {
	at      int    // seconds
	waiting string // ids
	hashes  []Request
	need    string // ids
	want    []RequestEvent
}

func TestRequestsAreFollowedToTheirEnd(t *testing.T) {
	pools := []string{"p", "q"}
	made := began
	hash := func(status vmpooler.RequestStatus, expires time.Time) []Request {
		return []Request{{ID: "r", Pools: pools, Status: status, Expires: expires}}
	}
	requested := RequestEvent{Kind: Requested, ID: "r", Pools: pools, At: made}
	ended := func(kind RequestEventKind, at time.Duration) RequestEvent {
		return RequestEvent{Kind: kind, ID: "r", Pools: pools, At: after(at), Took: at}
	}
	for name, looks := range map[string][]requestLook{
		"one that is fulfilled while nobody looks for a minute": {
			{at: 0},
			{at: 1, waiting: "r", hashes: hash("", time.Time{}), need: "r", want: []RequestEvent{requested}},
			{at: 2, waiting: "r"},
			{at: 62, hashes: hash(vmpooler.RequestReady, after(20*time.Second+keepReady)), need: "r", want: []RequestEvent{ended(Fulfilled, 20*time.Second)}},
			{at: 63},
		},
		"one whose expiry says nothing of its end": {
			{at: 0, waiting: "r"},
			{at: 9, hashes: hash(vmpooler.RequestReady, after(time.Hour)), need: "r", want: []RequestEvent{ended(Fulfilled, 9*time.Second)}},
		},
		"one between two queues for a moment": {
			{at: 0},
			{at: 1, waiting: "r", hashes: hash(vmpooler.RequestPending, time.Time{}), need: "r", want: []RequestEvent{requested}},
			{at: 2, hashes: hash(vmpooler.RequestPending, time.Time{}), need: "r"},
			{at: 3, waiting: "r"},
			{at: 4, hashes: hash(vmpooler.RequestFailed, time.Time{}), need: "r", want: []RequestEvent{ended(RequestFailed, 4*time.Second)}},
		},
		"one that was there before us, and is deleted": {
			{at: 0, waiting: "r"},
			{at: 5, hashes: hash(vmpooler.RequestDeleted, time.Time{}), need: "r", want: []RequestEvent{ended(RequestDeleted, 5*time.Second)}},
		},
		"one that is lost": {
			{at: 0, waiting: "r"},
			{at: 1, hashes: hash("", time.Time{}), need: "r"},
			{at: 120, hashes: hash("", time.Time{}), need: "r"},
			{at: 122},
		},
		"one whose hash is not there yet": {
			{at: 0},
			{at: 1, waiting: "r", need: "r"},
			{at: 2, waiting: "r", hashes: hash("", time.Time{}), need: "r", want: []RequestEvent{requested}},
		},
		"one that is put back": {
			{at: 0, waiting: "r"},
			{at: 1, hashes: hash(vmpooler.RequestFailed, time.Time{}), need: "r", want: []RequestEvent{ended(RequestFailed, time.Second)}},
			{at: 2, waiting: "r", hashes: hash(vmpooler.RequestPending, time.Time{}), need: "r", want: []RequestEvent{requested}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := NewRequestTracker()
			for i, l := range looks {
				waiting := map[string]time.Time{}
				for id := range strings.FieldsSeq(l.waiting) {
					waiting[id] = made
				}
				now := after(time.Duration(l.at) * time.Second)
				if need := strings.Join(tr.Look(waiting, now), " "); need != l.need {
					t.Errorf("look %d needs %q, not %q", i, need, l.need)
				}
				if d := cmp.Diff(l.want, tr.Take(l.hashes, now)); d != "" {
					t.Errorf("look %d (-want +got):\n%s", i, d)
				}
			}
		})
	}
}

func TestARequestNamesEachOfItsPoolsOnce(t *testing.T) {
	r := NewRequest("r", map[string]string{vmpooler.FieldRequested: "a:p:2,b:p:1,c:q:3,odd,::"}, time.Time{})
	if d := cmp.Diff([]string{"p", "q"}, r.Pools); d != "" {
		t.Error(d)
	}
}
