// vmpooler_exporter is the reliability companion of vmpooler: it reads the one
// Redis that holds vmpooler's queues and tells Prometheus, and whoever asks in
// a terminal, how every pool is.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	var exit exitError
	if err != nil && (!errors.As(err, &exit) || exit.err != nil) {
		separator := " "
		if strings.Contains(err.Error(), "\n") { // a list, a line each
			separator = "\n"
		}
		fmt.Fprintf(os.Stderr, "%s: error:%s%v\n", programName, separator, err)
	}
	os.Exit(exitCode(err))
}

// run is the whole program: it parses args, does what they ask for, and
// returns once that is done or ctx is. The error may be an exitError.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	p := newProgram(stdout, stderr)
	err := p.run(ctx, args)
	// To a script any other code of `health` than this is a verdict.
	if err != nil && exitCode(err) == 1 && !errors.As(err, &exitError{}) && slices.Contains(args, p.health.FullCommand()) {
		return exitError{cli.ExitUnknown, err}
	}
	return err
}

func (p *program) run(ctx context.Context, args []string) error {
	command, err := p.app.Parse(args)
	if err != nil {
		return err
	}
	if command == p.serving.FullCommand() || command == p.demo.FullCommand() {
		defer p.catchHangups()()
	}
	logger, err := newLogger(p.stderr, *p.logLevel, *p.logFormat)
	if err != nil {
		return err
	}
	redisclient.SetLogger(log.With(logger, "component", "redis"))
	switch command {
	case p.demo.FullCommand():
		return p.runDemo(ctx, logger)
	case p.checkConfig.FullCommand():
		return p.runCheckConfig()
	}
	settings, err := p.load(*p.configFile)
	if err != nil {
		return err
	}
	for _, w := range settings.Warnings {
		level.Warn(logger).Log("msg", "configuration", "warning", w)
	}
	if isDLQ(command) {
		return p.runDLQ(ctx, command, settings)
	}
	if isPurge(command) {
		return p.runPurge(ctx, command, settings, logger)
	}
	switch command {
	case p.health.FullCommand():
		return p.runHealth(ctx, settings)
	case p.checkRedis.FullCommand():
		return p.runCheckRedis(ctx, settings)
	case p.explain.FullCommand():
		return p.runExplain(ctx, settings)
	default:
		return p.serve(ctx, settings, logger)
	}
}

// exitError ends the program with a certain code. Without an err there is
// nothing more to be said.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func exitCode(err error) int {
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	default:
		return 1
	}
}

// load reads the settings, flags included.
func (p *program) load(file string) (*config.Settings, error) {
	if p.dlqEnabledSet {
		p.overrides.DLQEnabled = p.dlqEnabled
	}
	if p.publishSet {
		p.overrides.HealthPublish = &p.publish
	}
	p.purgeFlags.override(&p.overrides)
	return config.Load(config.Options{File: file, Overrides: p.overrides})
}
