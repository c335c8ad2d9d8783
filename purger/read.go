package purger

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// mostOrphans bounds what one cycle reads: a million leaked hashes are no million
// actions, and the next cycle finds the others.
const mostOrphans = 50_000

// lookBatch is how many keys are read at once when looking for orphans: others wait for
// so long, and a purge is in no hurry.
const lookBatch = 100

// sweepBatch is how many keys the pause of Source.Sweep is for.
const sweepBatch = 1000

// Source reads States.
type Source struct {
	Reader *vmpooler.Reader
	Client redis.UniversalClient
	// Sweep bounds what looking for orphans costs; its Visit and Fields are not used.
	Sweep vmpooler.SweepOptions
	// Orphans says whether orphans are looked for: that takes a walk over all keys.
	Orphans bool
}

// Read returns what may be stale now. The orphans are read last and take longest;
// what has changed since is what the scripts check. The error is Redis's, and names
// the key or the step: of a state that is not whole there is none.
func (s *Source) Read(ctx context.Context) (State, error) {
	var st State
	if err := s.clock(ctx, &st); err != nil {
		return State{}, err
	}
	st.Redis = Identity(ctx, s.Client)
	var err error
	if st.Places, st.Now, err = s.Reader.Members(ctx); err != nil {
		return State{}, err
	}
	if err := s.hashes(ctx, &st); err != nil {
		return State{}, err
	}
	if err := s.requests(ctx, &st); err != nil {
		return State{}, err
	}
	if !s.Orphans {
		return st, nil
	}
	opts := s.Sweep
	opts.Pause = opts.Pause * lookBatch / sweepBatch // the same share of the time
	opts.Batch = lookBatch
	opts.Fields = hashFields
	opts.Visit = func(rec vmpooler.HashRecord) {
		if !rec.Queued && rec.TTL == 0 && rec.Fields[vmpooler.FieldPool] != "" && len(st.Orphans) < mostOrphans {
			st.Orphans = append(st.Orphans, newHash(rec))
		}
	}
	if _, err := s.Reader.Sweep(ctx, opts); err != nil {
		return State{}, err
	}
	// The sweep has found the pools that nothing lists: what is in their queues is no
	// orphan, nor what has come into a queue since; and a VM that is in one of them too
	// is in two places.
	places, _, err := s.Reader.Members(ctx)
	if err != nil {
		return State{}, err
	}
	st.addUnlisted(places)
	st.Orphans = slices.DeleteFunc(st.Orphans, func(h Hash) bool { return len(places[h.VM]) > 0 })
	return st, nil
}

// clock compares the server's clock with ours at half of the round trip.
func (s *Source) clock(ctx context.Context, st *State) error {
	began := time.Now()
	now, err := s.Client.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("read the server's clock: %w", err)
	}
	st.Skew, st.SkewKnown = now.Sub(began.Add(time.Since(began)/2)), true
	return nil
}

func (s *Source) hashes(ctx context.Context, st *State) error {
	var vms []string
	for vm, places := range st.Places {
		for _, at := range places {
			if at.Queue == vmpooler.Pending || at.Queue == vmpooler.Ready || at.Queue == vmpooler.Completed {
				vms = append(vms, vm)
				break
			}
		}
	}
	records, err := s.Reader.Hashes(ctx, vms, hashFields)
	if err != nil {
		return err
	}
	st.Hashes = make(map[string]Hash, len(records))
	var ids []string
	for _, rec := range records {
		st.Hashes[rec.VM] = newHash(rec)
		if id := rec.Fields[vmpooler.FieldRequestID]; id != "" {
			ids = append(ids, id)
		}
	}
	st.Retries, err = s.Reader.RequestRetries(ctx, ids)
	return err
}

func (s *Source) requests(ctx context.Context, st *State) error {
	waiting, err := s.Reader.WaitingRequests(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(waiting))
	for id := range waiting {
		ids = append(ids, id)
	}
	records, err := s.Reader.Requests(ctx, ids, []string{vmpooler.FieldRequested, vmpooler.FieldStatus})
	if err != nil {
		return err
	}
	for _, rec := range records {
		if rec.Fields[vmpooler.FieldRequested] == "" {
			continue // a hash of another kind, or one that is only half there
		}
		st.Requests = append(st.Requests, OpenRequest{
			ID: rec.ID, Made: waiting[rec.ID], TTL: rec.TTL,
			Status: vmpooler.RequestStatus(rec.Fields[vmpooler.FieldStatus]),
		})
	}
	return nil
}

var runID = regexp.MustCompile(`(?m)^run_id:([0-9a-f]+)`)

// Identity returns what tells this Redis from others, and from itself before a
// restart (its run_id); "" where INFO is not permitted or says nothing of it.
func Identity(ctx context.Context, client redis.UniversalClient) string {
	text, err := client.Info(ctx, "server").Result()
	if err != nil {
		return ""
	}
	if m := runID.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
