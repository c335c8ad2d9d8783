package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

// dlqCommands are the flags and arguments of `dlq …`.
type dlqCommands struct {
	list, stats, show, export, remove, requeue *kingpin.CmdClause

	filter                  dlq.Filter
	since, until, order     string
	listOutput, statsOutput string
	showOutput, showID      string
	ids                     []string
	expect                  int
	expectSet, dryRun, yes  bool
	requeueing              requeueFlags

	stdin         io.Reader
	stdinTerminal func() bool
	now           func() time.Time
}

func (p *program) addDLQCommands() {
	c := &p.dlq
	c.stdin, c.now = os.Stdin, time.Now
	c.stdinTerminal = func() bool { return cli.IsTerminal(os.Stdin) }
	parent := p.app.Command("dlq", "Dead letters: every VM that failed, and why. Works with the dead-letter queue on or off.")

	c.list = parent.Command("list", "List dead letters, a page at a time.")
	c.addFilter(c.list)
	c.list.Flag("order", "newest or oldest first").Default(string(dlq.Newest)).EnumVar(&c.order, string(dlq.Newest), string(dlq.Oldest))
	c.list.Flag("limit", fmt.Sprintf("Entries of a page, %d at the most.", dlq.MaxLimit)).Default("50").IntVar(&c.filter.Limit)
	c.list.Flag("cursor", "Where the page before ended, as it said itself.").StringVar(&c.filter.Cursor)
	c.list.Flag("output", "table, csv or json").Short('o').Default("table").EnumVar(&c.listOutput, "table", "csv", "json")

	c.stats = parent.Command("stats", "Group dead letters by error, with VM names, ids, numbers and addresses masked.")
	c.addFilter(c.stats)
	c.stats.Flag("output", "table or json").Short('o').Default("table").EnumVar(&c.statsOutput, "table", "json")

	c.show = parent.Command("show", "Show all of one dead letter.")
	c.show.Arg("id", "its id, as list shows it").Required().StringVar(&c.showID)
	c.show.Flag("output", "table or json").Short('o').Default("table").EnumVar(&c.showOutput, "table", "json")

	c.export = parent.Command("export", "Write dead letters as JSON lines, oldest first.")
	c.addFilter(c.export)

	c.remove = parent.Command("delete", "Delete dead letters: by id, or all that a filter matches, if they are no more than expected.")
	c.remove.Arg("id", "ids, as list shows them").StringsVar(&c.ids)
	c.addFilter(c.remove)
	c.remove.Flag("expect", "With a filter: the most entries that it may match; if it matches more, nothing is deleted.").
		IsSetByUser(&c.expectSet).IntVar(&c.expect)
	c.remove.Flag("dry-run", "Say what would be deleted, and delete nothing.").BoolVar(&c.dryRun)
	c.remove.Flag("yes", "Do not ask.").Short('y').BoolVar(&c.yes)

	c.addRequeue(parent)
}

func (c *dlqCommands) addFilter(cmd *kingpin.CmdClause) {
	cmd.Flag("queue", "pending, clone or ready, where the VM was; repeatable. Without it, all three.").StringsVar(&c.filter.Queues)
	cmd.Flag("pool", "Entries of this pool.").StringVar(&c.filter.Pool)
	cmd.Flag("vm", "Entries of this VM.").StringVar(&c.filter.VM)
	if cmd != c.requeue { // whose --request is no filter
		cmd.Flag("request", "Entries of this on-demand request.").StringVar(&c.filter.RequestID)
	}
	cmd.Flag("error", "Entries with this in the error's class or message, in any case.").StringVar(&c.filter.Error)
	cmd.Flag("since", "Failed then or later: a time (UTC unless it says otherwise), a date, or how long ago, such as 2h or 3d.").StringVar(&c.since)
	cmd.Flag("until", "Failed then or earlier; as --since.").StringVar(&c.until)
}

// isDLQ says whether a command is one of dlq's.
func isDLQ(command string) bool { return strings.HasPrefix(command, "dlq ") }

// runDLQ runs one of dlq's commands. They need no more of the settings than
// where Redis is.
func (p *program) runDLQ(ctx context.Context, command string, s *config.Settings) error {
	c := &p.dlq
	if err := c.complete(command); err != nil {
		return err
	}
	client, err := redisclient.New(s.Redis, redisclient.Options{ReadTimeout: *p.timeout})
	if err != nil {
		return err
	}
	defer client.Close()
	switch command {
	case c.list.FullCommand():
		return p.runDLQList(ctx, client)
	case c.stats.FullCommand():
		return p.runDLQStats(ctx, client)
	case c.show.FullCommand():
		return p.runDLQShow(ctx, client)
	case c.export.FullCommand():
		return p.runDLQExport(ctx, client)
	case c.requeue.FullCommand():
		return p.runDLQRequeue(ctx, client)
	default:
		return p.runDLQDelete(ctx, client)
	}
}

// complete reads what kingpin leaves as text, before Redis is asked anything.
func (c *dlqCommands) complete(command string) error {
	var err error
	now := c.now()
	if c.since != "" {
		if c.filter.Since, err = dlq.ParseSince(c.since, now); err != nil {
			return fmt.Errorf("--since: %w", err)
		}
	}
	if c.until != "" {
		if c.filter.Until, err = dlq.ParseSince(c.until, now); err != nil {
			return fmt.Errorf("--until: %w", err)
		}
	}
	if command == c.list.FullCommand() {
		if c.filter.Limit == 0 {
			return fmt.Errorf("--limit must be from 1 to %d, not 0", dlq.MaxLimit)
		}
		c.filter.Order = dlq.Order(c.order)
	} else {
		c.filter.Limit = 0 // list's default
	}
	return c.filter.Validate()
}

func (p *program) dlqOptions() cli.DLQOptions {
	o := cli.DLQOptions{Now: p.dlq.now()}
	if f, ok := p.stdout.(*os.File); ok {
		o.Color, o.Width = cli.ColorWanted(f, os.Getenv), cli.TerminalWidth(f)
	}
	return o
}

func (p *program) runDLQList(ctx context.Context, client *redis.Client) error {
	page, err := dlq.List(ctx, client, p.dlq.filter)
	if err != nil {
		return err
	}
	switch p.dlq.listOutput {
	case "json": // has the cursor itself
		return cli.WriteDLQJSON(p.stdout, &page)
	case "csv":
		err = cli.WriteDLQCSV(p.stdout, &page)
	default:
		err = cli.WriteDLQ(p.stdout, &page, p.dlqOptions())
	}
	if err != nil {
		return err
	}
	return p.remark(cli.DLQRemarks(&page))
}

// remark writes lines to stderr, where they are in no script's way.
func (p *program) remark(lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.stderr, line); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) runDLQStats(ctx context.Context, client *redis.Client) error {
	stats, err := dlq.Summarize(ctx, client, p.dlq.filter)
	if err != nil {
		return err
	}
	if p.dlq.statsOutput == "json" {
		return cli.WriteDLQStatsJSON(p.stdout, stats)
	}
	return cli.WriteDLQStats(p.stdout, stats, p.dlqOptions())
}

func (p *program) runDLQShow(ctx context.Context, client *redis.Client) error {
	r, err := dlq.Show(ctx, client, p.dlq.showID)
	if err != nil {
		return err
	}
	if p.dlq.showOutput == "json" {
		return cli.WriteDLQRecordJSON(p.stdout, &r)
	}
	return cli.WriteDLQRecord(p.stdout, &r, p.dlq.now())
}

func (p *program) runDLQExport(ctx context.Context, client *redis.Client) error {
	done, err := dlq.Export(ctx, client, p.dlq.filter, p.stdout)
	if err != nil {
		return fmt.Errorf("the export ends after %d entries: %w", done.Entries, err)
	}
	return p.remark(cli.DLQExported(done))
}

var errNotConfirmed = errors.New("nothing was deleted")

func (p *program) runDLQDelete(ctx context.Context, client *redis.Client) error {
	c := &p.dlq
	byID := len(c.ids) > 0
	switch {
	case byID && (!c.filter.Empty() || c.expectSet):
		return errors.New("delete takes ids or a filter, not both")
	case !byID && c.filter.Empty():
		return errors.New("delete what? Give ids, or a filter and --expect; to empty a queue, name it with --queue")
	case c.expectSet && c.expect < 0:
		return fmt.Errorf("--expect must not be negative, not %d", c.expect)
	}
	found, err := c.delete(ctx, client, true) // refuses where too many match
	if err != nil {
		return err
	}
	what := cli.DeadLetters(found.Matched)
	switch {
	case c.dryRun:
		_, err = fmt.Fprintf(p.stdout, "would delete %s\n", what)
		return err
	case found.Matched == 0:
		_, err = fmt.Fprintln(p.stdout, "nothing matches: nothing to delete")
		return err
	case !byID && !c.expectSet:
		return fmt.Errorf("the filter matches %s: say so with --expect=%d; %w", what, found.Matched, errNotConfirmed)
	}
	if err := p.confirm(ctx, "Delete "+what+"?", errNotConfirmed); err != nil {
		return err
	}
	done, err := c.delete(ctx, client, false)
	if err != nil {
		return fmt.Errorf("%d were deleted: %w", done.Removed, err)
	}
	if gone := done.Matched - done.Removed; gone > 0 {
		_, err = fmt.Fprintf(p.stdout, "deleted %s; %d were gone already\n", cli.DeadLetters(done.Removed), gone)
	} else {
		_, err = fmt.Fprintf(p.stdout, "deleted %s\n", cli.DeadLetters(done.Removed))
	}
	return err
}

func (c *dlqCommands) delete(ctx context.Context, client *redis.Client, dryRun bool) (dlq.Deleted, error) {
	if len(c.ids) > 0 {
		return dlq.Delete(ctx, client, c.ids, dryRun)
	}
	expect := c.expect
	if !c.expectSet {
		expect = math.MaxInt // to count; it is never deleted by
	}
	return dlq.DeleteMatching(ctx, client, c.filter, expect, dryRun)
}

// confirm asks, unless --yes is given. Where nobody can answer that is a no,
// and the error wraps no.
func (p *program) confirm(ctx context.Context, question string, no error) error {
	if p.dlq.yes {
		return nil
	}
	if !p.dlq.stdinTerminal() {
		return fmt.Errorf("there is no terminal to ask on: give --yes; %w", no)
	}
	if _, err := fmt.Fprintf(p.stderr, "%s [y/N] ", question); err != nil {
		return err
	}
	answer := make(chan string, 1)
	go func() { // a read of a terminal knows no context
		line, _ := bufio.NewReader(p.dlq.stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", no, ctx.Err())
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return no
	}
}
