package vmpooler

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// RequestRecord is what was read of an on-demand request's hash.
type RequestRecord struct {
	ID     string
	Fields map[string]string // those of the asked ones that are there
	TTL    time.Duration     // 0 if it has none
}

// Requests reads these fields of the requests' hashes, of which FieldToken must
// not be one. A request without a hash, or whose hash has none of the fields, is
// left out. The error is the connection's, wrapped.
func (r *Reader) Requests(ctx context.Context, ids, fields []string) ([]RequestRecord, error) {
	records, err := r.hashes(ctx, ids, RequestKey, fields)
	if err != nil {
		return nil, err
	}
	out := make([]RequestRecord, len(records))
	for i, rec := range records {
		out[i] = RequestRecord{ID: rec.VM, Fields: rec.Fields, TTL: rec.TTL}
	}
	return out, nil
}

// WaitingRequests returns the requests that wait or are being worked on, each
// with the time when it was made, in one round trip. The error is Redis's and
// names the key.
func (r *Reader) WaitingRequests(ctx context.Context) (map[string]time.Time, error) {
	keys := [...]string{KeyRequestQueue, KeyRequestProcessing}
	var reads [len(keys)]*redis.ZSliceCmd
	pipe := r.client.Pipeline()
	for i, key := range keys {
		reads[i] = pipe.ZRangeWithScores(ctx, key, 0, -1)
	}
	if _, err := pipe.Exec(ctx); refusesAll(err) {
		return nil, fmt.Errorf("read the requests that wait: %w", err)
	}
	out := make(map[string]time.Time)
	var errs firstErrors
	for i, key := range keys {
		errs.add(keyErr(key, reads[i].Err()))
		for _, z := range reads[i].Val() {
			out[z.Member.(string)] = time.Unix(int64(z.Score), 0).UTC()
		}
	}
	return out, errs.join()
}

// RequestRetries returns the retry_count of those of the on-demand requests whose
// hash has one. The error is the connection's, wrapped.
func (r *Reader) RequestRetries(ctx context.Context, ids []string) (map[string]int, error) {
	out := make(map[string]int)
	records, err := r.Requests(ctx, ids, []string{FieldRetryCount})
	if err != nil {
		return nil, fmt.Errorf("the requests' retries: %w", err)
	}
	for _, rec := range records {
		if n, err := strconv.Atoi(rec.Fields[FieldRetryCount]); err == nil {
			out[rec.ID] = n
		}
	}
	return out, nil
}
