// The variables at the top of a dashboard. Each is a list that Prometheus is asked
// for, and narrows those behind it. "All" is a pattern and not the list, so that two
// hundred pools do not become a query of two hundred names.
local list(name, label, query, all, hide=0) = {
  type: 'query',
  name: name,
  label: label,
  datasource: { type: 'prometheus', uid: '${datasource}' },
  query: query,
  definition: query,
  regex: '',
  sort: 1,
  refresh: 2,  // with the time range: instances come and go
  multi: true,
  includeAll: true,
  allValue: all,
  current: { selected: true, text: ['All'], value: ['$__all'] },
  options: [],
  hide: hide,
  skipUrlSync: false,
};

{
  datasource:: {
    type: 'datasource',
    name: 'datasource',
    label: 'Data source',
    query: 'prometheus',
    regex: '',
    refresh: 1,
    multi: false,
    includeAll: false,
    current: { selected: false, text: 'default', value: 'default' },
    options: [],
    hide: 0,
    skipUrlSync: false,
  },

  // Hidden unless asked for: with one cluster, or none, there is nothing to choose.
  // Its "All" matches a series without the label too.
  cluster(matchers, shown):: list(
    'cluster', 'Cluster', 'label_values(vmpooler_exporter_build_info{%s}, cluster)' % matchers, '.*', if shown then 0 else 2
  ),

  job(matchers):: list('job', 'Job', 'label_values(vmpooler_exporter_build_info{%s}, job)' % matchers, '.+'),

  instance(matchers):: list('instance', 'Instance', 'label_values(vmpooler_exporter_build_info{%s}, instance)' % matchers, '.+'),

  // One queue is enough: every pool has all six.
  pool(matchers):: list('pool', 'Pool', 'label_values(vmpooler_health_queue_size{%s}, pool)' % matchers, '.+'),
}
