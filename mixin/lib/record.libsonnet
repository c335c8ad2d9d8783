// One recording rule, named after what it is aggregated by.
function(config)
  function(dims, name, expr) {
    record: '%s:%s' % [std.join('_', config.groupLabels + dims), name],
    expr: std.rstripChars(expr, '\n') + '\n',  // with its end, YAML shows it as it stands
  }
