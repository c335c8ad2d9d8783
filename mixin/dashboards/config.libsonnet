// What can be set of the dashboards besides what mixin/config.libsonnet has.
{
  _config+:: {
    // Further matchers for every query of the dashboards. The names of the exporter's
    // metrics tell it from everything else, so that none is needed; exporterSelector
    // is that of metrics which other targets have too, such as up.
    dashboardSelector: '',

    // The list of clusters is shown only where there is more than one to choose from.
    dashboardShowCluster: false,

    // The most pools that are drawn as lines, and as bars: more can't be told apart.
    // Tables have them all.
    dashboardTopPools: 15,
    dashboardPoolBars: 20,

    // A fill, of a pool or of all of them, is red below the first of these, and green
    // from the second on.
    dashboardFillLow: 0.33,
    dashboardFillGood: 0.67,
  },
}
