package explain

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// requestFields are read of a request's hash.
var requestFields = []string{
	vmpooler.FieldRequested, vmpooler.FieldStatus, vmpooler.FieldRetryCount, vmpooler.FieldFailureReason,
	dlq.FieldRequeued, dlq.FieldRequeuedAt,
}

// requestEvidence is all that Redis tells of one on-demand request.
type requestEvidence struct {
	gathered

	id         string
	hash       hash
	waiting    time.Time // its score among those that wait; zero if it is not one
	processing time.Time // the same, among those that are worked on
	tasks      []part    // clones that wait to be begun
	parts      []part    // what it asks for
	partsKnown bool      // whether that could be read
	vms        []requestVM
	vmsCut     bool // there are more

	letters []dlq.Record
	history []purger.Record
}

// part is a number of VMs of a pool, under the alias that the user asked for.
type part struct {
	alias, pool string
	count       int
}

// requestVM is a VM that the request has got, or that is being made for it.
type requestVM struct {
	part

	name   string
	given  bool
	queues []vmpooler.Queue // of the part's pool
	life   lifecycle.Hash
}

// Request tells the story of the on-demand request of this id. The error is Redis's,
// and names the key or the step; of a request that nobody knows there is a Report
// that says so.
func Request(ctx context.Context, d Deps, id string) (*Report, error) {
	e, err := d.request(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	return e.report(), nil
}

func (d Deps) request(ctx context.Context, id string) (*requestEvidence, error) {
	if id == "" {
		return nil, errEmpty
	}
	g, err := d.begin(ctx)
	if err != nil {
		return nil, err
	}
	e := &requestEvidence{gathered: *g, id: id}
	if err := d.standing(ctx, e); err != nil {
		return nil, err
	}
	if err := d.vmsOf(ctx, e); err != nil {
		return nil, err
	}
	if e.letters, err = d.letters(ctx, &e.gathered, dlq.Filter{RequestID: id}); err != nil {
		return nil, err
	}
	e.history, err = d.purges(ctx, &e.gathered, purger.HistoryFilter{RequestID: id})
	return e, err
}

// standing reads the request's hash and its place in vmpooler's queues, in one round
// trip. ZSCORE would do for the latter, but is not among the commands that reading
// needs; the queues are short.
func (d Deps) standing(ctx context.Context, e *requestEvidence) error {
	pipe := d.Client.Pipeline()
	read := readHash(ctx, pipe, vmpooler.RequestKey(e.id), requestFields)
	waiting := pipe.ZRangeWithScores(ctx, vmpooler.KeyRequestQueue, 0, -1)
	processing := pipe.ZRangeWithScores(ctx, vmpooler.KeyRequestProcessing, 0, -1)
	tasks := pipe.ZRange(ctx, vmpooler.KeyOndemandCreate, 0, -1)
	err := exec(ctx, pipe)
	if err != nil {
		return fmt.Errorf("read %s: %w", read.key, err)
	}
	if e.hash, err = e.take(read); err != nil {
		return err
	}
	for _, q := range []struct {
		key string
		err error
	}{{vmpooler.KeyRequestQueue, waiting.Err()}, {vmpooler.KeyRequestProcessing, processing.Err()}, {vmpooler.KeyOndemandCreate, tasks.Err()}} {
		if q.err != nil { // without it, whether the request is lost can't be told
			return fmt.Errorf("%s: %w", q.key, q.err)
		}
	}
	e.waiting, e.processing = score(waiting.Val(), e.id), score(processing.Val(), e.id)
	for _, task := range tasks.Val() {
		item, mine := strings.CutSuffix(task, ":"+e.id)
		if p, ok := parsePart(item, 0); mine && ok {
			e.tasks = append(e.tasks, p)
		}
	}
	e.parts, e.partsKnown = parseRequested(e.hash.fields[vmpooler.FieldRequested])
	return nil
}

func score(members []redis.Z, id string) time.Time {
	for _, z := range members {
		if z.Member == id {
			return time.Unix(int64(z.Score), 0).UTC()
		}
	}
	return time.Time{}
}

// parseRequested reads <alias>:<pool>:<count>[,…]; ok is false for anything else.
func parseRequested(text string) (parts []part, ok bool) {
	for item := range strings.SplitSeq(text, ",") {
		p, ok := parsePart(item, 1)
		if !ok {
			return nil, false
		}
		parts = append(parts, p)
	}
	return parts, true
}

// parsePart reads <alias>:<pool>:<count> with a count of least or more: vmpooler
// writes a task of 0 for a request that it gave up.
func parsePart(item string, least int) (part, bool) {
	f := strings.Split(item, ":")
	if len(f) != 3 || f[0] == "" || f[1] == "" {
		return part{}, false
	}
	const most = 1_000_000 // sums of it are numbers still
	n, err := strconv.Atoi(f[2])
	return part{f[0], f[1], n}, err == nil && n >= least && n <= most
}

// vmsOf finds the request's VMs: those in the sets of VMs given to it, and those in
// its pools' pending whose hash names it.
func (d Deps) vmsOf(ctx context.Context, e *requestEvidence) error {
	if len(e.parts) == 0 {
		return nil
	}
	given, pipe := make([]*redis.StringSliceCmd, len(e.parts)), d.Client.Pipeline()
	for i, p := range e.parts {
		given[i] = pipe.SMembers(ctx, vmpooler.RequestVMsKey(e.id, p.alias, p.pool))
	}
	if err := exec(ctx, pipe); err != nil {
		return fmt.Errorf("read the VMs given to the request: %w", err)
	}
	for i, p := range e.parts {
		// The key's name holds the id, which somebody typed: it is not repeated.
		switch err := given[i].Err(); {
		case wrongType(err):
			e.warn("the key of the VMs that it was given of pool %s is no set", p.pool)
		case err != nil:
			return fmt.Errorf("read the VMs given to the request: %w", err)
		}
		for _, name := range slices.Sorted(slices.Values(given[i].Val())) {
			e.vms = append(e.vms, requestVM{part: p, name: name, given: true})
		}
	}
	if err := d.beingMade(ctx, e); err != nil {
		return err
	}
	if e.vmsCut = len(e.vms) > mostVMs; e.vmsCut {
		e.warn("it has %d VMs: the first %d are shown", len(e.vms), mostVMs)
	}
	return d.lives(ctx, e)
}

// beingMade adds the VMs in pending that are made for the request.
func (d Deps) beingMade(ctx context.Context, e *requestEvidence) error {
	var pending []string
	for name, at := range e.places {
		if slices.ContainsFunc(at, func(m vmpooler.Member) bool {
			return m.Queue == vmpooler.Pending && slices.ContainsFunc(e.parts, func(p part) bool { return p.pool == m.Pool })
		}) {
			pending = append(pending, name)
		}
	}
	slices.Sort(pending)
	records, err := d.Reader.Hashes(ctx, pending, []string{vmpooler.FieldRequestID, vmpooler.FieldPool, vmpooler.FieldPoolAlias})
	if err != nil {
		return err
	}
	for _, rec := range records {
		if rec.Fields[vmpooler.FieldRequestID] != e.id || slices.ContainsFunc(e.vms, func(v requestVM) bool { return v.name == rec.VM }) {
			continue
		}
		e.vms = append(e.vms, requestVM{
			part: part{alias: rec.Fields[vmpooler.FieldPoolAlias], pool: rec.Fields[vmpooler.FieldPool]}, name: rec.VM,
		})
	}
	return nil
}

// lives reads where the request's VMs are and what became of them, of as many as are
// shown.
func (d Deps) lives(ctx context.Context, e *requestEvidence) error {
	names := make([]string, 0, min(len(e.vms), mostVMs))
	for i := range e.vms[:cap(names)] {
		v := &e.vms[i]
		names = append(names, v.name)
		for _, at := range e.places[v.name] {
			if at.Pool == v.pool {
				v.queues = append(v.queues, at.Queue)
			}
		}
		slices.Sort(v.queues)
	}
	records, err := d.Reader.Hashes(ctx, names, lifecycle.HashFields())
	if err != nil {
		return err
	}
	for _, rec := range records {
		for i := range e.vms {
			if e.vms[i].name == rec.VM {
				e.vms[i].life = lifecycle.NewHash(rec.VM, rec.Fields, time.Time{})
			}
		}
	}
	return nil
}
