local c = import 'cases.libsonnet';

local known(n) = { 'vmpooler_inventory_known{pool="debian-12"}': n };
local unknown(n) = { 'vmpooler_inventory_unknown_vms{pool="debian-12"}': n };

c.file([
  // Both exporters ask; that the other one is told does not help this one.
  c.fires(
    c.alert('VmpoolerProviderListingUnknown', 'warning', { pool: 'debian-12' }, "What the provider says of pool debian-12 fails or can not be true, and nothing that needs it is purged. The exporter's log says why: look at the provider, the login, and the pool's folder."),
    after=30,
    sick=known(0),
    well=known(1),
    follower=known(1),
  ),
  c.silent('VmpoolerProviderListingUnknown', 'the first listing after the start', 60, known('0+0x10 1+0x200')),
  c.fires(
    c.alert('VmpoolerProviderVmsUnknown', 'info', { pool: 'debian-12' }, "The provider has 3 VMs of pool debian-12 that are in no queue, and cost money without anybody's using them. Look for them at the provider, and remove those that nobody needs."),
    after=120,
    sick=unknown(3),
    well=unknown(0),
  ),
])
