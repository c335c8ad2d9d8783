// Is vmpooler well, and if not: where, and why?
local dashboard = import '../lib/dashboard.libsonnet';
local variables = import '../lib/variables.libsonnet';

function(c) dashboard.new(
  c.config,
  'overview',
  'vmpooler / Overview',
  'Whether vmpooler has VMs to hand out, and what keeps it from having them.',
  [
    variables.datasource,
    variables.cluster(c.q.matchers([]), c.config.dashboardShowCluster),
    variables.job(c.q.matchers(['cluster'])),
    variables.instance(c.q.matchers(['cluster', 'job'])),
  ],
  [
    (import 'overview/now.libsonnet')(c),
    (import 'overview/worst.libsonnet')(c),
    (import 'overview/trends.libsonnet')(c),
    (import 'overview/rates.libsonnet')(c),
    (import 'overview/ondemand.libsonnet')(c),
  ],
)
