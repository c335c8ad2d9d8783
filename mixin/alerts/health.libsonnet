// vmpooler's own status, and what it does not count.
//
// Of all that goes by the thresholds only an unhealthy status pages, by those that the
// exporter has: a critical limit that is set here has a page of its own. StuckVms,
// DLQTooLarge, PendingQueueTooLong and ReadyQueueTooLong are the tickets that say
// why; Alertmanager lets them stand for the ticket that vmpooler is degraded.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  prometheusAlerts+:: {
    groups+: [{
      name: 'vmpooler-health',
      rules: [
        a.alert('VmpoolerUnhealthy', 'critical', {
          expr: '%s == 2' % q.last('vmpooler_health_status'),
          'for': '10m',
          summary: 'vmpooler is unhealthy.',
          description: 'vmpooler behind ' + a.which + ' is unhealthy by its own thresholds. The overview names the conditions that hold; vmpooler_exporter health lists them with their values.',
        }),

        // At least degraded: a status that goes to and fro must not begin it anew.
        a.alert('VmpoolerUnhealthy', 'warning', {
          expr: '%s >= 1' % q.last('vmpooler_health_status'),
          'for': '30m',
          summary: 'vmpooler is degraded.',
          description: 'vmpooler behind ' + a.which + ' is degraded by its own thresholds. The overview names the conditions that hold; vmpooler_exporter health lists them with their values.',
        }),

        a.alert('VmpoolerStuckVms', 'warning', {
          expr: q.above(q.max('vmpooler_health_stuck_vms'), 'stuck_vm_max_warning'),
          'for': '15m',
          summary: 'Many VMs are stuck in pending.',
          description: '{{ $value | humanize }} VMs have been pending for longer than ' + a.threshold('stuck_vm_age_threshold', 'humanizeDuration') + ', limit ' + a.threshold('stuck_vm_max_warning') + ". Look in which pools, and whether vmpooler's manager runs.",
        }),
      ] + a.ifSet('stuck_vm_max_critical', [
        a.alert('VmpoolerStuckVms', 'critical', {
          expr: q.above(q.max('vmpooler_health_stuck_vms'), 'stuck_vm_max_critical'),
          'for': '10m',
          summary: 'Far too many VMs are stuck in pending.',
          description: '{{ $value | humanize }} VMs have been pending for longer than ' + a.threshold('stuck_vm_age_threshold', 'humanizeDuration') + ', limit ' + a.threshold('stuck_vm_max_critical') + ". Look in which pools, and whether vmpooler's manager runs.",
        }),
      ]) + [
        // A level alone would fire for as long as old leaks are there: what they cost
        // is memory, what matters is that they go on.
        a.alert('VmpoolerOrphanedMetadataGrowing', 'info', {
          expr: '%s > %g' % [
            q.over('max', 'delta', 'vmpooler_health_orphaned_metadata', '6h', [], 'state="leaked"'),
            config.orphanedMetadataGrowth,
          ],
          'for': '30m',
          summary: 'Metadata of VMs leaks.',
          description: '{{ $value | printf "%%.0f" }} more hashes of VMs leaked in six hours, limit %g: nothing removes them, and each sweep takes longer. Turn the purge of orphaned metadata on, or run vmpooler_exporter purge --target=orphaned.' % config.orphanedMetadataGrowth,
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerNameCollisions', 'info', {
          expr: '%s > 0' % q.max('vmpooler_health_name_collisions'),
          'for': '1h',
          summary: 'VMs of two pools have the same name.',
          description: '{{ $value | humanize }} VMs share their name, and so their metadata, with a VM of another pool: their ages and owners are wrong. It ends with the VMs; do not delete the metadata by hand.',
        }),

        a.alert('VmpoolerAgesUnknown', 'info', {
          expr: q.by('sum', q.max('vmpooler_health_queue_age_unknown', ['pool', 'queue'], 'queue=~"pending|ready|running"'), ['pool']) + ' > 0',
          'for': '1h',
          summary: 'VMs of a pool have lost the metadata that says how old they are.',
          description: '{{ $value | humanize }} VMs of pool {{ $labels.pool }} have no age that is known: they can be stuck without being counted. Look at their hashes with vmpooler_exporter explain.',
          dashboard: 'pools',
        }),
      ],
    }],
  },
}
