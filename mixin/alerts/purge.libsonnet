// The purge. One exporter purges at a time; what another one did when it was its
// turn stands in its gauges for ever, so those count only where they are in force.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  local succeeded = q.succeeded('vmpooler_purge_last_success_timestamp_seconds'),
  local interval = q.orDefault(q.max('vmpooler_purge_interval_seconds'), config.defaultLimits.purge_interval),

  // In a dry run nobody leads, and all of them count.
  local inForce(series) = '%s unless %s %s == 0' % [series, q.on(['instance']), q.select('vmpooler_exporter_leader')],

  prometheusAlerts+:: {
    groups+: if !config.features.purge then [] else [{
      name: 'vmpooler-purge',
      rules: [
        a.alert('VmpoolerPurgeStale', 'warning', {
          expr: |||
            time() - %s
            > %g * %s
            and %s
          ||| % [succeeded, config.purgeStaleIntervals, interval, q.redisUp],
          'for': '10m',
          summary: 'The purge has not come to its end for long.',
          description: "The last purge that came to its end was {{ $value | humanizeDuration }} ago, more than %g times its interval. The exporters' logs say why it fails or does not begin." % config.purgeStaleIntervals,
          dashboard: 'maintenance',
        }),

        // A cycle that fails is tried again, and most succeed then. After one that
        // succeeded the failures of the hour before are history.
        a.alert('VmpoolerPurgeFailing', 'warning', {
          expr: |||
            (
              %(failed)s > 0
              unless time() - %(succeeded)s < 3600
              or %(refused)s >= %(min)g
            )
            and %(redisUp)s
          ||| % {
            failed: q.written('vmpooler_purge_cycles_total', '1h', [], 'result=~"failed|panicked"'),
            succeeded: succeeded,
            refused: q.written('vmpooler_purge_actions_total', '1h', [], 'result=~"refused|failed"'),
            min: config.purgeFailuresMin,
            redisUp: q.redisUp,
          },
          'for': '10m',
          summary: 'Purges fail.',
          description: '{{ $value | printf "%.0f" }} cycles of the purge, or entries of them, failed in an hour. The exporter\'s log has Redis\'s words, and vmpooler_exporter check-redis the permissions that are missing.',
          dashboard: 'maintenance',
        }),

        // Not the minutes of watching after a start.
        a.alert('VmpoolerPurgeHeld', 'warning', {
          expr: q.by('max', inForce(q.select('vmpooler_purge_held', 'cause!="start"')), ['pool', 'cause']) + ' == 1',
          'for': '30m',
          summary: 'The purge leaves a pool alone, since too much of it seems stale.',
          description: 'The purge leaves {{ if eq $labels.cause "requests" }}on-demand requests{{ else }}{{ with $labels.pool }}pool {{ . }}{{ else }}all pools{{ end }}{{ end }} alone, cause: {{ $labels.cause }}. Look at the plan (vmpooler_exporter purge --dry-run) before you override it.',
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerPurgeDryRunLeftOn', 'info', {
          expr: q.by('max', inForce('max_over_time(%s)' % q.select('vmpooler_purge_last_cycle_entries', 'dry_run="true"', '2h'))) + ' > 0',
          'for': '1d',
          summary: 'The purge finds stale entries, but has been a dry run for a day.',
          description: 'A dry run of the purge would have purged {{ $value | humanize }} entries, and nothing has been for a day. If its plan is right, turn purge_dry_run off.',
          dashboard: 'maintenance',
        }),
      ],
    }],
  },
}
