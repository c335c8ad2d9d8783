package dlq

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// markFor is how long Redis remembers which entries are an exporter's: as long
// as the next process may take to start where one ended before it could Settle.
const markFor = time.Hour

// OwnKey returns the name of the set of the entries of a queue that an exporter
// added in the last hour: a sorted set of <id>:<cutoff> (see MemberID and
// add.lua), the score being the epoch seconds at which each was added.
func OwnKey(queue string) string { return "vmpooler_exporter__dlq_own__" + queue }

// mark is what Redis remembers of an entry that an exporter added.
type mark struct {
	at, cutoff float64 // epoch seconds: when it was added; a failure since then is this one
}

// readMarks returns the marks of a queue by the ids of their entries.
func readMarks(ctx context.Context, client redis.Cmdable, queue string) (map[string]mark, error) {
	marks := make(map[string]mark)
	for start := int64(0); ; start += pageSize {
		// Newest first: marks leave at the other end.
		page, err := client.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
			Key: OwnKey(queue), Start: start, Stop: start + pageSize - 1, Rev: true,
		}).Result()
		if err != nil {
			return nil, err
		}
		for _, z := range page {
			id, text, _ := strings.Cut(z.Member.(string), ":")
			if cutoff, err := strconv.ParseFloat(text, 64); err == nil {
				marks[id] = mark{at: z.Score, cutoff: cutoff}
			}
		}
		if len(page) < pageSize {
			return marks, nil
		}
	}
}

// recall takes up what processes before this one left: their entries of the
// last hour are this Store's to settle. Where there are none it reads nothing
// else.
func (v *queueView) recall(ctx context.Context, client redis.Cmdable) error {
	if v.recalled {
		return nil
	}
	marks, err := readMarks(ctx, client, v.queue)
	if err != nil {
		return err
	}
	if len(marks) > 0 {
		err := v.pages(ctx, client, math.Inf(-1), func(member string, score float64) {
			if m, ok := marks[MemberID(v.queue, member)]; ok {
				v.recallEntry(member, score, m)
			}
		})
		if err != nil {
			return err
		}
		// What somebody else wrote of the same VMs is noted by a whole reading.
		v.read = time.Time{}
		if err := v.refresh(ctx, client); err != nil {
			return err
		}
	}
	v.recalled = true
	return nil
}

func (v *queueView) recallEntry(member string, score float64, m mark) {
	vm, _, ok := splitMember(member)
	if !ok {
		return
	}
	if _, newer := v.recent[vm]; !newer { // read newest first
		v.recent[vm] = written{vm: vm, member: member, score: score, cutoff: m.cutoff, at: scoreTime(m.at)}
	}
}
