package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/demo"
)

// runDemo serves a simulated vmpooler until ctx is done.
func (p *program) runDemo(ctx context.Context, logger log.Logger) error {
	d, err := demo.Start(ctx, demo.Options{
		Seed:    *p.demoSeed,
		OnError: func(err error) { level.Error(logger).Log("msg", "the simulation stumbled", "err", err) },
	})
	if err != nil {
		return err
	}
	defer d.Close()
	// A file, so that the other commands can be tried on the same settings.
	dir, err := os.MkdirTemp("", "vmpooler-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "vmpooler.yaml")
	if err := os.WriteFile(file, d.Config(), 0o600); err != nil {
		return err
	}
	// The operator's environment has no say in a demo.
	p.reload = func() (*config.Settings, error) {
		return config.Load(config.Options{File: file, Getenv: func(string) string { return "" }})
	}
	settings, err := p.reload()
	if err != nil {
		return err
	}
	p.purgeFlags.startDelay = demo.PurgeGrace
	p.tellStory(d, file)
	return p.serve(ctx, settings, logger)
}

func (p *program) tellStory(d *demo.Demo, file string) {
	fmt.Fprintln(p.stdout, strings.Join(d.Story(), "\n"))
	fmt.Fprintln(p.stdout)
	for _, addr := range *p.web.WebListenAddresses {
		fmt.Fprintf(p.stdout, "Open      %s\n          %s\n", pageURL(addr, "/"), pageURL(addr, *p.telemetryPath))
	}
	fmt.Fprintf(p.stdout, "Or ask    vmpooler_exporter health --config.file=%s\n          redis-cli -u redis://%s\n", file, d.Addr())
	fmt.Fprintf(p.stdout, "End with  Ctrl-C\n\n")
}

// pageURL makes a URL of a listen address that may have no host.
func pageURL(addr, path string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr + path
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + path
}
