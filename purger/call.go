package purger

import (
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// call is an action as its script gets it; the lease is added when it is sent.
type call struct {
	script *redis.Script
	keys   []string
	args   []any
}

// Classes of the dead letters that a purge writes.
const (
	ClassPurge   = "Purge"   // it was pending for too long
	ClassMissing = "Missing" // its provider does not have it
)

// script returns the call of an action, whose keys and arguments are described in
// scripts/prelude.lua. It is pure; now is a dead letter's time, by the Redis
// server's clock.
func (a *Action) script(s *Settings, pools []string, now time.Time) call {
	if a.Target == Request {
		return a.requestCall(s)
	}
	c := call{
		keys: []string{vmpooler.VMKey(a.VM)},
		args: []any{
			a.VM, a.Check.Field, a.Check.Text, a.Check.Clone, epoch(a.Check.Since, a.Check.MinAge), a.Check.MinAge.Seconds(),
			a.Pool, strings.Join(pools, "\n"),
		},
	}
	if a.Target == Orphaned {
		c.script, c.args = orphanedScript, append(c.args, int64(orphanTTL/time.Second)) // and the look's, see Applier.look
		return c
	}
	c.keys = append(c.keys, a.Queue.Key(a.Pool))
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
	c.script, c.args = pendingScript, append(c.args, int64(s.DataTTL/time.Second))
	if !s.DeadLetters {
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
	c.args = append(c.args, l.Member, l.Score, l.Lives.Milliseconds())
}

func (a *Action) requestCall(s *Settings) call {
	return call{
		script: requestScript,
		keys: []string{
			vmpooler.RequestKey(a.RequestID), vmpooler.KeyRequestQueue, vmpooler.KeyRequestProcessing, vmpooler.KeyOndemandCreate,
		},
		args: []any{
			a.RequestID, a.Check.Text, a.Check.Since.Unix(), a.Check.MinAge.Seconds(),
			"Purged: " + a.Reason, int64(s.DataTTL / time.Second),
		},
	}
}
