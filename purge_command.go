package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purgeCommands are the flags of `purge` and `purge history`.
type purgeCommands struct {
	run, history *kingpin.CmdClause

	dryRun, override    bool
	planFile, applyFile string
	maxPlanAge          time.Duration
	targets, pools      []string
	ghostsAfter         time.Duration
	output              string
	past                historyFlags

	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
	// did, if set, is told of every action of a plan; for tests.
	did func(*purger.Action)
}

func (p *program) addPurgeCommands() {
	c := &p.purge
	c.now, c.sleep = time.Now, sleepFor
	parent := p.app.Command("purge", "Clear stale entries out of vmpooler's Redis, once, whether the purge is enabled or not.")
	c.run = parent.Command("run", "Show each entry and why it is stale, ask, and purge. The default.").Default()
	c.run.Flag("dry-run", "Say what would be purged, and write nothing.").BoolVar(&c.dryRun)
	c.run.Flag("plan", "Save the plan to this file, which must not be there yet, and purge nothing.").StringVar(&c.planFile)
	c.run.Flag("apply", "Purge what the plan in this file says, as far as it still holds, and nothing more.").StringVar(&c.applyFile)
	c.run.Flag("max-plan-age", "Refuse a plan that is older.").Default("1h").DurationVar(&c.maxPlanAge)
	names := make([]string, 0, len(purger.Targets()))
	for _, t := range purger.Targets() {
		names = append(names, string(t))
	}
	c.run.Flag("target", "Only this: "+strings.Join(names, ", ")+". Repeatable.").EnumsVar(&c.targets, names...)
	c.run.Flag("pool", "Only this pool; leaves out on-demand requests, which are of no one pool. Repeatable.").StringsVar(&c.pools)
	c.run.Flag("ghosts-after", "With --inventory.enabled: list the providers a second time after this, 5m or more, to find VMs that are gone there.").
		DurationVar(&c.ghostsAfter)
	c.run.Flag("override-limit", "Go beyond --purge.max-per-pool and --purge.max-ready-percent.").BoolVar(&c.override)
	c.run.Flag("output", "table or json").Short('o').Default("table").EnumVar(&c.output, "table", "json")
	c.run.Flag("yes", "Do not ask; with --plan, write over the file.").Short('y').BoolVar(&p.dlq.yes) // the one that confirm heeds
	p.addPurgeHistory(parent)
}

// isPurge says whether a command is one of purge's.
func isPurge(command string) bool { return strings.HasPrefix(command, "purge ") }

func (p *program) runPurge(ctx context.Context, command string, s *config.Settings, logger log.Logger) error {
	if command == p.purge.history.FullCommand() {
		return p.runPurgeHistory(ctx, s)
	}
	if err := errors.Join(p.validate(), p.checkPurge(s)); err != nil {
		return err
	}
	client, reader, err := p.connect(s, log.NewNopLogger())
	if err != nil {
		return err
	}
	defer client.Close()
	r := &purgeRun{
		p: p, settings: s, client: client, reader: reader, address: redisclient.Describe(s.Redis),
		dryRun: p.purge.dryRun || p.purge.planFile != "" || s.Purge.DryRun,
		logger: log.With(logger, "component", "purge"),
	}
	if isTerminal(p.stderr) { // who looks at it has the table
		r.logger = level.NewFilter(r.logger, level.AllowError())
	}
	return explainPurge(r.do(ctx))
}

// leastGhostsAfter is how far apart two listings must be that make a VM a ghost.
const leastGhostsAfter = 5 * time.Minute

// checkPurge finds what is wrong before anything is asked.
func (p *program) checkPurge(s *config.Settings) error {
	c := &p.purge
	narrowed := len(c.targets)+len(c.pools) > 0 || c.override || c.ghostsAfter != 0
	switch {
	case c.planFile != "" && c.applyFile != "":
		return errors.New("--plan and --apply: save a plan first, look at it, and apply it then")
	case c.applyFile != "" && narrowed:
		return errors.New("--apply purges what the plan says: --target, --pool, --ghosts-after and --override-limit go with --plan")
	case c.maxPlanAge <= 0:
		return errors.New("--max-plan-age must be above 0")
	case c.ghostsAfter != 0 && c.ghostsAfter < leastGhostsAfter:
		return fmt.Errorf("--ghosts-after must be %s or more, not %s", leastGhostsAfter, c.ghostsAfter)
	case c.ghostsAfter != 0 && !p.purgeFlags.inventoryEnabled:
		return errors.New("--ghosts-after needs --inventory.enabled: the providers are not asked otherwise")
	}
	for _, t := range c.targets {
		switch target := purger.Target(t); {
		case !*p.purgeFlags.targets[target]:
			return fmt.Errorf("--target=%s is switched off by --no-purge.target.%s", t, t)
		case target == purger.Ghost && c.ghostsAfter == 0:
			return fmt.Errorf("--target=ghost needs --inventory.enabled and --ghosts-after=%s or more: a VM is a ghost by two listings of its provider", leastGhostsAfter)
		case target == purger.Request && len(c.pools) > 0:
			return errors.New("--target=request goes without --pool: a request is of no one pool")
		}
	}
	if c.planFile != "" && !p.dlq.yes {
		if _, err := os.Lstat(c.planFile); err == nil {
			return fmt.Errorf("%s is there already: give another name, or --yes to write over it", c.planFile)
		}
	}
	if !c.dryRun && c.planFile == "" && !s.Purge.DryRun && !p.dlq.yes && !p.dlq.stdinTerminal() {
		return fmt.Errorf("there is no terminal to ask on: give --dry-run or --yes; %w", errNotPurged)
	}
	return nil
}

func (p *program) purgeOptions() cli.PurgeOptions {
	var o cli.PurgeOptions
	if f, ok := p.stdout.(*os.File); ok {
		o.Color, o.Width = cli.ColorWanted(f, os.Getenv), cli.TerminalWidth(f)
	}
	return o
}

// sleepFor waits for d, or returns ctx' error.
func sleepFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
