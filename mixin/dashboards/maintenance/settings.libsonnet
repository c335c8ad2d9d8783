// What runs, and what it was told.
function(c)
  local p = c.p, q = c.q;
  local threshold(of) = q.by(of, q.select('vmpooler_health_threshold'), ['name']);
  {
    title: 'Versions and thresholds',
    lines: [{
      h: 8,
      panels: [
        {
          w: 14,
          panel:
            p.table(
              'Versions',
              'What runs where, since when, and since when its configuration is in force.',
              'Replicas of one vmpooler should be of one version, and be reloaded together.',
              [
                { label: 'instance', name: 'Instance' },
                { label: 'version', name: 'Version' },
                { label: 'revision', name: 'Revision' },
                { label: 'goversion', name: 'Go' },
              ] + q.groupKeys,
              [
                { name: 'Runs', set: { 'custom.hidden': true }, expr: q.max('vmpooler_exporter_build_info', ['instance', 'version', 'revision', 'goversion']) },
                { name: 'Up for', unit: 'dtdurations', set: { decimals: 0 }, expr: 'time() - ' + q.common.max('process_start_time_seconds', ['instance']) },
                { name: 'Configured', unit: 'dtdurations', set: { decimals: 0 }, expr: q.since('vmpooler_exporter_config_last_reload_success_timestamp_seconds', ['instance']) },
              ],
              'Instance',
              descending=false,
            ) + p.empty('No exporter'),
        },
        {
          w: 10,
          panel:
            p.table(
              'Thresholds in force',
              "What vmpooler.yaml has for health_thresholds, or vmpooler's default. Apart is by how much replicas differ, and should be 0.",
              'If replicas differ, reload the one with the older file. Change a threshold in vmpooler.yaml, and graphs and alerts follow.',
              [{ label: 'name', name: 'Threshold' }] + q.groupKeys,
              [
                { name: 'Value', expr: threshold('max'), unit: 'none' },
                {
                  name: 'Apart',
                  expr: '%s - %s' % [threshold('max'), threshold('min')],
                  unit: 'none',
                  set: {
                    'custom.cellOptions': { type: 'color-text' },
                    thresholds: { mode: 'absolute', steps: [{ color: 'text', value: null }, { color: 'orange', value: 1 }] },
                  },
                },
              ],
              'Threshold',
              descending=false,
            ) + p.empty('No exporter'),
        },
      ],
    }],
  }
