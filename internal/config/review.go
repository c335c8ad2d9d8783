package config

import "time"

var symbolConfig = key{"config", true}

// review warns of settings that are valid one by one, but do not make sense
// together or may not mean what they look like.
func (d *decoder) review() {
	t := d.s.Health.Thresholds
	d.warnIfAbove("dlq_max_warning", t.DLQMaxWarning, "dlq_max_critical", t.DLQMaxCritical)
	d.warnIfAbove("stuck_vm_max_warning", t.StuckVMMaxWarning, "stuck_vm_max_critical", t.StuckVMMaxCritical)

	p := d.s.Purge
	for _, age := range []struct {
		key string
		age time.Duration
	}{
		{"max_pending_age", p.MaxPendingAge},
		{"max_ready_age", p.MaxReadyAge},
		{"max_completed_age", p.MaxCompletedAge},
		{"max_orphaned_age", p.MaxOrphanedAge},
		{"max_request_age", p.MaxRequestAge},
	} {
		if age.age == 0 {
			d.warn(d.places[age.key], age.key, "0 does not turn this off: everything is too old at once")
		}
	}
}

func (d *decoder) warnIfAbove(warning string, w int, critical string, c int) {
	if w > c {
		name := thresholdsKey + "." + warning
		d.warn(d.places[name], name, "%d is above %s, which is %d: degraded is passed over", w, critical, c)
	}
}
