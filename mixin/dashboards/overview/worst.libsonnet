// Every pool, those that need somebody first.
local table = import '../table.libsonnet';

function(c)
  local p = c.p, q = c.q;
  {
    title: 'Pools',
    lines: [{
      h: 12,
      panels: [
        {
          w: 17,
          panel: table(c, 'Pools, worst first'),
        },
        {
          w: 7,
          panel:
            p.bars(
              'Ready fill',
              "Ready VMs as a share of the pool's size, the %d emptiest pools. A pool of size 0 has none." % c.config.dashboardPoolBars,
              'Open a red pool: either nothing becomes ready, or more is checked out than is made.',
              'percentunit',
              [p.now('sort(bottomk(%d, %s))' % [c.config.dashboardPoolBars, q.fill()], '{{pool}}')],
            )
            + p.steps(q.fillSteps)
            + p.with({ max: 1, decimals: 0 })
            + p.empty('No pool with a size')
            + c.links.fromSeries,
        },
      ],
    }],
  }
