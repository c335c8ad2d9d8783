package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// Lister asks one provider.
type Lister interface {
	// List returns the names of the VMs that the provider has of the pool, all
	// of them or an error. It ends soon after ctx is done.
	List(ctx context.Context, pool config.Pool) ([]string, error)
}

// closer is a Lister that has to be closed.
type closer interface {
	close(ctx context.Context)
}

// Options configure an Inventory. The zero Options are good for vsphere, gce and
// dummy.
type Options struct {
	// Command is the path and the first arguments of the program that lists the
	// pools of every other class; see the type command. Empty for none.
	Command []string
	// CommandEnv are names of variables that the command gets from the
	// exporter's environment besides a few harmless ones.
	CommandEnv []string

	Timeout  time.Duration    // of one pool; 0 for a minute
	Parallel int              // pools of one provider at a time; 0 for 4
	Now      func() time.Time // nil for time.Now

	// GCEURL and GCEClient stand for the Compute API and for a client with
	// credentials in tests. Empty and nil for Google's.
	GCEURL    string
	GCEClient *http.Client
}

// Inventory asks every provider for the VMs of its pools. It is safe for
// concurrent use.
type Inventory struct {
	providers map[string]*asked // by name
	opts      Options
}

// asked is a provider, and how many of its pools are being listed.
type asked struct {
	name   string
	lister Lister
	secret config.Secret
	turns  chan struct{}
}

// New returns an Inventory of the providers of these pools. It asks nobody yet. A
// provider that can't be asked (no such class, no server) is an error of its
// pools' listings, not of New's; New's is of a command that can't be run.
func New(providers []config.Provider, pools []config.Pool, opts Options) (*Inventory, error) {
	opts.Timeout = cmp.Or(opts.Timeout, time.Minute)
	opts.Parallel = cmp.Or(opts.Parallel, 4)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	var cmd *command
	if len(opts.Command) > 0 {
		var err error
		if cmd, err = newCommand(opts.Command, opts.CommandEnv); err != nil {
			return nil, err
		}
	}
	inv := &Inventory{providers: make(map[string]*asked), opts: opts}
	for _, pool := range pools {
		name := ProviderOf(pool)
		if _, ok := inv.providers[name]; ok {
			continue
		}
		p := config.Provider{Name: name, Class: name}
		if i := slices.IndexFunc(providers, func(p config.Provider) bool { return p.Name == name }); i >= 0 {
			p = providers[i]
		}
		inv.add(p, inv.lister(p, cmd))
	}
	return inv, nil
}

func (inv *Inventory) add(p config.Provider, l Lister) {
	inv.providers[p.Name] = &asked{name: p.Name, lister: l, secret: p.Password, turns: make(chan struct{}, inv.opts.Parallel)}
}

// lister chooses by the class, as vmpooler does.
//
//nolint:ireturn // which type it is depends on the file
func (inv *Inventory) lister(p config.Provider, cmd *command) Lister {
	switch p.Class {
	case config.ClassVSphere:
		return newVSphere(p, inv.opts.Now)
	case config.ClassGCE:
		return newGCE(p, inv.opts)
	case config.ClassDummy:
		return dummy{p.Filename}
	}
	if cmd == nil {
		return unasked{fmt.Errorf("its class %q is not known here, and there is no command to ask it with", p.Class)}
	}
	return cmd.of(p.Name)
}

// unasked is a provider that can't be asked.
type unasked struct{ err error }

func (u unasked) List(context.Context, config.Pool) ([]string, error) { return nil, u.err }

// ProviderOf is the name of a pool's provider.
func ProviderOf(pool config.Pool) string { return cmp.Or(pool.Provider, config.DefaultProvider) }

// List asks for the VMs of every pool, in parallel, and returns a listing for
// each, in their order. What failed is a *ListError in its listing; so is a pool
// that was still waiting for its turn when ctx was done.
func (inv *Inventory) List(ctx context.Context, pools []config.Pool) []Listing {
	listings := make([]Listing, len(pools))
	var wg sync.WaitGroup
	for i, pool := range pools {
		wg.Go(func() { listings[i] = inv.list(ctx, pool) })
	}
	wg.Wait()
	return listings
}

var errNotMine = errors.New("the pool was not there when the providers were set up")

func (inv *Inventory) list(ctx context.Context, pool config.Pool) Listing {
	l := Listing{Pool: pool.Name, Provider: ProviderOf(pool), Began: inv.opts.Now()}
	p := inv.providers[l.Provider]
	if p == nil {
		l.Err = newListError(l.Pool, l.Provider, errNotMine)
		return l
	}
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		l.Err = newListError(l.Pool, l.Provider, fmt.Errorf("the round ended before its turn: %w", ctx.Err()))
		return l
	}
	l.Began = inv.opts.Now()
	ctx, cancel := context.WithTimeout(ctx, inv.opts.Timeout)
	defer cancel()
	vms, err := p.list(ctx, pool)
	l.Took = inv.opts.Now().Sub(l.Began)
	if err != nil {
		l.Err = newListError(l.Pool, l.Provider, inTime(ctx, err), p.secret)
		return l
	}
	l.VMs = vms
	return l
}

// list keeps a provider's panic to its pool: providers' libraries are large, and
// what they are given comes from outside.
func (p *asked) list(ctx context.Context, pool config.Pool) (vms []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			vms, err = nil, fmt.Errorf("asking it panicked: %v", r)
		}
	}()
	vms, err = p.lister.List(ctx, pool)
	if err == nil && slices.Contains(vms, "") {
		return nil, errors.New("it lists a VM without a name")
	}
	return vms, err
}

// Close logs out where a session is open. It takes five seconds at most for each
// provider.
func (inv *Inventory) Close() {
	var wg sync.WaitGroup
	for _, p := range inv.providers {
		if c, ok := p.lister.(closer); ok {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				c.close(ctx)
			})
		}
	}
	wg.Wait()
}
