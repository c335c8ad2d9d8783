// The dead-letter queues, and the recorder that fills them. Only the exporter that
// writes counts what is written: sums over all of them.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  local total = q.max('vmpooler_health_dlq_total_size'),

  prometheusAlerts+:: {
    groups+: if !config.features.dlq then [] else [{
      name: 'vmpooler-dlq',
      rules: [
        a.alert('VmpoolerDLQTooLarge', 'warning', {
          expr: q.above(total, 'dlq_max_warning'),
          'for': '15m',
          summary: 'There are many dead letters.',
          description: 'The dead-letter queues hold {{ $value | humanize }} entries, limit ' + a.threshold('dlq_max_warning') + '. Read what failed most (vmpooler_exporter dlq stats), mend it, and delete the entries that are settled.',
          dashboard: 'maintenance',
        }),
      ] + a.ifSet('dlq_max_critical', [
        a.alert('VmpoolerDLQTooLarge', 'critical', {
          expr: q.above(total, 'dlq_max_critical'),
          'for': '10m',
          summary: 'There are far too many dead letters.',
          description: 'The dead-letter queues hold {{ $value | humanize }} entries, limit ' + a.threshold('dlq_max_critical') + '. Read what failed most (vmpooler_exporter dlq stats), mend it, and delete the entries that are settled.',
          dashboard: 'maintenance',
        }),
      ]) + [
        // The value is the seconds that are left. A burst that is over is no trend.
        a.alert('VmpoolerDLQFillingUp', 'warning', {
          expr: |||
            (%(until)s > 0)
            / (%(trend)s > 0)
            < %(soon)g
            and %(total)s > %(many)s0.5 * %(some)s
            and %(late)s > 0
          ||| % {
            until: q.until(total, 'dlq_max_critical'),
            trend: q.over('min', 'deriv', 'vmpooler_health_dlq_total_size', '1h'),
            late: q.over('min', 'deriv', 'vmpooler_health_dlq_total_size', '15m'),
            soon: config.dlqFillingSeconds,
            total: total,
            many: q.manyToOne('dlq_max_warning'),
            some: q.limit('dlq_max_warning'),
          },
          'for': '30m',
          summary: 'Dead letters grow towards the critical limit.',
          description: 'At this rate the dead letters reach the critical limit of ' + a.threshold('dlq_max_critical') + ' in {{ $value | humanizeDuration }}, and vmpooler counts as unhealthy. Read what fails (vmpooler_exporter dlq stats --since=1h) and mend it.',
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerDLQRecorderStale', 'warning', {
          expr: |||
            time() - %s > %g
            and %s
          ||| % [q.succeeded('vmpooler_dlq_last_success_timestamp_seconds'), config.recorderStaleSeconds, q.redisUp],
          'for': '5m',
          summary: 'Failures are not recorded as dead letters.',
          description: "The recorder of dead letters last succeeded {{ $value | humanizeDuration }} ago, limit %gs: failures since then may be missing. Look at the exporters' logs, and run vmpooler_exporter check-redis for its permissions." % config.recorderStaleSeconds,
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerDLQWritesFailing', 'warning', {
          expr: |||
            %s > 0
            and %s
          ||| % [q.written('vmpooler_dlq_write_failures_total', '5m'), q.redisUp],
          'for': '10m',
          summary: 'Dead letters can not be written.',
          description: 'Redis refused or did not answer {{ $value | printf "%.0f" }} writes of dead letters in five minutes; they are tried again. The exporter\'s log has Redis\'s words, and vmpooler_exporter check-redis the permissions that are missing.',
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerDLQEvictingEntries', 'warning', {
          expr: '%s > 0' % q.written('vmpooler_dlq_evicted_entries_total', '30m'),
          'for': '5m',
          summary: 'Dead letters are dropped because a queue is full.',
          description: '{{ $value | printf "%.0f" }} dead letters were dropped in half an hour, the oldest first, since a queue holds dlq_max_entries. Read what fails so often (vmpooler_exporter dlq stats), and delete what is settled.',
          dashboard: 'maintenance',
        }),
      ],
    }],
  },
}
