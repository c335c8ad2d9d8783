// Whether anybody is looking: the exporters, and their way to Redis.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  // reads: vmpooler_up over two minutes, so that one scrape that fails or succeeds
  // among others does not begin `for` anew.
  local reads = 'min_over_time(%s)' % q.select('vmpooler_up', '', '2m'),
  local read(fn) = q.by('max', '%s_over_time(%s)' % [fn, q.select('vmpooler_up', '', '2m')]),

  // One that is started over and over is up now and then. It has failed of late too,
  // so that it is no more told of when it is well again.
  local scraped = 'avg_over_time(%s)' % q.select('up', '', '10m'),
  local failed = 'min_over_time(%s)' % q.select('up', '', '2m'),

  prometheusAlerts+:: {
    groups+: [{
      name: 'vmpooler-exporter',
      rules: [
        // The targets are down, or there are none. With other vmpoolers left, the one
        // that lost all its targets is known for an hour by those it had. Every other
        // scrape is enough for all alerts.
        a.alert('VmpoolerMonitoringLost', 'critical', {
          expr: |||
            %(up)s == 0
            or (%(scraped)s < 0.5 and %(failed)s == 0)
            or absent(%(any)s)
            or %(had)s * 0 unless %(up)s and on () %(any)s
          ||| % {
            up: q.max('up'),
            scraped: q.by('max', scraped),
            failed: q.by('max', failed),
            any: q.select('up'),
            had: q.over('max', 'max_over_time', 'up', config.monitoringLostWindow),
          },
          'for': '5m',
          summary: 'No vmpooler exporter can be scraped.',
          description: 'Prometheus reaches no exporter {{ with $labels.' + std.reverse(config.groupLabels)[0] + ' }}of ' + a.which + "{{ else }}at all{{ end }}, so that nothing about this vmpooler is known. Look whether the exporters run, and at the reason on Prometheus's page of targets.",
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerExporterDown', 'warning', {
          expr: |||
            (
              %(up)s == 0
              or (%(scraped)s < 0.6 and %(failed)s == 0)
            )
            and %(on)s %(any)s == 1
          ||| % { up: q.select('up'), scraped: scraped, failed: failed, on: q.on(), any: q.max('up') },
          'for': '10m',
          summary: 'One of the vmpooler exporters can not be scraped.',
          description: 'The exporter {{ $labels.instance }} can not be scraped, or only now and then; another one still can. Look whether it runs or is started over and over, and at its log.',
          dashboard: 'maintenance',
        }),

        // Most scrapes fail.
        a.alert('VmpoolerRedisUnreachable', 'critical', {
          expr: '%s < 0.5' % read('avg'),
          'for': '5m',
          summary: "No vmpooler exporter can read vmpooler's Redis.",
          description: 'None of the exporters of ' + a.which + " reads vmpooler's Redis, or only now and then, and vmpooler itself most likely can not either. Look whether Redis runs; vmpooler_exporter check-redis says what it answers.",
          dashboard: 'maintenance',
        }),

        // Some scrapes fail, or all of this exporter's and not of another one.
        a.alert('VmpoolerRedisUnreachable', 'warning', {
          expr: |||
            %s == 0
            and %s %s == 1
          ||| % [reads, q.on(), read('max')],
          'for': '5m',
          summary: "A vmpooler exporter can not read vmpooler's Redis, or not always.",
          description: "The exporter {{ $labels.instance }} fails to read vmpooler's Redis; another one does not, or this one not always. Run vmpooler_exporter check-redis on its host, with its flags.",
          dashboard: 'maintenance',
        }),

        // Only where Redis can be read: without it all of them fail.
        a.alert('VmpoolerCollectorFailing', 'warning', {
          expr: q.by('count', '\n  min_over_time(%s) == 0\n  and %s %s == 1\n' % [
            q.select('vmpooler_exporter_collector_success', '', '2m'),
            q.on(['instance']),
            reads,
          ], ['collector']),
          'for': '15m',
          summary: 'A collector of a vmpooler exporter can not read all that it needs.',
          description: "The collector {{ $labels.collector }} fails in {{ $value | humanize }} of the exporters, and what it could not read is missing from graphs and alerts. The exporter's log says which key, and vmpooler_exporter check-redis which permission.",
          dashboard: 'maintenance',
        }),

        // Of the whole reading: collectors share round trips, and are slow together.
        a.alert('VmpoolerCollectorSlow', 'info', {
          expr: '%s > %g' % [q.max('vmpooler_health_check_duration_seconds'), config.checkSlowSeconds],
          'for': '15m',
          summary: "Reading vmpooler's state takes long.",
          description: "Reading vmpooler's state takes {{ $value | humanizeDuration }}, more than %gs; scrapes will fail when it comes near their timeout. Look at Redis's slow log and at the network between." % config.checkSlowSeconds,
          dashboard: 'maintenance',
        }),

        // An exporter that can't be scraped or does not reach Redis may still be the one.
        a.alert('VmpoolerLeaderCountWrong', 'warning', {
          expr: |||
            %s != 1
            and %s %s == 1
            and %s %s == 1
          ||| % [q.sum('vmpooler_exporter_leader'), q.on(), q.min('up'), q.on(), q.by('min', reads)],
          'for': '5m',
          summary: 'Not exactly one vmpooler exporter writes to Redis.',
          description: '{{ $value | humanize }} exporters take themselves for the one that writes to Redis, and it should be 1: with none, nothing is recorded, purged or published. Look in their logs for the lease.',
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerRedisClockSkew', 'warning', {
          expr: '%s > %g' % [q.by('max', 'abs(%s)' % q.select('vmpooler_redis_clock_skew_seconds')), config.clockSkewSeconds],
          'for': '10m',
          summary: 'The clocks of Redis and of a vmpooler exporter differ.',
          description: "The clocks of Redis's host and of an exporter's differ by {{ $value | humanizeDuration }}, more than %gs; beyond a minute nothing is purged. Look at the time service on both." % config.clockSkewSeconds,
          dashboard: 'maintenance',
        }),

        // Before the first sweep is complete, the time since the start counts.
        a.alert('VmpoolerSweepStale', 'warning', {
          expr: |||
            (
              %(age)s
              or %(perInstance)s
              time() - %(started)s and %(perInstance)s %(sweeps)s
            ) > %(limit)g
            and %(perInstance)s %(up)s == 1
          ||| % {
            age: q.select('vmpooler_exporter_sweep_age_seconds'),
            started: q.select('process_start_time_seconds'),
            sweeps: q.select('vmpooler_exporter_collector_success', 'collector="orphans"'),
            perInstance: q.on(['instance']),
            limit: config.sweepStaleSeconds,
            up: q.select('vmpooler_up'),
          },
          'for': '10m',
          summary: 'A vmpooler exporter has not swept over all keys for long.',
          description: 'The last complete sweep of {{ $labels.instance }} ended {{ $value | humanizeDuration }} ago, limit %gs: leaked metadata and lost requests may be missed. Its log says why sweeps fail.' % config.sweepStaleSeconds,
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerConfigReloadFailed', 'warning', {
          expr: '%s == 0' % q.select('vmpooler_exporter_config_last_reload_successful'),
          'for': '5m',
          summary: 'A vmpooler exporter could not reload its configuration.',
          description: 'The exporter {{ $labels.instance }} found a mistake when it was reloaded, and goes on with what it had. Run vmpooler_exporter check-config on the file, mend it, and reload.',
          dashboard: 'maintenance',
        }),
      ],
    }],
  },
}
