// Alerts of the purge that wait for hours: evaluated every ten minutes only.
local c = import 'cases.libsonnet';

local succeeded(at) = { vmpooler_purge_last_success_timestamp_seconds: at };
local wouldPurge(n) = { 'vmpooler_purge_last_cycle_entries{dry_run="true"}': n, 'vmpooler_purge_last_cycle_entries{dry_run="false"}': 0 };

local stale(age) = c.alert('VmpoolerPurgeStale', 'warning', {}, "The last purge that came to its end was %s ago, more than 3 times its interval. The exporters' logs say why it fails or does not begin." % age);

local leftOn = c.alert('VmpoolerPurgeDryRunLeftOn', 'info', {}, 'A dry run of the purge would have purged 5 entries, and nothing has been for a day. If its plan is right, turn purge_dry_run off.');
local day = 24 * 60;

c.file([
  // No interval is told, so it is vmpooler's default.
  c.fires(stale('3h 20m 0s'), after=210, sick=succeeded(0) + { process_start_time_seconds: 600 }, well=succeeded('0+30x450')),
  c.fires(leftOn, after=day, sick=wouldPurge(5), well=wouldPurge(0)),
  // Every other cycle finds nothing.
  c.fires(leftOn, after=day, sick=wouldPurge(std.repeat('5+0x119 0+0x119 ', 13)), well=wouldPurge(0)),
  [
    c.test(
      'VmpoolerPurgeDryRunLeftOn is silent: another exporter purges',
      [c.exporter(wouldPurge(5) + { vmpooler_exporter_leader: 0 }), c.exporter({ vmpooler_exporter_leader: 1 }, 'b:10124')],
      [c.at(minutes, leftOn.name) for minutes in [day, day + 60]]
    ),
  ],
], every='10m')
