// The mixin: alerts, recording rules and dashboards for vmpooler_exporter.
// All fields are hidden; add `{ _config+:: { … } }` to change what they are made from.
(import 'config.libsonnet') +
(import 'alerts/alerts.libsonnet') +
(import 'rules/rules.libsonnet') +
(import 'dashboards/dashboards.libsonnet')
