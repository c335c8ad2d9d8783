// Links from a pool's name or line to the dashboard of pools, with the time and the
// choice of vmpooler kept.
function(config) {
  local kept = std.join('&', ['${datasource:queryparam}', '${cluster:queryparam}', '${job:queryparam}', '${instance:queryparam}', '${__url_time_range}']),
  local to(pool) = [{
    title: 'Open this pool',
    url: '/d/%s?var-pool=%s&%s' % [config.dashboardUids.pools, pool, kept],
    targetBlank: false,
  }],

  // From a line, bar or band, by its label.
  fromSeries:: { fieldConfig+: { defaults+: { links: to('${__field.labels.pool:percentencode}') } } },

  // From a table's cell.
  fromCell:: to('${__value.text:percentencode}'),

  // From one that is empty where a row is of no pool: all of them open, which Grafana
  // calls All in addresses as well.
  fromCellOrAll:: {
    links: to('${__value.text:percentencode}'),
    mappings: [
      { type: 'special', options: { match: match, result: { text: 'All', index: 0 } } }
      for match in ['empty', 'null']
    ],
  },

  // From an alert's name to its page.
  fromAlert:: if config.runbookUrlPattern == '' then {} else {
    links: [{
      title: 'Open the runbook',
      url: config.runbookUrlPattern % '${__value.raw:percentencode}',
      targetBlank: true,
    }],
  },
}
