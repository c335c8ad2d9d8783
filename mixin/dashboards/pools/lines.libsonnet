// Lines of the chosen pools: those that stand out, where many are chosen.
local chosen = 'pool=~"$pool"';

function(c)
  local q = c.q, p = c.p;
  {
    chosen:: chosen,

    // of adds matchers to the choice of pools.
    of(matchers):: '%s, %s' % [matchers, chosen],

    // most draws a gauge of one queue for the pools in which it was highest, fewest
    // those in which it was lowest.
    most(metric, queue, legend='{{pool}}')::
      p.line(q.top(q.max(metric, ['pool'], self.of('queue="%s"' % queue)), metric, self.of('queue="%s"' % queue)), legend),

    // events draws a pool's steps a minute, for the pools that had the most of them.
    events(metric, names, dims=['pool'], legend='{{pool}}')::
      local matchers = self.of('event=~"%s"' % names);
      p.line(q.top(
        q.total(q.perMinute(metric, ['event', 'pool'], matchers), dims), metric, matchers, 'increase'
      ), legend),

    // What is said of a graph that does not draw all.
    several:: ' Of many pools it draws the %d that had the most in the time shown.' % c.config.dashboardTopPools,
  }
