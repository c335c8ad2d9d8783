// Recording rules: rates, trends and predictions, for queries and alerts of your
// own. No alert or dashboard of the mixin needs them.
//
// Names are level:metric:operations; the level is made of the group labels, such
// as cluster_job_pool.
(import 'queues.libsonnet') +
(import 'events.libsonnet') +
(import 'dlq.libsonnet')
