local c = import 'cases.libsonnet';

local build(version) = { ['vmpooler_exporter_build_info{version="%s"}' % version]: 1 };
local threshold(n) = { 'vmpooler_health_threshold{name="dlq_max_warning"}': n, 'vmpooler_health_threshold{name="dlq_max_critical"}': 1000 };

// What two exporters don't agree in, and other two do.
local differ(alert, after, a, b) = [
  c.test(
    alert.name,
    [c.exporter(a), c.exporter(b, 'b:10124')] + c.pair(a, 'vmpooler-exporter-b'),
    [c.at(after - 0.5, alert.name), c.at(after, alert.name, [alert])],
  ),
];

local panicked = c.alert('VmpoolerExporterPanicked', 'warning', {}, 'Panics that the exporter a:10124 caught in a quarter of an hour, and went on: 1. It is a mistake in the program: please report it, with the lines of its log.');
local published(age) = c.alert('VmpoolerPublishStale', 'warning', {}, "The health was last published %s ago, limit 3600s; who reads vmpooler__health sees a state that is past. The exporters' logs say why it can not be published." % age);
local logins = c.alert('VmpoolerLoginsFailing', 'info', {}, "21 logins failed or calls were refused in a quarter of an hour, limit 20. The exporter's log says from where: a password that was changed, or somebody trying.");

c.file([
  differ(
    c.alert('VmpoolerVersionsDiffer', 'info', {}, 'The exporters of vmpooler_exporter are of 2 versions. Finish the update, or roll it back.'),
    60,
    build('1.0.0'),
    build('1.1.0'),
  ),
  differ(
    c.alert('VmpoolerThresholdsDiffer', 'info', {}, '1 of the thresholds differ between the exporters of vmpooler_exporter, so that they judge differently. Give all of them the same vmpooler.yaml, and reload.'),
    15,
    threshold(100),
    threshold(200),
  ),

  c.fires1(panicked, after=6, sick={ vmpooler_exporter_panics_total: '0+0x9 1+0x60' }, well={ vmpooler_exporter_panics_total: 0, vmpooler_exporter_api_panics_total: 0 }),
  c.fires1(panicked, after=6, sick={ vmpooler_exporter_panics_total: 0, vmpooler_exporter_api_panics_total: '0+0x9 1+0x60' }, well={ vmpooler_exporter_panics_total: 0 }),
  c.silent('VmpoolerExporterPanicked', 'an exporter that had was started anew', 60, { vmpooler_exporter_panics_total: '3+0x9 0+0x200' }),

  // At 60 it was published for the last time: an hour later it is old.
  c.fires(
    published('1h 5m 30s'),
    after=66.5,
    sick={ vmpooler_publish_last_success_timestamp_seconds: 60 },
    well={ vmpooler_publish_last_success_timestamp_seconds: '0+30x200' },
    follower={ vmpooler_publish_last_success_timestamp_seconds: 0 },
  ),
  // It never was, and was to be since the start.
  c.fires(
    published('1h 5m 30s'),
    after=75.5,
    sick={ vmpooler_publish_last_success_timestamp_seconds: 0, process_start_time_seconds: 600 },
    well={ process_start_time_seconds: 600 },
  ),
  c.silent('VmpoolerPublishStale', 'Redis can not be read', 90, { vmpooler_up: 0, vmpooler_publish_last_success_timestamp_seconds: 60 }),

  c.fires(
    logins,
    after=10,
    sick={ vmpooler_exporter_failed_logins_total: '0+0x9 21+0x60' },
    well={ vmpooler_exporter_failed_logins_total: '0+0x9 10+0x60' },
    follower={ vmpooler_exporter_failed_logins_total: 0 },
  ),
  c.fires(
    logins,
    after=10,
    sick={ 'vmpooler_exporter_refused_calls_total{reason="not_admin"}': '0+0x9 21+0x60', 'vmpooler_exporter_refused_calls_total{reason="off"}': 0 },
    well={ 'vmpooler_exporter_refused_calls_total{reason="off"}': '0+0x9 10+0x60' },
    follower={ 'vmpooler_exporter_refused_calls_total{reason="not_admin"}': 0 },
  ),
])
