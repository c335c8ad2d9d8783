// Clones that fail, and clone slots that are lost. Every exporter counts all events:
// never their sum.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  local clones(event) = q.counted('vmpooler_vm_events_total', '10m', ['pool'], 'event="%s"' % event),
  local failed = clones('clone_failed'),
  local tried = '(%s + %s)' % [failed, clones('cloned')],

  local indent(text) = '  ' + std.strReplace(text, '\n', '\n  '),

  // Pools of which more than this share of the clones fails. Of a few clones a few
  // failures are noise. Without any clone 0/0 is no number, and no pool.
  local failing(share) = |||
    %s
    / %s
    > %g
    and %s >= %g
  ||| % [failed, tried, share, failed, config.cloneFailuresMin],
  local failingPools = q.by('count', '\n' + std.rstripChars(indent(failing(config.cloneFailureRatioCritical)), ' ')),

  // Clones at once, as vmpooler's settings have it.
  local limit = '(%s or %s * 0 + %g)' % [
    q.last('vmpooler_health_tasks_limit', ['type']),
    q.last('vmpooler_health_tasks_active', ['type']),
    config.defaultLimits.tasks,
  ],

  local leaked = q.over('min', 'last_over_time', 'vmpooler_health_clone_slots_leaked', '2m'),

  prometheusAlerts+:: {
    groups+: [{
      name: 'vmpooler-clones',
      rules: [
        // Several pools at once: the provider is broken, and not a template. The value
        // is the share of the pools that clone; one that tried less often than it would have
        // to fail says nothing.
        a.alert('VmpoolerCloneFailureRatioHigh', 'critical', {
          expr: |||
            %(failing)s
            / %(trying)s
            > %(share)g
            and %(failing)s >= 2
          ||| % {
            failing: failingPools,
            trying: q.by('count', '%s >= %g' % [tried, config.cloneFailuresMin]),
            share: config.cloneFailurePoolsCritical,
          },
          'for': '10m',
          summary: 'Clones fail in most pools.',
          description: 'Most clones fail in {{ $value | humanizePercentage }} of the pools that clone: not a template, but what they have in common is broken. Read the errors (vmpooler_exporter dlq stats), then look at the provider: its storage, quotas, login.',
        }),

        a.alert('VmpoolerCloneFailureRatioHigh', 'warning', {
          expr: failing(config.cloneFailureRatioWarning),
          'for': '10m',
          summary: 'Many clones of a pool fail.',
          description: '{{ $value | humanizePercentage }} of the clones of pool {{ $labels.pool }} failed in ten minutes, limit %d%%. Read the errors (vmpooler_exporter dlq stats --pool), then look at its template.' % (100 * config.cloneFailureRatioWarning),
          dashboard: 'pools',
        }),

        // A clone that just begins shows as a slot for a moment, to this exporter or to
        // that: what all of them see is leaked. At the limit alone a counter is just busy.
        // A scrape that fails does not begin it anew.
        a.alert('VmpoolerCloneSlotsLeaked', 'critical', {
          expr: |||
            %(leaked)s
            >= %(on)s group_right () %(limit)s
            and %(active)s >= %(limit)s
          ||| % {
            leaked: leaked,
            on: q.on(),
            limit: limit,
            active: q.last('vmpooler_health_tasks_active', ['type']),
          },
          'for': '15m',
          summary: 'All clone slots of vmpooler are leaked: pools are not filled any more.',
          description: "{{ $value | humanize }} clone slots are leaked, and vmpooler begins no further clone of type {{ $labels.type }}. Restart vmpooler's manager: it sets the counters to 0.",
        }),

        a.alert('VmpoolerCloneSlotsLeaked', 'warning', {
          expr: '%s > 0' % leaked,
          'for': '15m',
          summary: 'Clone slots of vmpooler are leaked.',
          description: "{{ $value | humanize }} clone slots are taken by no clone: pools fill more slowly, and at vmpooler's task_limit not at all. Restart vmpooler's manager when it suits: it sets the counters to 0.",
        }),
      ],
    }],
  },
}
