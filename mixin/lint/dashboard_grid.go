package lint

import "fmt"

// columns is the width of Grafana's grid.
const columns = 24

// onGrid: panels stand on the grid, none on another, and no place is left empty.
// Those of a collapsed row are looked at by themselves, below it.
func onGrid(_ *Bundle, d Dashboard) []string {
	wrong := place(d.Panels, 0)
	for _, p := range d.Panels {
		if p.Type != "row" {
			continue
		}
		if p.GridPos.W != columns || p.GridPos.H != 1 || p.GridPos.X != 0 {
			wrong = append(wrong, fmt.Sprintf("the row %s is not one line from edge to edge", p.Title))
		}
		switch {
		case p.Collapsed && len(p.Panels) == 0:
			wrong = append(wrong, fmt.Sprintf("the row %s is collapsed and holds nothing", p.Title))
		case !p.Collapsed && len(p.Panels) > 0:
			wrong = append(wrong, fmt.Sprintf("the row %s is open and holds its panels itself", p.Title))
		case p.Collapsed:
			wrong = append(wrong, place(p.Panels, p.GridPos.Y+1)...)
		}
	}
	return wrong
}

// place puts the panels on the grid, whose first line is top.
func place(panels []panel, top int) []string {
	var wrong []string
	taken := make(map[[2]int]string)
	bottom := top
	for _, p := range panels {
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.Y < top || g.X+g.W > columns {
			wrong = append(wrong, fmt.Sprintf("%s is not on the grid: %+v", p.Title, g))
			continue
		}
		if other := put(taken, p); other != "" {
			wrong = append(wrong, fmt.Sprintf("%s stands on %s", p.Title, other))
		}
		bottom = max(bottom, g.Y+g.H)
	}
	for y := top; y < bottom; y++ {
		for x := range columns {
			if taken[[2]int{x, y}] == "" {
				return append(wrong, fmt.Sprintf("nothing stands in column %d of line %d", x, y))
			}
		}
	}
	return wrong
}

// put takes the panel's places, and returns whose one of them was.
func put(taken map[[2]int]string, p panel) string {
	other := ""
	for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
		for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
			at := [2]int{x, y}
			if taken[at] != "" {
				other = taken[at]
			}
			taken[at] = fmt.Sprintf("panel %d (%s)", p.ID, p.Title)
		}
	}
	return other
}
