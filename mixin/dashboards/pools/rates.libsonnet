// How much the pools make, hand out and lose.
function(c)
  local p = c.p, q = c.q;
  local lines = (import 'lines.libsonnet')(c);
  local none = p.empty('No events: --no-collector.events?');
  local byPool(title, means, act, event) =
    p.timeSeries(title, means + lines.several, act, 'cpm', [lines.events('vmpooler_vm_events_total', event)]) + p.fewer(300) + none;
  {
    title: 'Rates',
    lines: [
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'VMs per minute by event',
                "Steps in the lives of the chosen pools' VMs, all together.",
                'In a steady pool as many become ready as are checked out, and as many are destroyed as are made.',
                'cpm',
                [p.line(q.total(q.perMinute('vmpooler_vm_events_total', ['event', 'pool'], lines.chosen), ['event']), '{{event}}')],
              ) + p.fewer(100) + none,
          },
          {
            w: 8,
            panel: byPool(
              'Became ready, by pool',
              'VMs that became ready in a minute.',
              'A pool below its size that makes none is not filled: see its pending VMs and failed clones.',
              'ready',
            ),
          },
          {
            w: 8,
            panel: byPool(
              'Checked out, by pool',
              'VMs that users took in a minute.',
              'A pool that is emptied in bursts needs a size of one burst.',
              'checked_out',
            ),
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
                'Failures by pool',
                'VMs that could not be cloned, were not ready in time, or were ready and could no longer be reached.' + lines.several,
                'vmpooler_exporter dlq list --pool=… says of each what the error was.',
                'cpm',
                [lines.events('vmpooler_vm_events_total', 'clone_failed|timed_out|unreachable')],
              ) + p.fewer(200) + none,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Share of clones that failed',
                'Failed clones of all that ended. Single failures are normal, and vmpooler tries again.' + lines.several,
                'Above %d%% for ten minutes there is an alert: look at the template, then at the provider.' % (100 * c.config.cloneFailureRatioWarning),
                'percentunit',
                [p.line(q.top(
                  q.failureRatio('$__rate_interval', lines.chosen), 'vmpooler_vm_events_total', lines.of('event="clone_failed"'), 'increase'
                ), '{{pool}}')],
              ) + p.with({ max: 1 }) + p.fewer(200) + p.empty('Nothing was cloned'),
          },
          {
            w: 8,
            panel: byPool(
              'Destroyed, by pool',
              'VMs whose destruction began in a minute.',
              "Many at once without as many having been given back: look at vmpooler's log for why.",
              'destroyed',
            ),
          },
        ],
      },
    ],
  }
