// The dashboards, by the name of their file.
local panels = import '../lib/panels.libsonnet';
local links = import 'links.libsonnet';
local queries = import 'queries.libsonnet';

(import 'config.libsonnet') + {
  local config = $._config,

  // What every row is built from.
  local context = {
    config: config,
    features: config.features,
    p: panels,
    q: queries(config),
    links: links(config),
  },

  grafanaDashboards+:: {
    'vmpooler-overview.json': (import 'overview.libsonnet')(context),
    'vmpooler-pools.json': (import 'pools.libsonnet')(context),
    'vmpooler-maintenance.json': (import 'maintenance.libsonnet')(context),
  },
}
