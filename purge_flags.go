package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purgeFlags are the settings of the purge that are not in vmpooler.yaml, or that
// override it there. The loop and the commands heed them alike.
type purgeFlags struct {
	enabled, dryRun       bool
	enabledSet, dryRunSet bool // by the user

	targets                     map[purger.Target]*bool
	maxPerPool, maxReadyPercent int
	maxSkew, maxStale           time.Duration
	startDelay                  time.Duration

	inventoryEnabled                    bool
	inventoryCommand                    string
	inventoryCommandEnv                 []string
	inventoryInterval, inventoryTimeout time.Duration
}

func (p *program) addPurgeFlags() {
	f, defaults := &p.purgeFlags, purger.DefaultLimits()
	p.app.Flag("purge.enabled", "Purge stale entries again and again; overrides the file's purge_enabled.").
		IsSetByUser(&f.enabledSet).BoolVar(&f.enabled)
	p.app.Flag("purge.dry-run", "Only say what would be purged; overrides the file's purge_dry_run.").
		IsSetByUser(&f.dryRunSet).BoolVar(&f.dryRun)
	f.targets = make(map[purger.Target]*bool)
	for _, t := range purger.Targets() {
		f.targets[t] = p.app.Flag("purge.target."+string(t), "Purge "+purgeTargetHelp[t]+".").Default("true").Bool()
	}
	p.app.Flag("purge.max-per-pool", "The most entries of a pool that are purged at once; a pool with more is held.").
		Default(strconv.Itoa(defaults.PerPool)).IntVar(&f.maxPerPool)
	p.app.Flag("purge.max-ready-percent", "The most of a pool's ready VMs that are purged at once, in percent; a pool with more is held.").
		Default(strconv.Itoa(defaults.ReadyPercent)).IntVar(&f.maxReadyPercent)
	p.app.Flag("purge.max-clock-skew", "Nothing is purged while this host's clock and Redis' differ by more.").
		Default("1m").DurationVar(&f.maxSkew)
	p.app.Flag("purge.max-stale", "Nothing is purged on the strength of what was read longer ago.").
		Default("10m").DurationVar(&f.maxStale)
	p.app.Flag("purge.start-delay", "How long the exporter watches before it purges for the first time.").
		Default("5m").DurationVar(&f.startDelay)
	p.app.Flag("inventory.enabled", "Ask the providers which VMs they have; completed VMs, leaked metadata and ghosts are purged only by their answer then.").
		BoolVar(&f.inventoryEnabled)
	p.app.Flag("inventory.command", "Program that lists the VMs of a pool whose provider the exporter does not know, a name a line; started without a shell.").
		StringVar(&f.inventoryCommand)
	p.app.Flag("inventory.command-env", "Name of a variable of the exporter's environment that the command gets besides PATH, HOME, LANG, LC_ALL, TZ and TMPDIR; repeatable.").
		StringsVar(&f.inventoryCommandEnv)
	p.app.Flag("inventory.interval", "Time between two listings of the providers.").Default("5m").DurationVar(&f.inventoryInterval)
	p.app.Flag("inventory.timeout", "The most that one pool's listing may take.").Default("1m").DurationVar(&f.inventoryTimeout)
}

var purgeTargetHelp = map[purger.Target]string{
	purger.Pending:   "VMs that have been pending for too long",
	purger.Ready:     "VMs that have been ready for too long",
	purger.Completed: "VMs whose destruction does not end",
	purger.Orphaned:  "metadata of VMs in no queue that nothing else will remove",
	purger.Request:   "on-demand requests that wait for too long",
	purger.Ghost:     "VMs that their provider does not have",
}

// override puts the flags over the file's settings.
func (f *purgeFlags) override(o *config.Overrides) {
	if f.enabledSet {
		o.PurgeEnabled = &f.enabled
	}
	if f.dryRunSet {
		o.PurgeDryRun = &f.dryRun
	}
}

// validate checks what kingpin can't.
func (f *purgeFlags) validate() error {
	switch {
	case f.maxPerPool < 1:
		return fmt.Errorf("--purge.max-per-pool must be 1 or more, not %d", f.maxPerPool)
	case f.maxReadyPercent < 0 || f.maxReadyPercent > 100:
		return fmt.Errorf("--purge.max-ready-percent must be from 0 to 100, not %d", f.maxReadyPercent)
	case f.maxSkew <= 0 || f.maxStale <= 0:
		return errors.New("--purge.max-clock-skew and --purge.max-stale must be above 0")
	case f.startDelay <= 0:
		return errors.New("--purge.start-delay must be above 0")
	case f.inventoryInterval <= 0 || f.inventoryTimeout <= 0:
		return errors.New("--inventory.interval and --inventory.timeout must be above 0")
	}
	return nil
}

// purgeSettings are those that the loop and the commands purge by.
func (p *program) purgeSettings(s *config.Settings) purger.Settings {
	f := &p.purgeFlags
	targets := make(map[purger.Target]bool, len(f.targets))
	for t, on := range f.targets {
		targets[t] = *on
	}
	return purger.Settings{
		Targets:         targets,
		MaxPendingAge:   s.Purge.MaxPendingAge,
		MaxReadyAge:     s.Purge.MaxReadyAge,
		MaxCompletedAge: s.Purge.MaxCompletedAge,
		MaxOrphanedAge:  s.Purge.MaxOrphanedAge,
		MaxRequestAge:   s.Purge.MaxRequestAge,
		DataTTL:         s.Redis.DataTTL,
		DeadLetters:     s.DLQ.Enabled,
		DLQTTL:          s.DLQ.TTL,
		Limits: purger.Limits{
			PerPool: f.maxPerPool, ReadyPercent: f.maxReadyPercent, MaxSkew: f.maxSkew, MaxStale: f.maxStale,
		},
	}
}
