local c = import 'cases.libsonnet';

local lost(text) = c.alert('VmpoolerMonitoringLost', 'critical', {}, "Prometheus reaches no exporter %s, so that nothing about this vmpooler is known. Look whether the exporters run, and at the reason on Prometheus's page of targets." % text);
local lostJob = lost('of vmpooler_exporter');
local down = c.alert('VmpoolerExporterDown', 'warning', {}, 'The exporter a:10124 can not be scraped, or only now and then; another one still can. Look whether it runs or is started over and over, and at its log.');
local loops(failures) = { up: '1+0x9 ' + std.repeat(std.repeat('0 ', failures) + '1 ', 80), vmpooler_up: null };
local lostAll = lost('at all') { labels: { job: null } };

local unreachable = c.alert('VmpoolerRedisUnreachable', 'critical', {}, "None of the exporters of vmpooler_exporter reads vmpooler's Redis, or only now and then, and vmpooler itself most likely can not either. Look whether Redis runs; vmpooler_exporter check-redis says what it answers.");

local unreadBy(instance) = c.alert('VmpoolerRedisUnreachable', 'warning', { instance: instance }, "The exporter %s fails to read vmpooler's Redis; another one does not, or this one not always. Run vmpooler_exporter check-redis on its host, with its flags." % instance);
local unread = unreadBy('a:10124');
local mostly = { vmpooler_up: std.repeat('1 0 0 0 ', 10) };
local leaders(n) = c.alert('VmpoolerLeaderCountWrong', 'warning', {}, '%d exporters take themselves for the one that writes to Redis, and it should be 1: with none, nothing is recorded, purged or published. Look in their logs for the lease.' % n);

local stale(age) = c.alert('VmpoolerSweepStale', 'warning', {}, 'The last complete sweep of a:10124 ended %s ago, limit 600s: leaked metadata and lost requests may be missed. Its log says why sweeps fail.' % age);

local collectors = 'vmpooler_exporter_collector_success';
local failing = c.alert('VmpoolerCollectorFailing', 'warning', { collector: 'dlq' }, "The collector dlq fails in 1 of the exporters, and what it could not read is missing from graphs and alerts. The exporter's log says which key, and vmpooler_exporter check-redis which permission.");

c.file([
  c.fires(lostJob, after=5, sick={ up: 0, vmpooler_up: null }, well={}),
  c.silent('VmpoolerMonitoringLost', 'a scrape fails now and then', 30, { up: '1+0x9 0 1+0x19 0 1+0x99' }),
  [
    c.test('VmpoolerMonitoringLost: there are no targets', [], [
      c.at(4.5, 'VmpoolerMonitoringLost'),
      c.at(5, 'VmpoolerMonitoringLost', [lostAll]),
    ]),
    c.test('VmpoolerMonitoringLost: the only targets vanish', c.pair({ up: '1+0x9 stale', vmpooler_up: '1+0x9 stale' }), [
      c.at(9.5, 'VmpoolerMonitoringLost'),
      c.at(10, 'VmpoolerMonitoringLost', [lostAll]),
      c.at(600, 'VmpoolerMonitoringLost', [lostAll]),
    ]),
    c.test(
      'VmpoolerMonitoringLost: all targets of one vmpooler vanish, those of another stay',
      c.pair({ up: '1+0x9 stale', vmpooler_up: '1+0x9 stale' }) + c.pair({}, 'vmpooler-exporter-b'),
      [
        c.at(9.5, 'VmpoolerMonitoringLost'),
        c.at(10, 'VmpoolerMonitoringLost', [lostJob]),
        c.at(64, 'VmpoolerMonitoringLost', [lostJob]),
        c.at(65, 'VmpoolerMonitoringLost'),
      ],
    ),
    c.test('VmpoolerMonitoringLost is silent: one of two is left', [c.exporter({ up: 0, vmpooler_up: null }), c.exporter({}, 'b:10124')], [
      c.at(minutes, 'VmpoolerMonitoringLost')
      for minutes in std.range(1, 60)
    ]),
  ],

  c.fires1(down, after=10, sick={ up: 0, vmpooler_up: null }, well={}, one=false),
  // One that is started over and over: one scrape in nine is good, or every other.
  c.fires1(down, after=15, sick=loops(8), well={}, one=false),
  c.fires1(down, after=23, sick=loops(1), well={}, one=false),
  c.fires(lostJob, after=14.5, sick=loops(8), well={}),
  [
    c.test('VmpoolerMonitoringLost is silent: each of two is up half of the time', [c.exporter(loops(1)), c.exporter(loops(1), 'b:10124')], [
      c.at(minutes, 'VmpoolerMonitoringLost')
      for minutes in std.range(1, 60)
    ]),
    c.test('VmpoolerExporterDown is silent: one of two is started anew', [c.exporter({ up: '1+0x19 0+0x8 1+0x99', vmpooler_up: null }), c.exporter({}, 'b:10124')], [
      c.at(minutes, 'VmpoolerExporterDown')
      for minutes in std.range(1, 60)
    ]),
  ],
  c.silent('VmpoolerMonitoringLost', 'the only one is started anew', 60, { up: '1+0x19 0+0x8 1+0x99', vmpooler_up: null }),
  c.silent('VmpoolerExporterDown', 'all are down, which is another alert', 30, { up: 0, vmpooler_up: null }),

  c.fires(unreachable, after=5, sick={ vmpooler_up: 0 }, well={}),
  c.silent('VmpoolerRedisUnreachable', 'a scrape fails', 30, { vmpooler_up: '1+0x9 0 1+0x99' }),
  [
    c.test('VmpoolerRedisUnreachable critical, though a scrape succeeds', c.pair({ vmpooler_up: '0+0x3 1 0+0x30' }), [
      c.at(4.5, 'VmpoolerRedisUnreachable'),
      c.at(5, 'VmpoolerRedisUnreachable', [unreachable]),
    ]),
    c.test('VmpoolerRedisUnreachable critical, one exporter is down', [c.exporter({ vmpooler_up: 0 }), c.exporter({ up: 0, vmpooler_up: null }, 'b:10124')], [
      c.at(4.5, 'VmpoolerRedisUnreachable'),
      c.at(5, 'VmpoolerRedisUnreachable', [unreachable]),
    ]),
  ],
  c.fires1(unread, after=5, sick={ vmpooler_up: 0 }, well={}, one=false),
  // Every fourth reading fails: a ticket. Three of four do: a page.
  c.fires1(unread, after=6.5, sick={ vmpooler_up: std.repeat('1 1 1 0 ', 40) }, well={}),
  [
    c.test('VmpoolerRedisUnreachable critical, though every fourth reading succeeds: ' + case.exporters, case.of, [
      c.at(5.5, 'VmpoolerRedisUnreachable', case.fail),
      c.at(6, 'VmpoolerRedisUnreachable', [unreachable] + case.fail),
    ])
    for case in [
      { exporters: 'one', of: [c.exporter(mostly)], fail: [unread] },
      { exporters: 'two', of: c.pair(mostly), fail: [unread, unreadBy('b:10124')] },
    ]
  ],

  c.fires(
    failing,
    after=15,
    sick={ [collectors + '{collector="dlq"}']: 0, [collectors + '{collector="queues"}']: 1 },
    well={ [collectors + '{collector="dlq"}']: 1, [collectors + '{collector="queues"}']: 1 },
    follower={ [collectors + '{collector="dlq"}']: 1 },
  ),
  c.silent('VmpoolerCollectorFailing', 'Redis can not be read at all', 60, { vmpooler_up: 0, [collectors + '{collector="dlq"}']: 0 }),

  c.fires(
    c.alert('VmpoolerCollectorSlow', 'info', {}, "Reading vmpooler's state takes 3.5s, more than 2s; scrapes will fail when it comes near their timeout. Look at Redis's slow log and at the network between."),
    after=15,
    sick={ vmpooler_health_check_duration_seconds: 3.5 },
    well={ vmpooler_health_check_duration_seconds: 2 },
    follower={ vmpooler_health_check_duration_seconds: 0.1 },
  ),

  c.fires(leaders(0), after=5, sick={ vmpooler_exporter_leader: 0 }, well={}),
  [
    c.test('VmpoolerLeaderCountWrong: two of them', c.pair({ vmpooler_exporter_leader: 1 }), [
      c.at(4.5, 'VmpoolerLeaderCountWrong'),
      c.at(5, 'VmpoolerLeaderCountWrong', [leaders(2)]),
    ]),
  ] + [
    c.test('VmpoolerLeaderCountWrong is silent: ' + case.why, [c.exporter(case.a), c.exporter(case.b, 'b:10124')], [
      c.at(minutes, 'VmpoolerLeaderCountWrong')
      for minutes in std.range(1, 60)
    ])
    for case in [
      { why: 'one of two leads', a: { vmpooler_exporter_leader: 1 }, b: { vmpooler_exporter_leader: 0 } },
      { why: 'one takes over', a: { vmpooler_exporter_leader: '1+0x9 0+0x200' }, b: { vmpooler_exporter_leader: '0+0x10 1+0x200' } },
      { why: 'the one that leads can not be scraped', a: { up: 0, vmpooler_up: null }, b: { vmpooler_exporter_leader: 0 } },
      { why: 'Redis is away', a: { vmpooler_up: 0, vmpooler_exporter_leader: 0 }, b: { vmpooler_up: 0, vmpooler_exporter_leader: 0 } },
      { why: 'nothing is written', a: {}, b: {} },
    ]
  ],

  c.fires(
    c.alert('VmpoolerRedisClockSkew', 'warning', {}, "The clocks of Redis's host and of an exporter's differ by 12s, more than 5s; beyond a minute nothing is purged. Look at the time service on both."),
    after=10,
    sick={ vmpooler_redis_clock_skew_seconds: -12 },
    well={ vmpooler_redis_clock_skew_seconds: 4.9 },
    follower={ vmpooler_redis_clock_skew_seconds: 0.1 },
  ),

  c.fires1(stale('10m 1s'), after=10, sick={ vmpooler_exporter_sweep_age_seconds: 601 }, well={ vmpooler_exporter_sweep_age_seconds: 60 }),
  // None has ever been complete: more than ten minutes since the start, and ten more.
  c.fires1(
    stale('20m 30s'),
    after=20.5,
    sick={ process_start_time_seconds: 0, 'vmpooler_exporter_collector_success{collector="orphans"}': 1 },
    well={ process_start_time_seconds: 0, 'vmpooler_exporter_collector_success{collector="queues"}': 1 },
  ),
  c.silent('VmpoolerSweepStale', 'Redis can not be read', 60, { vmpooler_up: 0, vmpooler_exporter_sweep_age_seconds: 3600 }),

  c.fires1(
    c.alert('VmpoolerConfigReloadFailed', 'warning', {}, 'The exporter a:10124 found a mistake when it was reloaded, and goes on with what it had. Run vmpooler_exporter check-config on the file, mend it, and reload.'),
    after=5,
    sick={ vmpooler_exporter_config_last_reload_successful: 0 },
    well={ vmpooler_exporter_config_last_reload_successful: 1 },
  ),
])
