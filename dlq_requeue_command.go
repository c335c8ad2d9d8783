package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/cli"
)

// requeueFlags are the flags that `dlq requeue` alone has.
type requeueFlags struct {
	requests    []string
	maxRequeues int
	rate        float64
	watch       time.Duration
	output      string

	sleep func(ctx context.Context, d time.Duration) error // nil: the real one
}

func (c *dlqCommands) addRequeue(parent *kingpin.CmdClause) {
	f := &c.requeueing
	c.requeue = parent.Command("requeue", "Put on-demand requests that failed back into vmpooler's queue: by dead letter, by request, or all that a filter matches, if they are no more than expected.")
	c.requeue.Arg("id", "ids of dead letters, as list shows them").StringsVar(&c.ids)
	c.addFilter(c.requeue)
	c.requeue.Flag("request", "This on-demand request, whether a dead letter names it or not; repeatable.").StringsVar(&f.requests)
	c.requeue.Flag("expect", "With a filter: the most requests that its entries may name; if they name more, nothing is requeued.").
		IsSetByUser(&c.expectSet).IntVar(&c.expect)
	c.requeue.Flag("max-requeues", "How often one request may be requeued, in all.").Default(strconv.Itoa(dlq.DefaultMaxRequeues)).IntVar(&f.maxRequeues)
	c.requeue.Flag("rate", "Requests a second, at the most.").Default(strconv.FormatFloat(dlq.DefaultRequeueRate, 'f', -1, 64)).Float64Var(&f.rate)
	c.requeue.Flag("watch", "How long to look, after the last, whether one fails again; 0 does not look.").Default("10s").DurationVar(&f.watch)
	c.requeue.Flag("dry-run", "Check everything, say what would be requeued, and write nothing.").BoolVar(&c.dryRun)
	c.requeue.Flag("yes", "Do not ask.").Short('y').BoolVar(&c.yes)
	c.requeue.Flag("output", "table or json").Short('o').Default("table").EnumVar(&f.output, "table", "json")
}

var errNotRequeued = errors.New("nothing was requeued")

// runDLQRequeue puts requests back. Its code is 1 too where only some of them
// were refused.
func (p *program) runDLQRequeue(ctx context.Context, client *redis.Client) error {
	if err := p.dlq.checkRequeue(); err != nil {
		return err
	}
	selection, err := p.dlq.selectRequests(ctx, client)
	if err != nil {
		return err
	}
	report := cli.RequeueReport{Selection: selection, DryRun: p.dlq.dryRun}
	n := len(selection.Requests)
	if n > 0 && !p.dlq.dryRun {
		if p.dlq.byFilter() && !p.dlq.expectSet {
			return fmt.Errorf("the filter matches dead letters of %s: say so with --expect=%d; %w", cli.Requests(n), n, errNotRequeued)
		}
		if err := p.confirm(ctx, "Requeue "+cli.Requests(n)+"?", errNotRequeued); err != nil {
			return err
		}
	}
	report.Outcomes, err = p.requeueAll(ctx, client, selection.Requests)
	if writeErr := p.writeRequeue(&report); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	if err == nil && report.Refused() {
		return exitError{code: 1}
	}
	return err
}

func (p *program) requeueAll(ctx context.Context, client *redis.Client, requests []string) ([]dlq.RequeueOutcome, error) {
	c := &p.dlq
	progress := cli.NewProgress(p.stderr, isTerminal(p.stderr), time.Now)
	defer progress.Done()
	return dlq.RequeueAll(ctx, client, requests, dlq.RequeueAllOptions{
		RequeueOptions: dlq.RequeueOptions{MaxRequeues: c.requeueing.maxRequeues, DryRun: c.dryRun},
		Rate:           c.requeueing.rate,
		Watch:          c.requeueing.watch,
		Progress:       progress.Requeues,
		Sleep:          c.requeueing.sleep,
	})
}

func (p *program) writeRequeue(report *cli.RequeueReport) error {
	if p.dlq.requeueing.output == "json" {
		return cli.WriteRequeueJSON(p.stdout, report)
	}
	return cli.WriteRequeue(p.stdout, report, p.dlqOptions())
}

func (c *dlqCommands) byFilter() bool { return !c.filter.Empty() }

// checkRequeue finds what is wrong before Redis is asked anything.
func (c *dlqCommands) checkRequeue() error {
	f := &c.requeueing
	ways := 0
	for _, given := range []bool{len(c.ids) > 0, len(f.requests) > 0, c.byFilter()} {
		if given {
			ways++
		}
	}
	switch {
	case ways == 0:
		return errors.New("requeue what? Give ids, --request, or a filter and --expect")
	case ways > 1:
		return errors.New("requeue takes ids, --request or a filter, and no two of them")
	case c.expectSet && !c.byFilter():
		return errors.New("--expect goes with a filter")
	case c.expectSet && c.expect < 0:
		return fmt.Errorf("--expect must not be negative, not %d", c.expect)
	case f.maxRequeues < 1:
		return fmt.Errorf("--max-requeues must be 1 or more, not %d", f.maxRequeues)
	case !dlq.RequeueRateOK(f.rate):
		return fmt.Errorf("--rate must be from %v to %v, not %v", dlq.MinRequeueRate, dlq.MaxRequeueRate, f.rate)
	case f.watch < 0:
		return fmt.Errorf("--watch must not be negative, not %v", f.watch)
	}
	return nil
}

func (c *dlqCommands) selectRequests(ctx context.Context, client *redis.Client) (dlq.RequeueSelection, error) {
	switch {
	case len(c.ids) > 0:
		return dlq.RequestsOf(ctx, client, c.ids)
	case len(c.requeueing.requests) > 0:
		return dlq.SelectRequests(c.requeueing.requests), nil
	}
	expect := c.expect
	if !c.expectSet {
		expect = math.MaxInt // to count; nothing is ever requeued by it
	}
	return dlq.RequestsMatching(ctx, client, c.filter, expect)
}
