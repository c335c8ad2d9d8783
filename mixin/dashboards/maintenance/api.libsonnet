// Who asks the exporter what, and who was turned away.
function(c)
  local p = c.p, q = c.q;
  local perMinute(metric, dims) = '60 * ' + q.over('sum', 'rate', metric, '$__rate_interval', dims);
  local quantile(n) = p.line(
    'histogram_quantile(%g, %s) > 0' % [n, q.over('sum', 'rate', 'vmpooler_exporter_api_request_duration_seconds_bucket', '$__rate_interval', ['route', 'le'])],
    '{{route}} p%g' % (n * 100),
  );
  {
    title: 'API and publishing',
    collapsed: true,
    lines: [
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'Requests to the API',
                'Requests by route and status. 499 is of clients that left before their answer.',
                '5xx: Redis does not answer, or a mistake that the log tells of. Many 404: a client asks for what there is not.',
                'cpm',
                [p.line(perMinute('vmpooler_exporter_api_requests_total', ['route', 'code']) + ' > 0', '{{code}} {{route}}')],
              ) + p.fewer(300) + p.empty('Nobody asked'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Time to answer',
                'How long requests to the API took: half of them less than p50.',
                'Seconds: Redis is slow, or a client asks for very much at once.',
                's',
                [quantile(0.5), quantile(0.99)],
              ) + p.fewer(300) + p.empty('Nobody asked'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Turned away',
                'Calls that would have changed something and were refused, by reason, and requests with a wrong login.',
                'A few are people who forgot something. Many are a client with an old password, or somebody who tries: the log has their addresses.',
                'cpm',
                [
                  p.line(perMinute('vmpooler_exporter_refused_calls_total', ['reason']), '{{reason}}'),
                  p.line(perMinute('vmpooler_exporter_failed_logins_total', []), q.named('login')),
                ],
              ),
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
                'Time since the health was published',
                'How long ago an exporter last wrote vmpooler__health, for programs that read it there.',
                'Beyond the limit they read old figures: see the log, and whether an exporter leads.',
                's',
                [
                  p.line(q.since('vmpooler_publish_last_success_timestamp_seconds'), q.named('since')),
                  p.line('vector(%g)' % c.config.publishStaleSeconds, 'limit stale'),
                ],
              ) + p.limits + p.empty('Publishing is off'),
          },
          {
            w: 12,
            panel:
              p.timeSeries(
                'Failed publications',
                'Publications of the health that failed, a minute.',
                'check-redis says whether the permission for vmpooler__health is missing.',
                'cpm',
                [p.line(q.writtenPerMinute('vmpooler_publish_failures_total'), q.named('failed'))],
              ) + p.empty('Publishing is off'),
          },
        ],
      },
    ],
  }
