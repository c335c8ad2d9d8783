// Expressions of the dashboards: those of lib/promql.libsonnet, for what the variables
// select, over the time that is shown.
local promql = import '../lib/promql.libsonnet';

local joined(parts) = std.join(', ', [part for part in parts if part != '']);

function(config)
  local chosen = joined([config.dashboardSelector, 'cluster=~"$cluster"', 'job=~"$job"', 'instance=~"$instance"']);
  promql(config { exporterSelector: chosen }) + {
    local q = self,

    // Of metrics that every target of Prometheus has, such as up.
    common:: promql(config { exporterSelector: joined([config.exporterSelector, chosen]) }),

    // What the variables' own lists are asked with: those before them.
    matchers(names):: joined([config.dashboardSelector] + ['%s=~"$%s"' % [name, name] for name in names]),

    // The name of one vmpooler in a legend; the parts that it lacks are left out.
    legend:: std.join(' ', ['{{%s}}' % label for label in std.reverse(config.groupLabels)]),

    // A series' name, behind that of its vmpooler if there is more than that.
    named(name):: '%s %s' % [name, q.legend],

    // Columns of a table that tell one vmpooler from another.
    groupKeys:: [
      { label: label, name: std.asciiUpper(label[0]) + label[1:], behind: true, set: { 'custom.width': 140 } }
      for label in config.groupLabels
    ],

    // Per minute: of counters for which every exporter counts everything, and of
    // those for which only the one that writes counts.
    perMinute(metric, dims=[], matchers=''):: '60 * ' + q.over('max', 'rate', metric, '$__rate_interval', dims, matchers),
    writtenPerMinute(metric, dims=[], matchers=''):: '60 * ' + q.over('sum', 'rate', metric, '$__rate_interval', dims, matchers),

    // total adds up over pools what was taken for each of them.
    total(expr, dims=[]):: q.by('sum', expr, dims),

    // A quantile of a duration that every exporter observes alike, over all pools.
    quantile(n, metric, matchers='')::
      'histogram_quantile(%g, %s)' % [
        n,
        q.total(q.over('max', 'rate', metric + '_bucket', '$__rate_interval', ['pool', 'le'], matchers), ['le']),
      ],

    // The average of such a duration, over all pools or by them. Of nothing there is
    // none.
    average(metric, dims=[], matchers='')::
      local of(what) = q.total(q.over('max', 'rate', metric + what, '$__rate_interval', ['pool'], matchers), dims);
      '%s / (%s > 0)' % [of('_sum'), of('_count')],

    // Share of a pool's clones that failed, over a window. A pool that clones
    // nothing has none.
    failureRatio(window, matchers='')::
      local clones(event) = q.counted('vmpooler_vm_events_total', window, ['event', 'pool'], joined(['event=~"%s"' % event, matchers]));
      '%s / (%s > 0)' % [q.total(clones('clone_failed'), ['pool']), q.total(clones('cloned|clone_failed'), ['pool'])],

    // Ready VMs as a share of what the pool is to have.
    fill(matchers='')::
      '%s / %s (%s > 0)' % [
        q.max('vmpooler_health_queue_size', ['pool'], joined(['queue="ready"', matchers])),
        q.on(['pool']),
        q.max('vmpooler_pool_size', ['pool'], matchers),
      ],

    // Seconds until a pool has no ready VM, if it goes on as in the last half hour.
    // Absent for one that does not shrink, or is empty.
    secondsToEmpty(matchers='')::
      local ready = joined(['queue="ready"', matchers]);
      '(%s > 0) / -(%s < 0)' % [
        q.max('vmpooler_health_queue_size', ['pool'], ready),
        q.over('max', 'deriv', 'vmpooler_health_queue_size', '30m', ['pool'], ready),
      ],

    // Since when, for timestamps of which 0 is never.
    since(metric, dims=[], matchers=''):: 'time() - (%s > 0)' % q.max(metric, dims, matchers),

    // What a function says of each pool over all of the time shown. It is found once,
    // and not at each point of a graph.
    throughout(fn, metric, matchers='')::
      q.by('max', '%s(%s @ end())' % [fn, q.select(metric, matchers, '$__range')], ['pool']),

    // top leaves of the pools' lines those that were highest by that, emptiest those
    // with the least fill on average: the same ones at each point.
    top(expr, metric, matchers='', fn='max_over_time')::
      q.ranked('topk', expr, q.throughout(fn, metric, matchers)),

    emptiest(expr, matchers='')::
      q.ranked('bottomk', expr, '%s / %s (%s > 0)' % [
        q.throughout('avg_over_time', 'vmpooler_health_queue_size', joined(['queue="ready"', matchers])),
        q.on(['pool']),
        q.throughout('last_over_time', 'vmpooler_pool_size', matchers),
      ]),

    ranked(operator, expr, rank)::
      '%s\nand %s %s(%d, %s)' % [expr, q.on(['pool']), operator, config.dashboardTopPools, rank],

    // A threshold in force, to draw: the alerts' own, and the number as a series.
    threshold(name)::
      if config.limits[name] != null
      then 'vector(%g)' % config.limits[name]
      else q.limit(name),

    // Steps of a fill's color.
    fillSteps:: [[0, 'red'], [config.dashboardFillLow, 'orange'], [config.dashboardFillGood, 'green']],
  }
