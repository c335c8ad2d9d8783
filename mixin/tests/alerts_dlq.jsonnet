local c = import 'cases.libsonnet';

local total(n) = { vmpooler_health_dlq_total_size: n };
local threshold(name, n) = { ['vmpooler_health_threshold{name="dlq_max_%s"}' % name]: n };
local recorded(at) = { vmpooler_dlq_last_success_timestamp_seconds: at };

local tooLarge(n, limit) = c.alert('VmpoolerDLQTooLarge', 'warning', {}, 'The dead-letter queues hold %d entries, limit %d. Read what failed most (vmpooler_exporter dlq stats), mend it, and delete the entries that are settled.' % [n, limit]);
local filling(limit, left) = c.alert('VmpoolerDLQFillingUp', 'warning', {}, 'At this rate the dead letters reach the critical limit of %s in %s, and vmpooler counts as unhealthy. Read what fails (vmpooler_exporter dlq stats --since=1h) and mend it.' % [limit, left]);
local stale(age) = c.alert('VmpoolerDLQRecorderStale', 'warning', {}, "The recorder of dead letters last succeeded %s ago, limit 300s: failures since then may be missing. Look at the exporters' logs, and run vmpooler_exporter check-redis for its permissions." % age);

c.file([
  c.fires(tooLarge(101, 100), after=15, sick=total(101), well=total(100)),
  c.fires(tooLarge(4, 3), after=15, sick=total(4) + threshold('warning', 3), well=total(4) + threshold('warning', 4)),

  // Four a minute.
  c.fires(filling('1k', '3h 24m 30s'), after=30.5, sick=total('60+2x200'), well=total(60)),
  c.fires(
    filling('300', '29m 30s'),
    after=30.5,
    sick=total('60+2x200') + threshold('critical', 300),
    well=total('60+2x200') + threshold('critical', 3000) + threshold('warning', 500),
  ),
  c.silent('VmpoolerDLQFillingUp', 'there are few', 60, total('0+0.25x200')),
  c.silent('VmpoolerDLQFillingUp', 'they are less than half of too many', 60, total('60+2x200') + threshold('warning', 500)),
  c.silent('VmpoolerDLQFillingUp', 'it takes seven hours', 60, total('60+1x200')),
  c.silent('VmpoolerDLQFillingUp', '200 come at once, and none after', 120, total('60+0x20 260+0x300')),
  [
    c.test(
      'VmpoolerDLQFillingUp is silent: one of the exporters sees less of a trend',
      [c.exporter(total('60+2x200')), c.exporter(total('60+0.1x200'), 'b:10124')],
      [c.at(minutes, 'VmpoolerDLQFillingUp') for minutes in std.range(1, 60)]
    ),
  ],
  c.silent('VmpoolerDLQFillingUp', 'they go as they came', 90, total('90+1x20 110-1x20 90+1x20 110-1x20 90+1x20 110-1x20 90+0x100')),

  // At 60 all was well for the last time. The other exporter never records.
  c.fires(stale('10m 30s'), after=11.5, sick=recorded(60), well=recorded('0+30x100'), follower=recorded(0)),
  // It never did; the exporter was started at 600.
  c.fires(
    stale('10m 30s'),
    after=20.5,
    sick=recorded(0) { process_start_time_seconds: 600 },
    well={ process_start_time_seconds: 600 },
  ),
  c.silent('VmpoolerDLQRecorderStale', 'Redis can not be read', 60, recorded(60) { vmpooler_up: 0 }),

  c.fires(
    c.alert('VmpoolerDLQWritesFailing', 'warning', {}, "Redis refused or did not answer 10 writes of dead letters in five minutes; they are tried again. The exporter's log has Redis's words, and vmpooler_exporter check-redis the permissions that are missing."),
    after=10.5,
    sick={ vmpooler_dlq_write_failures_total: '0+1x60' },
    well={ vmpooler_dlq_write_failures_total: '0+0x3 1+0x60' },
    follower={ vmpooler_dlq_write_failures_total: 0 },
  ),
  c.silent('VmpoolerDLQWritesFailing', 'Redis can not be read', 60, { vmpooler_up: 0, vmpooler_dlq_write_failures_total: '0+1x200' }),

  c.fires(
    c.alert('VmpoolerDLQEvictingEntries', 'warning', {}, '11 dead letters were dropped in half an hour, the oldest first, since a queue holds dlq_max_entries. Read what fails so often (vmpooler_exporter dlq stats), and delete what is settled.'),
    after=5.5,
    sick={ vmpooler_dlq_evicted_entries_total: '0+1x60' },
    well={ vmpooler_dlq_evicted_entries_total: 0, vmpooler_dlq_expired_entries_total: '0+1x60' },
    follower={ vmpooler_dlq_evicted_entries_total: 0 },
  ),
])
