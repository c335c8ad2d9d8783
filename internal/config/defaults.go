package config

import "time"

// vmpooler's Redis, where nothing says otherwise.
const (
	defaultRedisHost    = "localhost"
	defaultRedisPort    = "6379"
	defaultSentinelPort = "26379"
)

// Defaults returns the settings that hold where nothing says otherwise:
// vmpooler's own defaults, with everything that writes turned off.
func Defaults() *Settings {
	return &Settings{
		Redis: Redis{
			Network: "tcp",
			Addr:    defaultRedisHost + ":" + defaultRedisPort,
			DataTTL: 168 * time.Hour,
		},
		DLQ: DLQ{TTL: 168 * time.Hour, MaxEntries: 10000},
		Purge: Purge{
			Interval:        time.Hour,
			MaxPendingAge:   2 * time.Hour,
			MaxReadyAge:     24 * time.Hour,
			MaxCompletedAge: time.Hour,
			MaxOrphanedAge:  24 * time.Hour,
			MaxRequestAge:   24 * time.Hour,
		},
		Health:             Health{Interval: 5 * time.Minute, Thresholds: DefaultThresholds()},
		PoolTimeout:        15 * time.Minute,
		PoolReadyTTL:       time.Hour,
		TaskLimit:          10,
		OndemandCloneLimit: 10,
		sources:            map[string]string{},
	}
}

// DefaultThresholds returns vmpooler's default limits of the health rule.
func DefaultThresholds() Thresholds {
	return Thresholds{
		PendingQueueMax:    100,
		ReadyQueueMax:      500,
		DLQMaxWarning:      100,
		DLQMaxCritical:     1000,
		StuckVMAge:         2 * time.Hour,
		StuckVMMaxWarning:  10,
		StuckVMMaxCritical: 50,
	}
}
