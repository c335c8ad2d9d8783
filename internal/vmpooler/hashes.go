package vmpooler

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// HashRecord is what was read of a VM's hash.
type HashRecord struct {
	VM     string
	Fields map[string]string // those of the asked ones that are there
	TTL    time.Duration     // 0 if it has none
	Queued bool              // whether the VM is in a queue; known to a sweep only
}

// hashBatch is how many hashes one pipeline asks for.
const hashBatch = 500

// Hashes reads these fields of the VMs' hashes. A VM without a hash, or whose
// hash has none of the fields, is left out. The error is the connection's,
// wrapped.
func (r *Reader) Hashes(ctx context.Context, vms, fields []string) ([]HashRecord, error) {
	out := make([]HashRecord, 0, len(vms))
	for len(vms) > 0 {
		n := min(hashBatch, len(vms))
		pipe := r.client.Pipeline()
		reads := make([]hashRead, n)
		for i, vm := range vms[:n] {
			reads[i] = hashRead{vm: vm, ttl: pipe.PTTL(ctx, VMKey(vm)), fields: pipe.HMGet(ctx, VMKey(vm), fields...)}
		}
		if _, err := pipe.Exec(ctx); refusesAll(err) {
			return nil, fmt.Errorf("read the VMs' hashes: %w", err)
		}
		for i := range reads {
			if rec := reads[i].record(fields); len(rec.Fields) > 0 {
				out = append(out, rec)
			}
		}
		vms = vms[n:]
	}
	return out, nil
}

// hashRead is a hash that is asked for.
type hashRead struct {
	vm, request string
	ttl         *redis.DurationCmd
	fields      *redis.SliceCmd
}

// record returns what came back for these fields.
func (h *hashRead) record(fields []string) HashRecord {
	rec := HashRecord{VM: h.vm, Fields: make(map[string]string)}
	if ttl := h.ttl.Val(); h.ttl.Err() == nil && ttl > 0 {
		rec.TTL = ttl
	}
	for i, v := range h.fields.Val() {
		if text, ok := v.(string); ok {
			rec.Fields[fields[i]] = text
		}
	}
	return rec
}

// RequestRetries returns the retry_count of those of the on-demand requests whose
// hash has one. The error is the connection's, wrapped.
func (r *Reader) RequestRetries(ctx context.Context, ids []string) (map[string]int, error) {
	out := make(map[string]int)
	if len(ids) == 0 {
		return out, nil
	}
	pipe := r.client.Pipeline()
	cmds := make([]*redis.StringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.HGet(ctx, RequestKey(id), FieldRetryCount)
	}
	if _, err := pipe.Exec(ctx); refusesAll(err) {
		return nil, fmt.Errorf("read the requests' retries: %w", err)
	}
	for i, c := range cmds {
		if n, err := strconv.Atoi(c.Val()); err == nil {
			out[ids[i]] = n
		}
	}
	return out, nil
}
