// How much is made, handed out and lost.
function(c)
  local p = c.p, q = c.q;
  local perMinute(events) = p.line(
    q.total(q.perMinute('vmpooler_vm_events_total', ['event', 'pool'], 'event=~"%s"' % events), ['event']), '{{event}}'
  );
  {
    title: 'Rates',
    lines: [{
      h: 8,
      panels: [
        {
          w: 8,
          panel:
            p.timeSeries(
              'VMs per minute',
              'VMs that became ready, that users checked out and gave back, and that were destroyed, in all pools.',
              'Where more is checked out than becomes ready for long, pools run empty: make them greater, or find out why clones fail.',
              'cpm',
              [perMinute('ready|checked_out|returned|destroyed')],
            ) + p.fewer(150) + p.empty('No events: --no-collector.events?'),
        },
        {
          w: 8,
          panel:
            p.timeSeries(
              'Failures per minute',
              'VMs that could not be cloned, were not ready in time, or were ready and could no longer be reached.',
              'Failed clones are the provider or a template; timed out ones are VMs that do not boot; unreachable ones often are the network.',
              'cpm',
              [perMinute('clone_failed|timed_out|unreachable')],
            ) + p.stacked + p.fewer(150) + p.empty('No events: --no-collector.events?'),
        },
        {
          w: 8,
          panel:
            p.timeSeries(
              'Pools by failed clones',
              'Share of the clones that failed, in the %d pools with the most failures in the time shown.' % c.config.dashboardTopPools,
              'One pool: its template. Many at once: the provider, its storage or its licence.',
              'percentunit',
              [p.line(q.top(
                q.failureRatio('$__rate_interval'), 'vmpooler_vm_events_total', 'event="clone_failed"', 'increase'
              ), '{{pool}}')],
            ) + p.with({ max: 1 }) + p.fewer(200) + p.empty('Nothing was cloned') + c.links.fromSeries,
        },
      ],
    }],
  }
