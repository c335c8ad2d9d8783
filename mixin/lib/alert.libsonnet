// One alert, with the labels and annotations that all of them have.
//
// Two severities of one matter are two alerts of one name: that is what
// Alertmanager's inhibition goes by.
function(config)
  // Not by std.findSubstr, which takes as long as all the rest.
  local has(text, part) = std.strReplace(text, part, '') != text;

  local setTo(pattern, value) = if pattern == '' then '' else pattern % value;

  // A dashboard opens with the alert's vmpooler, exporter and pool, those of them that
  // the alert has. The time is there to be followed by them.
  local dashboardUrl(name) =
    local url = setTo(config.dashboardUrlPattern, config.dashboardUids[name]);
    local joint = if has(url, '?') then '&' else '?';
    local labels = config.groupLabels + ['instance'] + (if name == 'pools' then ['pool'] else []);
    if url == '' then '' else std.join('', [url, joint, 'from=now-6h&to=now'] + [
      '{{ with $labels.%s }}&var-%s={{ . | urlquery }}{{ end }}' % [label, label]
      for label in labels
    ]);

  local duration(name, severity, own) =
    local set = std.get(config.durations, name, own);
    if std.isObject(set) then std.get(set, severity, own) else set;

  {
    // alert: of a severity by the name that it has here, with
    // expr, for ('' or 0m: at once), summary, description, and the dashboard to look at;
    // keep_firing_for where it goes on after what it is about has ended.
    alert(name, severity, of)::
      local wait = duration(name, severity, of['for']);
      {
        alert: name,
        expr: std.rstripChars(of.expr, '\n') + '\n',  // with its end, YAML shows it as it stands
        [if wait != '' && wait != '0m' && wait != '0s' then 'for']: wait,
        [if std.objectHas(of, 'keep_firing_for') then 'keep_firing_for']: of.keep_firing_for,
        labels: { severity: config.severities[severity] },
        annotations: std.prune({
          summary: of.summary,
          description: of.description,
        }) + {
          [if config.runbookUrlPattern != '' then 'runbook_url']: setTo(config.runbookUrlPattern, name),
          [if config.dashboardUrlPattern != '' then 'dashboard_url']: dashboardUrl(
            std.get(of, 'dashboard', 'overview')
          ),
        },
      },

    // ifSet: alerts that are there only with a limit of the mixin's own.
    ifSet(limit, alerts):: if config.limits[limit] == null then [] else alerts,

    // which: the vmpooler that the alert is about, in a description.
    local labels = config.groupLabels,
    which:: std.join('', [
      if i == std.length(labels) - 1
      then '{{ $labels.%s }}' % labels[i]
      else '{{ with $labels.%s }}{{ . }} {{ end }}' % labels[i]
      for i in std.range(0, std.length(labels) - 1)
    ]),

    // threshold: one of vmpooler's thresholds in a description: the override, or what
    // the exporters say when the alert fires.
    threshold(name, as='humanize')::
      if config.limits[name] != null
      then '{{ %g | %s }}' % [config.limits[name], as]
      else
        local matchers = ['%s=%%q' % label for label in config.groupLabels] + ['name=%q'];
        local values = ['$labels.%s' % label for label in config.groupLabels] + ['"%s"' % name];
        '{{ with printf `max(vmpooler_health_threshold{%s}) or vector(%g)` %s | query }}{{ . | first | value | %s }}{{ end }}' % [
          std.join(', ', matchers),
          config.defaultLimits[name],
          std.join(' ', values),
          as,
        ],
  }
