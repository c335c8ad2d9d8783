// What the purge took away, what it leaves alone, and whether it runs.
local causes = [
  ['limit', 'Too much at once', 'text'],
  ['cliff', 'VMs vanished at once', 'text'],
  ['clock', 'Clocks differ', 'text'],
  ['stale', 'Its view is too old', 'text'],
  ['start', 'It watches first', 'text'],
];

function(c)
  local p = c.p, q = c.q;
  local off = p.empty('The purge is off');
  local purged(metric, dims, legend) = p.line(q.written(metric, '$__rate_interval', dims), legend);
  local interval = '(%s or 0 * %s + %d)' % [
    q.max('vmpooler_purge_interval_seconds'),
    q.max('vmpooler_purge_last_success_timestamp_seconds'),
    c.config.defaultLimits.purge_interval,
  ];
  if !c.features.purge then null else {
    title: 'Purge',
    lines: [
      {
        h: 6,
        panels: [
          {
            w: 4,
            panel:
              p.stat(
                'Last purge',
                'How long ago a cycle last came to its end, by whichever exporter writes.',
                'More than a few intervals: see the log of the exporter that leads for why cycles fail or are put off.',
                'dtdurations',
                [p.now(q.since('vmpooler_purge_last_success_timestamp_seconds'), q.legend)],
              ) + p.with({ decimals: 0, min: 0 }) + p.empty('None yet, or off'),
          },
          {
            w: 4,
            panel:
              p.stat(
                'Held pools',
                'Pools that the purge leaves alone because too much of them seems stale, or its own view is not to be relied on.',
                'See the cause in the table; vmpooler_exporter purge --dry-run shows what would go.',
                'short',
                [p.now('%s or 0 * %s' % [q.by('count', q.max('vmpooler_purge_held', ['pool']) + ' == 1'), q.max('vmpooler_purge_last_success_timestamp_seconds')], q.legend)],
              ) + p.steps([[0, 'green'], [1, 'orange']]) + off,
          },
          {
            w: 8,
            panel:
              p.table(
                'Pools that are held',
                'Each pool that the purge leaves alone, and why. An empty pool stands for all.',
                'Too much at once: look at the plan, then purge --override-limit does it, once. Vanished VMs: look at the provider. Clocks: mend the clock. The others pass.',
                [{ label: 'pool', name: 'Pool', set: c.links.fromCellOrAll }, { label: 'cause', name: 'Cause', set: { mappings: p.mapping(causes) } }] + q.groupKeys,
                [{ name: 'Held', set: { 'custom.hidden': true }, expr: q.max('vmpooler_purge_held', ['pool', 'cause']) + ' == 1' }],
                'Pool',
                descending=false,
              ) + p.empty('No pool is held'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Entries of the last cycle',
                'What the last cycle purged, or in a dry run would have.',
                'A jump is an incident, or a limit that was set too low. A dry run that goes on for weeks purges nothing: turn it off.',
                'short',
                [p.line(q.max('vmpooler_purge_last_cycle_entries', ['dry_run']), 'dry_run={{dry_run}}')],
              ) + p.with({ decimals: 0 }) + off,
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
                'Purged VMs by queue',
                'VMs that were purged from a queue, of all pools; in a dry run, would have been.',
                'A queue that always has some is filled by something: find what leaves VMs there, with vmpooler_exporter purge history.',
                'short',
                [purged('vmpooler_purge_entries_total', ['queue', 'dry_run'], '{{queue}} dry_run={{dry_run}}')],
              ) + p.fewer(200) + off,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Purged metadata and requests',
                'Hashes of VMs in no queue that were given a TTL, and on-demand requests that were made to fail.',
                'Some of both are normal. Many requests: on-demand clones do not come.',
                'short',
                [
                  purged('vmpooler_purge_orphaned_total', ['dry_run'], 'metadata dry_run={{dry_run}}'),
                  purged('vmpooler_purge_requests_total', ['dry_run'], 'requests dry_run={{dry_run}}'),
                ],
              ) + p.fewer(200) + off,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Entries tried, by result',
                'Skipped ones moved on in the meantime, which is normal. Refused ones lack a permission, failed ones had no answer.',
                'For refused ones, check-redis prints the ACL that the purge needs.',
                'short',
                [p.line(q.written('vmpooler_purge_actions_total', '$__rate_interval', ['target', 'result']) + ' > 0', '{{target}} {{result}}')],
              ) + p.fewer(200) + p.empty('Nothing was tried'),
          },
        ],
      },
      {
        h: 7,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'Cycles by result',
                'Cycles of the loop that were done, failed or panicked.',
                'Failed ones are tried again after a minute, and then less and less often; the log says why. A panic is a bug: please report it.',
                'short',
                [purged('vmpooler_purge_cycles_total', ['result'], '{{result}}')],
              ) + p.fewer(200) + off,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Cycle duration',
                'How long the last cycle took. After ten minutes one is ended.',
                'Minutes: Redis is slow, or a provider takes its time to list.',
                's',
                [p.line(q.max('vmpooler_purge_cycle_duration_seconds'), q.named('cycle'))],
              ) + off,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Time since the last purge',
                'A saw of one interval is right. Beyond the limit of %d intervals the purge is stale.' % c.config.purgeStaleIntervals,
                'See whether an exporter leads, and what the log says of its cycles.',
                's',
                [
                  p.line(q.since('vmpooler_purge_last_success_timestamp_seconds'), q.named('since')),
                  p.line('%d * %s' % [c.config.purgeStaleIntervals, interval], 'limit stale'),
                ],
              ) + p.limits + p.empty('None yet, or off'),
          },
        ],
      },
    ],
  }
