package live

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// MostRequests is how many on-demand requests a View has at the most.
const MostRequests = 200

// Request is an on-demand request that waits or is being worked on.
type Request struct {
	ID        string
	Made      time.Time
	Status    string // "" for one that vmpooler has not looked at
	Requested string // as its hash has it: <alias>:<pool>:<count>[,…]
	Retries   int
}

// requestList is what a reading of them gives.
type requestList struct {
	list  []Request
	total int
}

// readRequests reads the requests that wait or are being worked on, the oldest first
// and no more than MostRequests of them.
func readRequests(ctx context.Context, r *vmpooler.Reader) (*requestList, error) {
	made, err := r.WaitingRequests(ctx)
	if err != nil {
		return nil, err
	}
	ids := slices.SortedFunc(maps.Keys(made), func(a, b string) int {
		return cmp.Or(made[a].Compare(made[b]), strings.Compare(a, b))
	})
	out := &requestList{total: len(ids)}
	ids = ids[:min(len(ids), MostRequests)]
	records, err := r.Requests(ctx, ids, []string{vmpooler.FieldStatus, vmpooler.FieldRequested, vmpooler.FieldRetryCount})
	if err != nil {
		return nil, err
	}
	fields := make(map[string]map[string]string, len(records))
	for _, rec := range records {
		fields[rec.ID] = rec.Fields
	}
	for _, id := range ids {
		retries, err := strconv.Atoi(fields[id][vmpooler.FieldRetryCount])
		if err != nil {
			retries = 0
		}
		out.list = append(out.list, Request{
			ID: id, Made: made[id], Retries: retries,
			Status: fields[id][vmpooler.FieldStatus], Requested: fields[id][vmpooler.FieldRequested],
		})
	}
	return out, nil
}
