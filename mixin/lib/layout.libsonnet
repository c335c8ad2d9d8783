// Where panels stand in Grafana's grid of 24 columns. A dashboard is rows, a row is
// lines, a line is panels of one height with a share of its width:
//
//   { title: 'Queues', collapsed: false, lines: [{ h: 8, panels: [{ w: 8, panel: … }, …] }, …] }
//
// A panel that is null is left out, as is a line or a row of which nothing is left;
// the others of the line grow to its whole width. So a feature that is off leaves no
// gap.
local columns = 24;

local sum(numbers) = std.foldl(function(a, b) a + b, numbers, 0);

// The line's panels, side by side. Edges are rounded, not widths, so that these
// always add up to 24.
local place(line, y) =
  local total = sum([cell.w for cell in line.panels]);
  local edge(i) = std.floor(columns * sum([cell.w for cell in line.panels[:i]]) / total + 0.5);
  [
    line.panels[i].panel { gridPos: { h: line.h, w: edge(i + 1) - edge(i), x: edge(i), y: y } }
    for i in std.range(0, std.length(line.panels) - 1)
  ];

// The row's lines, below each other.
local stack(lines, y) = std.foldl(
  function(done, line) { y: done.y + line.h, panels: done.panels + place(line, done.y) },
  lines,
  { y: y, panels: [] },
);

local heading(row, y, inside) = {
  type: 'row',
  title: row.title,
  collapsed: row.collapsed,
  gridPos: { h: 1, w: columns, x: 0, y: y },
  panels: inside,
};

// A collapsed row holds its panels itself, and Grafana asks nothing for them until
// it is opened.
local add(done, row) =
  local body = stack(row.lines, done.y + 1);
  if row.collapsed
  then { y: done.y + 1, panels: done.panels + [heading(row, done.y, body.panels)] }
  else { y: body.y, panels: done.panels + [heading(row, done.y, [])] + body.panels };

local prune(row) = {
  title: row.title,
  collapsed: std.get(row, 'collapsed', false),
  lines: std.filter(function(line) line.panels != [], [
    line { panels: [cell for cell in line.panels if cell.panel != null] }
    for line in row.lines
    if line != null
  ]),
};

// Numbers in reading order, those of a collapsed row right behind its own.
local number(panels) = std.foldl(
  function(done, panel)
    local inside = std.get(panel, 'panels', []);
    {
      next: done.next + 1 + std.length(inside),
      panels: done.panels + [panel {
        id: done.next,
        [if panel.type == 'row' then 'panels']: [
          inside[i] { id: done.next + 1 + i }
          for i in std.range(0, std.length(inside) - 1)
        ],
      }],
    },
  panels,
  { next: 1, panels: [] },
).panels;

{
  panels(rows):: number(std.foldl(
    add,
    std.filter(function(row) row.lines != [], [prune(row) for row in rows if row != null]),
    { y: 0, panels: [] },
  ).panels),
}
