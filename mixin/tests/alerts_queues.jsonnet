local c = import 'cases.libsonnet';

local pool = { pool: 'debian-12' };
local queue(name, n) = { ['vmpooler_health_queue_size{pool="debian-12", queue="%s"}' % name]: n };
local size(n) = { 'vmpooler_pool_size{pool="debian-12"}': n };
local arrived(at) = { 'vmpooler_pool_last_ready_timestamp_seconds{pool="debian-12"}': at };
local arrivals = arrived(std.join(' ', ['%d+0x9' % (300 * i) for i in std.range(0, 15)]));
local events(name, n) = { ['vmpooler_vm_events_total{event="%s", pool="debian-12"}' % name]: n };
local threshold(name, n) = { ['vmpooler_health_threshold{name="%s"}' % name]: n };
local oldest(name, age) = { ['vmpooler_health_queue_oldest_age_seconds{pool="debian-12", queue="%s"}' % name]: age };

local pending(n, limit) = c.alert('VmpoolerPendingQueueTooLong', 'warning', pool, '%d VMs of pool debian-12 are pending, limit %d. Look whether its clones fail, or boot but are never reached.' % [n, limit]);
local ready(n, limit) = c.alert('VmpoolerReadyQueueTooLong', 'warning', pool, "%d VMs of pool debian-12 are ready, limit %d. Look at the size that the pool is set to, and whether vmpooler's manager runs." % [n, limit]);
local nothing = c.alert('VmpoolerPoolEmpty', 'critical', pool, 'Pool debian-12 should have 5 ready VMs; it has none, and none has become ready of late. Look at its dead letters (vmpooler_exporter dlq stats --pool) for why its clones fail.');
local soon(left) = c.alert('VmpoolerPoolEmptySoon', 'warning', pool, 'Pool debian-12 loses ready VMs faster than it gets new ones, and will be empty in %s. Look whether more are checked out than usual, or fewer become ready.' % left);
local filling(limit, left) = c.alert('VmpoolerPendingQueueFilling', 'warning', pool, 'The pending VMs of pool debian-12 grow, and reach the limit of %d in %s. Look whether its VMs still become ready, and whether its clones fail.' % [limit, left]);
local cliff(n) = { 'vmpooler_health_condition{condition="queue_cliff", pool="debian-12", severity="critical"}': n };
local lost = c.alert('VmpoolerInventoryCliff', 'critical', pool, "Most VMs of pool debian-12 left its queues within two minutes, users' own among them: the provider probably listed nothing for a moment, and vmpooler destroys what comes back. Stop vmpooler's manager, then look at the provider.");
local empty = c.alert('VmpoolerPoolEmpty', 'warning', pool, 'Pool debian-12 should have 5 ready VMs and mostly has none: users take them as fast as they come, or none come. Compare its checkouts with its clones; it may have to be larger.');

c.file([
  // The default limit, where vmpooler_health_threshold is absent, and one that is there.
  c.fires(pending(101, 100), after=15, sick=queue('pending', 101), well=queue('pending', 100) + queue('running', 500)),
  c.fires(
    pending(7, 6),
    after=15,
    sick=queue('pending', 7) + threshold('pending_queue_max', 6),
    well=queue('pending', 7) + threshold('pending_queue_max', 7),
  ),
  c.fires(ready(501, 500), after=15, sick=queue('ready', 501), well=queue('ready', 500)),
  c.fires(
    ready(31, 30),
    after=15,
    sick=queue('ready', 31) + threshold('ready_queue_max', 30),
    well=queue('ready', 31) + threshold('ready_queue_max', 31),
  ),

  // Never a VM; the other pool was drained on purpose.
  c.fires(nothing, after=20, sick=size(5) + queue('ready', 0), well=size(0) + queue('ready', 0)),
  // The last one became ready at 10 minutes, and was taken at once.
  c.fires(
    nothing,
    after=32,  // it delivers for two minutes more
    sick=size(5) + queue('ready', '1+0x19 0+0x60') + arrived(600),
    well=size(5) + queue('ready', 1) + arrived(600),
  ),
  // With one exporter, a scrape that fails does not put the page off.
  [
    c.test('VmpoolerPoolEmpty critical over a scrape that fails', [c.exporter({
      up: '1+0x9 0 1+0x40',
      vmpooler_up: '1+0x9 stale 1+0x40',
      'vmpooler_pool_size{pool="debian-12"}': '5+0x9 stale 5+0x40',
      'vmpooler_health_queue_size{pool="debian-12", queue="ready"}': '0+0x9 stale 0+0x40',
    })], [c.at(19.5, nothing.name), c.at(20, nothing.name, [nothing])]),
  ],
  // One arrives every five minutes and is taken at once: nobody is woken.
  c.fires(
    empty,
    after=25,
    sick=size(5) + queue('ready', 0) + arrivals,
    well=size(5) + queue('ready', 1),
  ),
  // The same where events are counted; and where what arrives are the VMs of on-demand
  // requests, which somebody is woken for.
  c.fires(
    empty,
    after=25,
    sick=size(5) + queue('ready', 0) + arrivals + events('ready', std.join(' ', ['%d+0x9' % i for i in std.range(0, 15)])),
    well=size(5) + queue('ready', 1),
  ),
  c.fires(
    nothing,
    after=20.5,  // counting begins at the second scrape
    sick=size(5) + queue('ready', 0) + arrivals + events('ready', 7) + events('cloned', '0+0.1x140'),
    well=size(5) + queue('ready', 1) + arrivals + events('ready', 7),
  ),
  // The recorder of events has stopped, and its counters stand still: nobody is woken.
  c.fires(
    empty,
    after=25,
    sick=size(5) + queue('ready', 0) + arrivals + events('ready', 7) + events('cloned', 9),
    well=size(5) + queue('ready', 1),
  ),
  // A VM comes now and then, and is gone at the next scrape or the one after.
  c.fires(
    empty,
    after=43,
    sick=size(5) + queue('ready', '5+0x5 ' + std.repeat('0 0 2 0 1 ', 24) + '1') + events('ready', '0+1x140'),
    well=size(5) + queue('ready', std.repeat('0 2 3 0 1 ', 24) + '1'),
  ),
  c.silent('VmpoolerPoolEmpty', 'the pool is drained on purpose', 90, size('5+0x9 0+0x200') + queue('ready', '5-0.5x10 0+0x200')),
  c.silent('VmpoolerPoolEmpty', 'the queue can not be read', 90, size(5)),
  // Drained until 60, with a VM from 72 on and all of them at 76.
  c.silent(
    'VmpoolerPoolEmpty',
    'the pool that was drained is filled again',
    120,
    size('0+0x119 5+0x200') + queue('ready', '0+0x143 1+0x1 2+0x1 3+0x1 4+0x1 5+0x200'),
  ),
  // VMs come and are taken at once from 50 to 76.5.
  c.silent(
    'VmpoolerPoolEmpty',
    'the pool was empty for less than half an hour',
    120,
    size(5) + queue('ready', '5+0x99 0+0x52 5+0x200') + arrived('0+30x300'),
  ),

  c.fires(
    c.alert('VmpoolerPoolUnderfilled', 'info', pool, 'Pool debian-12 has 40% of the ready VMs that it should have, limit 50%. Compare its checkouts with its clones; it may have to be larger.'),
    after=60,
    sick=size(5) + queue('ready', 2),
    well=size(4) + queue('ready', 2),
  ),
  // Empty now and then, which does not begin the hour anew.
  c.fires(
    c.alert('VmpoolerPoolUnderfilled', 'info', pool, 'Pool debian-12 has 20% of the ready VMs that it should have, limit 50%. Compare its checkouts with its clones; it may have to be larger.'),
    after=60,
    sick=size(5) + queue('ready', std.repeat('1 1 0 2 0 ', 24) + '1'),
    well=size(5) + queue('ready', 5),
  ),
  c.silent('VmpoolerPoolUnderfilled', 'the pool is drained on purpose', 90, size(0) + queue('ready', 2)),

  // 1 VM a minute fewer.
  c.fires(
    soon('25m 0s'),
    after=15,  // the means of two times five minutes come first
    sick=size(100) + queue('ready', '40-0.5x60'),
    well=size(100) + queue('ready', 40),
  ),
  c.silent('VmpoolerPoolEmptySoon', 'the pool is still more than half full', 60, size(100) + queue('ready', '100-0.375x130')),
  c.silent('VmpoolerPoolEmptySoon', 'the pool is still more than half full, and falls fast', 24, size(100) + queue('ready', '100-1x60')),
  c.silent('VmpoolerPoolEmptySoon', 'it takes hours', 60, size(100) + queue('ready', '49-0.125x130')),
  c.silent('VmpoolerPoolEmptySoon', 'it takes an hour and a half', 37, size(100) + queue('ready', '49-0.25x80')),
  // At 20 minutes the last one is taken, and it is no longer soon.
  [
    c.test('VmpoolerPoolEmptySoon is over: the pool is empty', [c.exporter(size(100) + queue('ready', '40-1x40 0+0x40'))], [
      c.at(19.5, 'VmpoolerPoolEmptySoon', [soon('30s')]),
      c.at(20, 'VmpoolerPoolEmptySoon'),
      c.at(24, 'VmpoolerPoolEmptySoon'),
    ]),
    c.test(
      'VmpoolerPoolEmptySoon is silent: one of the exporters sees no trend',
      [c.exporter(size(200) + queue('ready', '80-1x60')), c.exporter(size(200) + queue('ready', 30), 'b:10124')],
      [c.at(minutes, 'VmpoolerPoolEmptySoon') for minutes in std.range(1, 20)]
    ),
  ],
  // Bursts: three of five at 20.5, which vmpooler replaces at 33; and 30 of 50, from 32.5 on.
  c.silent('VmpoolerPoolEmptySoon', 'three of five are taken at once', 90, size(5) + queue('ready', '5+0x40 2+0x24 5+0x200')),
  c.silent('VmpoolerPoolEmptySoon', '30 of 50 are taken at once', 90, size(50) + queue('ready', '50+0x40 20+0x23 20+1x30 50+0x200')),
  c.silent('VmpoolerPoolEmptySoon', 'many are checked out at once, and replaced', 90, size(100) + queue('ready', '90+0x19 30+1.5x40 90+0x200')),

  c.fires(
    c.alert('VmpoolerPendingOldestTooOld', 'warning', pool, 'The oldest pending VM of pool debian-12 has been there for 2h 0m 1s, limit 2h 0m 0s. vmpooler should have given it up: look whether its manager runs, and what its log says of the VM.'),
    after=30,
    sick=oldest('pending', 7201),
    well=oldest('pending', 7200) + oldest('running', 90000),
  ),
  c.fires(
    c.alert('VmpoolerPendingOldestTooOld', 'warning', pool, 'The oldest pending VM of pool debian-12 has been there for 30m 1s, limit 30m 0s. vmpooler should have given it up: look whether its manager runs, and what its log says of the VM.'),
    after=30,
    sick=oldest('pending', 1801) + threshold('stuck_vm_age_threshold', 1800),
    well=oldest('pending', 1801),
  ),

  c.fires(
    lost,
    after=5,
    sick=cliff('0+0x9 1+0x30'),
    well=cliff(0) + { 'vmpooler_health_condition{condition="pending_queue", pool="debian-12", severity="critical"}': 1 },
  ),
  // It goes on for three quarters of an hour after the condition, which was there until 20.
  [
    c.test('VmpoolerInventoryCliff goes on', [c.exporter(cliff('0+0x9 1+0x29 0+0x200'))], [
      c.at(64, lost.name, [lost]),
      c.at(65.5, lost.name),
    ]),
  ],

  // 1 VM a minute more.
  c.fires(
    filling(100, '33m 30s'),
    after=15.5,
    sick=queue('pending', '51+0.5x60'),
    well=queue('pending', 60),
  ),
  c.fires(
    filling(50, '8m 30s'),
    after=15.5,
    sick=queue('pending', '26+0.5x60') + threshold('pending_queue_max', 50),
    well=queue('pending', '1+0.5x60') + threshold('pending_queue_max', 1000),
  ),
  // From half of the limit on, which is passed after nine minutes and a half.
  c.fires(filling(100, '34m 30s'), after=24.5, sick=queue('pending', '41+0.5x60'), well=queue('pending', 41)),
  c.silent('VmpoolerPendingQueueFilling', 'the limit is passed, which is another alert', 60, queue('pending', '101+0.5x200')),
  [
    c.test(
      'VmpoolerPendingQueueFilling is silent: an exporter that has just begun sees no trend',
      [c.exporter(queue('pending', '51+0.5x60')), c.exporter(queue('pending', '_x4 55+0x60'), 'b:10124')],
      [c.at(minutes, 'VmpoolerPendingQueueFilling') for minutes in std.range(1, 30)]
    ),
  ],
])
