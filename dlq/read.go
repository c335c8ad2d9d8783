package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// readBatch is how many members one call reads at the most: some 0.3 ms of
// Redis's time.
const readBatch = 1000

// errStop ends a walk early; walk itself returns nil then.
var errStop = errors.New("stop")

// member is one entry as Redis has it.
type member struct {
	queue string
	raw   string
	score float64
}

func (m *member) decode() Record {
	r, err := Decode(m.queue, m.raw, m.score)
	r.Queue, r.Raw, r.Score = m.queue, m.raw, m.score
	if err != nil && r.Err == nil {
		r.Err = err
	}
	return r
}

// clean makes the texts of whoever wrote the entry fit to be shown.
func (r *Record) clean() {
	r.ErrorClass, r.ErrorMessage = Clean(r.ErrorClass), Clean(r.ErrorMessage)
}

// walk calls each for every member of the query's queues within its range of
// scores, ordered by score over all queues. A batch is 2 members or more, and it
// holds at most two of each queue. It returns the queues whose key is of another type, which it passes
// over; an error of each; or one of Redis's that names the key.
//
// Members that are there throughout are met exactly once, whatever is added or
// removed meanwhile.
func (q *query) walk(ctx context.Context, client redis.UniversalClient, batch int, each func(*member) error) (wrongType []string, err error) {
	feeds := make([]feed, len(q.Queues))
	for i, name := range q.Queues {
		feeds[i] = feed{queue: name, q: q, batch: batch}
	}
	for {
		if err := fill(ctx, client, feeds); err != nil {
			return nil, err
		}
		for {
			f := first(feeds, q.Order)
			if f == nil { // all are done
				for i := range feeds {
					if feeds[i].wrongType {
						wrongType = append(wrongType, feeds[i].queue)
					}
				}
				return wrongType, nil
			}
			if len(f.buf) == 0 {
				break // to fill it
			}
			m := member{queue: f.queue, raw: f.buf[0].Member.(string), score: f.buf[0].Score}
			f.buf = f.buf[1:]
			if err := each(&m); err != nil {
				if errors.Is(err, errStop) {
					err = nil
				}
				return nil, err
			}
		}
	}
}

// first returns the feed that holds the next member, or one that has to be
// filled before that is known, or nil at the end of all.
func first(feeds []feed, order Order) *feed {
	var next *feed
	for i := range feeds {
		f := &feeds[i]
		switch {
		case len(f.buf) == 0 && f.done:
		case len(f.buf) == 0:
			return f
		case next == nil,
			order == Oldest && f.buf[0].Score < next.buf[0].Score,
			order == Newest && f.buf[0].Score > next.buf[0].Score:
			next = f
		}
	}
	return next
}

// fill reads on in every feed that runs low, in one round trip.
func fill(ctx context.Context, client redis.UniversalClient, feeds []feed) error {
	pipe := client.Pipeline()
	cmds := make([]*redis.ZSliceCmd, len(feeds))
	for i := range feeds {
		if f := &feeds[i]; !f.done && len(f.buf) <= f.batch/2 {
			cmds[i] = f.ask(ctx, pipe)
		}
	}
	_, err := pipe.Exec(ctx)
	for i, cmd := range cmds {
		if cmd == nil {
			continue
		}
		if cmd.Err() != nil {
			err = nil // its own
		}
		if err := feeds[i].take(cmd); err != nil {
			return err
		}
	}
	if err != nil { // no command's: the connection could not be opened, or logged in
		return fmt.Errorf("read the dead letters: %w", err)
	}
	return nil
}

// feed reads one queue in batches.
type feed struct {
	queue string
	q     *query
	batch int

	buf             []redis.Z
	done, wrongType bool

	// Where reading goes on: after last, which is there once begun. Redis can
	// start at a score and an offset only, so offset counts the members of that
	// score up to last; what came or went before it shifts them.
	begun  bool
	last   redis.Z
	offset int
}

func (f *feed) ask(ctx context.Context, pipe redis.Pipeliner) *redis.ZSliceCmd {
	name, from, to := "zrangebyscore", f.q.min, f.q.max
	if f.q.Order == Newest {
		name, from, to = "zrevrangebyscore", to, from
	}
	if f.begun {
		from = f.last.Score
	}
	cmd := redis.NewZSliceCmd(ctx, name, vmpooler.DLQKey(f.queue), scoreArg(from), scoreArg(to),
		"withscores", "limit", f.start(), f.batch)
	_ = pipe.Process(ctx, cmd) // queued; its error comes with Exec
	return cmd
}

// start is the offset of the last member itself, which shows whether it is
// still where it was.
func (f *feed) start() int { return max(0, f.offset-1) }

func (f *feed) take(cmd *redis.ZSliceCmd) error {
	if err := cmd.Err(); err != nil {
		if redis.HasErrorPrefix(err, "WRONGTYPE") {
			f.done, f.wrongType = true, true
			return nil
		}
		return fmt.Errorf("read %s: %w", vmpooler.DLQKey(f.queue), err)
	}
	got := cmd.Val()
	if f.begun && f.start() > 0 && (len(got) == 0 || f.compare(got[0], f.last) > 0) {
		f.offset = 0 // members before it are gone, so some behind it were passed over
		return nil
	}
	f.done = len(got) < f.batch
	score, offset := f.last.Score, f.start()
	for _, z := range got {
		if !f.begun || z.Score != score {
			score, offset = z.Score, 0
		}
		offset++
		if !f.begun || f.compare(z, f.last) > 0 {
			f.buf = append(f.buf, z)
			f.begun, f.last = true, z
		}
	}
	f.offset = offset
	return nil
}

// compare is Redis's own order: by score, then by the bytes of the member.
func (f *feed) compare(a, b redis.Z) int {
	c := cmp.Or(cmp.Compare(a.Score, b.Score), strings.Compare(a.Member.(string), b.Member.(string)))
	if f.q.Order == Newest {
		return -c
	}
	return c
}
