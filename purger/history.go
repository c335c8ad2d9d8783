package purger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// HistoryFilter chooses records; an empty field chooses all.
type HistoryFilter struct {
	Pool, VM, RequestID, Plan string
	Limit                     int    // at least 1
	Before                    string // the Next of the page before
}

// HistoryPage is some records, newest first.
type HistoryPage struct {
	Records []Record `json:"records"`
	// Next is where the next page begins; empty on the last one.
	Next string `json:"next_cursor"`
	// Unreadable counts entries of the stream that are no records.
	Unreadable int `json:"unreadable"`
}

// historyBatch is how many entries of the stream are read at once.
const historyBatch = 500

// History returns what was purged, newest first, from the stream. The error is
// Redis's, and names the stream.
func History(ctx context.Context, client redis.UniversalClient, f HistoryFilter) (HistoryPage, error) {
	page := HistoryPage{Records: []Record{}}
	end := "+"
	if f.Before != "" {
		end = "(" + f.Before
	}
	for {
		entries, err := client.XRevRangeN(ctx, KeyAudit, end, "-", historyBatch).Result()
		if err != nil {
			return HistoryPage{}, fmt.Errorf("%s: %w", KeyAudit, err)
		}
		for _, e := range entries {
			text, _ := e.Values["entry"].(string)
			var r Record
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				page.Unreadable++
				continue
			}
			if !f.matches(&r) {
				continue
			}
			if len(page.Records) == f.Limit {
				return page, nil
			}
			page.Records = append(page.Records, r)
			page.Next = e.ID
		}
		if len(entries) < historyBatch {
			page.Next = ""
			return page, nil
		}
		end = "(" + entries[len(entries)-1].ID
	}
}

func (f *HistoryFilter) matches(r *Record) bool {
	for _, x := range [...]struct{ want, is string }{
		{f.Pool, r.Pool}, {f.VM, r.VM}, {f.RequestID, r.RequestID}, {f.Plan, r.Plan},
	} {
		if x.want != "" && x.want != x.is {
			return false
		}
	}
	return true
}
