package dlq

import (
	"context"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	// pageSize is how many members one command reads: about half a millisecond
	// of Redis's time.
	pageSize = 1000

	// reread is how far before the last reading the next one begins: what
	// vmpooler writes has the time of its own host, whose clock may be behind.
	reread = time.Minute
)

// queueView is what a Store knows of a queue without asking: each VM's newest
// failure, whoever wrote it. The script's index knows only what an exporter wrote
// or came upon; vmpooler's own entries are found by reading them.
//
// They are read here and not in the script. There a search for one name means
// reading every second since its clone began, which is a day for a VM that died
// ready: no bound on a call could be kept. Here the queue is read in pages, once,
// and from then on its last minute. What vmpooler writes between this reading and
// the script is no different from what it writes just after the script: see
// Settle.
type queueView struct {
	queue  string
	key    string
	read   time.Time          // the server's clock at the last reading; zero before the first
	newest map[string]float64 // VM → epoch seconds
	recent map[string]written // what this Store added lately, or one before it, for Settle
	twice  map[string]string  // VM of recent → the member under which somebody else recorded it too

	recalled bool // whether what was added before this Store began is in recent
}

func (s *Store) view(queue string) *queueView {
	v := s.queues[queue]
	if v == nil {
		v = &queueView{
			queue: queue, key: vmpooler.DLQKey(queue), newest: make(map[string]float64),
			recent: make(map[string]written), twice: make(map[string]string),
		}
		s.queues[queue] = v
	}
	return v
}

// refresh reads what was written since the last reading.
func (v *queueView) refresh(ctx context.Context, client redis.Cmdable) error {
	now, err := client.Time(ctx).Result()
	if err != nil {
		return err
	}
	since := math.Inf(-1)
	if !v.read.IsZero() {
		since = seconds(v.read.Add(-reread))
	}
	if err := v.pages(ctx, client, since, v.note); err != nil {
		return err
	}
	v.read = now
	return nil
}

// pages shows each the members that score since or more, newest first: entries
// leave at the other end, so nothing moves from a page to one already read. Some
// that score less are shown as well.
func (v *queueView) pages(ctx context.Context, client redis.Cmdable, since float64, each func(member string, score float64)) error {
	for start := int64(0); ; start += pageSize {
		page, err := client.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
			Key: v.key, Start: start, Stop: start + pageSize - 1, Rev: true,
		}).Result()
		if err != nil {
			return err
		}
		for _, z := range page {
			each(z.Member.(string), z.Score)
		}
		if len(page) < pageSize || page[len(page)-1].Score < since {
			return nil
		}
	}
}

// note takes a member of the queue into the view.
func (v *queueView) note(member string, score float64) {
	vm, _, ok := splitMember(member)
	if !ok || scoreTime(score).IsZero() {
		return // garbage, which is nobody's failure
	}
	if last, ok := v.newest[vm]; !ok || score > last {
		v.newest[vm] = score
	}
	if own, ok := v.recent[vm]; ok && own.member != member && own.sameFailure(score) {
		v.twice[vm] = member
	}
}

// sameFailure says whether what somebody else wrote of the VM after us may be
// this failure. It is written when vmpooler comes upon it, which is at about the
// time that we did; how exactly its clock tells that nobody knows.
func (w *written) sameFailure(score float64) bool {
	return score >= w.cutoff && score <= seconds(w.at.Add(sameFailure))
}

// added takes what the script added into the view.
func (v *queueView) added(w written) {
	v.newest[w.vm] = max(w.score, v.newest[w.vm])
	w.at = v.read
	v.recent[w.vm] = w
	delete(v.twice, w.vm)
}

// seen returns the VM's newest failure for the script, "-inf" if there is none.
func (v *queueView) seen(vm string) string {
	score, ok := v.newest[vm]
	if !ok {
		return "-inf"
	}
	return formatScore(score)
}

// forget drops what can't matter any more: failures before oldest.
func (v *queueView) forget(oldest time.Time) {
	limit := seconds(oldest)
	for vm, score := range v.newest {
		if score < limit {
			delete(v.newest, vm)
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
