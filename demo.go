package main

import (
	"context"
	"fmt"
	"net"
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
	settings, err := demoSettings(d)
	if err != nil {
		return err
	}
	p.tellStory(d)
	return p.serve(ctx, settings, logger)
}

// demoSettings are the defaults with the demo's Redis and thresholds; the
// operator's file and environment have no say in them.
func demoSettings(d *demo.Demo) (*config.Settings, error) {
	s, err := config.Load(config.Options{
		Getenv:    func(string) string { return "" },
		Overrides: config.Overrides{RedisAddr: config.Secret("redis://" + d.Addr())},
	})
	if err != nil {
		return nil, err
	}
	s.Health.Thresholds = d.Thresholds()
	s.Redis.DataTTL = d.DataTTL()
	return s, nil
}

func (p *program) tellStory(d *demo.Demo) {
	fmt.Fprintln(p.stdout, strings.Join(d.Story(), "\n"))
	fmt.Fprintln(p.stdout)
	for _, addr := range *p.web.WebListenAddresses {
		fmt.Fprintf(p.stdout, "Open      %s\n          %s\n", pageURL(addr, "/"), pageURL(addr, *p.telemetryPath))
	}
	fmt.Fprintf(p.stdout, "Or ask    vmpooler_exporter health --redis.addr=%s\n          redis-cli -u redis://%s\n", d.Addr(), d.Addr())
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
