// What the exporter costs.
function(c)
  local p = c.p, q = c.q.common;
  local each(metric) = q.max(metric, ['instance']);
  {
    title: 'Process',
    collapsed: true,
    lines: [{
      h: 7,
      panels: [
        {
          w: 6,
          panel: p.timeSeries(
            'Memory',
            'Memory that the exporter holds.',
            'It follows the number of VMs and keys. Growth without an end is a bug: please report it.',
            'bytes',
            [p.line(each('process_resident_memory_bytes'), '{{instance}}')],
          ),
        },
        {
          w: 6,
          panel: p.timeSeries(
            'CPU',
            'Share of one core that the exporter uses.',
            'If it is high, see how often it is scraped, and --sweep.interval.',
            'percentunit',
            [p.line(q.over('max', 'rate', 'process_cpu_seconds_total', '$__rate_interval', ['instance']), '{{instance}}')],
          ),
        },
        {
          w: 6,
          panel: p.timeSeries(
            'Open files',
            'Files and connections that the exporter has open, and how many it may.',
            "Near the limit it can't take connections any more: see who holds them, and raise LimitNOFILE.",
            'short',
            [p.line(each('process_open_fds'), '{{instance}}'), p.line(q.min('process_max_fds'), 'limit of open files')],
          ) + p.limits,
        },
        {
          w: 6,
          panel: p.timeSeries(
            'Goroutines',
            'What the exporter does at once.',
            'A number that only grows is a bug: please report it.',
            'short',
            [p.line(each('go_goroutines'), '{{instance}}')],
          ),
        },
      ],
    }],
  }
