// The settings reach everything that they are to reach, and the mixin has the form
// that people who merge it into theirs rely on.
local base = import '../mixin.libsonnet';

local with(config) = base { _config+:: config };
local alerts(mixin) = [rule for group in mixin.prometheusAlerts.groups for rule in group.rules];
local records(mixin) = [rule for group in mixin.prometheusRules.groups for rule in group.rules];
local exprs(mixin) = [rule.expr for rule in alerts(mixin) + records(mixin)];
local groups(mixin) = [group.name for group in mixin.prometheusAlerts.groups];
local all(list) = std.length(list) > 0 && std.foldl(function(so, it) so && it, list, true);
// Not by std.findSubstr, which goes through the text in jsonnet and takes minutes.
local count(text, part) = (std.length(text) - std.length(std.strReplace(text, part, ''))) / std.length(part);
local has(text, part) = count(text, part) > 0;
local nowhere(mixin, part) = all([!has(std.toString(rule), part) for rule in alerts(mixin) + records(mixin)]);

// withIts: whatever begins with `part` goes on with one of the others.
local goesOn(text, part, with) = count(text, part) == std.foldl(function(n, w) n + count(text, part + w), with, 0);

local of(mixin, name, severity) = [rule for rule in alerts(mixin) if rule.alert == name && rule.labels.severity == severity][0];

// ([A-Z]+[a-z0-9]+)+ for who has no regular expressions.
local camelCase(name) =
  local within(c, from, to) = std.codepoint(c) >= std.codepoint(from) && std.codepoint(c) <= std.codepoint(to);
  local upper(c) = within(c, 'A', 'Z');
  local lower(c) = within(c, 'a', 'z') || within(c, '0', '9');
  local chars = std.stringChars(name);
  upper(chars[0]) && lower(std.reverse(chars)[0]) && all([upper(c) || lower(c) for c in chars]);

// A feature without which no alert or rule asks for these metrics, and one group of
// alerts is gone.
local leftOut(feature, prefixes) =
  local mixin = with({ features+: { [feature]: false } });
  {
    metrics: all([nowhere(mixin, prefix) for prefix in prefixes]),
    group: std.setDiff(std.set(groups(base)), std.set(groups(mixin))) == ['vmpooler-' + feature],
    others: std.length(groups(mixin)) == std.length(groups(base)) - 1,
  };

local selected = with({ exporterSelector: 'job="mine"' });
local grouped = with({ groupLabels: ['namespace', 'release'] });
local renamed = with({ severities: { critical: 'page', warning: 'ticket', info: 'note' } });
local limits = std.objectFields(base._config.limits);

local manifests = import '../manifests.jsonnet';
local prometheusRule = std.parseYaml(manifests['alerts/kubernetes/prometheusrule.yaml']);

{
  'all fields are hidden': std.objectFields(base) == [],

  names: {
    'CamelCase, with the prefix': all([camelCase(rule.alert) && std.startsWith(rule.alert, 'Vmpooler') for rule in alerts(base)]),
    'at most 40 characters': all([std.length(rule.alert) <= 40 for rule in alerts(base)]),
    'once for a severity': std.length(std.set([rule.alert + ' ' + rule.labels.severity for rule in alerts(base)])) == std.length(alerts(base)),
    'that a name is none, is seen': !camelCase('VmpoolerDLQ') && !camelCase('vmpoolerUp') && !camelCase('Vmpooler_Up') && camelCase('VmpoolerDLQTooLarge'),
  },

  'groups hold at most 20 rules': all([
    std.length(group.rules) >= 1 && std.length(group.rules) <= 20
    for group in base.prometheusAlerts.groups + base.prometheusRules.groups
  ]),

  'features that are left out': {
    dlq: leftOut('dlq', ['vmpooler_dlq_', 'vmpooler_health_dlq']),
    purge: leftOut('purge', ['vmpooler_purge_']),
    ondemand: leftOut('ondemand', ['vmpooler_ondemand_']),
    provider: leftOut('provider', ['vmpooler_inventory_']),
  },

  'the selector is in every expression, wherever one is': all([
    has(expr, '{') && goesOn(expr, '{', ['job="mine"'])
    for expr in exprs(selected)
  ]),

  'other group labels': {
    'in every aggregation and match': all([
      goesOn(expr, ' by (', ['namespace, release']) && goesOn(expr, 'on (', ['namespace, release', ')'])
      for expr in exprs(grouped)
    ]),
    'in names of records': all([std.startsWith(rule.record, 'namespace_release') for rule in records(grouped)]),
    'the former ones are gone': nowhere(grouped, 'cluster') && nowhere(grouped, '$labels.job'),
    'one is enough': all([goesOn(expr, ' by (', ['job']) for expr in exprs(with({ groupLabels: ['job'] }))]),
  },

  'a limit that is set stands in for what exporters say': {
    [limit]:
      local mixin = with({ limits+: { [limit]: 4321 } });
      nowhere(mixin, 'name="%s"' % limit) && nowhere(mixin, '"%s"' % limit)
    for limit in limits
  },
  'a critical limit that is set has a page of its own': {
    local critical(mixin, name) = [rule for rule in alerts(mixin) if rule.alert == name && rule.labels.severity == 'critical'],
    local claim(name, limit) =
      local own = critical(with({ limits+: { [limit]: 4321 } }), name);
      critical(base, name) == []
      && std.length(own) == 1
      && has(own[0].expr, '> 4321\n')
      && has(own[0].annotations.description, 'limit {{ 4321 | humanize }}'),
    'of stuck VMs': claim('VmpoolerStuckVms', 'stuck_vm_max_critical'),
    'of dead letters': claim('VmpoolerDLQTooLarge', 'dlq_max_critical'),
  },
  'a limit that is set is in the expression, and in the description': {
    local rule = of(with({ limits+: { dlq_max_warning: 4321 } }), 'VmpoolerDLQTooLarge', 'warning'),
    expr: has(rule.expr, '> 4321\n'),
    description: has(rule.annotations.description, 'limit {{ 4321 | humanize }}'),
  },
  'every threshold has a default': std.set(limits) == std.setInter(std.set(limits), std.set(std.objectFields(base._config.defaultLimits))),

  'severities can be renamed': {
    'all of them': std.set([rule.labels.severity for rule in alerts(renamed)]) == ['note', 'page', 'ticket'],
    'and no other': std.length(alerts(renamed)) == std.length(alerts(base)),
  },

  'the wait of an alert can be set': {
    local mixin = with({ durations: { VmpoolerStuckVms: '1h', VmpoolerUnhealthy: { critical: '1m' }, VmpoolerInventoryCliff: '2m', VmpoolerPoolEmpty: '0m' } }),
    'of all its severities': of(mixin, 'VmpoolerStuckVms', 'warning')['for'] == '1h',
    'of one': of(mixin, 'VmpoolerUnhealthy', 'critical')['for'] == '1m',
    'and not of the other': of(mixin, 'VmpoolerUnhealthy', 'warning')['for'] == of(base, 'VmpoolerUnhealthy', 'warning')['for'],
    'where there was none': of(mixin, 'VmpoolerInventoryCliff', 'critical')['for'] == '2m',
    'none, where there was one': !std.objectHas(of(mixin, 'VmpoolerPoolEmpty', 'critical'), 'for'),
  },

  addresses: {
    local own = with({ runbookUrlPattern: 'https://wiki.example.org/%s', dashboardUrlPattern: 'https://grafana.example.org/d/%s?orgId=2', dashboardUids+: { pools: 'ours' } }),
    local none = with({ runbookUrlPattern: '', dashboardUrlPattern: '' }),
    runbook: of(own, 'VmpoolerStuckVms', 'warning').annotations.runbook_url == 'https://wiki.example.org/VmpoolerStuckVms',
    local given(label) = '{{ with $labels.%s }}&var-%s={{ . | urlquery }}{{ end }}' % [label, label],
    local time = '?from=now-6h&to=now',
    dashboard: of(own, 'VmpoolerPoolEmpty', 'critical').annotations.dashboard_url == 'https://grafana.example.org/d/ours?orgId=2&from=now-6h&to=now' + given('cluster') + given('job') + given('instance') + given('pool'),
    'of no pool': of(base, 'VmpoolerExporterDown', 'warning').annotations.dashboard_url == '/d/vmpooler-maintenance' + time + given('cluster') + given('job') + given('instance'),
    'of other group labels': of(grouped, 'VmpoolerUnhealthy', 'critical').annotations.dashboard_url == '/d/vmpooler-overview' + time + given('namespace') + given('release') + given('instance'),
    'left out': all([std.objectFields(rule.annotations) == ['description', 'summary'] for rule in alerts(none)]),
  },

  'no text has jsonnet in it': all([!has(std.toString(rule.annotations), "' +") for rule in alerts(base)]),

  'the number of a limit is that of the settings': {
    skew: has(of(with({ clockSkewSeconds: 77 }), 'VmpoolerRedisClockSkew', 'warning').expr, '> 77'),
    'told as well': has(of(with({ clockSkewSeconds: 77 }), 'VmpoolerRedisClockSkew', 'warning').annotations.description, '77s'),
  },

  manifests: {
    "the operator's kind": prometheusRule.kind == 'PrometheusRule' && prometheusRule.apiVersion == 'monitoring.coreos.com/v1',
    'all groups': prometheusRule.spec.groups == base.prometheusAlerts.groups + base.prometheusRules.groups,
    "a ConfigMap for each dashboard, that Grafana's sidecar finds": all([
      local map = std.parseYaml(manifests['dashboards/kubernetes/configmap-%s' % std.strReplace(file, '.json', '.yaml')]);
      map.kind == 'ConfigMap'
      && map.metadata.labels.grafana_dashboard == '1'
      && map.metadata.name + '.json' == file
      && std.parseJson(map.data[file]) == base.grafanaDashboards[file]
      for file in std.objectFields(base.grafanaDashboards)
    ]),
    'and no more': std.length(manifests) == 1 + std.length(base.grafanaDashboards),
  },

  'what compiles is what the mixin says': {
    alerts: std.parseYaml(import '../alerts.jsonnet') == base.prometheusAlerts,
    rules: std.parseYaml(import '../rules.jsonnet') == base.prometheusRules,
  },
}
