// Everything that can be set. Add `{ _config+:: { … } }` to the mixin to change it.
{
  _config+:: {
    // The exporter's targets. Not job="vmpooler": vmpooler may itself be scraped under that name.
    exporterSelector: 'job=~"vmpooler[_-]exporter.*"',

    // What tells one vmpooler (one Redis) from another. A label that the series do
    // not have does no harm. Replicas on one Redis have to agree in all of them, so
    // `instance` and `pod` are not for here.
    groupLabels: ['cluster', 'job'],

    // What makes the alerts and dashboards of a feature. Without its metrics they
    // are silent anyway; false leaves them out.
    features: {
      dlq: true,
      purge: true,
      ondemand: true,
      provider: true,
    },

    // vmpooler's own thresholds. null follows vmpooler_health_threshold, that is,
    // what the exporter has from vmpooler.yaml; a number overrides it.
    limits: {
      pending_queue_max: null,
      ready_queue_max: null,
      dlq_max_warning: null,
      dlq_max_critical: null,
      stuck_vm_age_threshold: null,
      stuck_vm_max_warning: null,
      stuck_vm_max_critical: null,
    },

    // What holds where the series is absent, so that no alert goes silent with it.
    defaultLimits: {
      pending_queue_max: 100,
      ready_queue_max: 500,
      dlq_max_warning: 100,
      dlq_max_critical: 1000,
      stuck_vm_age_threshold: 7200,
      stuck_vm_max_warning: 10,
      stuck_vm_max_critical: 50,
      tasks: 10,  // clones at once, where vmpooler_health_tasks_limit is absent
      purge_interval: 3600,  // where vmpooler_purge_interval_seconds is absent
    },

    // Limits of the exporter's own health.
    monitoringLostWindow: '1h',  // a vmpooler whose targets all vanished is missed for so long
    clockSkewSeconds: 5,
    checkSlowSeconds: 2,
    sweepStaleSeconds: 600,
    publishStaleSeconds: 3600,  // after which vmpooler__health expires
    loginsFailing: 20,  // failed logins, or refused calls, in a quarter of an hour

    // Limits of vmpooler's queues and clones.
    orphanedMetadataGrowth: 100,  // leaked hashes in six hours
    poolDeliversSeconds: 120,  // an empty pool delivers if a VM became ready within this; two scrapes and evaluations at least
    poolUnderfilledRatio: 0.5,
    poolEmptySoonSeconds: 3600,
    pendingFillingSeconds: 3600,
    dlqFillingSeconds: 4 * 3600,
    cloneFailureRatioWarning: 0.2,  // of a pool's clones, in ten minutes
    cloneFailureRatioCritical: 0.5,  // of a pool's clones, for the pool to count as failing
    cloneFailurePoolsCritical: 0.5,  // the share of such pools among those that clone
    cloneFailuresMin: 5,  // fewer failures in ten minutes are noise

    // Limits of dead letters, the purge and on-demand requests.
    recorderStaleSeconds: 300,
    purgeStaleIntervals: 3,
    purgeFailuresMin: 3,  // entries that Redis refused, in an hour
    ondemandStalledSeconds: 1800,
    ondemandBacklogMin: 20,

    // Names of the severities: someone is woken, a ticket, for whoever looks.
    severities: {
      critical: 'critical',
      warning: 'warning',
      info: 'info',
    },

    // `for` of an alert, in place of its own: { VmpoolerStuckVms: '30m' }, or of one
    // of its severities: { VmpoolerUnhealthy: { critical: '5m' } }.
    durations: {},

    // '' leaves the annotation out.
    runbookUrlPattern: 'https://github.com/vmpooler/vmpooler_exporter/blob/main/docs/runbooks/%s.md',
    dashboardUrlPattern: '/d/%s',

    dashboardTags: ['vmpooler-mixin'],
    dashboardUids: {
      overview: 'vmpooler-overview',
      pools: 'vmpooler-pools',
      maintenance: 'vmpooler-maintenance',
    },
    dashboardTimezone: 'utc',
    dashboardRefresh: '30s',
    dashboardInterval: '30s',  // the scrape interval: the least step of a graph

    // Kubernetes: where the PrometheusRule and the ConfigMaps go.
    manifestLabels: { 'app.kubernetes.io/name': 'vmpooler-exporter' },
    dashboardConfigMapLabels: { grafana_dashboard: '1' },
  },
}
