package purger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// recorded writes n records, of pools p0 to p9 in turn, and one entry in every 100
// that is none. The stream's ids are 1-1, 2-1 and so on.
func recorded(t *testing.T, c *redis.Client, n int) {
	t.Helper()
	pipe := c.Pipeline()
	for i := 1; i <= n; i++ {
		text, err := json.Marshal(Record{
			At: planMade.Add(time.Duration(i) * time.Second), Who: "loop", Plan: fmt.Sprintf("plan%d", i/1000), Target: Pending,
			Pool: fmt.Sprintf("p%d", i%10), VM: fmt.Sprintf("vm%d", i), Outcome: Applied,
		})
		if err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			text = []byte("no record")
		}
		pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: KeyAudit, ID: fmt.Sprintf("%d-1", i), Values: []any{"entry", text}})
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestHistoryOfNothingIsEmpty(t *testing.T) {
	page, err := History(t.Context(), server.Client(t), HistoryFilter{Limit: 1})
	if err != nil || page.Records == nil || len(page.Records) != 0 || page.Next != "" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestHistoryPageByPageHasEachRecordOnce(t *testing.T) {
	c := server.Client(t)
	recorded(t, c, 1203)
	for name, tc := range map[string]struct {
		filter  HistoryFilter
		records int
		newest  string
	}{
		"all":              {HistoryFilter{Limit: 500}, 1191, "vm1203"},
		"a page and a bit": {HistoryFilter{Limit: 1190}, 1191, "vm1203"},
		"exactly one page": {HistoryFilter{Limit: 1191}, 1191, "vm1203"},
		"one pool":         {HistoryFilter{Limit: 7, Pool: "p3"}, 121, "vm1203"},
		"one plan":         {HistoryFilter{Limit: 100, Plan: "plan1"}, 201, "vm1203"},
		"one VM":           {HistoryFilter{Limit: 5, VM: "vm2"}, 1, "vm2"},
		"no request":       {HistoryFilter{Limit: 5, RequestID: "r"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []string
			unreadable := 0
			for {
				page, err := History(t.Context(), c, tc.filter)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Records) > tc.filter.Limit || page.Next != "" && len(page.Records) != tc.filter.Limit {
					t.Fatalf("a page of %d, next %q", len(page.Records), page.Next)
				}
				for _, r := range page.Records {
					seen = append(seen, r.VM)
				}
				unreadable += page.Unreadable
				if page.Next == "" {
					break
				}
				tc.filter.Before = page.Next
			}
			if len(seen) != tc.records || len(seen) > 0 && seen[0] != tc.newest {
				t.Errorf("%d records, from %v", len(seen), seen[:min(len(seen), 1)])
			}
			slices.Sort(seen)
			if len(slices.Compact(seen)) != tc.records {
				t.Error("one came twice")
			}
			if unreadable < 12 {
				t.Errorf("%d unreadable", unreadable)
			}
		})
	}
}

func TestHistoryNamesTheStreamThatIsNone(t *testing.T) {
	c := server.Client(t)
	if err := c.Set(t.Context(), KeyAudit, "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := History(t.Context(), c, HistoryFilter{Limit: 1}); err == nil || !strings.Contains(err.Error(), KeyAudit+": WRONGTYPE") {
		t.Error(err)
	}
}
