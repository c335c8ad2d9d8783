// Failures that were kept: how many, how fast, where that leads, and who writes them.
function(c)
  local p = c.p, q = c.q;
  local total = q.max('vmpooler_health_dlq_total_size');
  local over(fn, window) = q.over('max', fn, 'vmpooler_health_dlq_total_size', window);
  local horizon = c.config.dlqFillingSeconds;
  local predicted = q.by('max', 'predict_linear(%s, %d)' % [q.select('vmpooler_health_dlq_total_size', '', '1h'), horizon]);
  local limits = [
    p.line(q.threshold('dlq_max_warning'), 'limit dlq_max_warning'),
    p.line(q.threshold('dlq_max_critical'), 'limit dlq_max_critical'),
  ];
  local until(name) = if c.config.limits[name] != null
  then '(%g - %s)' % [c.config.limits[name], total]
  else '(%s - %s)' % [q.threshold(name), total];
  local written(metric, name) = p.line(q.writtenPerMinute(metric), q.named(name));
  if !c.features.dlq then null else {
    title: 'Dead letters',
    lines: [
      {
        h: 8,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'Dead letters by queue',
                'Entries of each dead-letter queue: pending was not ready in time, clone could not be cloned, ready could no longer be reached. The limits are for all queues together.',
                'Find the error that most of them share with vmpooler_exporter dlq stats. Once it is mended, dlq delete removes what is no longer of use.',
                'short',
                [p.line(q.max('vmpooler_health_dlq_size', ['queue']), '{{queue}}')] + limits,
              ) + p.limits,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Recorded per minute',
                'Dead letters that the exporters added, by queue. Those that vmpooler writes itself are not counted.',
                'A burst that ends is one incident; a level that stays is a broken template or provider.',
                'cpm',
                [p.line(q.writtenPerMinute('vmpooler_dlq_entries_total', ['queue']), '{{queue}}')],
              ) + p.empty('Dead letters are not recorded'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Forecast of dead letters',
                "All dead letters, and dashed, what the last hour's trend makes of them in %d hours. Beyond the second limit vmpooler is unhealthy." % (horizon / 3600),
                'If the forecast crosses a limit, mend the cause now: the entries leave by themselves only after dlq_ttl hours.',
                'short',
                [
                  p.line(total, q.named('dead letters')),
                  p.line('clamp_min(%s, 0)' % predicted, q.named('in %d hours' % (horizon / 3600))),
                ] + limits,
              ) + p.limits + p.dashedLines('/^in /') + p.fewer(300),
          },
        ],
      },
      {
        h: 6,
        panels: [
          {
            w: 4,
            panel:
              p.stat(
                'Critical in',
                'When the dead letters pass dlq_max_critical, if the last hour goes on.',
                'Within a working day: find out what fails, with vmpooler_exporter dlq stats.',
                'dtdurations',
                [p.now('(%s > 0) / (%s > 0) < 7 * 86400' % [until('dlq_max_critical'), over('deriv', '1h')], q.legend)],
              ) + p.steps([[0, 'red'], [horizon, 'orange'], [86400, 'text']]) + p.with({ decimals: 0 }) + p.empty('Not within a week'),
          },
          {
            w: 4,
            panel:
              p.stat(
                "Recorder's last success",
                'How long ago all known failures last stood in Redis.',
                'Seconds are normal. Minutes: Redis refuses the writes (see the log and check-redis), or no exporter leads.',
                's',
                [p.now(q.since('vmpooler_dlq_last_success_timestamp_seconds'), q.legend)],
              ) + p.steps([[0, 'green'], [c.config.recorderStaleSeconds / 2, 'orange'], [c.config.recorderStaleSeconds, 'red']])
              + p.with({ decimals: 0, min: 0 }) + p.empty('Off'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Refused writes',
                'Dead letters that Redis refused or did not answer for, a minute. They are tried again.',
                'check-redis says which permission is missing; a Redis that is full (maxmemory) refuses too.',
                'cpm',
                [written('vmpooler_dlq_write_failures_total', 'refused')],
              ) + p.empty('Dead letters are not recorded'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Dropped and repeated per minute',
                'Evicted went because the queue was full, expired because their time was over, repeated were recorded already.',
                'Expired and repeated ones are normal. Evicted ones are lost before their time: raise dlq_max_entries, or mend what fails.',
                'cpm',
                [
                  written('vmpooler_dlq_evicted_entries_total', 'evicted'),
                  written('vmpooler_dlq_expired_entries_total', 'expired'),
                  written('vmpooler_dlq_duplicates_total', 'repeated'),
                ],
              ) + p.empty('Dead letters are not recorded'),
          },
        ],
      },
    ],
  }
