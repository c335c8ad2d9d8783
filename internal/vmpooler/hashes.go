package vmpooler

import (
	"context"
	"fmt"
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
	return r.hashes(ctx, vms, VMKey, fields)
}

// hashes reads these fields of the hashes with these names.
func (r *Reader) hashes(ctx context.Context, names []string, key func(string) string, fields []string) ([]HashRecord, error) {
	out := make([]HashRecord, 0, len(names))
	for len(names) > 0 {
		n := min(hashBatch, len(names))
		pipe := r.client.Pipeline()
		reads := make([]hashRead, n)
		for i, name := range names[:n] {
			reads[i] = hashRead{vm: name, ttl: pipe.PTTL(ctx, key(name)), fields: pipe.HMGet(ctx, key(name), fields...)}
		}
		if _, err := pipe.Exec(ctx); refusesAll(err) {
			return nil, fmt.Errorf("read hashes: %w", err)
		}
		for i := range reads {
			if rec := reads[i].record(fields); len(rec.Fields) > 0 {
				out = append(out, rec)
			}
		}
		names = names[n:]
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
