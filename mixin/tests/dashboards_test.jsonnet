// The dashboards as they are, and with another configuration: each field is a claim.
local layout = import '../lib/layout.libsonnet';
local mixin = import '../mixin.libsonnet';

local with(config) = (mixin { _config+:: config }).grafanaDashboards;
local usual = mixin.grafanaDashboards;
local names = std.objectFieldsAll(usual);

// Every panel of a dashboard, and those that stand in collapsed rows.
local flat(dashboard) = std.flattenArrays([[panel] + std.get(panel, 'panels', []) for panel in dashboard.panels]);
local all(dashboards) = std.flattenArrays([flat(dashboards[name]) for name in std.objectFieldsAll(dashboards)]);
local titles(dashboards) = [panel.title for panel in all(dashboards)];
local text(dashboards) = std.join('\n', [std.manifestJsonMinified(dashboards[name]) for name in std.objectFieldsAll(dashboards)]);

// std.findSubstr would take a minute for all of this.
local contains(text, what) = std.length(std.strReplace(text, what, '')) < std.length(text);
local unique(list) = std.length(std.set(list)) == std.length(list);
local every(claims) = std.all([claim for claim in claims]);
local some(claims) = std.length([claim for claim in claims if claim]) > 0;
local expressions(dashboards) = [target.expr for panel in all(dashboards) for target in std.get(panel, 'targets', [])];

// Panels of one level cover the lines between the first and the last of them, each
// place once: as many places as there are, and no two panels on the same.
local area(panels) = std.foldl(function(sum, p) sum + p.gridPos.w * p.gridPos.h, panels, 0);
local bottom(panels) = std.foldl(function(y, p) std.max(y, p.gridPos.y + p.gridPos.h), panels, 0);
local apart(a, b) =
  a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
local whole(panels, top) =
  local count = std.length(panels);
  area(panels) == 24 * (bottom(panels) - top)
  && every([
    panels[i].gridPos.x >= 0 && panels[i].gridPos.x + panels[i].gridPos.w <= 24 && panels[i].gridPos.y >= top
    && every([apart(panels[i].gridPos, panels[j].gridPos) for j in std.range(i + 1, count - 1)])
    for i in std.range(0, count - 1)
  ]);
local complete(dashboards) = every([
  whole(dashboards[name].panels, 0)
  && every([
    whole(row.panels, row.gridPos.y + 1)
    for row in dashboards[name].panels
    if std.get(row, 'panels', []) != []
  ])
  && unique([panel.id for panel in flat(dashboards[name])])
  for name in std.objectFieldsAll(dashboards)
]);

local features = { dlq: false, purge: false, ondemand: false, provider: false };
local none = with({ features: features });
local without(feature) = with({ features+: { [feature]: false } });
local changed = with({
  exporterSelector: 'job="pooler", namespace="prod"',
  dashboardSelector: 'namespace="prod"',
  groupLabels: ['namespace', 'job'],
  dashboardTags: ['ci'],
  dashboardUids: { overview: 'ci-overview', pools: 'ci-pools', maintenance: 'ci-maintenance' },
  dashboardTimezone: 'browser',
  dashboardRefresh: '1m',
  dashboardShowCluster: true,
  dashboardTopPools: 7,
  dashboardPoolBars: 9,
  severities+: { critical: 'page', warning: 'ticket' },
  runbookUrlPattern: '',
  dashboardFillLow: 0.21,
  dashboardFillGood: 0.84,
  cloneFailureRatioWarning: 0.31,
  cloneFailureRatioCritical: 0.62,
  poolEmptySoonSeconds: 7320,
  limits+: { pending_queue_max: 33, dlq_max_critical: 44, stuck_vm_age_threshold: 55 },
});
local usualText = text(usual);
local changedText = text(changed);
local variable(dashboard, name) = [v for v in dashboard.templating.list if v.name == name][0];

// Three panels in a line, of which the features leave some.
local line(widths) = layout.panels([{ title: 'row', lines: [{
  h: 8,
  panels: [{ w: w, panel: if w == 0 then null else { type: 'stat', title: 'panel' } } for w in widths],
}] }]);
local edges(widths) = [[p.gridPos.x, p.gridPos.w] for p in line(widths)[1:]];

{
  asTheyAre: {
    'there are three': std.length(names) == 3,
    'panels fill the grid and do not overlap, and their ids are unique': complete(usual),
    'titles are unique': every([unique([panel.title for panel in flat(usual[name])]) for name in names]),
    'every feature has panels': every([std.length(titles(without(feature))) < std.length(titles(usual)) for feature in std.objectFields(features)]),
    'the rarely needed rows are collapsed': [row.title for row in usual['vmpooler-pools.json'].panels if row.type == 'row' && row.collapsed] == ['Durations', 'On-demand requests'],
    'a threshold is drawn as the exporter says it': contains(usualText, 'vmpooler_health_threshold{cluster=~\\"$cluster\\", job=~\\"$job\\", instance=~\\"$instance\\", name=\\"pending_queue_max\\"}'),
    'the default where the exporter does not say it': contains(usualText, 'name=\\"pending_queue_max\\"}) or max by (cluster, job) (vmpooler_up{cluster=~\\"$cluster\\", job=~\\"$job\\", instance=~\\"$instance\\"}) * 0 + 100)'),
    'what most alerts that open it are about is first': usual['vmpooler-maintenance.json'].panels[0].title == 'Exporter',
    'alerts lead to their pages': contains(usualText, '/docs/runbooks/${__value.raw:percentencode}.md'),
    'a row of no pool opens all of them': contains(usualText, '{"options":{"match":"empty","result":{"index":0,"text":"All"}},"type":"special"}'),
    'no query is over a window that it makes up': every([!contains(expr, '[$__range:') for expr in expressions(usual)]),
  },

  features: {
    'none leaves no gap': complete(none),
    'any one leaves no gap': every([complete(without(feature)) for feature in std.objectFields(features)]),
    'dead letters go': !some([contains(expr, '_dlq_') for expr in expressions(without('dlq'))]),
    'the purge goes': !some([contains(expr, 'vmpooler_purge_') for expr in expressions(without('purge'))]),
    'requests go': !some([contains(expr, 'vmpooler_ondemand_') for expr in expressions(without('ondemand'))]),
    'providers go': !some([contains(expr, 'vmpooler_inventory_') for expr in expressions(without('provider'))]),
    'a row without panels goes': !std.member(titles(without('purge')), 'Purge'),
  },

  configuration: {
    'it compiles whole': complete(changed),
    'the selector reaches every query': every([
      contains(expr, 'namespace="prod"')
      for expr in expressions(changed)
      if contains(expr, '{') && !contains(expr, 'ALERTS{')
    ]),
    'the selector reaches the variables': every([
      contains(variable(changed[name], v).query, 'namespace="prod"')
      for name in names
      for v in ['cluster', 'job', 'instance']
    ]),
    "the exporters' selector tells their targets from others": every([
      contains(expr, 'job="pooler"')
      for expr in expressions(changed)
      if contains(expr, '(up{') || contains(expr, 'process_') || contains(expr, 'scrape_') || contains(expr, 'go_goroutines')
    ]),
    'the group labels tell one vmpooler from another': contains(changedText, 'max by (namespace, job) (vmpooler_health_status') && !contains(changedText, 'by (cluster'),
    tags: every([changed[name].tags == ['ci'] && changed[name].links[0].tags == ['ci'] for name in names]),
    uids: std.set([changed[name].uid for name in names]) == ['ci-maintenance', 'ci-overview', 'ci-pools'],
    'links follow the uids': contains(changedText, '/d/ci-pools?') && !contains(changedText, '/d/vmpooler-'),
    'time zone and refresh': every([changed[name].timezone == 'browser' && changed[name].refresh == '1m' for name in names]),
    'clusters are shown': every([variable(changed[name], 'cluster').hide == 0 && variable(usual[name], 'cluster').hide == 2 for name in names]),
    'the number of lines': contains(changedText, 'topk(7, ') && contains(changedText, 'bottomk(9, ') && !contains(changedText, 'topk(15, '),
    'annotations follow the severities': every([[a.expr for a in changed[name].annotations.list if std.objectHas(a, 'expr') && (contains(a.expr, 'severity="page"') || contains(a.expr, 'severity="ticket"'))] != [] && !some([contains(a.expr, 'critical') for a in changed[name].annotations.list if std.objectHas(a, 'expr')]) for name in names]),
    "a limit that is set is drawn in place of the exporter's": contains(changedText, 'vector(33)') && contains(changedText, 'vector(44)') && !contains(changedText, 'name=\\"pending_queue_max\\"'),
    'a number of the alerts is that of the dashboards': every([
      contains(changedText, value)
      for value in ['"value":0.21', '"value":0.84', '"value":0.31', '"value":0.62', '"value":7320', 'Above 31% for', 'Under 122 minutes']
    ]) && !contains(changedText, '"value":0.33') && !contains(changedText, '"value":3600}'),
    'alerts without pages lead to none': !contains(changedText, 'Open the runbook'),
    'alerts are counted by vmpooler': contains(changedText, 'count by (namespace, job, alertname, severity, pool) (ALERTS'),
    'and urgency counts to it': some([contains(expr, '/ 55, 1)') for expr in expressions(changed)]),
  },

  layout: {
    'a line is filled by its shares': edges([8, 8, 8]) == [[0, 8], [8, 8], [16, 8]],
    'what remains of a line grows': edges([8, 0, 8]) == [[0, 12], [12, 12]],
    'unequal ones too, with edges that meet': edges([3, 2, 2]) == [[0, 10], [10, 7], [17, 7]],
    'a line of nothing goes, with its row': line([0, 0]) == [],
  },
}
