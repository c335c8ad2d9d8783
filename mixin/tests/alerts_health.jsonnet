local c = import 'cases.libsonnet';

local stuck = c.alert('VmpoolerStuckVms', 'warning', {}, "11 VMs have been pending for longer than 2h 0m 0s, limit 10. Look in which pools, and whether vmpooler's manager runs.");

local degraded = c.alert('VmpoolerUnhealthy', 'warning', {}, 'vmpooler behind vmpooler_exporter is degraded by its own thresholds. The overview names the conditions that hold; vmpooler_exporter health lists them with their values.');

c.file([
  c.fires(
    c.alert('VmpoolerUnhealthy', 'critical', {}, 'vmpooler behind vmpooler_exporter is unhealthy by its own thresholds. The overview names the conditions that hold; vmpooler_exporter health lists them with their values.'),
    after=10,
    sick={ vmpooler_health_status: 2 },
    well={ vmpooler_health_status: 0 },
  ),
  // One scrape that fails, with the only exporter, does not put a page off.
  [
    c.test('VmpoolerUnhealthy critical over a scrape that fails', [c.exporter({
      up: '1+0x9 0 1+0x20',
      vmpooler_up: '1+0x9 stale 1+0x20',
      vmpooler_health_status: '2+0x9 stale 2+0x20',
    })], [
      c.at(9.5, 'VmpoolerUnhealthy'),
      c.at(10, 'VmpoolerUnhealthy', [c.alert('VmpoolerUnhealthy', 'critical', {}, 'vmpooler behind vmpooler_exporter is unhealthy by its own thresholds. The overview names the conditions that hold; vmpooler_exporter health lists them with their values.')]),
    ]),
  ],
  c.fires(degraded, after=30, sick={ vmpooler_health_status: 1 }, well={ vmpooler_health_status: 0 }),
  // To and fro.
  c.fires(degraded, after=30, sick={ vmpooler_health_status: std.repeat('1 2 ', 40) }, well={ vmpooler_health_status: std.repeat('0 2 ', 40) }),
  c.silent('VmpoolerUnhealthy', 'the queues can not be read', 60, { vmpooler_health_status: null }),

  c.fires(stuck, after=15, sick={ vmpooler_health_stuck_vms: 11 }, well={ vmpooler_health_stuck_vms: 10 }),
  c.fires(
    stuck { description: "4 VMs have been pending for longer than 30m 0s, limit 3. Look in which pools, and whether vmpooler's manager runs." },
    after=15,
    sick={
      vmpooler_health_stuck_vms: 4,
      'vmpooler_health_threshold{name="stuck_vm_max_warning"}': 3,
      'vmpooler_health_threshold{name="stuck_vm_age_threshold"}': 1800,
    },
    well={ vmpooler_health_stuck_vms: 4, 'vmpooler_health_threshold{name="stuck_vm_max_warning"}': 4 },
  ),

  // 1.5 a minute: a hundred after a good hour, and then half an hour of waiting.
  c.fires(
    c.alert('VmpoolerOrphanedMetadataGrowing', 'info', {}, '145 more hashes of VMs leaked in six hours, limit 100: nothing removes them, and each sweep takes longer. Turn the purge of orphaned metadata on, or run vmpooler_exporter purge --target=orphaned.'),
    after=96.5,
    sick={ 'vmpooler_health_orphaned_metadata{state="leaked"}': '5000+0.75x400' },
    well={
      'vmpooler_health_orphaned_metadata{state="leaked"}': 5000,
      'vmpooler_health_orphaned_metadata{state="expiring"}': '0+10x400',
    },
  ),
  c.fires(
    c.alert('VmpoolerNameCollisions', 'info', {}, '2 VMs share their name, and so their metadata, with a VM of another pool: their ages and owners are wrong. It ends with the VMs; do not delete the metadata by hand.'),
    after=60,
    sick={ vmpooler_health_name_collisions: 2 },
    well={ vmpooler_health_name_collisions: 0 },
  ),
  c.fires(
    c.alert('VmpoolerAgesUnknown', 'info', { pool: 'debian-12' }, '5 VMs of pool debian-12 have no age that is known: they can be stuck without being counted. Look at their hashes with vmpooler_exporter explain.'),
    after=60,
    sick={
      'vmpooler_health_queue_age_unknown{pool="debian-12", queue="pending"}': 2,
      'vmpooler_health_queue_age_unknown{pool="debian-12", queue="ready"}': 1,
      'vmpooler_health_queue_age_unknown{pool="debian-12", queue="running"}': 2,
    },
    well={
      'vmpooler_health_queue_age_unknown{pool="debian-12", queue="pending"}': 0,
      'vmpooler_health_queue_age_unknown{pool="debian-12", queue="completed"}': 3,
      'vmpooler_health_queue_age_unknown{pool="debian-12", queue="discovered"}': 3,
    },
  ),
])
