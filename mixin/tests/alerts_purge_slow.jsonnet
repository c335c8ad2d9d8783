// Alerts of the purge that wait for hours: evaluated every ten minutes only.
local c = import 'cases.libsonnet';

local succeeded(at) = { vmpooler_purge_last_success_timestamp_seconds: at };
local wouldPurge(n) = { 'vmpooler_purge_last_cycle_entries{dry_run="true"}': n, 'vmpooler_purge_last_cycle_entries{dry_run="false"}': 0 };

local stale(age) = c.alert('VmpoolerPurgeStale', 'warning', {}, "The last purge that came to its end was %s ago, more than 3 times its interval. The exporters' logs say why it fails or does not begin." % age);

c.file([
  // No interval is told, so it is vmpooler's default.
  c.fires(stale('3h 20m 0s'), after=200, sick=succeeded(0) + { process_start_time_seconds: 0 }, well=succeeded('0+30x400')),
  c.fires(
    c.alert('VmpoolerPurgeDryRunLeftOn', 'info', {}, 'A dry run of the purge would have purged 5 entries, and nothing has been for a day. If its plan is right, turn purge_dry_run off.'),
    after=24 * 60,
    sick=wouldPurge(5),
    well=wouldPurge(0),
  ),
], every='10m')
