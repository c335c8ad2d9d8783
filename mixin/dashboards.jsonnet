// dashboards/*.json
(import 'mixin.libsonnet').grafanaDashboards
