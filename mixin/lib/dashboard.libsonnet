// What a dashboard is besides its panels: name, links, variables, annotations.
local layout = import 'layout.libsonnet';

local datasource = { type: 'prometheus', uid: '${datasource}' };

// What a graph is marked with while alerts fire. The label instance is that of few
// alerts, so that it is no part of it.
local alerts(name, severity, color, matchers) = {
  name: name,
  datasource: datasource,
  enable: true,
  hide: false,
  iconColor: color,
  expr: 'ALERTS{%s}' % std.join(', ', ['alertname=~"Vmpooler.+"', 'alertstate="firing"', 'severity="%s"' % severity] + matchers),
  step: '60s',
  titleFormat: '{{alertname}}',
  textFormat: '{{pool}} {{queue}} {{instance}}',
  tagKeys: 'severity',
  useValueForTime: false,
};

// Grafana's own, which every dashboard has.
local builtIn = {
  name: 'Annotations & Alerts',
  builtIn: 1,
  datasource: { type: 'grafana', uid: '-- Grafana --' },
  enable: true,
  hide: true,
  iconColor: 'rgba(0, 211, 255, 1)',
  type: 'dashboard',
};

{
  // which is one of the keys of config.dashboardUids.
  new(config, which, title, description, variables, rows):: {
    id: null,
    uid: config.dashboardUids[which],
    title: title,
    description: description,
    tags: config.dashboardTags,
    timezone: config.dashboardTimezone,
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,  // one crosshair for all panels
    refresh: config.dashboardRefresh,
    time: { from: 'now-6h', to: 'now' },
    timepicker: {},
    fiscalYearStartMonth: 0,
    liveNow: false,
    weekStart: '',
    links: [{
      type: 'dashboards',
      title: 'vmpooler',
      tags: config.dashboardTags,
      asDropdown: false,
      includeVars: true,
      keepTime: true,
      targetBlank: false,
      icon: 'external link',
      tooltip: '',
      url: '',
    }],
    annotations: {
      list: [
        builtIn,
        alerts('Critical alerts', config.severities.critical, 'red', ['cluster=~"$cluster"', 'job=~"$job|"']),
        alerts('Warnings', config.severities.warning, 'orange', ['cluster=~"$cluster"', 'job=~"$job|"']),
      ],
    },
    templating: { list: variables },
    panels: layout.panels(rows),
  },
}
