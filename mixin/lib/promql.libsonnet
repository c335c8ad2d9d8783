// What the expressions of alerts, rules and dashboards have in common.
//
//   local q = (import '../lib/promql.libsonnet')($._config);
//
// Two exporters on one Redis say the same, or add up, depending on the metric:
// gauges read from Redis take `max`, counters of which each counts all `max` over
// increase, counters of the one that writes `sum` over increase. Both sides of a
// comparison are aggregated first, or it matches many to many.
//
// Dashboards that select by variables pass another selector:
//   promql($._config { exporterSelector: 'job=~"$job", instance=~"$instance"' })
function(config) {
  local q = self,

  // labels: what to aggregate by, 'cluster, job, pool'.
  labels(dims=[]):: std.join(', ', config.groupLabels + dims),

  on(dims=[]):: 'on (%s)' % q.labels(dims),

  // select: a metric of the exporters, with further matchers and a window.
  select(metric, matchers='', window='')::
    metric
    + '{' + std.join(', ', [m for m in [config.exporterSelector, matchers] if m != '']) + '}'
    + (if window == '' then '' else '[%s]' % window),

  by(operator, expr, dims=[]):: '%s by (%s) (%s)' % [operator, q.labels(dims), expr],

  max(metric, dims=[], matchers='')::
    q.by('max', q.select(metric, matchers), dims),

  min(metric, dims=[], matchers='')::
    q.by('min', q.select(metric, matchers), dims),

  sum(metric, dims=[], matchers='')::
    q.by('sum', q.select(metric, matchers), dims),

  // last bridges scrapes that failed, which would restart an alert's `for`.
  last(metric, dims=[], matchers='')::
    q.by('max', 'last_over_time(%s)' % q.select(metric, matchers, '2m'), dims),

  // over: the same of a function over a window, such as increase or deriv.
  over(operator, fn, metric, window, dims=[], matchers='')::
    q.by(operator, '%s(%s)' % [fn, q.select(metric, matchers, window)], dims),

  // falls: the mean of a window is below that of the one before. After a single step it
  // does for less than both windows.
  falls(metric, window, dims=[], matchers='')::
    local mean = 'avg_over_time(%s' % q.select(metric, matchers, window);
    '%s\n< %s' % [q.by('max', mean + ')', dims), q.by('max', '%s offset %s)' % [mean, window], dims)],

  // counted: of counters for which every exporter counts everything.
  counted(metric, window, dims=[], matchers='')::
    q.over('max', 'increase', metric, window, dims, matchers),

  // written: of counters for which only the exporter that writes counts.
  written(metric, window, dims=[], matchers='')::
    q.over('sum', 'increase', metric, window, dims, matchers),

  queue(name):: q.max('vmpooler_health_queue_size', ['pool'], 'queue="%s"' % name),

  // orDefault: a setting that the exporters say, or the default where they don't.
  // The exporter always has vmpooler_up, so this is there while anything is.
  orDefault(expr, default)::
    '(%s or %s * 0 + %g)' % [expr, q.max('vmpooler_up'), default],

  // limit: one of vmpooler's thresholds: the override, what the exporters say, or
  // the default.
  limit(name)::
    if config.limits[name] != null
    then '%g' % config.limits[name]
    else q.orDefault(
      q.max('vmpooler_health_threshold', [], 'name="%s"' % name),
      config.defaultLimits[name],
    ),

  // above: what of an expression (by the group labels and more) is beyond a threshold.
  above(expr, name)::
    '%s\n> %s%s' % [expr, q.manyToOne(name), q.limit(name)],

  // until: how far an expression is from a threshold, negative beyond it.
  until(expr, name)::
    '%s\n- %s%s' % [q.limit(name), q.oneToMany(name), expr],

  // A number needs no matching.
  manyToOne(name)::
    if config.limits[name] != null then '' else '%s group_left () ' % q.on(),
  oneToMany(name)::
    if config.limits[name] != null then '' else '%s group_right () ' % q.on(),

  // redisUp: while at least one exporter reads Redis. What stands still without
  // Redis is VmpoolerRedisUnreachable's.
  redisUp:: '%s %s == 1' % [q.on(), q.max('vmpooler_up')],

  // succeeded: when it last succeeded, by whichever exporter; for one that has not
  // (0), when it was started.
  succeeded(metric)::
    q.by('max', '%s > 0 or %s and %s %s' % [
      q.select(metric),
      q.select('process_start_time_seconds'),
      q.on(['instance']),
      q.select(metric),
    ]),
}
