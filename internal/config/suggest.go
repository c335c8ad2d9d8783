package config

import "slices"

// checkKeys warns of a key that is almost one that the exporter reads. Any
// other unknown key is vmpooler's business.
func (d *decoder) checkKeys(section *value, names []string) {
	for _, e := range section.entries {
		switch {
		case e.key.symbol && slices.Contains(names, e.key.name):
			d.warn(e.value.at, e.key.String(), "does nothing: vmpooler reads it without the leading colon, as %s:", e.key.name)
		case !slices.Contains(names, e.key.name):
			if hint := didYouMean(e.key.name, names); hint != "" {
				d.warn(e.value.at, e.key.String(), "is not a key of vmpooler's%s", hint)
			}
		}
	}
}

// checkSections warns of a section at the top whose name is not, or is not
// quite, what vmpooler reads: it would be passed over without a word.
func (d *decoder) checkSections(root *value) {
	for _, e := range root.entries {
		switch {
		case !e.key.symbol && slices.Contains(sections, e.key.name):
			d.warn(e.value.at, e.key.name, "does nothing: vmpooler reads this section with a colon before its name, as :%s:", e.key.name)
		case !slices.Contains(sections, e.key.name):
			if near := nearest(e.key.name, sections); near != "" {
				d.warn(e.value.at, e.key.String(), "is not a section of vmpooler's; did you mean :%s:?", near)
			}
		}
	}
}

// didYouMean is the end of a sentence that suggests the nearest name, or empty.
func didYouMean(name string, names []string) string {
	if near := nearest(name, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// nearest returns the name that differs from the given one by at most two
// letters, by one where that is most of the word; empty when none does.
func nearest(name string, names []string) string {
	best, least := "", 3
	for _, candidate := range names {
		allowed := 2
		if len(candidate) <= 5 {
			allowed = 1
		}
		if n := distance(name, candidate); n <= allowed && n < least {
			best, least = candidate, n
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour (optimal string alignment) to turn a into b; names much
// longer than one another are merely far apart.
func distance(a, b string) int {
	const far = 100
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return far
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
