// What the recording rules make of two exporters on one Redis.
local c = import 'cases.libsonnet';

local recorded(minutes, samples) = [
  { expr: series, eval_time: '%ds' % (60 * minutes), exp_samples: [{ labels: sample[0], value: sample[1] } for sample in samples[series]] }
  for series in std.objectFields(samples)
];

local records(title, exporters, minutes, samples) = c.test(title, exporters, [], 130) { promql_expr_test: recorded(minutes, samples) };

local own(name, labels) = '%s{job="vmpooler_exporter", %s}' % [name, labels];
local queue(name, n) = { ['vmpooler_health_queue_size{pool="debian-12", queue="%s"}' % name]: n };
local events(event, n) = { ['vmpooler_vm_events_total{event="%s", pool="debian-12"}' % event]: n };
local le(bound, n) = { ['vmpooler_ondemand_fulfilment_duration_seconds_bucket{le="%s", pool="debian-12"}' % bound]: n };

c.file([[
  records('queues and thresholds', c.pair(queue('pending', 7) + queue('ready', 3) + { 'vmpooler_pool_size{pool="debian-12"}': 12, 'vmpooler_health_threshold{name="pending_queue_max"}': 50 }), 30, {
    'cluster_job_pool_queue:vmpooler_health_queue_size:max': [
      [own('cluster_job_pool_queue:vmpooler_health_queue_size:max', 'pool="debian-12", queue="pending"'), 7],
      [own('cluster_job_pool_queue:vmpooler_health_queue_size:max', 'pool="debian-12", queue="ready"'), 3],
    ],
    'cluster_job_name:vmpooler_health_threshold:max': [[own('cluster_job_name:vmpooler_health_threshold:max', 'name="pending_queue_max"'), 50]],
    'cluster_job_pool:vmpooler_pool_fill:ratio': [[own('cluster_job_pool:vmpooler_pool_fill:ratio', 'pool="debian-12"'), 0.25]],
    // Nothing moves.
    'cluster_job_pool:vmpooler_pool_empty:minutes': [],
    'cluster_job_pool:vmpooler_pending_threshold:minutes': [],
  }),
  records('a pool that is drained has no share', c.pair(queue('ready', 0) + { 'vmpooler_pool_size{pool="debian-12"}': 0 }), 30, {
    'cluster_job_pool:vmpooler_pool_fill:ratio': [],
  }),
  // 2 VMs a minute fewer, 20 left; 1 a minute more, 80 so far, and vmpooler's own limit.
  records('predictions', c.pair(queue('ready', '80-1x80') + queue('pending', '50+0.5x200')), 30, {
    'cluster_job_pool:vmpooler_pool_empty:minutes': [[own('cluster_job_pool:vmpooler_pool_empty:minutes', 'pool="debian-12"'), 10]],
    'cluster_job_pool:vmpooler_pending_threshold:minutes': [[own('cluster_job_pool:vmpooler_pending_threshold:minutes', 'pool="debian-12"'), 20]],
  }),
  // Both count everything: 2 and 6 a minute, not twice that.
  records('events', c.pair(events('clone_failed', '0+1x200') + events('cloned', '0+3x200')), 60, {
    'cluster_job_pool_event:vmpooler_vm_events:per_minute5m': [
      [own('cluster_job_pool_event:vmpooler_vm_events:per_minute5m', 'event="clone_failed", pool="debian-12"'), 2],
      [own('cluster_job_pool_event:vmpooler_vm_events:per_minute5m', 'event="cloned", pool="debian-12"'), 6],
    ],
    'cluster_job_pool:vmpooler_clone_failure:ratio30m': [[own('cluster_job_pool:vmpooler_clone_failure:ratio30m', 'pool="debian-12"'), 0.25]],
  }),
  records('no clone, no ratio', c.pair(events('clone_failed', 0) + events('cloned', 0)), 60, {
    'cluster_job_pool:vmpooler_clone_failure:ratio30m': [],
  }),
  // Half of them within 10 s, nine in ten within 60 s, all within 100 s.
  records('how long requests take', c.pair(le('10', '0+5x260') + le('60', '0+9x260') + le('100', '0+10x260') + le('+Inf', '0+10x260')), 120, {
    'cluster_job_pool:vmpooler_ondemand_fulfilment_seconds:p50_1h': [[own('cluster_job_pool:vmpooler_ondemand_fulfilment_seconds:p50_1h', 'pool="debian-12"'), 10]],
    'cluster_job_pool:vmpooler_ondemand_fulfilment_seconds:p90_1h': [[own('cluster_job_pool:vmpooler_ondemand_fulfilment_seconds:p90_1h', 'pool="debian-12"'), 60]],
    'round(cluster_job_pool:vmpooler_ondemand_fulfilment_seconds:p99_1h)': [['{job="vmpooler_exporter", pool="debian-12"}', 96]],
  }),
  // Two exporters took turns in writing: what each added counts.
  records('dead letters', [
    c.exporter({ 'vmpooler_dlq_entries_total{queue="clone"}': '0+1x260', vmpooler_health_dlq_total_size: '0+4x260' }),
    c.exporter({ 'vmpooler_dlq_entries_total{queue="clone"}': '0+2x260', vmpooler_health_dlq_total_size: '0+4x260' }, 'b:10124'),
  ], 100, {
    'cluster_job_queue:vmpooler_dlq_entries:per_hour': [[own('cluster_job_queue:vmpooler_dlq_entries:per_hour', 'queue="clone"'), 360]],
    // 800 so far, 8 a minute more.
    'cluster_job:vmpooler_dlq_critical:minutes': [['cluster_job:vmpooler_dlq_critical:minutes{job="vmpooler_exporter"}', 25]],
  }),
  // Everything is recorded once for each vmpooler.
  records('two vmpoolers', c.pair(queue('pending', 7)) + c.pair(queue('pending', 9), 'vmpooler-exporter-b'), 30, {
    'cluster_job_pool_queue:vmpooler_health_queue_size:max': [
      ['cluster_job_pool_queue:vmpooler_health_queue_size:max{job="vmpooler-exporter-b", pool="debian-12", queue="pending"}', 9],
      [own('cluster_job_pool_queue:vmpooler_health_queue_size:max', 'pool="debian-12", queue="pending"'), 7],
    ],
  }),
]]) + { rule_files: ['../../alerts/vmpooler_rules.yaml'] }
