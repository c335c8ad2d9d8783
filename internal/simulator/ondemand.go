package simulator

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// keepReady is how long the hash of a request that became ready stays.
const keepReady = 30 * 24 * time.Hour

// ondemandLoop is one turn of the manager's loop over requests: new ones are
// taken up, VMs that are due are cloned, and overdue ones fail.
func (s *Simulator) ondemandLoop(ctx context.Context, at time.Time) error {
	var queued, due, waiting *redis.ZSliceCmd
	var tasks *redis.StringCmd
	err := s.read(ctx, func(pipe redis.Pipeliner) {
		queued = pipe.ZRangeWithScores(ctx, vmpooler.KeyRequestQueue, 0, -1)
		due = pipe.ZRangeWithScores(ctx, vmpooler.KeyOndemandCreate, 0, -1)
		waiting = pipe.ZRangeWithScores(ctx, vmpooler.KeyRequestProcessing, 0, -1)
		tasks = pipe.Get(ctx, vmpooler.KeyTasksOndemandClone)
	})
	if err != nil {
		return err
	}
	if err := s.takeUp(ctx, at, queued.Val()); err != nil {
		return err
	}
	cloning, _ := strconv.Atoi(tasks.Val())
	s.cloneDue(at, due.Val(), cloning)
	s.expireRequests(at, waiting.Val())
	return nil
}

// takeUp turns new requests into VMs to clone. One whose hash is not there is
// dropped, as vmpooler does.
func (s *Simulator) takeUp(ctx context.Context, at time.Time, queued []redis.Z) error {
	if len(queued) == 0 {
		return nil
	}
	texts := make([]*redis.StringCmd, len(queued))
	err := s.read(ctx, func(pipe redis.Pipeliner) {
		for i, z := range queued {
			texts[i] = pipe.HGet(ctx, vmpooler.RequestKey(z.Member.(string)), vmpooler.FieldRequested)
		}
	})
	if err != nil {
		return err
	}
	for i, z := range queued {
		id, text := z.Member.(string), texts[i].Val()
		if text == "" {
			s.do("zrem", vmpooler.KeyRequestQueue, id)
			delete(s.requests, id)
			continue
		}
		if s.requests[id] == nil {
			s.requests[id] = s.parseRequest(id, text)
		}
		for item := range strings.SplitSeq(text, ",") {
			s.do("zadd", vmpooler.KeyOndemandCreate, at.Unix(), item+":"+id)
		}
		s.do("zrem", vmpooler.KeyRequestQueue, id)
		s.do("zadd", vmpooler.KeyRequestProcessing, rubyFloat(z.Score), id)
	}
	return nil
}

// rubyFloat prints a score that was read back, which Ruby sends as a float.
func rubyFloat(score float64) string { return strconv.FormatFloat(score, 'f', 1, 64) }

// cloneDue begins the clones of items <alias>:<pool>:<count>:<id>, as far as
// the limit goes; what remains of an item waits as an item of its own.
func (s *Simulator) cloneDue(at time.Time, due []redis.Z, cloning int) {
	for _, z := range due {
		free := s.opts.OndemandCloneLimit - cloning
		if free <= 0 {
			return
		}
		item := z.Member.(string)
		part, count := s.parseDue(item)
		n := min(count, free)
		for range n {
			s.do("incr", vmpooler.KeyTasksOndemandClone)
			cloning++
			part.pool.cloningOndemand++
			s.startClone(at, part.pool, part)
		}
		s.do("zrem", vmpooler.KeyOndemandCreate, item)
		if rest := count - n; rest > 0 {
			s.do("zadd", vmpooler.KeyOndemandCreate, rubyFloat(z.Score), dueItem(part, rest))
		}
	}
}

// parseDue reads an item. Nothing is to be cloned for a request that was
// forgotten, or that asks for no pool of ours.
func (s *Simulator) parseDue(item string) (*requestPart, int) {
	f := strings.Split(item, ":")
	if len(f) != 4 {
		return nil, 0
	}
	r, p := s.requests[f[3]], s.pool(f[1])
	if r == nil || p == nil {
		return nil, 0
	}
	part := r.part(p, f[0])
	if part == nil {
		return nil, 0
	}
	count, _ := strconv.Atoi(f[2])
	return part, count
}

func dueItem(part *requestPart, count int) string {
	return part.alias + ":" + part.pool.Name + ":" + strconv.Itoa(count) + ":" + part.request.id
}

// expireRequests fails requests that have waited too long, and takes the VMs
// back that they were given.
func (s *Simulator) expireRequests(at time.Time, waiting []redis.Z) {
	for _, z := range waiting {
		began := time.Unix(int64(z.Score), 0)
		if at.Sub(began) <= s.opts.RequestTTL {
			continue
		}
		id := z.Member.(string)
		s.do("zrem", vmpooler.KeyRequestProcessing, id)
		s.do("hset", vmpooler.RequestKey(id), vmpooler.FieldStatus, string(vmpooler.RequestFailed))
		s.expire(at, vmpooler.RequestKey(id), s.opts.DataTTL)
		r := s.requests[id]
		if r == nil {
			continue
		}
		for _, part := range r.parts {
			for _, v := range part.vms {
				s.do("smove", vmpooler.Running.Key(part.pool.Name), vmpooler.Completed.Key(part.pool.Name), v.name)
			}
			s.expire(at, vmpooler.RequestVMsKey(id, part.alias, part.pool.Name), s.opts.DataTTL)
		}
		delete(s.requests, id)
	}
}

// standing reads a request's status and its retries so far.
func (s *Simulator) standing(ctx context.Context, id string) (status vmpooler.RequestStatus, retries int, err error) {
	var values *redis.SliceCmd
	err = s.read(ctx, func(pipe redis.Pipeliner) {
		values = pipe.HMGet(ctx, vmpooler.RequestKey(id), vmpooler.FieldStatus, vmpooler.FieldRetryCount)
	})
	if err != nil {
		return "", 0, err
	}
	text := func(i int) string {
		t, _ := values.Val()[i].(string) // nil where there is none
		return t
	}
	retries, _ = strconv.Atoi(text(1))
	return vmpooler.RequestStatus(text(0)), retries, nil
}

func over(status vmpooler.RequestStatus) bool {
	return status == vmpooler.RequestFailed || status == vmpooler.RequestDeleted
}

// giveToRequest hands a VM that answers over to its request. It returns false
// where there is no such request any more, and the VM is given up.
func (s *Simulator) giveToRequest(ctx context.Context, at time.Time, v *vm) (bool, error) {
	status, _, err := s.standing(ctx, v.request)
	if err != nil {
		return false, err
	}
	p, r := v.pool, s.requests[v.request]
	var part *requestPart
	if r != nil {
		part = r.part(p, v.alias)
	}
	if over(status) || part == nil {
		s.move(p, v.name, vmpooler.Pending, vmpooler.Completed)
		return false, nil
	}
	s.handOver(at, v, r.user)
	s.do("sadd", vmpooler.RequestVMsKey(r.id, v.alias, p.Name), v.name)
	s.move(p, v.name, vmpooler.Pending, vmpooler.Running)
	if !slices.Contains(part.vms, v) {
		part.vms = append(part.vms, v)
	}
	if status != vmpooler.RequestReady && r.complete() {
		s.do("hset", vmpooler.RequestKey(r.id), vmpooler.FieldStatus, string(vmpooler.RequestReady))
		s.expire(at, vmpooler.RequestKey(r.id), keepReady)
		s.do("zrem", vmpooler.KeyRequestProcessing, r.id)
		s.requestReady(at, r)
	}
	return true, nil
}

// retryClone asks for another VM in the place of one whose clone failed, and
// returns the command that vmpooler sends a second time. Where there is no
// retry left, or none can help, the request has failed.
func (s *Simulator) retryClone(ctx context.Context, v *vm, canHelp bool) ([]any, error) {
	_, retries, err := s.standing(ctx, v.request)
	part := &requestPart{request: &request{id: v.request}, alias: v.alias, pool: v.pool}
	key := vmpooler.RequestKey(v.request)
	if err != nil {
		return nil, err
	}
	if !canHelp || retries >= s.opts.MaxRetries {
		s.do("hset", key, vmpooler.FieldStatus, string(vmpooler.RequestFailed))
		s.do("zadd", vmpooler.KeyOndemandCreate, 0, dueItem(part, 0))
		return nil, nil
	}
	again := []any{"zadd", vmpooler.KeyOndemandCreate, 1, dueItem(part, 1)}
	s.do("hincrby", key, vmpooler.FieldRetryCount, 1)
	s.do(again...)
	return again, nil
}

// retryTimedOut does the same for a VM that did not answer in time.
func (s *Simulator) retryTimedOut(ctx context.Context, v *vm) error {
	status, retries, err := s.standing(ctx, v.request)
	if err != nil || over(status) {
		return err
	}
	key := vmpooler.RequestKey(v.request)
	part := &requestPart{request: &request{id: v.request}, alias: v.alias, pool: v.pool}
	if retries >= s.opts.MaxRetries {
		s.do("hset", key, vmpooler.FieldStatus, string(vmpooler.RequestFailed))
		s.do("hset", key, vmpooler.FieldFailureReason, "Max retry attempts exceeded")
		return nil
	}
	s.do("hset", key, vmpooler.FieldRetryCount, retries+1)
	s.do("zadd", vmpooler.KeyOndemandCreate, 1, dueItem(part, 1))
	return nil
}
