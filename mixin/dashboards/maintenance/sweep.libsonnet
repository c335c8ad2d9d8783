// What the sweep over all keys finds, and how it does.
function(c)
  local p = c.p, q = c.q;
  local each(metric) = q.max(metric, ['instance']);
  local none = p.empty('No sweep is complete yet');
  {
    title: 'Sweep',
    lines: [
      {
        h: 7,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'Metadata of VMs in no queue',
                'Expiring hashes are of destroyed VMs and go by themselves. Leaked ones have no TTL and stay for good.',
                'Leaked ones that grow cost memory and make sweeps longer: let the purge give them a TTL (max_orphaned_age).',
                'short',
                [p.line(q.max('vmpooler_health_orphaned_metadata', ['state']), '{{state}}')],
              ) + p.with({ decimals: 0 }) + none,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Name collisions',
                'Live VMs that share a name with another, and so its metadata: ages and checkout times of one are wrong.',
                'Destroy one of the two. vmpooler_exporter health says how many there are.',
                'short',
                [p.line(q.max('vmpooler_health_name_collisions'), q.named('VMs'))],
              ) + p.with({ decimals: 0 }) + none,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Keys',
                "Keys of vmpooler's that the last complete sweep saw.",
                'Steady growth is metadata that nothing removes: see the leaked hashes, and data_ttl.',
                'short',
                [p.line(each('vmpooler_exporter_sweep_keys'), '{{instance}}')],
              ) + none,
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
                'Age and duration',
                'How old the last complete sweep is, and how long it took, by exporter.',
                'Beyond the limit, what comes from the sweep is out of date: the log says why sweeps fail. If one takes as long as --sweep.interval, make that longer.',
                's',
                [
                  p.line(each('vmpooler_exporter_sweep_age_seconds'), 'age {{instance}}'),
                  p.line(each('vmpooler_exporter_sweep_duration_seconds'), 'took {{instance}}'),
                  p.line('vector(%g)' % c.config.sweepStaleSeconds, 'limit stale'),
                ],
              ) + p.limits + none,
          },
          {
            w: 12,
            panel:
              p.timeSeries(
                'Failed sweeps and panics',
                'Sweeps that did not come to their end, and mistakes of the program that were caught, a minute.',
                'Failed sweeps: Redis went away, or a queue could not be read; see the log. A panic is a bug: please report it with the log.',
                'cpm',
                [
                  p.line('60 * ' + q.over('sum', 'rate', 'vmpooler_exporter_sweep_failures_total', '$__rate_interval', ['instance']), 'sweep {{instance}}'),
                  p.line('60 * ' + q.over('sum', 'rate', 'vmpooler_exporter_panics_total', '$__rate_interval', ['instance']), 'panic {{instance}}'),
                  p.line('60 * ' + q.over('sum', 'rate', 'vmpooler_exporter_api_panics_total', '$__rate_interval', ['instance']), 'panic of the API {{instance}}'),
                ],
              ),
          },
        ],
      },
    ],
  }
