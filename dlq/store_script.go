package dlq

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	// batchSize is how many failures one call of the script writes, and
	// dropSize how many entries it drops for their age and how many for the queue's
	// size: some 10 µs a failure and 1 µs an entry, see BenchmarkBurst. No call may
	// take over 5 ms.
	batchSize = 50
	dropSize  = 500

	// backstop is how much longer than an entry the queue's key lives, and the
	// index remembers: a failure whose entry has just left is not a new one.
	backstop = time.Hour

	// cloneSlack is how far the time of a failure may lie before the clone's
	// beginning: vmpooler's times are whole seconds, and the expiry that a clone
	// failure's time comes from is by the server's clock.
	cloneSlack = 2 * time.Second

	// sameFailure is how far apart two failures of a name are at least where
	// nothing says when the VM's life began. It is longer than what two observers
	// of one failure differ by (a sweep's minute, an exporter's restart) and much
	// shorter than the time until vmpooler draws a name from its thousands again.
	sameFailure = 10 * time.Minute
)

//go:embed add.lua
var addSource string

var addScript = redis.NewScript(addSource)

// written is a candidate as Redis gets it.
type written struct {
	vm, member    string
	score, cutoff float64 // epoch seconds

	at time.Time // when it was added, by the server's clock
}

// prepare cleans a candidate and encodes it.
func prepare(c Candidate) written {
	e := c.Entry
	e.ErrorMessage = Clean(e.ErrorMessage)
	e.ErrorClass = Clean(e.ErrorClass)
	if e.QueueFrom == "" {
		e.QueueFrom = e.Queue
	}
	member, score := Encode(e)
	cutoff := e.FailedAt.Add(-sameFailure)
	if !c.CloneBegan.IsZero() {
		cutoff = c.CloneBegan.Add(-cloneSlack)
	}
	return written{vm: e.VM, member: member, score: score, cutoff: float64(cutoff.UnixMilli()) / 1000}
}

// run calls the script, and again until nothing is left to drop.
func (s *Store) run(ctx context.Context, queue string, view *queueView, batch []written, sum *AddSummary) ([]Result, error) {
	keys := []string{vmpooler.DLQKey(queue), IndexKey(queue), OwnKey(queue)}
	fence, err := s.fence()
	if err != nil {
		return nil, err
	}
	if fence.Token != "" {
		keys = append(keys, fence.Key)
	}
	args := []any{s.opts.TTL.Milliseconds(), backstop.Milliseconds(), s.opts.MaxEntries, dropSize, markFor.Milliseconds(), fence.Token}
	settings := len(args)
	for _, w := range batch {
		args = append(args, w.member, formatScore(w.score), w.vm, formatScore(w.cutoff), view.seen(w.vm), MemberID(queue, w.member))
	}
	var results []Result
	for {
		reply, err := addScript.Run(ctx, s.client, keys, args...).Slice()
		if err != nil {
			return nil, lease.Check(err)
		}
		verdicts, more, err := readReply(reply, sum)
		if err != nil {
			return nil, err
		}
		results = append(results, verdicts...)
		if !more {
			return results, nil
		}
		args = args[:settings]
	}
}

// readReply reads what the script returns, see add.lua.
func readReply(reply []any, sum *AddSummary) (results []Result, more bool, err error) {
	errReply := fmt.Errorf("the script's reply is not understood: %v", reply)
	if len(reply) != 5 {
		return nil, false, errReply
	}
	verdicts, ok := reply[0].(string)
	if !ok {
		return nil, false, errReply
	}
	var n [4]int64
	for i := range n {
		if n[i], ok = reply[i+1].(int64); !ok {
			return nil, false, errReply
		}
	}
	results = make([]Result, len(verdicts))
	for i := range verdicts {
		switch verdicts[i] {
		case 'A':
			results[i] = Added
		case 'D':
			results[i] = Duplicate
		case 'X':
			results[i] = Expired
		default:
			return nil, false, errors.Join(errReply, fmt.Errorf("verdict %q", verdicts[i]))
		}
	}
	sum.Evicted += int(n[0])
	sum.Expired += int(n[1])
	return results, n[2] == 1, nil
}

// formatScore returns a score as an argument for Redis, exactly.
func formatScore(score float64) string { return strconv.FormatFloat(score, 'f', -1, 64) }
