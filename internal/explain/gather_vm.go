package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// vmFields are read of a VM's hash: what lifecycle looks at, and facts to be shown.
var vmFields = append(lifecycle.HashFields(),
	vmpooler.FieldTemplate, vmpooler.FieldDomain, vmpooler.FieldLifetime)

// vmEvidence is all that Redis tells of one VM.
type vmEvidence struct {
	gathered

	name   string
	at     []vmpooler.Member    // in the order of a life, then by pool
	active map[string]time.Time // by pool: when it was checked out, as the pool has it
	hash   hash
	life   lifecycle.Hash // the hash, read

	request hash // of the on-demand request that it was made for

	letters []dlq.Record // its own, newest first
	related []dlq.Record // of other VMs of its request
	history []purger.Record
}

// VM tells the story of the VM of this name. Where nothing is known of it and the
// name has a domain, its first label is tried too. The error is Redis's, and names
// the key or the step; of a VM that nobody knows there is a Report that says so.
func VM(ctx context.Context, d Deps, name string) (*Report, error) {
	e, err := d.vm(ctx, name)
	if err != nil {
		return nil, err
	}
	r := e.report()
	label, _, dotted := strings.Cut(name, ".")
	if r.Known || !dotted || label == "" {
		return r, nil
	}
	if e, err = d.vm(ctx, label); err != nil {
		return nil, err
	}
	if short := e.report(); short.Known {
		return short, nil
	}
	return r, nil
}

func (d Deps) vm(ctx context.Context, name string) (*vmEvidence, error) {
	if name == "" {
		return nil, errEmpty
	}
	g, err := d.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	e := &vmEvidence{gathered: *g, name: name, at: g.places[name], active: make(map[string]time.Time)}
	slices.SortFunc(e.at, func(a, b vmpooler.Member) int {
		if a.Queue != b.Queue {
			return int(a.Queue) - int(b.Queue)
		}
		return strings.Compare(a.Pool, b.Pool)
	})
	if err := d.vmHash(ctx, e); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	pools := []string{e.life.Pool}
	for _, at := range e.at {
		pools = append(pools, at.Pool)
	}
	if err := d.learn(ctx, &e.gathered, pools...); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	if e.letters, err = d.letters(ctx, &e.gathered, dlq.Filter{VM: name}); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	// The filter takes a name for a VM's with its domain too; those of VMs whose
	// names end sooner are others.
	e.letters = slices.DeleteFunc(e.letters, func(r dlq.Record) bool { return r.VM != name })
	if id := e.life.RequestID; id != "" {
		if e.related, err = d.letters(ctx, &e.gathered, dlq.Filter{RequestID: id}); err != nil {
			return nil, fmt.Errorf("explain: %w", err)
		}
		e.related = slices.DeleteFunc(e.related, func(r dlq.Record) bool { return r.VM == name })
	}
	if e.history, err = d.purges(ctx, &e.gathered, purger.HistoryFilter{VM: name}); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	return e, nil
}

// vmHash reads the VM's hash and its pools' times of checkout in one round trip, and
// in another what has become of its request.
func (d Deps) vmHash(ctx context.Context, e *vmEvidence) error {
	pipe := d.Client.Pipeline()
	read := readHash(ctx, pipe, vmpooler.VMKey(e.name), vmFields)
	active := make(map[string]*redis.StringCmd)
	for _, at := range e.at {
		if at.Queue == vmpooler.Running || at.Queue == vmpooler.Migrating {
			active[at.Pool] = pipe.HGet(ctx, vmpooler.ActiveKey(at.Pool), e.name)
		}
	}
	err := exec(ctx, pipe)
	if err != nil {
		return fmt.Errorf("read %s: %w", read.key, err)
	}
	if e.hash, err = e.take(read); err != nil {
		return err
	}
	e.life = lifecycle.NewHash(e.name, e.hash.fields, e.hash.expires(e.now))
	for pool, cmd := range active {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) && !wrongType(err) {
			return fmt.Errorf("%s: %w", vmpooler.ActiveKey(pool), err)
		}
		if t, err := vmpooler.ParseTime(cmd.Val()); err == nil {
			e.active[pool] = t
		}
	}
	if e.life.RequestID == "" {
		return nil
	}
	pipe = d.Client.Pipeline()
	read = readHash(ctx, pipe, vmpooler.RequestKey(e.life.RequestID), []string{vmpooler.FieldStatus})
	if err := exec(ctx, pipe); err != nil {
		return fmt.Errorf("read %s: %w", read.key, err)
	}
	e.request, err = e.take(read)
	return err
}
