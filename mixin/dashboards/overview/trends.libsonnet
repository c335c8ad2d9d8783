// How it came to be as it is, against the thresholds that make the status.
function(c)
  local p = c.p, q = c.q;
  local limit(name) = p.line(q.threshold(name), 'limit ' + name);
  // vmpooler calls a queue unhealthy at twice its threshold.
  local twice(name) = p.line('2 * ' + q.threshold(name), 'limit unhealthy, 2 × ' + name);
  local size(queue) = p.line(q.total(q.queue(queue)), q.named(queue));
  local queue(name) = p.line(q.top(q.queue(name), 'vmpooler_health_queue_size', 'queue="%s"' % name), '{{pool}}');
  {
    title: 'Trends',
    lines: [
      {
        h: 5,
        panels: [
          {
            w: 12,
            panel: p.timeline(
              'Status over time',
              'The status, for each vmpooler that is chosen. Gaps are times when no exporter could read the queues.',
              'Compare the beginning of a band with the panels below: they share the time.',
              [p.line(q.max('vmpooler_health_status'), q.legend)],
              [[0, 'Healthy', 'green'], [1, 'Degraded', 'orange'], [2, 'Unhealthy', 'red']],
            ) + p.empty('Unknown'),
          },
          {
            w: 12,
            panel:
              p.timeSeries(
                'Conditions that hold',
                'How many comparisons are beyond their threshold, by kind and severity. A queue counts once for each pool.',
                "One pool is that pool's matter; many at once are the provider's or vmpooler's own.",
                'short',
                [p.line(q.by('count', q.by('max', q.select('vmpooler_health_condition') + ' == 1', ['condition', 'pool', 'severity']), ['condition', 'severity']), '{{condition}} {{severity}}')],
              ) + p.with({ decimals: 0 }) + p.empty('No condition held'),
          },
        ],
      },
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel: if c.features.dlq then
              p.timeSeries(
                'Dead letters against the limits',
                'Entries of all dead-letter queues. Beyond the first limit vmpooler is degraded, beyond the second unhealthy.',
                'If it climbs, find the error that most of them share: vmpooler_exporter dlq stats.',
                'short',
                [
                  p.line(q.max('vmpooler_health_dlq_total_size'), q.named('dead letters')),
                  limit('dlq_max_warning'),
                  limit('dlq_max_critical'),
                ],
              ) + p.limits,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Stuck VMs against the limits',
                'Pending VMs of all pools that are older than stuck_vm_age_threshold.',
                "VMs that are stuck for longer than the pool's timeout mean that vmpooler's manager does not get to them: look whether it runs.",
                'short',
                [
                  p.line(q.max('vmpooler_health_stuck_vms'), q.named('stuck')),
                  limit('stuck_vm_max_warning'),
                  limit('stuck_vm_max_critical'),
                ],
              ) + p.limits,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Ready, pending and running VMs',
                'VMs of all pools. Pending ones that grow while ready ones shrink are VMs that do not boot.',
                'Look into the pools that are first in the table.',
                'short',
                [size('ready'), size('pending'), size('running')],
              ) + p.fewer(400),
          },
        ],
      },
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'Longest pending queues',
                'VMs that are being made, in the %d pools that had the most in the time shown.' % c.config.dashboardTopPools,
                'A queue beyond its limit is a pool whose VMs do not boot, or a checkout of many at once. Open it by its line.',
                'short',
                [queue('pending'), limit('pending_queue_max'), twice('pending_queue_max')],
              ) + p.limits + c.links.fromSeries + p.empty('No pool'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Longest ready queues',
                'Ready VMs, in the %d pools that had the most in the time shown.' % c.config.dashboardTopPools,
                'A queue beyond its limit costs money: make the pool smaller, or the limit greater if it is right.',
                'short',
                [queue('ready'), limit('ready_queue_max'), twice('ready_queue_max')],
              ) + p.limits + c.links.fromSeries + p.empty('No pool'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Clone slots',
                'Clones in progress as vmpooler counts them, and how many may be. Leaked ones are counted although no VM is being cloned.',
                "When leaked slots reach the limit, no pool fills any more: restart vmpooler's manager before that, which sets the counters to 0.",
                'short',
                [
                  p.line(q.max('vmpooler_health_tasks_active', ['type']), '{{type}}'),
                  p.line(q.min('vmpooler_health_clone_slots_leaked'), q.named('leaked')),
                  p.line(q.max('vmpooler_health_tasks_limit', ['type']), 'limit {{type}}'),
                ],
              ) + p.limits + p.with({ decimals: 0 }),
          },
        ],
      },
    ],
  }
