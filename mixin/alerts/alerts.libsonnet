// All alerts, a file for each group.
//
// `for` does the waiting and windows are short, so that an alert comes within its
// `for` and two scrapes. Both sides of a comparison are aggregated by the group
// labels first: it holds for one exporter, for two on one Redis, and for several
// vmpoolers. What is not known is absent, and silent.
(import 'exporter.libsonnet') +
(import 'setup.libsonnet') +
(import 'health.libsonnet') +
(import 'queues.libsonnet') +
(import 'clones.libsonnet') +
(import 'dlq.libsonnet') +
(import 'purge.libsonnet') +
(import 'provider.libsonnet') +
(import 'ondemand.libsonnet')
