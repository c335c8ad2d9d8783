// One pool, or several, in depth.
local dashboard = import '../lib/dashboard.libsonnet';
local variables = import '../lib/variables.libsonnet';

function(c) dashboard.new(
  c.config,
  'pools',
  'vmpooler / Pools',
  'What one pool or several have, make and lose, and how long that takes. Of more than a few, graphs draw those that stand out.',
  [
    variables.datasource,
    variables.cluster(c.q.matchers([]), c.config.dashboardShowCluster),
    variables.job(c.q.matchers(['cluster'])),
    variables.instance(c.q.matchers(['cluster', 'job'])),
    variables.pool(c.q.matchers(['cluster', 'job', 'instance']) + ', queue="ready"'),
  ],
  [
    (import 'pools/capacity.libsonnet')(c),
    (import 'pools/queues.libsonnet')(c),
    (import 'pools/ages.libsonnet')(c),
    (import 'pools/rates.libsonnet')(c),
    (import 'pools/durations.libsonnet')(c),
    (import 'pools/ondemand.libsonnet')(c),
  ],
)
