// What the providers say that they have.
function(c)
  local p = c.p, q = c.q;
  local off = p.empty('No provider is asked (--inventory.enabled)');
  local quantile(n) = p.line(
    'histogram_quantile(%g, %s)' % [n, q.over('sum', 'rate', 'vmpooler_inventory_list_duration_seconds_bucket', '$__rate_interval', ['provider', 'le'])],
    '{{provider}} p%g' % (n * 100),
  );
  if !c.features.provider then null else {
    title: 'Providers',
    collapsed: true,
    lines: [
      {
        h: 8,
        panels: [
          {
            w: 4,
            panel:
              p.stat(
                'Pools not listed',
                "Pools whose last listing can't be relied on. Nothing of theirs is purged that needs it.",
                'The table beside says which; the log says why.',
                'short',
                [p.now('count by (%s) (%s == 0) or 0 * %s' % [q.labels(), q.max('vmpooler_inventory_known', ['pool']), q.max('vmpooler_inventory_known')], q.legend)],
              ) + p.steps([[0, 'green'], [1, 'orange']]) + off,
          },
          {
            w: 12,
            panel:
              p.table(
                'Listings by pool',
                "Whether the pool's last listing can be relied on, how old the last one is that could be, how many VMs the provider has that no queue knows, and how many listings failed in an hour.",
                "Not known: the folder, the zone or the account's rights are wrong, or the provider does not answer. Unknown VMs that stay are paid for and used by nobody: destroy them by hand.",
                [{ label: 'pool', name: 'Pool', set: { links: c.links.fromCell } }] + q.groupKeys,
                [
                  {
                    name: 'Known',
                    expr: q.max('vmpooler_inventory_known', ['pool']),
                    set: { 'custom.width': 80, 'custom.cellOptions': { type: 'color-text' }, mappings: p.mapping([[0, 'no', 'red'], [1, 'yes', 'green']]) },
                  },
                  { name: 'Listed', expr: q.since('vmpooler_inventory_last_success_timestamp_seconds', ['pool']), unit: 's', set: { decimals: 0 } },
                  { name: 'Unknown VMs', expr: q.max('vmpooler_inventory_unknown_vms', ['pool']) },
                  { name: 'Failed, last hour', expr: q.counted('vmpooler_inventory_failures_total', '1h', ['pool']), set: { decimals: 0 } },
                ],
                'Known',
                descending=false,
              ) + off,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Unknown VMs',
                'VMs that the provider has and no queue knows, in the %d pools that had the most in the time shown.' % c.config.dashboardTopPools,
                'VMs on their way are unknown for minutes. Those that stay were left behind: find out by whom before you destroy them.',
                'short',
                [p.line(q.top(q.max('vmpooler_inventory_unknown_vms', ['pool']), 'vmpooler_inventory_unknown_vms'), '{{pool}}')],
              ) + p.with({ decimals: 0 }) + off + c.links.fromSeries,
          },
        ],
      },
      {
        h: 7,
        panels: [
          {
            w: 12,
            panel:
              p.timeSeries(
                'List duration',
                'How long a provider takes to list a pool, or to fail.',
                'Near a minute listings are given up: look at the provider, or list less often (--inventory.interval).',
                's',
                [quantile(0.5), quantile(0.99)],
              ) + p.fewer(200) + off,
          },
          {
            w: 12,
            panel:
              p.timeSeries(
                'Failed listings',
                "Listings that failed or can't be relied on, in the %d pools with the most." % c.config.dashboardTopPools,
                "The log has the provider's answer. A refused login is not tried again for 15 minutes, so as not to lock the account.",
                'cpm',
                [p.line(q.top(q.perMinute('vmpooler_inventory_failures_total', ['pool']), 'vmpooler_inventory_failures_total', '', 'increase'), '{{pool}}')],
              ) + p.fewer(200) + off + c.links.fromSeries,
          },
        ],
      },
    ],
  }
