local c = import 'cases.libsonnet';

local events(event, pool, n) = { ['vmpooler_vm_events_total{event="%s", pool="%s"}' % [event, pool]]: n };
local failed(pool, n) = events('clone_failed', pool, n);
local cloned(pool, n) = events('cloned', pool, n);
local limit(type, n) = { ['vmpooler_health_tasks_limit{type="%s"}' % type]: n };
local active(clone, ondemand) = { 'vmpooler_health_tasks_active{type="clone"}': clone, 'vmpooler_health_tasks_active{type="ondemand"}': ondemand };
local leaked(n) = { vmpooler_health_clone_slots_leaked: n };

local ratio(pool, percent) = c.alert('VmpoolerCloneFailureRatioHigh', 'warning', { pool: pool }, '%s of the clones of pool %s failed in ten minutes, limit 20%%. Read the errors (vmpooler_exporter dlq stats --pool), then look at its template.' % [percent, pool]);
local provider(percent) = c.alert('VmpoolerCloneFailureRatioHigh', 'critical', {}, 'Most clones fail in %s of the pools that clone: not a template, but what they have in common is broken. Read the errors (vmpooler_exporter dlq stats), then look at the provider: its storage, quotas, login.' % percent);
local some(n) = c.alert('VmpoolerCloneSlotsLeaked', 'warning', {}, "%d clone slots are taken by no clone: pools fill more slowly, and at vmpooler's task_limit not at all. Restart vmpooler's manager when it suits: it sets the counters to 0." % n);
local all(n, type) = c.alert('VmpoolerCloneSlotsLeaked', 'critical', { type: type }, "%d clone slots are leaked, and vmpooler begins no further clone of type %s. Restart vmpooler's manager: it sets the counters to 0." % [n, type]);

local each = '0+1x200';  // one in each scrape, so five after two and a half minutes

c.file([
  // Two of three pools that clone; the fourth one does not.
  c.fires(
    provider('66.67%'),
    after=12.5,
    sick=failed('a', each) + cloned('a', 0) + failed('b', each) + cloned('b', 0) + failed('c', 0) + cloned('c', each) + failed('d', 0) + cloned('d', 0),
    well=failed('a', 0) + cloned('a', each) + failed('b', 0) + cloned('b', each),
    also=[ratio('a', '100%'), ratio('b', '100%')],
  ),
  // The counters of an exporter that was started anew begin again; the other's go on.
  c.fires(
    ratio('a', '50%'),
    after=12.5,
    sick=failed('a', each) + cloned('a', each) + failed('b', 0) + cloned('b', each),
    well=failed('a', '0+0x4 4+0x200') + cloned('a', 0),
    follower=failed('a', '0+1x9 0+1x200') + cloned('a', '0+1x9 0+1x200'),
  ),
  // A template of one: the only pool that clones.
  c.fires(ratio('a', '100%'), after=12.5, sick=failed('a', each) + cloned('a', 0), well=failed('a', 0) + cloned('a', 0)),
  c.silent('VmpoolerCloneFailureRatioHigh', 'one clone in ten fails', 60, failed('a', '0+0.25x200') + cloned('a', '0+2.25x200')),
  c.silent('VmpoolerCloneFailureRatioHigh', 'single failures in quiet pools', 60, failed('a', '0+0.125x200') + cloned('a', 0) + failed('b', '0+0.125x200') + cloned('b', 0)),
  c.silent('VmpoolerCloneFailureRatioHigh', 'events are not counted', 60, {}),

  // vmpooler's default limit, where nobody says it.
  c.fires(all(10, 'clone'), after=15, sick=leaked(10) + active(10, 0), well=leaked(0) + active(10, 10), also=[some(10)]),
  c.fires(
    all(4, 'ondemand'),
    after=15,
    sick=leaked(4) + active(1, 4) + limit('clone', 20) + limit('ondemand', 4),
    well=leaked(0) + active(20, 4) + limit('clone', 20) + limit('ondemand', 4),
    also=[some(4)],
  ),
  // A scrape of the only exporter fails every 13 minutes and a half.
  [
    c.test('VmpoolerCloneSlotsLeaked over scrapes that fail', [c.exporter({
      up: std.repeat('1+0x25 0 ', 3),
    } + {
      [series]: std.repeat('%d+0x25 stale ' % values[series], 3)
      for values in [{ vmpooler_up: 1, vmpooler_health_clone_slots_leaked: 10, 'vmpooler_health_tasks_active{type="clone"}': 10, 'vmpooler_health_tasks_limit{type="clone"}': 10 }]
      for series in std.objectFields(values)
    })], [
      c.at(14.5, 'VmpoolerCloneSlotsLeaked'),
      c.at(15, 'VmpoolerCloneSlotsLeaked', [all(10, 'clone'), some(10)]),
      c.at(30, 'VmpoolerCloneSlotsLeaked', [all(10, 'clone'), some(10)]),
    ]),
  ],
  // As many as the limit, but of both kinds together.
  c.fires(some(10), after=15, sick=leaked(10) + active(6, 6), well=leaked(0) + active(6, 6)),
  // A clone that just begins shows as a slot now here, now there.
  [
    c.test('VmpoolerCloneSlotsLeaked is silent: clones begin', [c.exporter(leaked(flicker[0])), c.exporter(leaked(flicker[1]), 'b:10124')], [
      c.at(minutes, 'VmpoolerCloneSlotsLeaked')
      for minutes in std.range(1, 60)
    ])
    for flicker in [[std.repeat('0 1 ', 60), std.repeat('1 0 ', 60)]]
  ],
])
