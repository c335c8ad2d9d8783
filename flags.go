package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/coreos/go-systemd/v22/activation"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

const (
	programName    = "vmpooler_exporter"
	defaultAddress = ":10124"
)

// program is the command line: every flag and command, and where it prints to.
type program struct {
	app            *kingpin.Application
	stdout, stderr io.Writer

	serving, health, checkConfig, checkRedis, demo *kingpin.CmdClause

	configFile *string
	overrides  config.Overrides
	web        *web.FlagConfig
	// activated returns what systemd has opened; tests have their own.
	activated     func() ([]net.Listener, error)
	limits        serverLimits
	telemetryPath *string
	timeout       *time.Duration
	timeoutOffset *time.Duration
	collectors    map[string]*bool

	sweepInterval, sweepPause, sweepConfirm *time.Duration
	sweepShare                              *float64
	sweepShareSet, sweepPauseSet            bool // by the user

	adminAPI, pprof *bool
	adminUsers      *[]string

	dlqInterval   *time.Duration
	events        *bool
	publish       bool
	publishSet    bool // by the user
	dlqEnabled    *bool
	dlqEnabledSet bool // by the user

	logLevel, logFormat *string

	healthOutput    *string
	checkConfigFile *string
	demoSeed        *uint64

	dlq dlqCommands

	// hangups asks to reload; reload reads the settings anew.
	hangups <-chan os.Signal
	reload  func() (*config.Settings, error)

	purgeFlags purgeFlags
	purge      purgeCommands
	explain    explainCommand
	// inventory returns what lists the providers' VMs; tests have their own.
	inventory func(*config.Settings) (lister, error)
}

func newProgram(stdout, stderr io.Writer) *program {
	app := kingpin.New(programName, "Prometheus exporter for vmpooler: reads the Redis that holds its queues, and tells how every pool is.")
	app.UsageWriter(stdout).ErrorWriter(stderr)
	app.Version(version.Print(programName))
	app.HelpFlag.Short('h')
	p := &program{app: app, stdout: stdout, stderr: stderr, activated: activation.Listeners, limits: defaultLimits()}

	// config.Load looks at VMPOOLER_CONFIG_FILE itself, after VMPOOLER_CONFIG.
	p.configFile = app.Flag("config.file", "vmpooler's own vmpooler.yaml ($VMPOOLER_CONFIG_FILE). Without one, pools come from Redis and settings are vmpooler's defaults.").
		String()
	p.addRedisFlags()
	p.addWebFlags()
	p.addEventFlags()
	p.addSweepFlags()
	p.addHealthFlags()
	p.addDLQFlags()
	p.addPurgeFlags()
	p.logLevel = app.Flag("log.level", "Only log messages with the given severity or above. One of: [debug, info, warn, error]").
		Default("info").Enum("debug", "info", "warn", "error")
	p.logFormat = app.Flag("log.format", "Output format of log messages. One of: [logfmt, json]").
		Default("logfmt").Enum("logfmt", "json")

	p.serving = app.Command("serve", "Serve metrics over HTTP.").Default()
	p.health = app.Command("health", "Print one report on every pool. Exits with 0 if healthy, 1 if degraded, 2 if unhealthy, 3 if unknown.")
	p.healthOutput = p.health.Flag("output", "table or json").Short('o').Default("table").Enum("table", "json")
	p.checkConfig = app.Command("check-config", "Check a vmpooler.yaml and print the settings in force, and where each comes from.")
	p.checkConfigFile = p.checkConfig.Arg("file", "the file; --config.file without one").String()
	p.checkRedis = app.Command("check-redis", "Tell whether Redis is supported, and which permissions would be missing.")
	p.demo = app.Command("demo", "Serve a simulated vmpooler in a Redis of its own. Needs nothing else.")
	p.demoSeed = p.demo.Flag("seed", "Seed of the simulation.").Default("1").Uint64()
	p.addDLQCommands()
	p.addPurgeCommands()
	p.addExplainCommand()
	p.reload = func() (*config.Settings, error) { return p.load(*p.configFile) }
	p.inventory = func(s *config.Settings) (lister, error) {
		inv, err := p.providers(s)
		return namedPools{inv, s.Pools}, err
	}
	return p
}

func (p *program) addRedisFlags() {
	f := func(name, help string) *kingpin.FlagClause { return p.app.Flag("redis."+name, help) }
	o := &p.overrides
	f("addr", "redis://[user:password@]host:port/db, rediss://… or unix://…; overrides the file.").StringVar((*string)(&o.RedisAddr))
	f("username", "ACL user.").StringVar(&o.RedisUsername)
	f("password-file", "File with the password; read again at each connection.").StringVar(&o.RedisPasswordFile)
	f("tls-ca-file", "Certificate authorities (PEM) to trust. Turns TLS on.").StringVar(&o.TLSCAFile)
	f("tls-cert-file", "Client certificate (PEM). Turns TLS on.").StringVar(&o.TLSCertFile)
	f("tls-key-file", "The client certificate's key (PEM).").StringVar(&o.TLSKeyFile)
	f("tls-server-name", "Name to verify in place of the address' host. Turns TLS on.").StringVar(&o.TLSServerName)
	f("tls-skip-verify", "Accept any certificate. Turns TLS on.").BoolVar(&o.TLSSkipVerify)
	f("sentinel-master", "Name of the master to ask the Sentinels for.").StringVar(&o.SentinelMaster)
	f("sentinel-addr", "host:port of a Sentinel. Repeatable.").StringsVar(&o.SentinelAddrs)
	f("sentinel-username", "ACL user for the Sentinels.").StringVar(&o.SentinelUsername)
	f("sentinel-password-file", "File with the password for the Sentinels.").StringVar(&o.SentinelPasswordFile)
}

func (p *program) addWebFlags() {
	p.web = kingpinflag.AddFlags(p.app, defaultAddress)
	p.adminAPI = p.app.Flag("web.enable-admin-api", "Let admins purge, requeue, delete and reload through the web.").Bool()
	p.adminUsers = p.app.Flag("web.admin-users", "A user, or the common name of a client certificate, who is an admin. Repeatable.").Strings()
	p.pprof = p.app.Flag("web.enable-pprof", "Serve Go's profiles under /debug/pprof/.").Bool()
	p.telemetryPath = p.app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").String()
	p.timeout = p.app.Flag("scrape.timeout", "Deadline of a scrape that sends none, and the most that any read of Redis may take.").
		Default("10s").Duration()
	p.timeoutOffset = p.app.Flag("scrape.timeout-offset", "Subtracted from the timeout that Prometheus sends, so that the answer arrives in time.").
		Default("500ms").Duration()
	p.collectors = make(map[string]*bool)
	for _, c := range collector.All() {
		p.collectors[c.Name] = p.app.Flag("collector."+c.Name, "Collect: "+c.Help+".").Default("true").Bool()
	}
}

// addEventFlags adds the switch of what is no collector of a scrape: it counts all
// the time.
func (p *program) addEventFlags() {
	p.events = p.app.Flag("collector.events", "Count the steps in the lives of VMs and requests and time them, by looking at the queues' members all the time.").
		Default("true").Bool()
}

func (p *program) addSweepFlags() {
	p.sweepInterval = p.app.Flag("sweep.interval", "Time between the beginnings of two sweeps over all keys.").Default("1m").Duration()
	p.sweepShare = p.app.Flag("sweep.max-share", "The most of Redis' time that a sweep may take, from above 0 to 1. The health command sweeps at once unless this is given.").
		Default("0.1").IsSetByUser(&p.sweepShareSet).Float64()
	p.sweepPause = p.app.Flag("sweep.pause", "Least pause between two batches of a sweep; none in the health command unless this is given.").
		Default("5ms").IsSetByUser(&p.sweepPauseSet).Duration()
	p.sweepConfirm = p.app.Flag("sweep.confirm-after", "How long metadata must have been an orphan before it counts as leaked.").Default("2s").Duration()
}

func (p *program) addHealthFlags() {
	p.app.Flag("health.publish", "Write vmpooler__health, as vmpooler would; overrides the file's health_check_enabled.").
		IsSetByUser(&p.publishSet).BoolVar(&p.publish)
}

func (p *program) addDLQFlags() {
	p.dlqEnabled = p.app.Flag("dlq.enabled", "Record the dead letters of failed VMs in Redis; overrides the file's dlq_enabled.").
		IsSetByUser(&p.dlqEnabledSet).Bool()
	p.dlqInterval = p.app.Flag("dlq.interval", "Time between two looks at the queues' members, for VM events and dead letters.").
		Default("1s").Duration()
}

// validate checks what kingpin can't.
func (p *program) validate() error {
	switch {
	case *p.sweepShare <= 0 || *p.sweepShare > 1:
		return fmt.Errorf("--sweep.max-share must be above 0 and at most 1, not %v", *p.sweepShare)
	case *p.sweepInterval <= 0 || *p.sweepPause < 0 || *p.sweepConfirm < 0:
		return errors.New("--sweep.interval must be above 0, and --sweep.pause and --sweep.confirm-after must not be negative")
	case *p.dlqInterval <= 0:
		return errors.New("--dlq.interval must be above 0")
	case *p.timeout <= 0 || *p.timeoutOffset < 0:
		return errors.New("--scrape.timeout must be above 0, and --scrape.timeout-offset must not be negative")
	case !strings.HasPrefix(*p.telemetryPath, "/") || *p.telemetryPath == "/":
		return fmt.Errorf("--web.telemetry-path must begin with a slash and be more than that, not %q", *p.telemetryPath)
	}
	return p.purgeFlags.validate()
}

// enabled returns the collectors that are switched on.
func (p *program) enabled() []collector.Collector {
	on := make([]collector.Collector, 0, len(p.collectors))
	for _, c := range collector.All() {
		if *p.collectors[c.Name] {
			on = append(on, c)
		}
	}
	return on
}
