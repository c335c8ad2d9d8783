// Alerts of a mixin with other settings. Their expressions are asked as they are: what
// they answer is what would fire.
local mixin = import '../mixin.libsonnet';
local c = import 'cases.libsonnet';

local expr(name, severity, config) =
  local groups = (mixin { _config+:: config }).prometheusAlerts.groups;
  local rules = [rule for group in groups for rule in group.rules if rule.alert == name && rule.labels.severity == severity];
  assert std.length(rules) == 1 : 'no alert %s %s' % [name, severity];
  rules[0].expr;

local asked(title, exporters, name, severity, config, answers) =
  c.test(title, exporters, [], 60) {
    promql_expr_test: [{
      expr: expr(name, severity, config),
      eval_time: '30m',
      exp_samples: [{ labels: answer[0], value: answer[1] } for answer in answers],
    }],
  };

local threshold(name, n) = { ['vmpooler_health_threshold{name="%s"}' % name]: n };
local pending(n) = { 'vmpooler_health_queue_size{pool="debian-12", queue="pending"}': n };
local pool = '{job="vmpooler_exporter", pool="debian-12"}';
local whole = '{job="vmpooler_exporter"}';

c.file([[
  // An override wins over what the exporters say, to either side.
  asked('a lower limit', c.pair(pending(60) + threshold('pending_queue_max', 100)), 'VmpoolerPendingQueueTooLong', 'warning', { limits+: { pending_queue_max: 50 } }, [[pool, 60]]),
  asked('a higher limit', c.pair(pending(150) + threshold('pending_queue_max', 100)), 'VmpoolerPendingQueueTooLong', 'warning', { limits+: { pending_queue_max: 200 } }, []),
  asked('a limit of 0', c.pair(pending(1)), 'VmpoolerPendingQueueTooLong', 'warning', { limits+: { pending_queue_max: 0 } }, [[pool, 1]]),
  asked('a limit of dead letters', c.pair({ vmpooler_health_dlq_total_size: 60 } + threshold('dlq_max_warning', 100)), 'VmpoolerDLQTooLarge', 'warning', { limits+: { dlq_max_warning: 50 } }, [[whole, 60]]),
  asked('a limit of stuck VMs', c.pair({ vmpooler_health_stuck_vms: 3 }), 'VmpoolerStuckVms', 'warning', { limits+: { stuck_vm_max_warning: 2 } }, [[whole, 3]]),

  // vmpooler's status does not know it, so that it has a page of its own.
  asked('a critical limit of stuck VMs', c.pair({ vmpooler_health_stuck_vms: 21 } + threshold('stuck_vm_max_critical', 50)), 'VmpoolerStuckVms', 'critical', { limits+: { stuck_vm_max_critical: 20 } }, [[whole, 21]]),
  asked('a critical limit of stuck VMs that is not passed', c.pair({ vmpooler_health_stuck_vms: 60 } + threshold('stuck_vm_max_critical', 50)), 'VmpoolerStuckVms', 'critical', { limits+: { stuck_vm_max_critical: 60 } }, []),
  asked('a critical limit of dead letters', c.pair({ vmpooler_health_dlq_total_size: 301 } + threshold('dlq_max_critical', 1000)), 'VmpoolerDLQTooLarge', 'critical', { limits+: { dlq_max_critical: 300 } }, [[whole, 301]]),

  // What is predicted goes by it as well: 60 VMs and 1 a minute more reach 100 in 10 minutes.
  asked("the time to a limit of one's own", c.pair(pending('60+0.5x200') + threshold('pending_queue_max', 10000)), 'VmpoolerPendingQueueFilling', 'warning', { limits+: { pending_queue_max: 100 } }, [[pool, 600]]),
  asked('the time to another one', c.pair({ vmpooler_health_dlq_total_size: '60+2x200' }), 'VmpoolerDLQFillingUp', 'warning', { limits+: { dlq_max_warning: 10, dlq_max_critical: 240 } }, [[whole, 900]]),

  // The default where the series is absent, and the one of the settings in its place.
  asked('another default', c.pair(pending(60)), 'VmpoolerPendingQueueTooLong', 'warning', { defaultLimits+: { pending_queue_max: 50 } }, [[pool, 60]]),
  asked('a default does not win', c.pair(pending(60) + threshold('pending_queue_max', 100)), 'VmpoolerPendingQueueTooLong', 'warning', { defaultLimits+: { pending_queue_max: 50 } }, []),

  // Two vmpoolers under one job, told apart by another label: the limit of each is its own.
  asked(
    'other group labels',
    [
      c.exporter({
        'vmpooler_health_queue_size{namespace="a", pool="debian-12", queue="pending"}': 60,
        'vmpooler_health_threshold{name="pending_queue_max", namespace="a"}': 50,
        'vmpooler_health_queue_size{namespace="b", pool="debian-12", queue="pending"}': 60,
        'vmpooler_health_threshold{name="pending_queue_max", namespace="b"}': 70,
      }),
      c.exporter({
        'vmpooler_health_queue_size{namespace="a", pool="debian-12", queue="pending"}': 60,
        'vmpooler_health_threshold{name="pending_queue_max", namespace="a"}': 50,
      }, 'b:10124'),
    ],
    'VmpoolerPendingQueueTooLong',
    'warning',
    { groupLabels: ['namespace'] },
    [['{namespace="a", pool="debian-12"}', 60]],
  ),
  // Exporters of another job are none of theirs.
  asked('another selector', c.pair(pending(200)) + c.pair(pending(300), 'other'), 'VmpoolerPendingQueueTooLong', 'warning', { exporterSelector: 'job="other"' }, [['{job="other", pool="debian-12"}', 300]]),

  asked('seconds of skew', c.pair({ vmpooler_redis_clock_skew_seconds: -2 }), 'VmpoolerRedisClockSkew', 'warning', { clockSkewSeconds: 1 }, [[whole, 2]]),
]])
