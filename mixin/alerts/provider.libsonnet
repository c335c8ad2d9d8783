// What the providers say they have.
{
  local config = $._config,
  local q = (import '../lib/promql.libsonnet')(config),
  local a = (import '../lib/alert.libsonnet')(config),

  prometheusAlerts+:: {
    groups+: if !config.features.provider then [] else [{
      name: 'vmpooler-provider',
      rules: [
        // Each exporter asks by itself, and the one that purges goes by its own answer:
        // the worst counts.
        a.alert('VmpoolerProviderListingUnknown', 'warning', {
          expr: '%s == 0' % q.min('vmpooler_inventory_known', ['pool']),
          'for': '30m',
          summary: "The provider's list of a pool's VMs can not be relied on.",
          description: "What the provider says of pool {{ $labels.pool }} fails or can not be true, and nothing that needs it is purged. The exporter's log says why: look at the provider, the login, and the pool's folder.",
          dashboard: 'maintenance',
        }),

        a.alert('VmpoolerProviderVmsUnknown', 'info', {
          expr: '%s > 0' % q.max('vmpooler_inventory_unknown_vms', ['pool']),
          'for': '2h',
          summary: 'A provider has VMs that vmpooler does not know.',
          description: "The provider has {{ $value | humanize }} VMs of pool {{ $labels.pool }} that are in no queue, and cost money without anybody's using them. Look for them at the provider, and remove those that nobody needs.",
          dashboard: 'maintenance',
        }),
      ],
    }],
  },
}
