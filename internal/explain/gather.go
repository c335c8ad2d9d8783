package explain

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// Deps are what a story is gathered from. They are safe for concurrent use.
type Deps struct {
	Client   redis.UniversalClient
	Reader   *vmpooler.Reader
	Settings *config.Settings       // in force
	Targets  map[purger.Target]bool // those of the purge that are switched on; nil means all
}

// The most of each that a Report has.
const (
	mostLetters = 100
	mostPurges  = 50
	mostVMs     = 100
)

// gathered is the evidence on VMs and requests alike.
type gathered struct {
	now      time.Time // by the Redis server's clock
	places   map[string][]vmpooler.Member
	placed   bool // whether places could be read
	rules    map[string]poolRules
	purge    config.Purge
	targets  map[purger.Target]bool
	dataTTL  time.Duration
	warnings []string
}

// poolRules are what has to be known of a pool to tell what vmpooler will do.
type poolRules struct {
	timeout  time.Duration // 0 if unknown
	readyTTL time.Duration // 0 for as long as it likes
}

// begin reads where every VM is. The error is Redis's, and names the key.
func (d Deps) begin(ctx context.Context) (*gathered, error) {
	g := &gathered{
		placed: true, rules: make(map[string]poolRules),
		purge: d.Settings.Purge, targets: d.Targets, dataTTL: d.Settings.Redis.DataTTL,
	}
	var err error
	g.places, g.now, err = d.Reader.Members(ctx)
	if err == nil {
		return g, nil
	}
	if !wrongType(err) {
		return nil, err
	}
	g.placed = false
	g.warn("not all queues could be read, so where VMs are is not known: %s", dlq.Clean(err.Error()))
	if g.now, err = d.Client.Time(ctx).Result(); err != nil {
		return nil, fmt.Errorf("read the server's clock: %w", err)
	}
	return g, nil
}

func (g *gathered) warn(format string, args ...any) {
	g.warnings = append(g.warnings, sentence(fmt.Sprintf(format, args...)))
}

// hashRead is a hash that is asked for, as part of a pipeline.
type hashRead struct {
	key    string
	names  []string
	ttl    *redis.DurationCmd
	values *redis.SliceCmd
}

func readHash(ctx context.Context, pipe redis.Pipeliner, key string, fields []string) hashRead {
	return hashRead{key: key, names: fields, ttl: pipe.PTTL(ctx, key), values: pipe.HMGet(ctx, key, fields...)}
}

// hash is what came back.
type hash struct {
	exists bool // also with none of the fields: a user's tag keeps a hash alive
	fields map[string]string
	ttl    time.Duration // 0 if it has none
}

// take returns what came back. One of another type is none, which is warned of.
func (g *gathered) take(r hashRead) (hash, error) {
	h := hash{fields: make(map[string]string)}
	switch err := r.values.Err(); {
	case wrongType(err):
		g.warn("the key %s is no hash", r.key)
		return h, nil
	case err != nil:
		return h, fmt.Errorf("%s: %w", r.key, err)
	case r.ttl.Err() != nil:
		return h, fmt.Errorf("%s: %w", r.key, r.ttl.Err())
	}
	const missing = -2 // PTTL's
	h.exists = r.ttl.Val() != missing
	h.ttl = max(0, r.ttl.Val())
	for i, v := range r.values.Val() {
		if text, ok := v.(string); ok {
			h.fields[r.names[i]] = text
		}
	}
	return h, nil
}

// expires is when Redis will delete the hash; zero if it has no TTL.
func (h *hash) expires(now time.Time) time.Time {
	if h.ttl == 0 {
		return time.Time{}
	}
	return now.Add(h.ttl)
}

// learn finds the rules of these pools: those of the file, else those that vmpooler
// keeps in Redis, else the default.
func (d Deps) learn(ctx context.Context, g *gathered, pools ...string) error {
	for _, p := range d.Settings.Pools {
		g.rules[p.Name] = poolRules{p.Timeout, p.ReadyTTL}
	}
	pipe, asked := d.Client.Pipeline(), make(map[string]*redis.SliceCmd)
	for _, pool := range pools {
		if _, known := g.rules[pool]; !known && pool != "" {
			asked[pool] = pipe.HMGet(ctx, vmpooler.PoolKey(pool), "timeout", "ready_ttl")
		}
	}
	if len(asked) == 0 {
		return nil
	}
	_, err := pipe.Exec(ctx)
	if err != nil && !wrongType(err) {
		return fmt.Errorf("read the pools' settings: %w", err)
	}
	for pool, cmd := range asked {
		r := poolRules{d.Settings.PoolTimeout, d.Settings.PoolReadyTTL}
		for i, to := range []*time.Duration{&r.timeout, &r.readyTTL} {
			if cmd.Err() != nil {
				break
			}
			text, _ := cmd.Val()[i].(string)
			if n, err := strconv.ParseInt(text, 10, 32); err == nil && n >= 0 {
				*to = time.Duration(n) * time.Minute
			}
		}
		g.rules[pool] = r
	}
	return nil
}

// letters returns the newest dead letters that f chooses.
func (d Deps) letters(ctx context.Context, g *gathered, f dlq.Filter) ([]dlq.Record, error) {
	f.Limit = mostLetters
	page, err := dlq.List(ctx, d.Client, f)
	switch {
	case redis.HasErrorPrefix(err, "NOPERM"):
		g.warn("the dead letters may not be read: %s", dlq.Clean(err.Error()))
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, queue := range page.WrongType {
		g.warn("the key %s is no sorted set", vmpooler.DLQKey(queue))
	}
	if page.NextCursor != "" {
		g.warn("there are more dead letters: the newest %d are shown", mostLetters)
	}
	return page.Records, nil
}

// purges returns the newest records of the purge that f chooses.
func (d Deps) purges(ctx context.Context, g *gathered, f purger.HistoryFilter) ([]purger.Record, error) {
	f.Limit = mostPurges
	page, err := purger.History(ctx, d.Client, f)
	switch {
	case redis.HasErrorPrefix(err, "NOPERM"), wrongType(err):
		g.warn("what was purged may not be read: %s", dlq.Clean(err.Error()))
		return []purger.Record{}, nil
	case err != nil:
		return nil, err
	}
	if page.Next != "" {
		g.warn("more was purged: the newest %d entries are shown", mostPurges)
	}
	for i := range page.Records {
		r := &page.Records[i]
		r.At = r.At.UTC().Truncate(time.Second)
		r.Reason, r.Does, r.Why = dlq.Clean(r.Reason), dlq.Clean(r.Does), dlq.Clean(r.Why)
	}
	return page.Records, nil
}

// exec sends a pipeline whose commands' own errors are looked at one by one. The
// error is that of the connection, which go-redis has for none of them where it
// could not log in.
func exec(ctx context.Context, pipe redis.Pipeliner) error {
	cmds, err := pipe.Exec(ctx)
	if err == nil || vmpooler.IsConnectionError(err) {
		return err
	}
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return nil
		}
	}
	return err
}

func wrongType(err error) bool { return err != nil && redis.HasErrorPrefix(err, "WRONGTYPE") }

var errEmpty = errors.New("explain: the name is empty")
