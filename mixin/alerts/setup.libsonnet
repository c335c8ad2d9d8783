// What is wrong with the exporters themselves, while they do their work.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  prometheusAlerts+:: {
    groups+: [{
      name: 'vmpooler-exporter-setup',
      rules: [
        a.alert('VmpoolerVersionsDiffer', 'info', {
          expr: '%s > 1' % q.by('count', q.by('count', q.select('vmpooler_exporter_build_info'), ['version'])),
          'for': '1h',
          summary: 'The exporters of one vmpooler are of different versions.',
          description: 'The exporters of ' + a.which + ' are of {{ $value | humanize }} versions. Finish the update, or roll it back.',
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerThresholdsDiffer', 'info', {
          expr: q.by('count', '\n  %s > %s\n' % [
            q.max('vmpooler_health_threshold', ['name']),
            q.min('vmpooler_health_threshold', ['name']),
          ]),
          'for': '15m',
          summary: 'The exporters of one vmpooler have different thresholds.',
          description: '{{ $value | humanize }} of the thresholds differ between the exporters of ' + a.which + ', so that they judge differently. Give all of them the same vmpooler.yaml, and reload.',
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerExporterPanicked', 'warning', {
          expr: |||
            %s > 0
            or %s > 0
          ||| % [
            q.over('sum', 'increase', 'vmpooler_exporter_panics_total', '15m', ['instance']),
            q.over('sum', 'increase', 'vmpooler_exporter_api_panics_total', '15m', ['instance']),
          ],
          'for': '1m',
          summary: 'A vmpooler exporter caught a panic.',
          description: 'Panics that the exporter {{ $labels.instance }} caught in a quarter of an hour, and went on: {{ $value | printf "%.0f" }}. It is a mistake in the program: please report it, with the lines of its log.',
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerPublishStale', 'warning', {
          expr: |||
            time() - %s > %g
            and %s
          ||| % [q.succeeded('vmpooler_publish_last_success_timestamp_seconds'), config.publishStaleSeconds, q.redisUp],
          'for': '5m',
          summary: 'The health in vmpooler__health is old.',
          description: "The health was last published {{ $value | humanizeDuration }} ago, limit %gs; who reads vmpooler__health sees a state that is past. The exporters' logs say why it can not be published." % config.publishStaleSeconds,
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerLoginsFailing', 'info', {
          expr: |||
            %s > %g
            or %s > %g
          ||| % [
            q.over('sum', 'increase', 'vmpooler_exporter_failed_logins_total', '15m'),
            config.loginsFailing,
            q.over('sum', 'increase', 'vmpooler_exporter_refused_calls_total', '15m'),
            config.loginsFailing,
          ],
          'for': '5m',
          summary: 'Many logins at a vmpooler exporter fail, or many calls are refused.',
          description: '{{ $value | printf "%%.0f" }} logins failed or calls were refused in a quarter of an hour, limit %g. The exporter\'s log says from where: a password that was changed, or somebody trying.' % config.loginsFailing,
          dashboard: 'maintenance',
        }),
      ],
    }],
  },
}
