local c = import 'cases.libsonnet';

local succeeded(at) = { vmpooler_purge_last_success_timestamp_seconds: at };
local interval(n) = { vmpooler_purge_interval_seconds: n };
local cycles(result, n) = { ['vmpooler_purge_cycles_total{result="%s"}' % result]: n };
local actions(result, n) = { ['vmpooler_purge_actions_total{result="%s", target="pending"}' % result]: n };
local held(pool, cause) = { ['vmpooler_purge_held{cause="%s", pool="%s"}' % [cause, pool]]: 1 };
local leads(n) = { vmpooler_exporter_leader: n };

local stale(age) = c.alert('VmpoolerPurgeStale', 'warning', {}, "The last purge that came to its end was %s ago, more than 3 times its interval. The exporters' logs say why it fails or does not begin." % age);
local failing(n) = c.alert('VmpoolerPurgeFailing', 'warning', {}, "%d cycles of the purge, or entries of them, failed in an hour. The exporter's log has Redis's words, and vmpooler_exporter check-redis the permissions that are missing." % n);
local alone(pool, cause, text) = c.alert('VmpoolerPurgeHeld', 'warning', { [if pool != '' then 'pool']: pool, cause: cause }, 'The purge leaves %s alone, cause: %s. Look at the plan (vmpooler_exporter purge --dry-run) before you override it.' % [text, cause]);
local limited = alone('debian-12', 'limit', 'pool debian-12');

// An hour with three failures from its last quarter on.
local failures = '0+0x99 1+0x19 2+0x19 3+0x100';

c.file([
  // At 60 a purge came to its end for the last time. The other exporter never purged.
  c.fires(
    stale('25m 30s'),
    after=26.5,
    sick=succeeded(60) + interval(300),
    well=succeeded(60),
    follower=succeeded(0),
  ),
  c.fires(
    stale('25m 30s'),
    after=35.5,
    sick=succeeded(0) + interval(300) + { process_start_time_seconds: 600 },
    well=interval(300) + { process_start_time_seconds: 600 },
  ),
  c.silent('VmpoolerPurgeStale', 'Redis can not be read', 60, succeeded(60) + interval(300) + { vmpooler_up: 0 }),

  // Without a success for an hour.
  c.fires(
    failing(3),
    after=71,
    sick=succeeded(60) + cycles('failed', failures) + cycles('done', 1),
    well=succeeded('0+30x200') + cycles('failed', failures) + cycles('done', 1),
    follower=succeeded(0) + cycles('failed', 0) + cycles('done', 0),
  ),
  c.fires(
    failing(3),
    after=71,
    sick=succeeded(60) + cycles('panicked', failures),
    well=succeeded('0+30x200') + cycles('panicked', failures),
    follower=succeeded(0) + cycles('panicked', 0),
  ),
  // Cycles come to their end, and Redis refuses what they do.
  c.fires(
    failing(3),
    after=15,
    sick=succeeded('0+30x200') + actions('refused', '0+0x9 3+0x100'),
    well=succeeded('0+30x200') + actions('refused', '0+0x9 1+0x100') + actions('skipped', '0+1x200'),
    follower=succeeded(0) + actions('refused', 0),
  ),
  c.silent('VmpoolerPurgeFailing', 'Redis can not be read', 120, succeeded(60) + cycles('failed', failures) + { vmpooler_up: 0 }),

  c.fires(limited, after=30, sick=held('debian-12', 'limit') + leads(1), well=held('', 'start') + leads(0), follower={ 'vmpooler_purge_held{cause="limit", pool="debian-12"}': null } + leads(0)),
  c.fires(alone('', 'clock', 'all pools'), after=30, sick=held('', 'clock') + leads(1), well=leads(1), follower={ 'vmpooler_purge_held{cause="clock", pool=""}': null } + leads(0)),
  c.fires(alone('', 'requests', 'on-demand requests'), after=30, sick=held('', 'requests') + leads(1), well=leads(1), follower={ 'vmpooler_purge_held{cause="requests", pool=""}': null } + leads(0)),
  // In a dry run nobody leads.
  c.fires(limited, after=30, sick=held('debian-12', 'limit'), well={}),
  [
    c.test(
      'VmpoolerPurgeHeld is silent: it was held when another exporter purged',
      [c.exporter(held('debian-12', 'limit') + leads(0)), c.exporter(leads(1), 'b:10124')],
      [c.at(minutes, limited.name) for minutes in std.range(1, 60)]
    ),
  ],
])
