package web

import (
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// tiles are the numbers that an operator asks for first.
func (m *maker) tiles() []Tile {
	r := m.State.Report
	t := r.Thresholds
	var sizes [vmpooler.NumQueues]vmpooler.Number
	for i := range r.Pools {
		for q, s := range r.Pools[i].Queues {
			if s != nil {
				sizes[q].Known = true
				sizes[q].Value += s.Size
			}
		}
	}
	if len(r.Pools) == 0 && r.Known {
		for q := range sizes {
			sizes[q].Known = true
		}
	}
	stuck := none
	if r.Known {
		stuck = beyond(r.Stuck, int64(t.StuckVMMaxWarning), int64(t.StuckVMMaxCritical))
	}
	letters := none
	if r.DLQTotal.Known {
		letters = beyond(r.DLQTotal.Value, int64(t.DLQMaxWarning), int64(t.DLQMaxCritical))
	}
	empty := m.emptyPools()
	pools := Tile{Name: "Pools", Value: count(int64(len(r.Pools))), Severity: good, Href: "#pools"}
	if empty > 0 {
		pools.Note, pools.Severity = count(empty)+" without a ready VM", warn
		pools.Href = overviewQuery{Sort: poolSorts[0], Filter: "empty"}.href()
	}
	clones := r.Tasks.Clone
	if clones.Known && r.Tasks.OndemandClone.Known {
		clones.Value += r.Tasks.OndemandClone.Value
	} else {
		clones.Known = false
	}
	return []Tile{
		pools,
		{Name: "Ready", Value: number(sizes[vmpooler.Ready]), Severity: good, Href: overviewQuery{Sort: "ready", Filter: "all"}.href()},
		{Name: "Running", Value: number(sizes[vmpooler.Running]), Note: "with users", Severity: good, Href: overviewQuery{Sort: "running", Filter: "all"}.href()},
		{Name: "Pending", Value: number(sizes[vmpooler.Pending]), Note: clonesNote(clones), Severity: good, Href: overviewQuery{Sort: "pending", Filter: "all"}.href()},
		{Name: "Stuck", Value: knownCount(r.Stuck, r.Known), Note: "limit " + count(int64(t.StuckVMMaxWarning)) + " / " + count(int64(t.StuckVMMaxCritical)), Severity: stuck, Href: overviewQuery{Sort: "stuck", Filter: "stuck"}.href()},
		{Name: "Dead letters", Value: number(r.DLQTotal), Note: "limit " + count(int64(t.DLQMaxWarning)) + " / " + count(int64(t.DLQMaxCritical)), Severity: letters, Href: "#letters"},
		m.ondemandTile(),
	}
}

func (m *maker) ondemandTile() Tile {
	o := m.State.Report.Ondemand
	tile := Tile{Name: "Requests", Value: unknown, Severity: none, Href: "#requests"}
	if o.Waiting.Known && o.Processing.Known {
		tile.Value, tile.Severity = count(o.Waiting.Value+o.Processing.Value), good
	}
	switch {
	case o.OldestKnown && !o.OldestRequest.IsZero():
		tile.Note = "oldest " + span(m.redisNow().Sub(o.OldestRequest))
	case o.OldestKnown:
		tile.Note = "none waiting"
	}
	return tile
}

func clonesNote(n vmpooler.Number) string {
	if !n.Known {
		return ""
	}
	return plural(n.Value, "clone") + " active"
}

func knownCount(n int64, known bool) string {
	return number(vmpooler.Number{Value: n, Known: known})
}

// beyond judges a value by its two limits; like all comparisons these are strict.
func beyond(value, warning, critical int64) severity {
	switch {
	case value > critical:
		return bad
	case value > warning:
		return warn
	}
	return good
}
