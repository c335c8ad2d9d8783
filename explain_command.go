package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"

	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
)

// explainCommand is the command `explain`, with what its flags say.
type explainCommand struct {
	*kingpin.CmdClause

	name, output string
}

func (p *program) addExplainCommand() {
	c := &p.explain
	c.CmdClause = p.app.Command("explain", "Tell the story of a VM or an on-demand request: where it is, what happened to it, and what vmpooler will do next. Exits with 1 if nothing is known of it.")
	c.Arg("name", "a VM, with or without its domain, or the id of a request").Required().StringVar(&c.name)
	c.Flag("output", "table or json").Short('o').Default("table").EnumVar(&c.output, "table", "json")
}

// runExplain prints all that is known under the name: one that is both a VM's and a
// request's is told of twice.
func (p *program) runExplain(ctx context.Context, s *config.Settings) error {
	c := &p.explain
	if c.name == "" {
		return errors.New("the name is empty")
	}
	client, reader, err := p.connect(s, log.NewNopLogger())
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, *p.timeout)
	defer cancel()
	deps := explain.Deps{Client: client, Reader: reader, Settings: s, Targets: p.purgeSettings(s).Targets}
	var known []*explain.Report
	var warnings []string
	for _, tell := range []func(context.Context, explain.Deps, string) (*explain.Report, error){explain.VM, explain.Request} {
		r, err := tell(ctx, deps, c.name)
		switch {
		case err != nil:
			return err
		case r.Known:
			known = append(known, r)
		default:
			warnings = append(warnings, r.Warnings...) // what could not be read
		}
	}
	if err := p.writeExplained(c, known); err != nil {
		return err
	}
	if len(known) > 0 {
		return nil
	}
	if err := p.remark(cli.ExplainRemarks(slices.Compact(slices.Sorted(slices.Values(warnings))))); err != nil {
		return err
	}
	return fmt.Errorf("nothing is known of %q: it is no VM or request in vmpooler's queues, nor are there metadata, dead letters or purges of one", c.name)
}

func (p *program) writeExplained(c *explainCommand, known []*explain.Report) error {
	if c.output == "json" {
		return cli.WriteExplainJSON(p.stdout, c.name, known)
	}
	var opts cli.ExplainOptions
	if f, ok := p.stdout.(*os.File); ok {
		opts.Color, opts.Width = cli.ColorWanted(f, os.Getenv), cli.TerminalWidth(f)
	}
	for i, r := range known {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if err := cli.WriteExplain(p.stdout, r, opts); err != nil {
			return err
		}
	}
	return nil
}
