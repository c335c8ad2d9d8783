// Three views of one duration: all of its values, what most are below, and the pools
// apart. Buckets of two hundred pools are half a million samples an hour: each panel reads
// them once at the most, and averages are made of sums and counts.
function(c)
  local p = c.p, q = c.q;
  local lines = (import 'lines.libsonnet')(c);
  local none = p.empty('None in the time shown');
  function(name, metric, means, act)
    local rare = p.fewer(60) + none;
    {
      h: 8,
      panels: [
        {
          w: 8,
          panel: p.heatmap(
            name,
            means + ' The darker, the more of them.',
            act,
            'sum by (le) (%s)' % q.over('max', 'increase', metric + '_bucket', '$__rate_interval', ['pool', 'le'], lines.chosen),
          ) + rare,
        },
        {
          w: 8,
          panel: p.timeSeries(
            name + ', most and average',
            means + ' Nine in ten were below p90.',
            act,
            's',
            [
              p.line(q.quantile(0.9, metric, lines.chosen), q.named('p90')),
              p.line(q.average(metric, [], lines.chosen), q.named('average')),
            ],
          ) + rare,
        },
        {
          w: 8,
          panel: p.timeSeries(
            name + ', by pool',
            means + " Each line is a pool's average." + lines.several,
            'Compare pools of one provider: one that stands out has another template or datastore.',
            's',
            [p.line(q.top(q.average(metric, ['pool'], lines.chosen), metric + '_count', lines.chosen, 'increase'), '{{pool}}')],
          ) + rare,
        },
      ],
    }
