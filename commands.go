package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-kit/log"

	"github.com/vmpooler/vmpooler_exporter/internal/checkredis"
	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// runHealth prints one report. It makes a sweep of its own, since it has no
// earlier one to fall back on.
func (p *program) runHealth(ctx context.Context, s *config.Settings) error {
	if err := p.validate(); err != nil {
		return err
	}
	unknown := func(err error) error { return exitError{cli.ExitUnknown, fmt.Errorf("health is unknown: %w", err)} }
	client, reader, err := p.connect(s, log.NewNopLogger())
	if err != nil {
		return unknown(err)
	}
	defer client.Close()
	readCtx, cancel := context.WithTimeout(ctx, *p.timeout)
	defer cancel()
	snap, err := reader.Read(readCtx)
	if err != nil {
		return unknown(err)
	}
	opts := vmpooler.SweepOptions{ConfirmAfter: *p.sweepConfirm}
	if p.sweepShareSet {
		opts.MaxShare = *p.sweepShare
	}
	if p.sweepPauseSet {
		opts.Pause = *p.sweepPause
	}
	progress := cli.NewProgress(p.stderr, isTerminal(p.stderr), time.Now)
	opts.Progress = progress.Keys
	sweep, sweepErr := reader.Sweep(ctx, opts)
	progress.Done()
	report := health.Evaluate(snap, sweep, s.Health.Thresholds)
	if *p.healthOutput == "json" {
		err = cli.WriteHealthJSON(p.stdout, report, s.DLQ.Enabled)
	} else {
		err = cli.WriteHealth(p.stdout, report, snap, p.healthOptions(s, sweepErr))
	}
	if err != nil {
		return err
	}
	if code := cli.HealthExitCode(report, snap); code != 0 {
		return exitError{code: code}
	}
	return nil
}

func (p *program) healthOptions(s *config.Settings, sweepErr error) cli.HealthOptions {
	o := cli.HealthOptions{Address: redisclient.Describe(s.Redis), SweepErr: sweepErr}
	if f, ok := p.stdout.(*os.File); ok {
		o.Color = cli.ColorWanted(f, os.Getenv)
		o.Width = cli.TerminalWidth(f)
	}
	return o
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && cli.IsTerminal(f)
}

// runCheckConfig prints the settings in force; what is wrong with them is the
// error.
func (p *program) runCheckConfig() error {
	file := *p.checkConfigFile
	if file == "" {
		file = *p.configFile
	}
	settings, err := p.load(file)
	if err != nil {
		return err
	}
	return cli.CheckConfig(p.stdout, settings)
}

// runCheckRedis prints what Redis is and what it would refuse. It fails where
// reading is impossible.
func (p *program) runCheckRedis(ctx context.Context, s *config.Settings) error {
	client, err := redisclient.New(s.Redis, redisclient.Options{ReadTimeout: *p.timeout})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, *p.timeout)
	defer cancel()
	report, err := checkredis.Check(ctx, client, checkredis.Needs{})
	if err != nil {
		return err
	}
	report.Address = redisclient.Describe(s.Redis)
	if err := cli.CheckRedis(p.stdout, report); err != nil {
		return err
	}
	if !report.OK() {
		return exitError{code: 1}
	}
	return nil
}
