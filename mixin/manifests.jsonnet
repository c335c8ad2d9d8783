// The same for Kubernetes, by path from the project's root: a PrometheusRule for
// the Prometheus operator, and a ConfigMap for each dashboard, by whose label
// Grafana's sidecar finds it.
local mixin = import 'mixin.libsonnet';
local config = mixin._config;

local meta(name, labels={}) = { name: name, labels: config.manifestLabels + labels };

{
  'alerts/kubernetes/prometheusrule.yaml': std.manifestYamlDoc({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: meta('vmpooler-exporter'),
    spec: { groups: mixin.prometheusAlerts.groups + mixin.prometheusRules.groups },
  }),
} + {
  ['dashboards/kubernetes/configmap-%s.yaml' % name]: std.manifestYamlDoc({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: meta(name, config.dashboardConfigMapLabels),
    data: { [name + '.json']: std.manifestJsonEx(mixin.grafanaDashboards[name + '.json'], '  ') + '\n' },
  })
  for name in [std.split(file, '.')[0] for file in std.objectFields(mixin.grafanaDashboards)]
}
