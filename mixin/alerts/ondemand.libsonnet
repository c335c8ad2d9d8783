// On-demand requests: somebody waits for each of them.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  local waiting = 'queue=~"request|create"',

  prometheusAlerts+:: {
    groups+: if !config.features.ondemand then [] else [{
      name: 'vmpooler-ondemand',
      rules: [
        a.alert('VmpoolerOndemandRequestsLost', 'warning', {
          expr: '%s > 0' % q.max('vmpooler_ondemand_requests_lost'),
          'for': '5m',
          summary: 'On-demand requests are lost, and will never be filled.',
          description: "{{ $value | humanize }} on-demand requests are pending, but vmpooler has forgotten them. Tell their users to ask again, and delete the requests through vmpooler's API.",
          dashboard: 'pools',
        }),

        a.alert('VmpoolerOndemandRequestStalled', 'warning', {
          expr: '%s > %g' % [q.max('vmpooler_ondemand_oldest_request_age_seconds'), config.ondemandStalledSeconds],
          'for': '10m',
          summary: 'An on-demand request waits for long.',
          description: 'The oldest on-demand request has waited for {{ $value | humanizeDuration }}, limit %gs. Look whether clones for it fail, and whether vmpooler is at its ondemand_clone_limit.' % config.ondemandStalledSeconds,
          dashboard: 'pools',
        }),

        a.alert('VmpoolerOndemandBacklogGrowing', 'warning', {
          expr: |||
            %(size)s > %(min)g
            and %(trend)s > 0
          ||| % {
            size: q.by('sum', q.max('vmpooler_ondemand_queue_size', ['queue'], waiting)),
            trend: q.by('sum', q.over('min', 'deriv', 'vmpooler_ondemand_queue_size', '15m', ['queue'], waiting)),
            min: config.ondemandBacklogMin,
          },
          'for': '15m',
          summary: 'On-demand requests come faster than they are filled.',
          description: "{{ $value | humanize }} on-demand requests and clones for them wait to be begun, limit %g, and they grow. Look whether its pools' clones fail; ondemand_clone_limit may be too low." % config.ondemandBacklogMin,
          dashboard: 'pools',
        }),
      ],
    }],
  },
}
