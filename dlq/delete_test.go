package dlq

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// dump is the whole database, to be compared with a later one.
func dump(tb testing.TB, c *redis.Client) string {
	tb.Helper()
	keys, err := c.Keys(tb.Context(), "*").Result()
	if err != nil {
		tb.Fatal(err)
	}
	slices.Sort(keys)
	var all string
	for _, key := range keys {
		value, err := c.Dump(tb.Context(), key).Result()
		if err != nil {
			tb.Fatal(err)
		}
		all += fmt.Sprintf("%q %q\n", key, value)
	}
	return all
}

func TestDeleteByID(t *testing.T) {
	c := server.Client(t)
	ids := few(t, c)
	d, err := Delete(t.Context(), c, []string{ids[0], ids[3], ids[0]}, false)
	if err != nil || d != (Deleted{Matched: 2, Removed: 2}) {
		t.Errorf("%+v, %v", d, err)
	}
	left := vms(list(t, c, Filter{Queues: []string{"pending", "clone", "ready", "custom"}}))
	if !slices.Equal(left, []string{"pix-b-two", "pix-c-three"}) {
		t.Errorf("left: %v", left)
	}
}

func TestDeleteMatching(t *testing.T) {
	c := server.Client(t)
	few(t, c)
	putRaw(t, c, "clone", "garbage", 7)
	d, err := DeleteMatching(t.Context(), c, Filter{Pool: "debian"}, 5, false)
	if err != nil || d != (Deleted{Matched: 2, Removed: 2}) {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err = DeleteMatching(t.Context(), c, Filter{Queues: []string{"clone"}}, 1, false); err != nil || d.Removed != 1 {
		t.Errorf("garbage: %+v, %v", d, err)
	}
	if left := vms(list(t, c, Filter{})); !slices.Equal(left, []string{"pix-b-two"}) {
		t.Errorf("left: %v", left)
	}
}

func TestDeleteInBatches(t *testing.T) {
	c := server.Client(t)
	const n = 2*deleteBatch + 1
	for i := range n {
		putRaw(t, c, "clone", fmt.Sprintf("vm-%d:1:{}", i), 1.5)
	}
	if d, err := DeleteMatching(t.Context(), c, Filter{}, n, false); err != nil || d.Removed != n {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestDeletionsThatAreRefusedChangeNothing(t *testing.T) {
	c := server.Client(t)
	ids := few(t, c)
	c.Set(t.Context(), vmpooler.DLQKey("text"), "a string", time.Hour)
	before := besides(t, c)

	var many *TooManyError
	if _, err := DeleteMatching(t.Context(), c, Filter{}, 2, false); !errors.As(err, &many) || many.Matched != 3 {
		t.Errorf("too many: %v", err)
	}
	var none *NotFoundError
	if _, err := Delete(t.Context(), c, []string{ids[0], "clone-000000000000"}, false); !errors.As(err, &none) {
		t.Errorf("not there: %v", err)
	}
	if d, err := Delete(t.Context(), c, ids[:1], true); err != nil || d != (Deleted{Matched: 1}) {
		t.Errorf("dry run: %+v, %v", d, err)
	}
	if d, err := DeleteMatching(t.Context(), c, Filter{}, math.MaxInt, true); err != nil || d != (Deleted{Matched: 3}) {
		t.Errorf("dry run of a filter: %+v, %v", d, err)
	}
	if _, err := DeleteMatching(t.Context(), c, Filter{Queues: []string{""}}, 9, false); !errors.Is(err, ErrFilter) {
		t.Errorf("filter: %v", err)
	}
	if d, err := remove(t.Context(), c, []member{{queue: "text", raw: "a", score: 1}}, false); err == nil || d.Removed != 0 {
		t.Errorf("another type: %+v, %v", d, err)
	}
	if after := besides(t, c); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// What was recorded anew in the meantime is another entry.
func TestDeleteLeavesWhatChangedMeanwhile(t *testing.T) {
	c := server.Client(t)
	putRaw(t, c, "clone", "stays:1:{}", 2)
	before := besides(t, c)
	d, err := remove(t.Context(), c, []member{{"clone", "stays:1:{}", 1}, {"clone", "gone:1:{}", 1}}, false)
	if err != nil || d != (Deleted{Matched: 2}) {
		t.Errorf("%+v, %v", d, err)
	}
	if after := besides(t, c); after != before {
		t.Error("it changed something")
	}
}

func TestDeleteWithoutPermission(t *testing.T) {
	c := server.Client(t)
	few(t, c)
	if err := c.Do(t.Context(), "ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@read", "+@connection").Err(); err != nil {
		t.Fatal(err)
	}
	reader := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Socket, Username: "reader", Password: "x", DisableIdentity: true})
	defer reader.Close()
	before := besides(t, c)
	if _, err := DeleteMatching(t.Context(), reader, Filter{}, 9, false); err == nil {
		t.Error("no error")
	}
	if after := besides(t, c); after != before {
		t.Error("it changed something")
	}
}
