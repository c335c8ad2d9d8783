// Queues, how full pools are, and when they will be empty or too long.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local record = (import '../lib/record.libsonnet')(config),

  local pending = q.queue('pending'),
  local ready = q.queue('ready'),
  local trend(queue) = q.over('max', 'deriv', 'vmpooler_health_queue_size', '15m', ['pool'], 'queue="%s"' % queue),

  prometheusRules+:: {
    groups+: [{
      name: 'vmpooler-queues.rules',
      rules: [
        record(['pool', 'queue'], 'vmpooler_health_queue_size:max', q.max('vmpooler_health_queue_size', ['pool', 'queue'])),

        record(['name'], 'vmpooler_health_threshold:max', q.max('vmpooler_health_threshold', ['name'])),

        // Ready VMs as a share of what there should be.
        record(['pool'], 'vmpooler_pool_fill:ratio', '%s\n/ (%s > 0)' % [ready, q.max('vmpooler_pool_size', ['pool'])]),

        // Minutes until the pool has no ready VM; absent while it does not shrink.
        record(['pool'], 'vmpooler_pool_empty:minutes', '%s\n/ -(%s < 0)\n/ 60' % [ready, trend('ready')]),

        // Minutes until too many are pending; absent while they do not grow, or are.
        record(['pool'], 'vmpooler_pending_threshold:minutes', '(%s > 0)\n/ (%s > 0)\n/ 60' % [
          q.until(pending, 'pending_queue_max'),
          trend('pending'),
        ]),
      ],
    }],
  },
}
