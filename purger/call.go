package purger

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// call is what a script gets, as scripts/prelude.lua says. One for VMs is joined from
// those of several actions.
type call struct {
	script *redis.Script
	keys   []string // of the pool; for a request all but the lease
	hashes []string // of VMs
	pool   []any    // from the pool to what the VMs share; for a request everything
	vms    []any    // each VM's own
}

// join adds the VMs of another call of the same batch.
func (c *call) join(next call) {
	c.hashes, c.vms = append(c.hashes, next.hashes...), append(c.vms, next.vms...)
}

// run sends it. What is returned is a code and a detail for each VM, or of the
// request.
func (c *call) run(ctx context.Context, client redis.Scripter, fence lease.Fence) ([]string, error) {
	args := []any{fence.Token}
	if len(c.hashes) > 0 {
		args = append(args, len(c.hashes))
	}
	reply, err := c.script.Run(ctx, client, slices.Concat(c.keys, c.hashes, []string{fence.Key}), slices.Concat(args, c.pool, c.vms)...).StringSlice()
	return reply, lease.Check(err)
}

// Classes of the dead letters that a purge writes.
const (
	ClassPurge   = "Purge"   // it was pending for too long
	ClassMissing = "Missing" // its provider does not have it
)

// batched says whether a script can take both actions in one call.
func (a *Action) batched(b *Action) bool {
	return a.Target != Request && a.Target == b.Target && a.Pool == b.Pool && a.Queue == b.Queue && a.Check.MinAge == b.Check.MinAge
}

// script returns the call of an action. It is pure; now is a dead letter's time, by
// the Redis server's clock. l is of an orphan alone.
func (a *Action) script(s *Settings, pools []string, now time.Time, l look) call {
	if a.Target == Request {
		return a.requestCall(s)
	}
	c := call{
		hashes: []string{vmpooler.VMKey(a.VM)},
		pool:   []any{a.Pool, strings.Join(pools, "\n"), a.Check.MinAge.Seconds()},
		vms:    []any{a.VM, a.Check.Field, a.Check.Text, a.Check.Clone, epoch(a.Check.Since, a.Check.MinAge)},
	}
	if a.Target == Orphaned {
		c.script, c.pool = orphanedScript, append(c.pool, int64(orphanTTL/time.Second), l.after.Seconds())
		c.vms = append(c.vms, l.before)
		return c
	}
	c.keys = []string{a.Queue.Key(a.Pool)}
	switch a.Queue {
	case vmpooler.Pending:
		a.pendingCall(&c, s, now)
	case vmpooler.Ready:
		c.script, c.keys = readyScript, append(c.keys, vmpooler.Completed.Key(a.Pool))
	case vmpooler.Completed:
		c.script = completedScript
	case vmpooler.Running, vmpooler.Discovered, vmpooler.Migrating:
		// no plan has one, see maker.vms; the nil script stops it
	}
	return c
}

// epoch is since when an entry has been what it is; "" where that is no condition.
func epoch(since time.Time, least time.Duration) string {
	if since.IsZero() || least <= 0 {
		return ""
	}
	return strconv.FormatInt(since.Unix(), 10)
}

func (a *Action) pendingCall(c *call, s *Settings, now time.Time) {
	c.script = pendingScript
	if !s.DeadLetters {
		c.pool, c.vms = append(c.pool, int64(s.DataTTL/time.Second), 0), append(c.vms, "", "")
		return
	}
	class := ClassPurge
	if a.Target == Ghost {
		class = ClassMissing
	}
	l := dlq.NewLetter(dlq.Entry{
		Queue: "pending", VM: a.VM, Pool: a.Pool, ErrorClass: class, ErrorMessage: a.Reason,
		FailedAt: now.Truncate(time.Second), RequestID: a.request, PoolAlias: a.alias, RetryCount: &a.retries,
	}, s.DLQTTL)
	c.keys = append(c.keys, l.Queue, l.Index)
	c.pool = append(c.pool, int64(s.DataTTL/time.Second), l.Lives.Milliseconds())
	c.vms = append(c.vms, l.Member, l.Score)
}

func (a *Action) requestCall(s *Settings) call {
	return call{
		script: requestScript,
		keys: []string{
			vmpooler.RequestKey(a.RequestID), vmpooler.KeyRequestQueue, vmpooler.KeyRequestProcessing, vmpooler.KeyOndemandCreate,
		},
		pool: []any{
			a.RequestID, a.Check.Text, a.Check.Since.Unix(), a.Check.MinAge.Seconds(),
			"Purged: " + a.Reason, int64(s.DataTTL / time.Second),
		},
	}
}
