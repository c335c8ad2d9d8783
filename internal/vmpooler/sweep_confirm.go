package vmpooler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// confirm looks a second time at what seemed leaked or lost, after it must
// have found its queue if it was only on its way to one.
func (s *sweep) confirm(ctx context.Context) error {
	if len(s.candidates)+len(s.lost) == 0 {
		return nil
	}
	if wait := s.opts.ConfirmAfter - time.Since(s.seenLast); wait > 0 {
		if err := s.opts.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	leaked, err := s.reader.confirmLeaked(ctx, s.candidates)
	if err != nil {
		return err
	}
	lost, err := s.reader.confirmLost(ctx, s.lost)
	if err != nil {
		return err
	}
	s.result.Leaked += leaked
	s.result.LostRequests += lost
	clear(s.candidates)
	clear(s.lost)
	return nil
}

// confirmLeaked counts those of the VMs that are still in no queue, with a
// hash that names a pool and has no TTL.
func (r *Reader) confirmLeaked(ctx context.Context, vms map[string]struct{}) (int64, error) {
	if len(vms) == 0 {
		return 0, nil
	}
	live, err := r.readMembership(ctx)
	if err != nil {
		return 0, err
	}
	pipe := r.client.Pipeline()
	var reads []hashRead
	for vm := range vms {
		if !live.has(vm) {
			reads = append(reads, hashRead{vm: vm, ttl: pipe.PTTL(ctx, VMKey(vm)), fields: pipe.HMGet(ctx, VMKey(vm), FieldPool)})
		}
	}
	if len(reads) == 0 {
		return 0, nil
	}
	if _, err := pipe.Exec(ctx); refusesAll(err) {
		return 0, err
	}
	var n int64
	for _, h := range reads {
		values := h.fields.Val()
		if h.ttl.Err() == nil && h.ttl.Val() == noTTL && len(values) > 0 && values[0] != nil {
			n++
		}
	}
	return n, nil
}

// confirmLost counts those of the requests that are still pending and in no zset.
func (r *Reader) confirmLost(ctx context.Context, ids map[string]struct{}) (int64, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	waiting, err := r.readWaiting(ctx)
	if err != nil {
		return 0, err
	}
	pipe := r.client.Pipeline()
	var hashes []*redis.SliceCmd
	for id := range ids {
		if _, ok := waiting[id]; !ok {
			hashes = append(hashes, pipe.HMGet(ctx, RequestKey(id), requestFields...))
		}
	}
	if len(hashes) == 0 {
		return 0, nil
	}
	if _, err := pipe.Exec(ctx); refusesAll(err) {
		return 0, err
	}
	var n int64
	for _, c := range hashes {
		if values := c.Val(); len(values) == len(requestFields) && requestStatus(values) == RequestPending {
			n++
		}
	}
	return n, nil
}

// readWaiting returns the ids of all requests that are in one of the zsets.
func (r *Reader) readWaiting(ctx context.Context) (map[string]struct{}, error) {
	pipe := r.client.Pipeline()
	keys := [...]string{KeyRequestQueue, KeyRequestProcessing, KeyOndemandCreate}
	var cmds [len(keys)]*redis.StringSliceCmd
	for i, key := range keys {
		cmds[i] = pipe.ZRange(ctx, key, 0, -1)
	}
	if _, err := pipe.Exec(ctx); refusesAll(err) {
		return nil, fmt.Errorf("read the requests' queues: %w", err)
	}
	ids := make(map[string]struct{})
	var errs error
	for i, c := range cmds {
		errs = errors.Join(errs, keyErr(keys[i], c.Err()))
		for _, member := range c.Val() {
			ids[requestID(member)] = struct{}{}
		}
	}
	return ids, errs
}

// requestID takes the id off a member of odcreate__task,
// <alias>:<pool>:<count>:<id>; other members are ids themselves. An id holds
// no colon, though an alias or a pool may.
func requestID(member string) string {
	return member[strings.LastIndexByte(member, ':')+1:]
}
