// The kinds of panels that the dashboards are made of, and what can be added to them.
// A panel has a title, what it means, what to do about it, a unit and its targets:
//
//   p.timeSeries('Stuck VMs', 'What it says.', 'What to do.', 'short', [p.line('…', '{{pool}}')])
//   + p.limits + p.empty('No pool')
//
// Where it stands in the grid is layout.libsonnet's matter, and so is its id.
local datasource = { type: 'prometheus', uid: '${datasource}' };

// Targets are lettered in their order.
local letter(i) = std.char(std.codepoint('A') + i);

local panel(type, title, means, act, unit, targets) = {
  type: type,
  title: title,
  description: means + '\n\n**What to do:** ' + act,
  datasource: datasource,
  targets: [targets[i] { refId: letter(i) } for i in std.range(0, std.length(targets) - 1)],
  fieldConfig: {
    defaults: { unit: unit, color: { mode: 'palette-classic' }, thresholds: { mode: 'absolute', steps: [{ color: 'text', value: null }] } },
    overrides: [],
  },
  options: {},
};

local target(expr, legend, rest) = {
  datasource: datasource,
  editorMode: 'code',
  expr: expr,
  legendFormat: legend,
} + rest;

local override(id, options, properties) = {
  matcher: { id: id, options: options },
  properties: [{ id: name, value: properties[name] } for name in std.objectFields(properties)],
};

local defaults(fields) = { fieldConfig+: { defaults+: fields } };

// What a single value of a list is reduced to.
local last = { calcs: ['lastNotNull'], fields: '', values: false };

{
  // Targets: over the time shown; now; now, as a table's column; as a histogram's buckets.
  line(expr, legend):: target(expr, legend, { range: true, instant: false, format: 'time_series' }),
  now(expr, legend):: target(expr, legend, { range: false, instant: true, format: 'time_series' }),
  rows(expr):: target(expr, '', { range: false, instant: true, format: 'table' }),
  buckets(expr):: target(expr, '{{le}}', { range: true, instant: false, format: 'heatmap' }),

  timeSeries(title, means, act, unit, targets)::
    panel('timeseries', title, means, act, unit, targets)
    + defaults({
      min: 0,
      custom: {
        drawStyle: 'line',
        lineInterpolation: 'linear',
        lineWidth: 1,
        fillOpacity: 0,
        showPoints: 'auto',
        pointSize: 4,
        spanNulls: false,
        stacking: { mode: 'none', group: 'A' },
      },
    })
    + {
      options: {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
        tooltip: { mode: 'multi', sort: 'desc' },
      },
    },

  stat(title, means, act, unit, targets)::
    panel('stat', title, means, act, unit, targets)
    + defaults({ color: { mode: 'thresholds' } })
    + {
      options: {
        reduceOptions: last,
        colorMode: 'value',
        graphMode: 'none',
        textMode: 'auto',
        justifyMode: 'center',
        orientation: 'auto',
        wideLayout: true,
      },
    },

  bars(title, means, act, unit, targets)::
    panel('bargauge', title, means, act, unit, targets)
    + defaults({ color: { mode: 'thresholds' }, min: 0 })
    + {
      options: {
        reduceOptions: last,
        displayMode: 'basic',
        orientation: 'horizontal',
        valueMode: 'color',
        showUnfilled: true,
        namePlacement: 'left',
        sizing: 'manual',
        minVizHeight: 16,
        minVizWidth: 8,
        maxVizHeight: 24,
      },
    },

  // A band for each series, in the color of its value.
  timeline(title, means, act, targets, values)::
    panel('state-timeline', title, means, act, 'none', targets)
    + defaults({ color: { mode: 'thresholds' }, custom: { fillOpacity: 70, lineWidth: 0 } })
    + self.mapped(values)
    + {
      options: {
        mergeValues: true,
        showValue: 'never',
        alignValue: 'left',
        rowHeight: 0.8,
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
        tooltip: { mode: 'single', sort: 'none' },
      },
    },

  heatmap(title, means, act, expr)::
    panel('heatmap', title, means, act, 's', [self.buckets(expr)])
    + {
      maxDataPoints: 100,
      options: {
        calculate: false,
        cellGap: 1,
        color: { mode: 'scheme', scheme: 'Oranges', exponent: 0.5, fill: 'dark-orange', reverse: false, scale: 'exponential', steps: 64 },
        exemplars: { color: 'rgba(255,0,255,0.7)' },
        filterValues: { le: 1e-9 },
        legend: { show: true },
        rowsFrame: { layout: 'auto' },
        tooltip: { mode: 'single', yHistogram: false, showColorScale: false },
        yAxis: { axisPlacement: 'left', reverse: false, unit: 's' },
      },
    },

  // Grafana's own list of alerts. It asks the rules, not the data source's series.
  alertList(title, means, act)::
    panel('alertlist', title, means, act, 'none', [])
    + {
      options: {
        alertName: 'Vmpooler',
        alertInstanceLabelFilter: '',
        dashboardAlerts: false,
        groupBy: [],
        groupMode: 'default',
        maxItems: 20,
        sortOrder: 3,
        stateFilter: { firing: true, pending: true, 'error': true, noData: false, normal: false },
        viewMode: 'list',
      },
    },

  // A row for each set of labels, a column for each query.
  //   keys: [{ label, name, set?, behind? }], the labels of all queries; those that are
  //     behind stand at the end
  //   columns: [{ expr, name, unit?, set? }]
  // set has further properties of the column; sort is the name of one.
  table(title, means, act, keys, columns, sort, descending=true)::
    local n = std.length(columns);
    local value(i) = if n == 1 then 'Value' else 'Value #' + letter(i);
    local named = keys + columns;
    local labels(behind) = [key.label for key in keys if std.get(key, 'behind', false) == behind];
    local fields = labels(false) + [value(i) for i in std.range(0, n - 1)] + labels(true);
    local set(column) = (if std.objectHas(column, 'unit') then { unit: column.unit } else {}) + std.get(column, 'set', {});
    panel('table', title, means, act, 'short', [self.rows(column.expr) for column in columns])
    + defaults({ custom: { align: 'auto', cellOptions: { type: 'auto' }, filterable: false } })
    + {
      fieldConfig+: { overrides: [override('byName', column.name, set(column)) for column in named if set(column) != {}] },
      transformations: [
        { id: 'merge', options: {} },
        {
          id: 'organize',
          options: {
            excludeByName: { Time: true },
            indexByName: { [fields[i]]: i for i in std.range(0, std.length(fields) - 1) },
            renameByName: { [key.label]: key.name for key in keys } + { [value(i)]: columns[i].name for i in std.range(0, n - 1) },
          },
        },
        { id: 'sortBy', options: { fields: {}, sort: [{ field: sort, desc: descending }] } },
      ],
      options: { cellHeight: 'sm', showHeader: true, footer: { show: false, reducer: ['sum'], countRows: false, fields: '' } },
    },

  // --- what can be added to a panel

  // unit, min, max, decimals, links, …
  with(fields):: defaults(fields),

  // Said where there is nothing to draw, and that is normal.
  empty(text):: defaults({ noValue: text }),

  // fewer asks for fewer points: for panels over many series.
  fewer(points):: { maxDataPoints: points },

  // from: [[0, 'green'], [5, 'red']]; the first holds below as well.
  steps(from):: defaults({ thresholds: $.thresholds(from) }),
  thresholds(from):: {
    mode: 'absolute',
    steps: [
      { color: from[i][1], value: if i == 0 then null else from[i][0] }
      for i in std.range(0, std.length(from) - 1)
    ],
  },

  // values: [[0, 'Healthy', 'green'], …]
  mapping(values):: [{
    type: 'value',
    options: {
      [std.toString(values[i][0])]: { text: values[i][1], color: values[i][2], index: i }
      for i in std.range(0, std.length(values) - 1)
    },
  }],
  mapped(values):: defaults({ mappings: $.mapping(values) }),

  // The whole tile in the color of its value.
  tile:: { options+: { colorMode: 'background' } },

  stacked:: defaults({ custom+: { stacking: { mode: 'normal', group: 'A' }, fillOpacity: 25 } }),

  // A legend with figures at the side, for a dozen lines and more.
  sideLegend:: { options+: { legend: { displayMode: 'table', placement: 'right', showLegend: true, calcs: ['lastNotNull', 'max'] } } },

  // Lines that are limits, by the beginning of their name: drawn from series, so that
  // they follow what is configured; dashed, and nothing filled.
  limits:: {
    local dashed(color) = {
      'custom.lineStyle': { fill: 'dash', dash: [8, 8] },
      'custom.lineWidth': 1,
      'custom.fillOpacity': 0,
      'custom.showPoints': 'never',
      'custom.stacking': { mode: 'none', group: 'limits' },
      color: { mode: 'fixed', fixedColor: color },
    },
    fieldConfig+: {
      overrides+: [
        override('byRegexp', '/^limit /', dashed('orange')),
        override('byRegexp', '/^limit .*(critical|unhealthy)/', dashed('red')),
      ],
    },
  },

  // Lines that say what should be or will be, in the color that Grafana gave them.
  dashedLines(regex):: {
    fieldConfig+: {
      overrides+: [override('byRegexp', regex, {
        'custom.lineStyle': { fill: 'dash', dash: [4, 6] },
        'custom.fillOpacity': 0,
        'custom.showPoints': 'never',
      })],
    },
  },
}
