// Where the pools' VMs are.
function(c)
  local p = c.p, q = c.q;
  local lines = (import 'lines.libsonnet')(c);
  local whole = p.with({ decimals: 0 }) + p.empty('No pool');
  {
    title: 'Queues',
    lines: [
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'VMs by queue',
                'VMs of all chosen pools together, in each of the six queues.',
                'pending that grows: VMs do not boot. completed that grows: they are not destroyed. discovered should be empty within minutes.',
                'short',
                [p.line(q.total(q.max('vmpooler_health_queue_size', ['pool', 'queue'], lines.chosen), ['queue']), '{{queue}}')],
              ) + p.fewer(300) + whole,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Pending VMs',
                'VMs that are being cloned or boot.' + lines.several,
                "Beyond the limit vmpooler is degraded. Boot a VM of the pool's template by hand.",
                'short',
                [
                  lines.most('vmpooler_health_queue_size', 'pending'),
                  p.line(q.threshold('pending_queue_max'), 'limit pending_queue_max'),
                ],
              ) + p.limits + whole,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Stuck VMs by pool',
                'Pending VMs that are older than stuck_vm_age_threshold.' + lines.several,
                'Look at one of them at the provider: no address, no DNS, or a template that does not boot.',
                'short',
                [lines.most('vmpooler_health_queue_stuck', 'pending')],
              ) + whole,
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
                'Completed VMs',
                'VMs that wait for their destruction.' + lines.several,
                "If it only grows, the provider refuses to destroy them, or vmpooler's manager does not run.",
                'short',
                [lines.most('vmpooler_health_queue_size', 'completed')],
              ) + whole,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Discovered and migrating VMs',
                'VMs that vmpooler found at the provider in no queue and will destroy, and VMs on their way to another host.' + lines.several,
                "Many discovered at once: VMs have lost their queue. Stop vmpooler's manager before it destroys them, if users had them.",
                'short',
                [
                  lines.most('vmpooler_health_queue_size', 'discovered', '{{pool}} discovered'),
                  lines.most('vmpooler_health_queue_size', 'migrating', '{{pool}} migrating'),
                ],
              ) + whole,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'VMs of unknown age',
                'Pending, ready or running VMs whose metadata is gone or has lost its time. They count in the size, and never as stuck.' + lines.several,
                'If it lasts, such VMs can be stuck without being counted: ask vmpooler_exporter explain for each, and leave those in running to their users.',
                'short',
                [p.line(
                  q.top(
                    q.max('vmpooler_health_queue_age_unknown', ['pool', 'queue'], lines.of('queue=~"pending|ready|running"')) + ' > 0',
                    'vmpooler_health_queue_age_unknown',
                    lines.of('queue=~"pending|ready|running"'),
                  ), '{{pool}} {{queue}}'
                )],
              ) + p.fewer(300) + p.with({ decimals: 0 }) + p.empty('Every age is known'),
          },
        ],
      },
    ],
  }
