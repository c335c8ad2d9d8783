package checkredis

import (
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// The patterns of the keys that the exporter touches.
const (
	KeysVmpooler = vmpooler.Prefix + "*"  // read, and written where a feature that writes is on
	KeysOwn      = "vmpooler_exporter__*" // its lease, audit stream and index of dead letters; not even read otherwise
)

// Keys of the exporter's own, as the samples use them.
const (
	keyAudit = "vmpooler_exporter__audit"
	keyLease = "vmpooler_exporter__lease"
	keyIndex = "vmpooler_exporter__dlq__pending"
)

// A Command is one that the exporter sends, or calls in a script.
type Command struct {
	Name string // in upper case, with its subcommand: "SCRIPT LOAD"

	// Optional says that the exporter has another way without it.
	Optional bool

	// Samples are harmless calls of it, one for each pattern of keys that it
	// is used on. A read is run as it stands, a write is only ever queued.
	Samples []Sample
}

// A Sample is one call of a command.
type Sample struct {
	Keys string // the pattern of the keys in Args; empty where there are none
	Args []any  // what follows the command's name
}

// rule returns the ACL rule that permits the command. Redis 6.2 understands
// +command|subcommand as well: it compares the first argument.
func (c Command) rule() string {
	return "+" + strings.ToLower(strings.ReplaceAll(c.Name, " ", "|"))
}

// words returns the whole command.
func (c Command) words(s Sample) []any {
	var w []any
	for part := range strings.FieldsSeq(c.Name) {
		w = append(w, part)
	}
	return append(w, s.Args...)
}

// noVM is a name that no VM has: samples find nothing under it.
const noVM = "check-redis"

var (
	dlq       = vmpooler.DLQKey("pending")
	completed = vmpooler.Completed.Key(noVM)
)

func plain(args ...any) []Sample { return []Sample{{Args: args}} }
func on(args ...any) []Sample    { return []Sample{{Keys: KeysVmpooler, Args: args}} }

func (c Command) andOwn(args ...any) Command {
	c.Samples = append(c.Samples, Sample{Keys: KeysOwn, Args: args})
	return c
}

// ReadCommands are all that the exporter needs to read. SORT_RO (from Redis 7.0)
// or SORT (before) answers for a whole queue in one command; without them it
// sends HMGETs in a pipeline, which takes about twice as long.
var ReadCommands = []Command{
	{Name: "GET", Samples: on(vmpooler.KeyTasksClone)},
	{Name: "HGET", Samples: on(vmpooler.KeyLastBoot, noVM)},
	{Name: "HGETALL", Samples: on(vmpooler.KeyPoolSizes)},
	{Name: "HMGET", Samples: on(vmpooler.VMKey(noVM), vmpooler.FieldClone)},
	{Name: "PTTL", Samples: on(vmpooler.KeyPools)},
	{Name: "SCAN", Samples: plain(0, "MATCH", vmpooler.VMKey("*"), "COUNT", 1)},
	{Name: "SCARD", Samples: on(vmpooler.KeyPools)},
	{Name: "SMEMBERS", Samples: on(vmpooler.KeyPools)},
	{Name: "SORT", Optional: true, Samples: on(sortArgs...)},
	{Name: "SORT_RO", Optional: true, Samples: on(sortArgs...)},
	{Name: "TIME", Samples: plain()},
	{Name: "ZCARD", Samples: on(vmpooler.KeyRequestQueue)},
	{Name: "ZRANGE", Samples: on(vmpooler.KeyRequestQueue, 0, 0, "WITHSCORES")},
}

// sortArgs asks for one pool's size. Its GET is what needs the permission to read
// every key: Redis can't know beforehand which keys the pattern will lead to.
var sortArgs = []any{vmpooler.KeyPools, "BY", "nosort", "LIMIT", 0, 1, "GET", vmpooler.PoolKey("*") + "->size"}

// WriteCommands are what dead letters, purge, the lease and the published
// health need besides: the commands that run scripts, and those in the scripts,
// which Redis checks against the same user.
var WriteCommands = []Command{
	{Name: "DEL", Samples: []Sample{{Keys: KeysOwn, Args: []any{keyLease}}}},
	{Name: "EVAL", Samples: on("return 1", 1, completed)},
	{Name: "EVALSHA", Samples: on(strings.Repeat("0", 40), 1, completed)},
	{Name: "EXISTS", Samples: on(vmpooler.Discovered.Key(noVM), completed)},
	{Name: "EXPIRE", Samples: on(vmpooler.VMKey(noVM), 3600)},
	{Name: "GET", Samples: []Sample{{Keys: KeysOwn, Args: []any{keyLease}}}},
	{Name: "HDEL", Samples: on(vmpooler.RequestKey(noVM), vmpooler.FieldStatus)},
	{Name: "HGET", Samples: on(vmpooler.VMKey(noVM), vmpooler.FieldDestroy)},
	{Name: "HSET", Samples: on(vmpooler.RequestKey(noVM), vmpooler.FieldStatus, "failed")},
	{Name: "HSETNX", Samples: on(vmpooler.RequestKey(noVM), vmpooler.FieldStatus, "failed")}, // requeue, purge
	{Name: "INCR", Samples: []Sample{{Keys: KeysOwn, Args: []any{keyLease + "__number"}}}},
	{Name: "PERSIST", Samples: on(vmpooler.RequestKey(noVM))},
	Command{Name: "PEXPIRE", Samples: on(dlq, 3600000)}.andOwn(keyLease, 3600000),
	Command{Name: "PTTL", Samples: on(dlq)}.andOwn(keyLease),
	{Name: "SCRIPT LOAD", Samples: plain("return 1")},
	{Name: "SET", Samples: []Sample{{Keys: KeysOwn, Args: []any{keyLease, noVM, "XX", "PX", 1}}}},
	{Name: "SISMEMBER", Samples: on(completed, noVM)},
	{Name: "SMEMBERS", Samples: on(completed)},
	{Name: "SMOVE", Samples: on(vmpooler.Ready.Key(noVM), completed, noVM)},
	{Name: "SREM", Samples: on(completed, noVM)},
	{Name: "TIME", Samples: plain()},
	{Name: "XADD", Samples: []Sample{{Keys: KeysOwn, Args: []any{keyAudit, "*", "event", noVM}}}},
	{Name: "XRANGE", Samples: []Sample{{Keys: KeysOwn, Args: []any{keyAudit, "-", "+", "COUNT", 1}}}},
	{Name: "XREVRANGE", Samples: []Sample{{Keys: KeysOwn, Args: []any{keyAudit, "+", "-", "COUNT", 1}}}},
	{Name: "TYPE", Samples: on(dlq)},
	Command{Name: "ZADD", Samples: on(dlq, 0, noVM)}.andOwn(keyIndex, 0, noVM),
	Command{Name: "ZCARD", Samples: on(dlq)}.andOwn(keyIndex),
	Command{Name: "ZRANGE", Samples: on(dlq, 0, 0)}.andOwn(keyIndex, 0, 0),
	{Name: "ZRANGEBYSCORE", Samples: on(dlq, 0, 0)}, // the dlq commands
	{Name: "ZREM", Samples: on(dlq, noVM)},
	Command{Name: "ZREMRANGEBYRANK", Samples: on(dlq, 0, 0)}.andOwn(keyIndex, 0, 0),
	Command{Name: "ZREMRANGEBYSCORE", Samples: on(dlq, "-inf", 0)}.andOwn(keyIndex, "-inf", 0),
	{Name: "ZREVRANGEBYSCORE", Samples: on(dlq, 0, 0)},
	{Name: "ZSCORE", Samples: on(dlq, noVM)},
}

// queueCommands are what this package needs to ask about writing without
// writing. Neither gives a right by itself.
var queueCommands = []Command{{Name: "DISCARD"}, {Name: "MULTI"}}
