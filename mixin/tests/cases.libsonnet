// Tests of alerts for promtool, from a few words: which series say that something is
// wrong, and how long it takes until which alert fires.
//
// A test begins at 0 with the series as they are given, 30 s apart: a number stays
// what it is, a text is in promtool's notation. up and vmpooler_up are 1 unless they
// are given.
local mixin = import '../mixin.libsonnet';

local alerts = [rule for group in mixin.prometheusAlerts.groups for rule in group.rules];

local seconds(minutes) = '%ds' % std.round(60 * minutes);

// The series with the labels that a scrape adds.
local scraped(series, job, instance) =
  local parts = std.split(std.rstripChars(series, '}'), '{');
  local own = if std.length(parts) > 1 then std.join('{', parts[1:]) + ', ' else '';
  '%s{%sjob="%s", instance="%s"}' % [parts[0], own, job, instance];

local alive = { up: 1, vmpooler_up: 1 };

{
  job:: 'vmpooler_exporter',

  // exporter: what one exporter says. null is a series that it does not have.
  exporter(said, instance='a:10124', job=$.job):: {
    job: job,
    instance: instance,
    said: alive + said,
  },

  // pair: what two exporters on one Redis say, who agree.
  pair(said, job=$.job):: [$.exporter(said, instance, job) for instance in ['a:10124', 'b:10124']],

  // alert: one that is expected. Its labels are those besides alertname, severity, job.
  alert(name, severity, labels={}, description=''):: {
    name: name,
    severity: severity,
    labels: labels,
    description: description,
  },

  local expected(alert) =
    local rules = [
      rule
      for rule in alerts
      if rule.alert == alert.name && rule.labels.severity == mixin._config.severities[alert.severity]
    ];
    assert std.length(rules) == 1 : 'no alert %s %s' % [alert.name, alert.severity];
    local labels = std.prune({ job: $.job } + alert.labels);
    local url = std.split(rules[0].annotations.dashboard_url, '{{')[0];
    local ofPools = std.startsWith(url, '/d/vmpooler-pools');
    {
      exp_labels: rules[0].labels + labels,
      exp_annotations: rules[0].annotations {
        description: alert.description,
        dashboard_url: std.join('', [url] + [
          '&var-%s=%s' % [name, std.strReplace(labels[name], ':', '%3A')]
          for name in ['cluster', 'job', 'instance'] + (if ofPools then ['pool'] else [])
          if std.objectHas(labels, name)
        ]),
      },
    },

  // at: what of the named alert has to fire after so many minutes.
  at(minutes, name, fires=[]):: { minutes: minutes, name: name, fires: fires },

  // test: exporters, and what is expected of them when. Numbers go on for `lasts` minutes.
  test(name, exporters, checks, lasts=std.foldl(std.max, [check.minutes for check in checks], 0))::
    {
      name: name,
      interval: '30s',
      input_series: [
        {
          series: scraped(series, exporter.job, exporter.instance),
          values: local value = exporter.said[series];
                 if std.isNumber(value) then '%.15g+0x%d' % [value, 2 * lasts + 2] else value,
        }
        for exporter in exporters
        for series in std.objectFields(exporter.said)
        if exporter.said[series] != null
      ],
      alert_rule_test: [
        {
          eval_time: seconds(check.minutes),
          alertname: check.name,
          exp_alerts: [expected(alert) for alert in check.fires],
        }
        for check in checks
      ],
    },

  // fires: the alert fires after so many minutes of what `sick` says, and not half a
  // minute earlier. So it does for one exporter; and for two on one Redis once, and not
  // for another vmpooler beside them of which `well` holds. `follower` is what the
  // exporter that does not write says instead, `also` what else of the same name fires.
  fires(alert, after, sick, well, follower={}, also=[])::
    local checks = [$.at(after - 0.5, alert.name), $.at(after, alert.name, [alert] + also)];
    local title = '%s %s' % [alert.name, alert.severity];
    [
      $.test(title, [$.exporter(sick)], checks),
      $.test(
        title + ', two exporters on one Redis, another vmpooler is well',
        [$.exporter(sick), $.exporter(sick + follower, 'b:10124')] + $.pair(well, 'vmpooler-exporter-b'),
        checks,
      ),
    ],

  // fires1: the same of an alert that is about one exporter: of two that one alone.
  fires1(alert, after, sick, well, one=true)::
    local own = alert { labels+: { instance: 'a:10124' } };
    local checks = [$.at(after - 0.5, own.name), $.at(after, own.name, [own])];
    local title = '%s %s' % [own.name, own.severity];
    (if one then [$.test(title, [$.exporter(sick)], checks)] else []) + [
      $.test(
        title + ', one exporter of two, another vmpooler is well',
        [$.exporter(sick), $.exporter(well, 'b:10124')] + $.pair(well, 'vmpooler-exporter-b'),
        checks,
      ),
    ],

  // silent: the alert does not fire in so many minutes.
  silent(name, why, minutes, said)::
    [$.test('%s is silent: %s' % [name, why], [$.exporter(said)], [$.at(m, name) for m in std.range(1, minutes)])],

  // file: what promtool reads, and how often the rules are evaluated.
  file(tests, every='30s'):: {
    rule_files: ['../../alerts/vmpooler_alerts.yaml'],
    evaluation_interval: every,
    tests: std.flattenArrays(tests),
  },
}
