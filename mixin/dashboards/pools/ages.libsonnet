// How long VMs have been where they are.
function(c)
  local p = c.p, q = c.q;
  local lines = (import 'lines.libsonnet')(c);
  local ages(title, means, act, metric, queue) =
    p.timeSeries(title, means + lines.several, act, 's', [lines.most(metric, queue)]) + p.empty('No pool');
  local stuck = p.line(q.threshold('stuck_vm_age_threshold'), 'limit stuck_vm_age_threshold');
  {
    title: 'Ages',
    lines: [
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'Oldest pending VM',
                'Age of the oldest VM that is not ready yet. Beyond the limit it counts as stuck.' + lines.several,
                "A straight line upwards is one VM that nobody gives up on: look whether vmpooler's manager runs.",
                's',
                [lines.most('vmpooler_health_queue_oldest_age_seconds', 'pending'), stuck],
              ) + p.limits + p.empty('No pool'),
          },
          {
            w: 8,
            panel: ages(
              'Average age of pending VMs',
              'How long the pending VMs have been pending, on average.',
              'If it climbs with the oldest age, all VMs boot slowly; if it does not, a few are stuck.',
              'vmpooler_health_queue_average_age_seconds',
              'pending',
            ),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Time since a VM became ready',
                'How long ago the pool last got a ready VM.' + lines.several,
                'Normal for a pool that is full and unused. For an empty one it says since when nothing arrives.',
                's',
                [p.line(q.ranked(
                  'bottomk',
                  q.since('vmpooler_pool_last_ready_timestamp_seconds', ['pool'], lines.chosen),
                  q.throughout('max_over_time', 'vmpooler_pool_last_ready_timestamp_seconds', lines.chosen),
                ), '{{pool}}')],
              ) + p.empty('No pool ever had a ready VM'),
          },
        ],
      },
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel: ages(
              'Oldest ready VM',
              'Age of the VM that has been ready for longest.',
              'Days are normal where a pool is hardly used; make it smaller, or let the purge take stale ones (max_ready_age).',
              'vmpooler_health_queue_oldest_age_seconds',
              'ready',
            ),
          },
          {
            w: 8,
            panel: ages(
              'Oldest running VM',
              'How long the VM that was checked out first has been with its user.',
              "Longer than vm_lifetime allows: vmpooler's manager does not destroy it.",
              'vmpooler_health_queue_oldest_age_seconds',
              'running',
            ),
          },
          {
            w: 8,
            panel: ages(
              'Oldest completed VM',
              'How long a VM has been waiting for its destruction.',
              "More than minutes: the provider does not destroy it. See vmpooler's log for the VM's name.",
              'vmpooler_health_queue_oldest_age_seconds',
              'completed',
            ),
          },
        ],
      },
    ],
  }
