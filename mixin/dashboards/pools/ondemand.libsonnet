// Requests for VMs of the chosen pools that are made when they are asked for.
function(c)
  local p = c.p, q = c.q;
  local lines = (import 'lines.libsonnet')(c);
  local none = p.empty('No events: --no-collector.events?');
  if !c.features.ondemand then null else {
    title: 'On-demand requests',
    collapsed: true,
    lines: [
      (import 'histograms.libsonnet')(c)(
        'Fulfilment',
        'vmpooler_ondemand_fulfilment_duration_seconds',
        'From an on-demand request until all its VMs were there.',
        'If it is far above the time to ready, requests wait for clone slots: see the backlog in Overview.',
      ),
      {
        h: 8,
        panels: [
          {
            w: 12,
            panel:
              p.timeSeries(
                'Requests per minute by event',
                'Requests for the chosen pools that came, were fulfilled, failed or were deleted.',
                'If more failed than were fulfilled, see which pool in the panel beside.',
                'cpm',
                [p.line(q.total(q.perMinute('vmpooler_ondemand_request_events_total', ['event', 'pool'], lines.chosen), ['event']), '{{event}}')],
              ) + p.fewer(200) + none,
          },
          {
            w: 12,
            panel:
              p.timeSeries(
                'Failed requests by pool',
                'Requests that failed in a minute, by each pool that they asked for.' + lines.several,
                "vmpooler_exporter dlq list --queue=clone --pool=… has the errors, with the request's id.",
                'cpm',
                [lines.events('vmpooler_ondemand_request_events_total', 'failed')],
              ) + p.fewer(200) + none,
          },
        ],
      },
    ],
  }
