// Whether the exporters see anything, and who of them leads.
local yesNo(no, yes, bad='red') = [[0, no, bad], [1, yes, 'green']];

function(c)
  local p = c.p, q = c.q, common = c.q.common;
  local each(metric) = q.max(metric, ['instance']);
  {
    title: 'Exporter',
    lines: [
      {
        h: 6,
        panels: [
          {
            w: 6,
            panel: p.timeline(
              'Exporters',
              'Whether Prometheus can scrape each exporter.',
              'If all are down, nobody watches vmpooler. If one is, the others go on: see why it is not there.',
              [p.line(common.max('up', ['instance']), '{{instance}}')],
              yesNo('down', 'up'),
            ) + p.empty('No target'),
          },
          {
            w: 6,
            panel: p.timeline(
              'Redis, by exporter',
              "Whether each exporter could read vmpooler's state.",
              'One exporter alone: the network between it and Redis. All of them: Redis. Then run check-redis.',
              [p.line(each('vmpooler_up'), '{{instance}}')],
              yesNo('no answer', 'answers'),
            ) + p.empty('No exporter'),
          },
          {
            w: 6,
            panel: p.timeline(
              'Leader',
              'Which exporter writes to Redis. Of several it is one at a time, and another takes over within seconds.',
              'None: see the log for who holds the lease. More than one: they are on two Redis, or a scrape fell between.',
              [p.line(each('vmpooler_exporter_leader'), '{{instance}}')],
              yesNo('waits', 'leads', 'blue'),
            ) + p.empty('Nothing is written'),
          },
          {
            w: 6,
            panel: p.timeline(
              'Configuration',
              "Whether each exporter's last reload was without a mistake. After one with a mistake, what was in force stays so.",
              'Run check-config on the file; the log says the line.',
              [p.line(each('vmpooler_exporter_config_last_reload_successful'), '{{instance}}')],
              yesNo('mistake', 'in force'),
            ) + p.empty('No exporter'),
          },
        ],
      },
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel: p.timeline(
              'Collectors',
              "Whether each collector's numbers are whole, from whichever exporter is worst off.",
              'A collector that is not whole could not read a part of Redis: the log names the key, check-redis the permission.',
              [p.line(q.min('vmpooler_exporter_collector_success', ['collector']), '{{collector}}')],
              yesNo('not whole', 'whole', 'orange'),
            ) + p.empty('No exporter'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Time to read vmpooler',
                "How long reading vmpooler's state and judging it took, each collector's share of it, and the whole scrape as Prometheus saw it.",
                'Beyond the limit Redis is slow or far away: see redis-cli --latency, and its slow log.',
                's',
                [
                  p.line(q.max('vmpooler_health_check_duration_seconds'), 'check'),
                  p.line(q.max('vmpooler_exporter_collector_duration_seconds', ['collector']), '{{collector}}'),
                  p.line(common.max('scrape_duration_seconds'), 'scrape'),
                  p.line('vector(%g)' % c.config.checkSlowSeconds, 'limit slow'),
                ],
              ) + p.limits,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Clock skew',
                "Redis's clock less the exporter's. Ages count to Redis's clock; the purge stops when the two differ too much.",
                'Beyond a limit, mend the clock of the host that is wrong: chronyc tracking says which.',
                's',
                [
                  p.line(each('vmpooler_redis_clock_skew_seconds'), '{{instance}}'),
                  p.line('vector(%g)' % c.config.clockSkewSeconds, 'limit ahead'),
                  p.line('vector(-%g)' % c.config.clockSkewSeconds, 'limit behind'),
                ],
              ) + p.limits + p.with({ min: null, decimals: 3 }) + p.empty('Redis does not say its time'),
          },
        ],
      },
    ],
  }
