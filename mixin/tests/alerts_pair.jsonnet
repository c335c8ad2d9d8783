// Two exporters on one Redis, for twelve hours: healthy, with the noise that every day
// has, all alerts are silent at all times; sick in many ways, many fire and once each.
local c = import 'cases.libsonnet';

local hours = 12;
local scrapes = hours * 120;
local clock = '0+30x%d' % scrapes;  // a timestamp that is always now

// A number over and over, and at the end of each of the first hours something else.
local steady(n, but='', times=0) = std.join(' ', ['%g+0x118 %s' % [n, but] for _ in std.range(1, times)] + ['%g+0x%d' % [n, scrapes]]);

local pools = ['debian-12', 'redhat-9', 'win-2022'];
local perPool(fields) = std.foldl(function(all, pool) all + { [std.strReplace(name, 'POOL', pool)]: fields[name] for name in std.objectFields(fields) }, pools, {});

local thresholds = {
  ['vmpooler_health_threshold{name="%s"}' % name]: (import '../config.libsonnet')._config.defaultLimits[name]
  for name in ['pending_queue_max', 'ready_queue_max', 'dlq_max_warning', 'dlq_max_critical', 'stuck_vm_age_threshold', 'stuck_vm_max_warning', 'stuck_vm_max_critical']
};

local collectors(names) = { ['vmpooler_exporter_collector_success{collector="%s"}' % name]: 1 for name in names };

// What reads the same from both.
local healthy = thresholds + collectors(['dlq', 'health', 'ondemand', 'orphans', 'pools', 'queues', 'redis', 'tasks']) + perPool({
  'vmpooler_pool_size{pool="POOL"}': 10,
  // Bursts of checkouts empty the pool for a moment, and it fills again.
  'vmpooler_health_queue_size{pool="POOL", queue="ready"}': steady(10, '0 0 1 3 5 7 9', 5),
  'vmpooler_health_queue_size{pool="POOL", queue="pending"}': steady(0, '10 10 9 7 5 3 1', 5),
  'vmpooler_health_queue_oldest_age_seconds{pool="POOL", queue="pending"}': steady(0, '30 60 90 120 150 180 210', 5),
  'vmpooler_health_queue_age_unknown{pool="POOL", queue="pending"}': steady(0, '1', 5),
  'vmpooler_health_condition{condition="queue_cliff", pool="POOL", severity="critical"}': 0,
  'vmpooler_pool_last_ready_timestamp_seconds{pool="POOL"}': steady(0),
  'vmpooler_vm_events_total{event="cloned", pool="POOL"}': '0+0.5x%d' % scrapes,
  // A failure each hour or so, and one restart of the counters.
  'vmpooler_vm_events_total{event="clone_failed", pool="POOL"}': '0+0x59 1+0x119 2+0x119 3+0x119 0+0x119 1+0x119 2+0x%d' % scrapes,
  'vmpooler_inventory_known{pool="POOL"}': steady(1, '0 0 0', 3),
  'vmpooler_inventory_unknown_vms{pool="POOL"}': steady(0, '1 1', 3),
}) + {
  vmpooler_health_status: steady(0, '1 1 1', 4),
  vmpooler_health_stuck_vms: steady(0, '3 3', 4),
  vmpooler_health_dlq_total_size: '10+0.0625x%d' % scrapes,
  'vmpooler_health_orphaned_metadata{state="leaked"}': 12,
  'vmpooler_health_orphaned_metadata{state="expiring"}': '0+1x%d' % scrapes,
  vmpooler_health_name_collisions: steady(0, '1', 4),
  vmpooler_health_check_duration_seconds: steady(0.1, '4', 4),
  'vmpooler_health_tasks_active{type="clone"}': 10,
  'vmpooler_health_tasks_active{type="ondemand"}': 0,
  'vmpooler_health_tasks_limit{type="clone"}': 10,
  'vmpooler_health_tasks_limit{type="ondemand"}': 10,
  vmpooler_health_clone_slots_leaked: steady(0, '1', 11),
  vmpooler_ondemand_requests_lost: 0,
  vmpooler_ondemand_oldest_request_age_seconds: steady(0, '300 600 900', 4),
  'vmpooler_ondemand_queue_size{queue="request"}': steady(0, '30 20 10', 4),
  'vmpooler_ondemand_queue_size{queue="create"}': steady(0, '5 30 10', 4),
  vmpooler_redis_clock_skew_seconds: steady(0.2, '7', 4),
  vmpooler_exporter_sweep_age_seconds: steady(30, '90 150', 4),
  vmpooler_exporter_panics_total: 0,
  vmpooler_exporter_api_panics_total: 0,
  vmpooler_exporter_failed_logins_total: steady(0, '1', 4),
  vmpooler_exporter_config_last_reload_successful: 1,
  'vmpooler_exporter_build_info{version="1.0.0"}': 1,
  process_start_time_seconds: 0,
  vmpooler_purge_interval_seconds: 3600,
};

// The one that writes, and that whose own counters stand still.
local writes = {
  vmpooler_exporter_leader: 1,
  vmpooler_dlq_last_success_timestamp_seconds: clock,
  vmpooler_dlq_write_failures_total: '0+0x500 1+0x%d' % scrapes,
  vmpooler_dlq_evicted_entries_total: 0,
  vmpooler_publish_last_success_timestamp_seconds: clock,
  vmpooler_purge_last_success_timestamp_seconds: std.join(' ', ['%d+0x119' % (3600 * h) for h in std.range(0, hours)]),
  'vmpooler_purge_cycles_total{result="failed"}': '0+0x500 1+0x%d' % scrapes,
  'vmpooler_purge_held{cause="start", pool=""}': '1+0x20 stale',
};
local follows = {
  vmpooler_exporter_leader: 0,
  vmpooler_dlq_last_success_timestamp_seconds: 0,
  vmpooler_dlq_write_failures_total: 0,
  vmpooler_dlq_evicted_entries_total: 0,
  vmpooler_publish_last_success_timestamp_seconds: 0,
  vmpooler_purge_last_success_timestamp_seconds: 0,
  'vmpooler_purge_cycles_total{result="failed"}': 0,
};

// Each is restarted once, and misses a scrape of Redis.
local restarted(after) = {
  up: '1+0x%d 0 0 1+0x%d' % [after, scrapes],
  vmpooler_up: '1+0x%d stale _ 1+0x99 0 1+0x%d' % [after, scrapes],
};

local after(hours, text) = { expr: text, eval_time: '%dh' % hours };

local sick = healthy + perPool({
  'vmpooler_health_queue_size{pool="POOL", queue="ready"}': 0,
  'vmpooler_health_queue_size{pool="POOL", queue="pending"}': 250,
  'vmpooler_health_queue_oldest_age_seconds{pool="POOL", queue="pending"}': 86400,
  'vmpooler_vm_events_total{event="cloned", pool="POOL"}': 0,
  'vmpooler_vm_events_total{event="clone_failed", pool="POOL"}': '0+1x%d' % scrapes,
  'vmpooler_health_condition{condition="queue_cliff", pool="POOL", severity="critical"}': 1,
  'vmpooler_inventory_known{pool="POOL"}': 0,
}) + {
  vmpooler_health_status: 2,
  vmpooler_health_stuck_vms: 60,
  vmpooler_health_dlq_total_size: 2000,
  vmpooler_health_clone_slots_leaked: 10,
  vmpooler_ondemand_requests_lost: 2,
  vmpooler_ondemand_oldest_request_age_seconds: 86400,
  vmpooler_redis_clock_skew_seconds: -120,
  'vmpooler_exporter_collector_success{collector="dlq"}': 0,
};
local wrong = writes {
  vmpooler_dlq_last_success_timestamp_seconds: 60,
  vmpooler_publish_last_success_timestamp_seconds: 60,
  vmpooler_purge_last_success_timestamp_seconds: 60,
  vmpooler_dlq_evicted_entries_total: '0+1x%d' % scrapes,
  'vmpooler_purge_held{cause="clock", pool=""}': 1,
};

// Of each alert and severity how many fire. Those of a pool do for each of the three.
local firing = {
  'VmpoolerCloneFailureRatioHigh critical': 1,
  'VmpoolerCloneFailureRatioHigh warning': 3,
  'VmpoolerCloneSlotsLeaked critical': 1,
  'VmpoolerCloneSlotsLeaked warning': 1,
  'VmpoolerCollectorFailing warning': 1,
  'VmpoolerDLQEvictingEntries warning': 1,
  'VmpoolerDLQRecorderStale warning': 1,
  'VmpoolerDLQTooLarge warning': 1,
  'VmpoolerInventoryCliff critical': 3,
  'VmpoolerOndemandRequestStalled warning': 1,
  'VmpoolerOndemandRequestsLost warning': 1,
  'VmpoolerPendingOldestTooOld warning': 3,
  'VmpoolerPendingQueueTooLong warning': 3,
  'VmpoolerPoolEmpty critical': 3,
  'VmpoolerPoolEmpty warning': 3,
  'VmpoolerPoolUnderfilled info': 3,
  'VmpoolerProviderListingUnknown warning': 3,
  'VmpoolerPublishStale warning': 1,
  'VmpoolerPurgeHeld warning': 1,
  'VmpoolerPurgeStale warning': 1,
  'VmpoolerRedisClockSkew warning': 1,
  'VmpoolerStuckVms warning': 1,
  'VmpoolerUnhealthy critical': 1,
  'VmpoolerUnhealthy warning': 1,
};

c.file([[
  c.test('a healthy pair', [
    c.exporter(healthy + writes + restarted(300)),
    c.exporter(healthy + follows + restarted(700), 'b:10124'),
  ], [], 60 * hours) {
    promql_expr_test: [
      after(hours, 'count by (alertname, severity) (max_over_time(ALERTS{alertstate="firing"}[12h]))') { exp_samples: [] },
      after(hours, 'count(vmpooler_health_queue_size)') { exp_samples: [{ labels: '{}', value: 2 * 2 * std.length(pools) }] },
    ],
  },
  c.test('a sick pair, and a healthy one', [
    c.exporter(sick + wrong),
    c.exporter(sick + follows, 'b:10124'),
    c.exporter(healthy + writes, job='vmpooler-exporter-b'),
    c.exporter(healthy + follows, 'b:10124', 'vmpooler-exporter-b'),
  ], [], 60 * 4) {
    promql_expr_test: [
      after(4, 'count by (job, alertname, severity) (ALERTS{alertstate="firing"})') {
        exp_samples: [
          local parts = std.split(name, ' ');
          { labels: '{alertname="%s", job="%s", severity="%s"}' % [parts[0], c.job, parts[1]], value: firing[name] }
          for name in std.objectFields(firing)
        ],
      },
    ],
  },
]])
