// Steps in the lives of VMs and requests. Every exporter counts all of them.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local record = (import '../lib/record.libsonnet')(config),

  local clones(event) = q.counted('vmpooler_vm_events_total', '30m', ['pool'], 'event="%s"' % event),
  local failed = clones('clone_failed'),

  local quantile(rank, name) = record(
    ['pool'],
    'vmpooler_ondemand_fulfilment_seconds:%s_1h' % name,
    'histogram_quantile(%g, %s)' % [
      rank,
      q.over('max', 'rate', 'vmpooler_ondemand_fulfilment_duration_seconds_bucket', '1h', ['pool', 'le']),
    ]
  ),

  prometheusRules+:: {
    groups+: [{
      name: 'vmpooler-events.rules',
      rules: [
        // VMs a minute.
        record(['pool', 'event'], 'vmpooler_vm_events:per_minute5m', '60 * ' + q.over('max', 'rate', 'vmpooler_vm_events_total', '5m', ['pool', 'event'])),

        // The share of the clones that failed; absent where nothing was cloned.
        record(['pool'], 'vmpooler_clone_failure:ratio30m', '%s\n/ (%s + %s > 0)' % [failed, failed, clones('cloned')]),
      ],
    }] + if !config.features.ondemand then [] else [{
      name: 'vmpooler-ondemand.rules',
      rules: [
        quantile(0.5, 'p50'),
        quantile(0.9, 'p90'),
        quantile(0.99, 'p99'),
      ],
    }],
  },
}
