// How fast dead letters come, and when they will be too many.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local record = (import '../lib/record.libsonnet')(config),

  prometheusRules+:: {
    groups+: if !config.features.dlq then [] else [{
      name: 'vmpooler-dlq.rules',
      rules: [
        // Those that the exporters added.
        record(['queue'], 'vmpooler_dlq_entries:per_hour', q.written('vmpooler_dlq_entries_total', '1h', ['queue'])),

        // Minutes until vmpooler is unhealthy for them; absent while they do not grow.
        record([], 'vmpooler_dlq_critical:minutes', '(%s > 0)\n/ (%s > 0)\n/ 60' % [
          q.until(q.max('vmpooler_health_dlq_total_size'), 'dlq_max_critical'),
          q.over('max', 'deriv', 'vmpooler_health_dlq_total_size', '1h'),
        ]),
      ],
    }],
  },
}
