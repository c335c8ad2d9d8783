// Pools that overflow, and pools that have nothing to give. A pool that was drained
// on purpose has size 0, and none of this is about it.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  local pending = q.queue('pending'),
  local ready = q.queue('ready'),
  local size = q.max('vmpooler_pool_size', ['pool']),
  local window = '15m',  // a quarter of the hour that is predicted

  // Of two exporters the one that sees less of a trend counts: the other may have
  // just begun to look.
  local trend(operator, queue) =
    q.over(operator, 'deriv', 'vmpooler_health_queue_size', window, ['pool'], 'queue="%s"' % queue),

  prometheusAlerts+:: {
    groups+: [{
      name: 'vmpooler-queues',
      rules: [
        a.alert('VmpoolerPendingQueueTooLong', 'warning', {
          expr: q.above(pending, 'pending_queue_max'),
          'for': '15m',
          summary: 'Many VMs of a pool are pending.',
          description: '{{ $value | humanize }} VMs of pool {{ $labels.pool }} are pending, limit ' + a.threshold('pending_queue_max') + '. Look whether its clones fail, or boot but are never reached.',
          dashboard: 'pools',
        }),

        a.alert('VmpoolerReadyQueueTooLong', 'warning', {
          expr: q.above(ready, 'ready_queue_max'),
          'for': '15m',
          summary: 'A pool has far more ready VMs than it should.',
          description: '{{ $value | humanize }} VMs of pool {{ $labels.pool }} are ready, limit ' + a.threshold('ready_queue_max') + ". Look at the size that the pool is set to, and whether vmpooler's manager runs.",
          dashboard: 'pools',
        }),

        // The value is what there should be. `last` and not `max`: one exporter, and
        // one scrape that fails, must not put a page off. Nothing arrives if the time at
        // which the last VM became ready stands still; that time is by vmpooler's clock.
        // Longer than vmpooler waits for a VM by default, 15 minutes: one that never boots
        // empties a pool of one for so long, and is nobody's emergency. vmpooler notes the
        // time of VMs made for requests too, which never are in the queue: where events
        // are counted, they tell them apart. Counters that stand still for all pools tell
        // nothing: the recorder has stopped.
        a.alert('VmpoolerPoolEmpty', 'critical', {
          expr: |||
            %(size)s > 0
            and %(ready)s == 0
            unless (
              time() - %(arrived)s < %(delivers)g
              unless (
                %(events)s == 0
                and %(on)s %(counts)s > 0
              )
            )
          ||| % {
            size: q.last('vmpooler_pool_size', ['pool']),
            ready: q.last('vmpooler_health_queue_size', ['pool'], 'queue="ready"'),
            arrived: q.last('vmpooler_pool_last_ready_timestamp_seconds', ['pool']),
            delivers: config.poolDeliversSeconds,
            events: q.counted('vmpooler_vm_events_total', '5m', ['pool'], 'event="ready"'),
            on: q.on(),
            counts: q.counted('vmpooler_vm_events_total', '5m'),
          },
          'for': '20m',
          summary: 'A pool is empty, and no VM arrives.',
          description: 'Pool {{ $labels.pool }} should have {{ $value | humanize }} ready VMs; it has none, and none has become ready of late. Look at its dead letters (vmpooler_exporter dlq stats --pool) for why its clones fail.',
          dashboard: 'pools',
        }),

        // Half of the time is enough: a VM that comes now and then and is taken at once
        // must not begin it anew. It was empty of late too, and it was to have VMs for the
        // whole half hour: else a pool that is well again has a ticket.
        a.alert('VmpoolerPoolEmpty', 'warning', {
          expr: |||
            %(size)s > 0
            and %(mostly)s == 0
            and %(late)s == 0
          ||| % {
            size: q.over('max', 'min_over_time', 'vmpooler_pool_size', '30m', ['pool']),
            mostly: q.by('max', 'quantile_over_time(0.5, %s)' % q.select('vmpooler_health_queue_size', 'queue="ready"', '30m'), ['pool']),
            late: q.over('max', 'min_over_time', 'vmpooler_health_queue_size', '5m', ['pool'], 'queue="ready"'),
          },
          'for': '25m',
          summary: 'A pool is empty most of the time.',
          description: 'Pool {{ $labels.pool }} should have {{ $value | humanize }} ready VMs and mostly has none: users take them as fast as they come, or none come. Compare its checkouts with its clones; it may have to be larger.',
          dashboard: 'pools',
        }),

        // An empty pool is underfilled too: one that is empty now and then must not begin
        // anew each time. PoolEmpty inhibits this.
        a.alert('VmpoolerPoolUnderfilled', 'info', {
          expr: |||
            %s
            / (%s > 0)
            < %g
          ||| % [ready, size, config.poolUnderfilledRatio],
          'for': '1h',
          summary: 'A pool has far fewer ready VMs than it should.',
          description: 'Pool {{ $labels.pool }} has {{ $value | humanizePercentage }} of the ready VMs that it should have, limit %d%%. Compare its checkouts with its clones; it may have to be larger.' % (100 * config.poolUnderfilledRatio),
          dashboard: 'pools',
        }),

        // The value is the seconds that are left. A burst is no trend: the line through a
        // quarter of an hour falls for all of it, the means do for less than ten minutes.
        a.alert('VmpoolerPoolEmptySoon', 'warning', {
          expr: |||
            %(ready)s
            / -(%(trend)s < 0)
            < %(soon)g
            and %(ready)s > 0
            and %(ready)s / %(size)s < %(ratio)g
            and %(falls)s
          ||| % {
            ready: ready,
            trend: trend('max', 'ready'),
            size: size,
            falls: q.falls('vmpooler_health_queue_size', '5m', ['pool'], 'queue="ready"'),
            soon: config.poolEmptySoonSeconds,
            ratio: config.poolUnderfilledRatio,
          },
          'for': '10m',
          summary: 'A pool will soon be empty.',
          description: 'Pool {{ $labels.pool }} loses ready VMs faster than it gets new ones, and will be empty in {{ $value | humanizeDuration }}. Look whether more are checked out than usual, or fewer become ready.',
          dashboard: 'pools',
        }),

        a.alert('VmpoolerPendingOldestTooOld', 'warning', {
          expr: q.above(q.max('vmpooler_health_queue_oldest_age_seconds', ['pool'], 'queue="pending"'), 'stuck_vm_age_threshold'),
          'for': '30m',
          summary: 'A VM of a pool is stuck in pending.',
          description: 'The oldest pending VM of pool {{ $labels.pool }} has been there for {{ $value | humanizeDuration }}, limit ' + a.threshold('stuck_vm_age_threshold', 'humanizeDuration') + '. vmpooler should have given it up: look whether its manager runs, and what its log says of the VM.',
          dashboard: 'pools',
        }),

        // The exporter holds the condition for a quarter of an hour, so it fires at once.
        // It goes on until who was woken has had time: the empty pool that it leaves is a
        // page after twenty minutes, which this one stands for.
        a.alert('VmpoolerInventoryCliff', 'critical', {
          expr: '%s == 1' % q.max('vmpooler_health_condition', ['pool'], 'condition="queue_cliff"'),
          'for': '0m',
          keep_firing_for: '45m',
          summary: 'A pool has lost most of its VMs at once.',
          description: "Most VMs of pool {{ $labels.pool }} left its queues within two minutes, users' own among them: the provider probably listed nothing for a moment, and vmpooler destroys what comes back. Stop vmpooler's manager, then look at the provider.",
          dashboard: 'pools',
        }),

        // The value is the seconds that are left.
        a.alert('VmpoolerPendingQueueFilling', 'warning', {
          expr: |||
            (%(until)s > 0)
            / (%(trend)s > 0)
            < %(soon)g
            and %(pending)s > %(many)s0.5 * %(limit)s
          ||| % {
            until: q.until(pending, 'pending_queue_max'),
            trend: trend('min', 'pending'),
            soon: config.pendingFillingSeconds,
            pending: pending,
            many: q.manyToOne('pending_queue_max'),
            limit: q.limit('pending_queue_max'),
          },
          'for': '15m',
          summary: 'The pending VMs of a pool will soon be too many.',
          description: 'The pending VMs of pool {{ $labels.pool }} grow, and reach the limit of ' + a.threshold('pending_queue_max') + ' in {{ $value | humanizeDuration }}. Look whether its VMs still become ready, and whether its clones fail.',
          dashboard: 'pools',
        }),
      ],
    }],
  },
}
