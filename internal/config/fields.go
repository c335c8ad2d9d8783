package config

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

const (
	// maxCount keeps every count within what Redis and its Lua represent exactly.
	maxCount = math.MaxInt32
	// maxPeriod keeps a sum of a time and a period far from overflow.
	maxPeriod = 100 * 365 * 24 * time.Hour
)

// field ties a key of the file to its place in Settings. Exactly one of flag,
// count and period is set.
type field struct {
	key    string // in the file
	env    string // the environment variable that overrides it, if any
	min    int64  // smallest number allowed, in the file's unit
	unit   time.Duration
	flag   func(*Settings) *bool
	count  func(*Settings) *int
	period func(*Settings) *time.Duration
}

// configFields are the keys of :config: that the exporter reads, in the order
// in which they are explained.
var configFields = []field{
	{key: "dlq_enabled", flag: func(s *Settings) *bool { return &s.DLQ.Enabled }},
	{key: "dlq_ttl", min: 1, unit: time.Hour, period: func(s *Settings) *time.Duration { return &s.DLQ.TTL }},
	{key: "dlq_max_entries", min: 1, count: func(s *Settings) *int { return &s.DLQ.MaxEntries }},

	{key: "purge_enabled", flag: func(s *Settings) *bool { return &s.Purge.Enabled }},
	{key: "purge_dry_run", flag: func(s *Settings) *bool { return &s.Purge.DryRun }},
	{key: "purge_interval", min: 1, unit: time.Second, period: func(s *Settings) *time.Duration { return &s.Purge.Interval }},
	{key: "max_pending_age", unit: time.Second, period: func(s *Settings) *time.Duration { return &s.Purge.MaxPendingAge }},
	{key: "max_ready_age", unit: time.Second, period: func(s *Settings) *time.Duration { return &s.Purge.MaxReadyAge }},
	{key: "max_completed_age", unit: time.Second, period: func(s *Settings) *time.Duration { return &s.Purge.MaxCompletedAge }},
	{key: "max_orphaned_age", unit: time.Second, period: func(s *Settings) *time.Duration { return &s.Purge.MaxOrphanedAge }},
	{key: "max_request_age", unit: time.Second, period: func(s *Settings) *time.Duration { return &s.Purge.MaxRequestAge }},

	{key: "health_check_enabled", flag: func(s *Settings) *bool { return &s.Health.Publish }},
	{key: "health_check_interval", min: 1, unit: time.Second, period: func(s *Settings) *time.Duration { return &s.Health.Interval }},

	{key: "task_limit", env: "TASK_LIMIT", count: func(s *Settings) *int { return &s.TaskLimit }},
	{key: "ondemand_clone_limit", env: "ONDEMAND_CLONE_LIMIT", count: func(s *Settings) *int { return &s.OndemandCloneLimit }},
	{key: "timeout", env: "TIMEOUT", unit: time.Minute, period: func(s *Settings) *time.Duration { return &s.PoolTimeout }},
	{key: "ready_ttl", env: "READY_TTL", unit: time.Minute, period: func(s *Settings) *time.Duration { return &s.PoolReadyTTL }},
}

// thresholdFields are the keys of health_thresholds, in their documented order.
var thresholdFields = []field{
	{key: "pending_queue_max", count: func(s *Settings) *int { return &s.Health.Thresholds.PendingQueueMax }},
	{key: "ready_queue_max", count: func(s *Settings) *int { return &s.Health.Thresholds.ReadyQueueMax }},
	{key: "dlq_max_warning", count: func(s *Settings) *int { return &s.Health.Thresholds.DLQMaxWarning }},
	{key: "dlq_max_critical", count: func(s *Settings) *int { return &s.Health.Thresholds.DLQMaxCritical }},
	{key: "stuck_vm_age_threshold", unit: time.Second, period: func(s *Settings) *time.Duration { return &s.Health.Thresholds.StuckVMAge }},
	{key: "stuck_vm_max_warning", count: func(s *Settings) *int { return &s.Health.Thresholds.StuckVMMaxWarning }},
	{key: "stuck_vm_max_critical", count: func(s *Settings) *int { return &s.Health.Thresholds.StuckVMMaxCritical }},
}

// dataTTLField is the one number of :redis: that is not part of the address.
// At 0 vmpooler would drop a VM's hash the moment it dies, and with it all
// evidence.
var dataTTLField = field{
	key: "data_ttl", env: "REDIS_DATA_TTL", min: 1, unit: time.Hour,
	period: func(s *Settings) *time.Duration { return &s.Redis.DataTTL },
}

const thresholdsKey = "health_thresholds"

// noun says what a number of this field counts, for an error.
func (f field) noun() string {
	switch f.unit {
	case time.Hour:
		return " of hours"
	case time.Minute:
		return " of minutes"
	case time.Second:
		return " of seconds"
	}
	return ""
}

// max is the largest number allowed, in the file's unit.
func (f field) max() int64 {
	if f.unit != 0 {
		return int64(maxPeriod / f.unit)
	}
	return maxCount
}

// setNumber stores n, which is in the file's unit.
func (f field) setNumber(s *Settings, n int64) {
	if f.period != nil {
		*f.period(s) = time.Duration(n) * f.unit
		return
	}
	*f.count(s) = int(n)
}

// number is the value in force; a period in seconds.
func (f field) number(s *Settings) float64 {
	if f.period != nil {
		return f.period(s).Seconds()
	}
	return float64(*f.count(s))
}

// text is the value in force as an operator would write it, with its unit.
func (f field) text(s *Settings) string {
	switch {
	case f.flag != nil:
		return strconv.FormatBool(*f.flag(s))
	case f.period != nil:
		unit := map[time.Duration]string{time.Hour: "h", time.Minute: "min", time.Second: "s"}[f.unit]
		return fmt.Sprintf("%d %s", *f.period(s)/f.unit, unit)
	}
	return strconv.Itoa(*f.count(s))
}
