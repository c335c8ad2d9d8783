// What the pools are to have, and have.
function(c)
  local p = c.p, q = c.q;
  local lines = (import 'lines.libsonnet')(c);
  local ready = lines.of('queue="ready"');
  local emptiest(expr) = q.emptiest(expr, lines.chosen);
  local few = ' Of many pools it draws the %d with the least fill in the time shown.' % c.config.dashboardTopPools;
  {
    title: 'Capacity',
    lines: [
      { h: 8, panels: [{ w: 24, panel: (import '../table.libsonnet')(c, 'Chosen pools, worst first', lines.chosen) }] },
      {
        h: 8,
        panels: [
          {
            w: 12,
            panel:
              p.timeSeries(
                'Ready VMs against the size',
                'VMs that can be had at once; dashed, how many there should be.' + few,
                'A line that stays below its size is a pool that is used faster than it fills: compare the rates below.',
                'short',
                [
                  p.line(emptiest(q.max('vmpooler_health_queue_size', ['pool'], ready)), '{{pool}}'),
                  p.line(emptiest(q.max('vmpooler_pool_size', ['pool'], lines.chosen)), 'size of {{pool}}'),
                ],
              ) + p.sideLegend + p.fewer(300) + p.dashedLines('/^size of /') + p.with({ decimals: 0 }) + p.empty('No pool'),
          },
          {
            w: 12,
            panel:
              p.timeSeries(
                'Running VMs by pool',
                'VMs that users have.' + lines.several,
                'A fall to 0 within minutes is VMs being destroyed under their users: look at the provider, and at the alert VmpoolerInventoryCliff.',
                'short',
                [lines.most('vmpooler_health_queue_size', 'running')],
              ) + p.sideLegend + p.with({ decimals: 0 }) + p.empty('No pool'),
          },
        ],
      },
      {
        h: 8,
        panels: [
          {
            w: 12,
            panel:
              p.timeSeries(
                'Fill by pool',
                'Ready VMs as a share of the size.' + few,
                'A saw between 0 and 1 is a pool that is too small for what is asked of it at once.',
                'percentunit',
                [p.line(emptiest(q.fill(lines.chosen)), '{{pool}}')],
              ) + p.sideLegend + p.fewer(300) + p.with({ decimals: 0 }) + p.empty('No pool with a size'),
          },
          {
            w: 12,
            panel:
              p.timeSeries(
                'Empty in',
                'When the last ready VM goes, if the half hour before goes on. Only pools that shrink have a line, and the lower the sooner.' + few,
                'Under %g minutes: see whether clones fail, or make the pool greater.' % (c.config.poolEmptySoonSeconds / 60),
                's',
                [p.line(emptiest('%s < 6 * 3600' % q.secondsToEmpty(lines.chosen)), '{{pool}}')],
              ) + p.sideLegend + p.fewer(150) + p.empty('No pool runs empty within six hours'),
          },
        ],
      },
    ],
  }
