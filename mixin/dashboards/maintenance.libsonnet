// How the exporter itself does, which most alerts that lead here are about, and what
// is done about vmpooler's leftovers.
local dashboard = import '../lib/dashboard.libsonnet';
local variables = import '../lib/variables.libsonnet';

function(c) dashboard.new(
  c.config,
  'maintenance',
  'vmpooler / Maintenance',
  "Dead letters, the purge, the providers' listings, and the exporter itself.",
  [
    variables.datasource,
    variables.cluster(c.q.matchers([]), c.config.dashboardShowCluster),
    variables.job(c.q.matchers(['cluster'])),
    variables.instance(c.q.matchers(['cluster', 'job'])),
  ],
  [
    (import 'maintenance/exporter.libsonnet')(c),
    (import 'maintenance/dead_letters.libsonnet')(c),
    (import 'maintenance/purge.libsonnet')(c),
    (import 'maintenance/provider.libsonnet')(c),
    (import 'maintenance/sweep.libsonnet')(c),
    (import 'maintenance/settings.libsonnet')(c),
    (import 'maintenance/api.libsonnet')(c),
    (import 'maintenance/process.libsonnet')(c),
  ],
)
