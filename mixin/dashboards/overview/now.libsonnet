// The state of things at this moment: one look says whether to read on.
local states = [[0, 'Healthy', 'green'], [1, 'Degraded', 'orange'], [2, 'Unhealthy', 'red']];

local conditions = [
  ['dlq_size', 'Too many dead letters', 'text'],
  ['stuck_vms', 'VMs are stuck', 'text'],
  ['pending_queue', 'Pending queue too long', 'text'],
  ['ready_queue', 'Ready queue too long', 'text'],
  ['queue_cliff', 'VMs vanished at once', 'text'],
  ['purge_held', 'Purge leaves it alone', 'text'],
];

function(c)
  local p = c.p, q = c.q, severities = c.config.severities;
  local inQueue(queue) = q.total(q.queue(queue));
  local level(severity) = '%s == 1' % q.max('vmpooler_health_condition', ['condition', 'pool', 'severity'], 'severity="%s"' % severity);
  {
    title: 'Now',
    lines: [
      {
        h: 5,
        panels: [
          {
            w: 3,
            panel:
              p.stat(
                'Status',
                'What vmpooler is by its own rule: degraded or unhealthy once dead letters, stuck VMs or a queue are beyond their thresholds.',
                'Read the reasons below; each names its pool. Unknown means that no exporter can read the queues.',
                'none',
                [p.now(q.max('vmpooler_health_status'), q.legend)],
              ) + p.mapped(states) + p.tile + p.empty('Unknown'),
          },
          {
            w: 3,
            panel:
              p.stat(
                'Redis',
                "Whether an exporter can read vmpooler's state. With no answer, nothing else here is new.",
                'Run vmpooler_exporter check-redis where the exporter runs; its log says when it began.',
                'none',
                [p.now(q.max('vmpooler_up'), q.legend)],
              ) + p.mapped([[0, 'No answer', 'red'], [1, 'Answers', 'green']]) + p.tile + p.empty('No exporter'),
          },
          {
            w: 3,
            panel:
              p.stat(
                'Empty pools',
                'Pools that should have ready VMs and have none: whoever asks for one is turned away. A pool of size 0 does not count.',
                'They are at the top of the table below.',
                'short',
                [p.now('count by (%s) (%s == 0) or 0 * %s' % [q.labels(), q.fill(), q.max('vmpooler_health_status')], q.legend)],
              ) + p.steps([[0, 'green'], [1, 'red']]) + p.empty('Unknown'),
          },
          {
            w: 3,
            panel:
              p.stat(
                'Ready VMs',
                'VMs that users can have at once, in all pools.',
                'If it is far below what the pools are to have, look at the failed clones.',
                'short',
                [p.now(inQueue('ready'), q.legend)],
              ) + p.empty('Unknown'),
          },
          {
            w: 3,
            panel:
              p.stat(
                'Fill',
                'Ready VMs as a share of what all pools together are to have.',
                'Nothing while it is green. Below, compare what is checked out with what becomes ready.',
                'percentunit',
                [p.now('%s / (%s > 0)' % [
                  inQueue('ready'),
                  q.total(q.max('vmpooler_pool_size', ['pool'])),
                ], q.legend)],
              ) + p.steps(q.fillSteps) + p.with({ decimals: 0 }) + p.empty('No pool sizes'),
          },
          {
            w: 3,
            panel:
              p.stat(
                'Running VMs',
                'VMs that users have.',
                'Nothing; a sudden fall to 0 is VMs being destroyed under their users: look at the provider.',
                'short',
                [p.now(inQueue('running'), q.legend)],
              ) + p.empty('Unknown'),
          },
          {
            w: 3,
            panel:
              p.stat(
                'Stuck VMs',
                'Pending VMs that are older than stuck_vm_age_threshold.',
                'See in which pool, then try to boot a VM of its template by hand.',
                'short',
                [p.now(q.max('vmpooler_health_stuck_vms'), q.legend)],
              ) + p.steps([[0, 'green'], [1, 'orange']]) + p.empty('Unknown'),
          },
          {
            w: 3,
            panel: if c.features.dlq then
              p.stat(
                'Dead letters',
                'Failures of VMs that stand in the dead-letter queues. They leave by themselves after dlq_ttl hours.',
                'Run vmpooler_exporter dlq stats: it says what failed, and where.',
                'short',
                [p.now(q.max('vmpooler_health_dlq_total_size'), q.legend)],
              ) + p.empty('Unknown'),
          },
        ],
      },
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel:
              p.table(
                'Reasons',
                'The conditions that hold, the worst of each. The last two kinds, vanished VMs and a purge that is held, are no part of the status.',
                'Each has its alert, and its runbook says what to do. All stands for the whole of vmpooler.',
                [{ label: 'condition', name: 'Condition', set: { mappings: p.mapping(conditions) } }, { label: 'pool', name: 'Pool', set: c.links.fromCellOrAll }, {
                  label: 'severity',
                  name: 'Severity',
                  set: {
                    'custom.width': 90,
                    'custom.cellOptions': { type: 'color-text' },
                    mappings: p.mapping([['critical', 'critical', 'red'], ['warning', 'warning', 'orange']]),
                  },
                }] + q.groupKeys,
                [{ name: 'Holds', set: { 'custom.hidden': true }, expr: '%s\nor ignoring (severity) %s' % [level('critical'), level('warning')] }],
                'Severity',
                descending=false,
              ) + p.empty('No condition holds'),
          },
          {
            w: 8,
            panel:
              p.table(
                'Firing alerts',
                'Alerts of this bundle that fire, as Prometheus has them; Alertmanager may have silenced or inhibited some.',
                "Open the alert's runbook by its name.",
                [
                  { label: 'alertname', name: 'Alert', set: c.links.fromAlert },
                  {
                    label: 'severity',
                    name: 'Level',
                    set: {
                      'custom.width': 90,
                      'custom.cellOptions': { type: 'color-text' },
                      mappings: p.mapping([[severities.critical, severities.critical, 'red'], [severities.warning, severities.warning, 'orange']]),
                    },
                  },
                  { label: 'pool', name: 'Pool', set: c.links.fromCellOrAll },
                ] + q.groupKeys,
                [{ name: 'How many', set: { 'custom.width': 90 }, expr: q.by('count', 'ALERTS{alertname=~"Vmpooler.+", alertstate="firing", cluster=~"$cluster", job=~"$job|", instance=~"$instance|"}', ['alertname', 'severity', 'pool']) }],
                'Level',
                descending=false,
              ) + p.empty('No alert fires'),
          },
          {
            w: 8,
            panel: p.alertList(
              'Pending and firing rules',
              "The same alerts by Grafana's own list, with those that are about to fire. It is empty where Grafana does not see Prometheus's rules.",
              'Open a rule for its description, its runbook and to silence it.',
            ),
          },
        ],
      },
    ],
  }
