// VMs that are made when somebody asks for them.
function(c)
  local p = c.p, q = c.q;
  local fulfilment = 'vmpooler_ondemand_fulfilment_duration_seconds';
  if !c.features.ondemand then null else {
    title: 'On-demand requests',
    lines: [
      {
        h: 8,
        panels: [
          {
            w: 4,
            panel:
              p.stat(
                'Lost requests',
                'Requests that vmpooler has dropped from its queues: they will never be filled, and nobody tells the user.',
                "The user has to ask again. vmpooler_exporter health says how many there are; the API's page of a request shows what became of it.",
                'short',
                [p.now(q.max('vmpooler_ondemand_requests_lost'), q.legend)],
              ) + p.steps([[0, 'green'], [1, 'orange']]) + p.empty('Not known yet'),
          },
          {
            w: 4,
            panel:
              p.stat(
                'Oldest request',
                'How long the oldest request waits that is not filled; 0 without one.',
                'Past half an hour: look whether clones fail, and whether clone slots are free.',
                's',
                [p.now(q.max('vmpooler_ondemand_oldest_request_age_seconds'), q.legend)],
              ) + p.steps([[0, 'green'], [600, 'orange'], [c.config.ondemandStalledSeconds, 'red']]) + p.empty('Unknown'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Backlog',
                "Entries of the three queues: request waits to be looked at, processing is being made, create waits for a clone slot. Batches are vmpooler's own count of the last.",
                "request that grows: vmpooler's manager does not run. create that grows: ondemand_clone_limit is too low, or clones fail.",
                'short',
                [
                  p.line(q.max('vmpooler_ondemand_queue_size', ['queue']), '{{queue}}'),
                  p.line(q.max('vmpooler_health_tasks_pending', ['type']), 'batches {{type}}'),
                ],
              ) + p.with({ decimals: 0 }),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Fulfilment time',
                'From a request until all of its VMs are there. Nine in ten took less than p90.',
                'If both climb, VMs boot slower or wait for slots; if only p90 does, single pools do: see the Pools dashboard.',
                's',
                [
                  p.line(q.quantile(0.9, fulfilment), q.named('p90')),
                  p.line(q.average(fulfilment), q.named('average')),
                ],
              ) + p.fewer(60) + p.empty('No request was fulfilled'),
          },
        ],
      },
      {
        h: 7,
        panels: [
          {
            w: 8,
            panel:
              p.timeSeries(
                'Age of the oldest request',
                'How long the oldest request waits or is being processed. A straight line upwards is one that does not come on.',
                'Past the limit it is stalled: see what it asks for, and whether that pool clones at all.',
                's',
                [
                  p.line(q.max('vmpooler_ondemand_oldest_request_age_seconds'), q.named('oldest')),
                  p.line('vector(%d)' % c.config.ondemandStalledSeconds, 'limit stalled'),
                ],
              ) + p.limits,
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Requests per minute',
                'Requests that came, were fulfilled, failed or were deleted. One that asks for two pools counts for both.',
                'If more failed than were fulfilled, look at the dead letters of the queue clone: each names its request.',
                'cpm',
                [p.line(q.total(q.perMinute('vmpooler_ondemand_request_events_total', ['event', 'pool']), ['event']), '{{event}}')],
              ) + p.fewer(300) + p.empty('No events: --no-collector.events?'),
          },
          {
            w: 8,
            panel:
              p.timeSeries(
                'Requests kept',
                'Requests in Redis by status, as the last sweep found them. Finished ones stay for data_ttl hours.',
                'Pending ones that stay are stalled or lost. Others: vmpooler wrote a status that this exporter does not know.',
                'short',
                [
                  p.line(q.max('vmpooler_ondemand_requests', ['status']), '{{status}}'),
                  p.line(q.max('vmpooler_ondemand_requests_lost'), q.named('lost')),
                ],
              ) + p.with({ decimals: 0 }) + p.empty('No sweep is complete yet'),
          },
        ],
      },
    ],
  }
