package config

import "slices"

// mergeExtra adds a file of extra_config to what was read before, by the rules
// of vmpooler's deep_merge: maps are merged, lists are joined without their
// duplicates, and of two other values the first stands, unless it is false or
// null. The last rule surprises, so a value that it leaves without effect is
// worth a warning. A nil file changes nothing.
func mergeExtra(into, extra *value, r *report) *value {
	switch {
	case extra == nil:
		return into
	case into == nil:
		return extra
	}
	mergeDicts(into, extra, r)
	return into
}

func mergeDicts(into, extra *value, r *report) {
	d := &dict{entries: into.entries, index: map[key]int{}}
	for i, e := range into.entries {
		d.index[e.key] = i
	}
	for _, e := range extra.entries {
		i, ok := d.index[e.key]
		switch {
		case !ok || unset(d.entries[i].value):
			d.set(e.key, e.value)
		default:
			mergeValues(e.key, d.entries[i].value, e.value, r)
		}
	}
	into.entries = d.entries
}

func mergeValues(k key, into, extra *value, r *report) {
	switch {
	case extra.kind == kindNull:
	case into.kind == kindDict && extra.kind == kindDict:
		mergeDicts(into, extra, r)
	case into.kind == kindList && extra.kind == kindList:
		joinLists(into, extra)
	case into.canonical() != extra.canonical() && known(k):
		r.warn(extra.at, k.String(), "has no effect: %s sets it, and vmpooler keeps the first", into.at)
	}
}

func joinLists(into, extra *value) {
	seen := map[string]bool{}
	into.items = slices.DeleteFunc(append(into.items, extra.items...), func(v *value) bool {
		text := v.canonical()
		if seen[text] {
			return true
		}
		seen[text] = true
		return false
	})
}

// unset says whether Ruby would take the value for missing.
func unset(v *value) bool {
	return v.kind == kindNull || (v.kind == kindScalar && v.scalar.kind == scalarBool && !v.scalar.truth)
}

// known says whether the exporter reads the key anywhere.
func known(k key) bool {
	if k.symbol {
		return slices.Contains(sections, k.name)
	}
	has := func(f field) bool { return f.key == k.name }
	return slices.ContainsFunc(configFields, has) || slices.ContainsFunc(thresholdFields, has) ||
		slices.Contains(redisKeys, k.name) || k.name == thresholdsKey
}
