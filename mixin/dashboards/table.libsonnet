// The table of pools, which two dashboards have. urgency sorts it: 0 is well, and
// each of three things adds up to 1: ready VMs that lack, clones that failed in the
// last half hour, and a pending VM on its way to being stuck.
local text(thresholds) = {
  'custom.cellOptions': { type: 'color-text' },
  thresholds: { mode: 'absolute', steps: thresholds },
};

local above(warning, critical=null) =
  [{ color: 'text', value: null }, { color: 'orange', value: warning }]
  + (if critical == null then [] else [{ color: 'red', value: critical }]);

function(c, title, matchers='')
  local p = c.p, q = c.q;
  local inQueue(queue) = std.join(', ', ['queue="%s"' % queue] + (if matchers == '' then [] else [matchers]));
  local size(queue) = q.max('vmpooler_health_queue_size', ['pool'], inQueue(queue));
  local of(metric, queue) = q.max(metric, ['pool'], inQueue(queue));
  local oldest = of('vmpooler_health_queue_oldest_age_seconds', 'pending');
  local failures = q.failureRatio('30m', matchers);

  // Every pool counts for 0 where a part is not known, or it would vanish.
  local orNothing(expr) = '(%s or 0 * %s)' % [expr, size('ready')];
  local soon = c.config.poolEmptySoonSeconds;
  local limit = c.config.limits.stuck_vm_age_threshold;
  local late = if limit != null
  then 'clamp_max(%s / %g, 1)' % [oldest, limit]
  else 'clamp_max(%s / %s group_left () %s, 1)' % [oldest, q.on(), q.threshold('stuck_vm_age_threshold')];
  local urgency = std.join('\n+ ', [orNothing('clamp_min(1 - %s, 0)' % q.fill(matchers)), orNothing(failures), orNothing(late)]);

  p.table(
    title,
    "One line a pool. Urgency is 0 for a pool that is well and 3 at the worst: the share of ready VMs that lack, plus the share of clones that failed in the last half hour, plus the oldest pending VM's age as a share of stuck_vm_age_threshold.",
    'Begin at the top, and open the pool by its name. Empty in says when the last ready VM goes, if the last half hour goes on; it is blank while the queue does not shrink.',
    [{ label: 'pool', name: 'Pool', set: { 'custom.minWidth': 160, links: c.links.fromCell } }] + q.groupKeys,
    [
      { name: 'Urgency', expr: urgency, unit: 'none', set: { decimals: 1, 'custom.width': 80 } + text(above(0.8, 1.5)) },
      { name: 'Ready', expr: size('ready') },
      { name: 'Size', expr: q.max('vmpooler_pool_size', ['pool'], matchers) },
      {
        name: 'Fill',
        expr: q.fill(matchers),
        unit: 'percentunit',
        set: {
          min: 0,
          max: 1,
          decimals: 0,
          'custom.width': 130,
          'custom.cellOptions': { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' },
          thresholds: p.thresholds(q.fillSteps),
        },
      },
      { name: 'Pending', expr: size('pending') },
      { name: 'Stuck', expr: of('vmpooler_health_queue_stuck', 'pending'), set: text(above(1)) },
      { name: 'Oldest pending', expr: oldest, unit: 's' },
      { name: 'Running', expr: size('running') },
      { name: 'Empty in', expr: q.secondsToEmpty(matchers), unit: 's', set: text([{ color: 'red', value: null }, { color: 'orange', value: soon / 4 }, { color: 'text', value: soon }]) },
      { name: 'Failed clones', expr: failures, unit: 'percentunit', set: { decimals: 0 } + text(above(c.config.cloneFailureRatioWarning, c.config.cloneFailureRatioCritical)) },
      { name: 'Last ready', expr: q.since('vmpooler_pool_last_ready_timestamp_seconds', ['pool'], matchers), unit: 's', set: { decimals: 0 } },
    ],
    'Urgency',
  ) + p.empty('No pool')
