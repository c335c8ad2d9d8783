package dlq

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestAllThatVmpoolerWroteIsReadableAndWrittenTheSame(t *testing.T) {
	n := 0
	for _, w := range testredis.CaptureHardOwn().Writes {
		queue, ok := vmpooler.DLQFromKey(w.Command[1])
		if !ok || w.Command[0] != "zadd" {
			continue
		}
		n++
		member := w.Command[3]
		score, err := strconv.ParseFloat(w.Command[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Decode(queue, member, score)
		if err != nil {
			t.Errorf("%s: %v", member, err)
			continue
		}
		if r.VM == "" || r.Pool == "" || r.QueueFrom != queue || r.Queue != queue || r.ErrorClass == "" || r.FailedAt.Unix() != int64(score) {
			t.Errorf("%s was read as %+v", member, r)
		}
		if got, gotScore := Encode(r.Entry); got != member || gotScore != score {
			t.Errorf("encoded again:\n got %s\nwant %s", got, member)
		}
	}
	if n != 229 {
		t.Errorf("%d entries in the capture, want 229", n)
	}
}

// The letters of both recordings as they were written, also those of the run
// whose writes to the queues are not in its trace.
func TestTheRecordedLettersAreReadable(t *testing.T) {
	for file, want := range map[string]int{"capture/dlq.jsonl": 213, "capture-hard/dlq.jsonl": 229} {
		n := 0
		for line := range strings.Lines(string(testredis.File(file))) {
			var l struct {
				Queue string
				Entry json.RawMessage
			}
			var head struct {
				VM       string    `json:"vm"`
				FailedAt time.Time `json:"failed_at"`
			}
			if err := errors.Join(json.Unmarshal([]byte(line), &l), json.Unmarshal(l.Entry, &head)); err != nil {
				t.Fatal(err)
			}
			n++
			epoch := head.FailedAt.Unix()
			member := fmt.Sprintf("%s:%d:%s", head.VM, epoch, l.Entry)
			r, err := Decode(l.Queue, member, float64(epoch))
			if err != nil {
				t.Errorf("%s: %v", member, err)
				continue
			}
			if got, score := Encode(r.Entry); got != member || score != float64(epoch) {
				t.Errorf("encoded again:\n got %s\nwant %s", got, member)
			}
		}
		if n != want {
			t.Errorf("%s has %d letters, want %d", file, n, want)
		}
	}
}

func TestEveryEntryComesBackAsItWas(t *testing.T) {
	roundTrip := func(vm, pool, class, message, request, alias string, epoch uint32, retries int16, counted bool) bool {
		e := Entry{
			Queue: "clone", QueueFrom: "clone", VM: "v" + strings.ReplaceAll(vm, ":{", ""), Pool: pool, ErrorClass: class,
			ErrorMessage: message, RequestID: request, PoolAlias: alias, FailedAt: time.Unix(int64(epoch), 0).UTC(),
		}
		if counted {
			n := int(retries)
			e.RetryCount = &n
		}
		member, score := Encode(e)
		r, err := Decode("clone", member, score)
		return err == nil && r.Score == float64(epoch) && cmp.Equal(r.Entry, e)
	}
	if err := quick.Check(roundTrip, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

func TestDecodeMakesOutWhatItCan(t *testing.T) {
	at := time.Unix(1795439290, 0).UTC()
	two := 2
	cases := []struct {
		name, member string
		score        float64
		want         Entry
		unreadable   bool
	}{
		{"a name with a colon", `a:b:1795439290:{"vm":"a:b"}`, 1795439290, Entry{VM: "a:b", FailedAt: at}, false},
		{"Ruby's own time", `a:1:{"vm":"a","failed_at":"2026-11-23 14:08:10 +0100"}`, 1, Entry{VM: "a", FailedAt: at}, false},
		{"no time", `a:1795439290:{"vm":"a"}`, 1795439290.25, Entry{VM: "a", FailedAt: at.Add(250 * time.Millisecond)}, false},
		{"an unreadable time", `a:1795439290:{"vm":"a","failed_at":"yesterday"}`, 1795439290, Entry{VM: "a", FailedAt: at}, false},
		{"a count in quotes", `a:1795439290:{"vm":"a","retry_count":"2"}`, 1795439290, Entry{VM: "a", FailedAt: at, RetryCount: &two}, false},
		{"nulls", `a:1795439290:{"vm":"a","retry_count":null,"request_id":null}`, 1795439290, Entry{VM: "a", FailedAt: at}, false},
		{"no VM in the JSON", `a:1795439290:{}`, 1795439290, Entry{VM: "a", FailedAt: at}, false},
		{"a key more", `a:1795439290:{"vm":"a","x":[{"y":1}]}`, 1795439290, Entry{VM: "a", FailedAt: at}, false},
		{"JSON cut short", `a:1795439290:{"vm":"a"`, 1795439290, Entry{VM: "a", FailedAt: at}, true},
		{"not a count", `a:1795439290:{"retry_count":"x"}`, 1795439290, Entry{VM: "a", FailedAt: at}, true},
		{"no JSON", `a:1795439290:x`, 1795439290, Entry{FailedAt: at}, true},
		{"no epoch", `a:{"vm":"a"}`, 1795439290, Entry{FailedAt: at}, true},
		{"empty", ``, 1795439290, Entry{FailedAt: at}, true},
		{"an infinite score", `rubbish`, math.Inf(1), Entry{}, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r, err := Decode("clone", tc.member, tc.score)
			if (err != nil) != tc.unreadable || tc.unreadable != errors.Is(r.Err, ErrUnreadable) {
				t.Errorf("error %v", err)
			}
			tc.want.Queue = "clone"
			if d := cmp.Diff(tc.want, r.Entry); d != "" {
				t.Error(d)
			}
			if r.Raw != tc.member || r.ID != MemberID("clone", tc.member) || r.Score != tc.score {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestEncodeWritesTheTimeInUTCAndLeavesHTMLAlone(t *testing.T) {
	member, score := Encode(Entry{
		VM: "a", Pool: "p", QueueFrom: "ready", ErrorClass: "X", ErrorMessage: `<b> & "c"`,
		FailedAt: time.Unix(1795439290, 999_000_000).In(time.FixedZone("", 3600)),
	})
	const want = `a:1795439290:{"vm":"a","pool":"p","queue_from":"ready","error_class":"X",` +
		`"error_message":"<b> & \"c\"","failed_at":"2026-11-23T13:08:10+00:00"}`
	if member != want || score != 1795439290 {
		t.Errorf("%v %s", score, member)
	}
}

func TestAnIDIsTheSameForEveryReader(t *testing.T) {
	if got := MemberID("clone", `a:1:{}`); got != "clone-607b1d2af51a" {
		t.Error(got)
	}
	if MemberID("clone", "a") == MemberID("ready", "a") || MemberID("clone", "a") == MemberID("clone", "b") {
		t.Error("two members share an ID")
	}
}

func FuzzDecode(f *testing.F) {
	for _, w := range testredis.CaptureHardOwn().Writes[:200] {
		if w.Command[0] == "zadd" {
			f.Add(w.Command[3], 1795439290.0)
		}
	}
	f.Add(`a:1:{"retry_count":"\ud800"}`, math.NaN())
	f.Add(":{::{", -1.5)
	f.Fuzz(func(t *testing.T, member string, score float64) {
		r, err := Decode("clone", member, score)
		if r.ID == "" || r.Raw != member || (err == nil) != (r.Err == nil) {
			t.Fatalf("%+v, %v", r, err)
		}
		if err == nil && !json.Valid([]byte(member[strings.Index(member, ":{")+1:])) {
			t.Fatalf("%q was readable", member)
		}
	})
}

// What is written is read as the same entry, whatever is in it.
func FuzzEncode(f *testing.F) {
	f.Add("pix-odd-island", "debian-12-x86_64", "RuntimeError", "no space left", "3a367972", "debian", int64(1795439290), 2)
	f.Add("a:b", "", "", "<b> & \"c\" \\ \x00\x1b\u2028\u202e", "", "", int64(0), -1)
	f.Add("\xff", "\xc3", "é\xf0", "tab\t :{ :1:{}", ":", "{", int64(253402300799), math.MaxInt)
	f.Fuzz(func(t *testing.T, vm, pool, class, message, request, alias string, epoch int64, retries int) {
		const year10000 = 253402300800
		if epoch < 0 || epoch >= year10000 || vm == "" || strings.Contains(vm, ":{") {
			return // no time that JSON has, or no name of a VM
		}
		valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
		e := Entry{
			Queue: "ready", QueueFrom: "ready", VM: valid(vm), Pool: valid(pool), ErrorClass: valid(class), ErrorMessage: valid(message),
			RequestID: valid(request), PoolAlias: valid(alias), FailedAt: time.Unix(epoch, 0).UTC(),
		}
		if retries >= 0 {
			e.RetryCount = &retries
		}
		member, score := Encode(e)
		r, err := Decode("ready", member, score)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, r.Entry); d != "" || score != float64(epoch) {
			t.Errorf("score %v, of %d\n%s", score, epoch, d)
		}
		if name, _, ok := splitMember(member); !ok || name != e.VM {
			t.Errorf("the member %q is %q's", member, name)
		}
	})
}
