package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

const (
	// maxValues bounds what aliases and merge keys may blow a file up to. A
	// thousand pools are some 20,000 values.
	maxValues = 300_000
	// maxDepth is as deep as anything that is read: the file, :pools:, a pool,
	// its aliases, one of them.
	maxDepth = 5
	// maxMerges bounds merge keys that lead to merge keys.
	maxMerges = 100
)

// sections are the parts of the file that are read; the others are not even
// looked at.
var sections = []string{"config", "redis", "providers", "pools"}

// converter makes values of one file's nodes.
type converter struct {
	file    string
	report  *report
	left    int                 // of maxValues
	merging map[*yaml.Node]bool // maps being merged right now: one may hold an alias of itself
}

func newConverter(file string, r *report) *converter {
	return &converter{file: file, report: r, left: maxValues, merging: map[*yaml.Node]bool{}}
}

func (c *converter) convert(root *yaml.Node) (*value, error) {
	v, err := c.value(root, root.Line, 0)
	if err != nil {
		return nil, &Error{File: c.file, Msg: err.Error()}
	}
	return v, nil
}

// value converts a node; line is where an operator has to look for it.
func (c *converter) value(n *yaml.Node, line, depth int) (*value, error) {
	if c.left--; c.left < 0 {
		return nil, errTooManyAliases
	}
	n = resolve(n)
	v := &value{at: place{c.file, line}, kind: kindOpaque}
	if depth >= maxDepth && n.Kind != yaml.ScalarNode {
		return v, nil
	}
	switch n.Kind {
	case yaml.ScalarNode:
		v.kind, v.scalar = kindScalar, readScalar(n)
		if v.scalar.kind == scalarNull {
			v.kind = kindNull
		}
	case yaml.SequenceNode:
		v.kind = kindList
		for _, item := range n.Content {
			child, err := c.value(item, item.Line, depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, child)
		}
	case yaml.MappingNode:
		v.kind = kindDict
		d := &dict{index: map[key]int{}}
		if err := c.fill(d, n, depth); err != nil {
			return nil, err
		}
		v.entries = d.entries
	}
	return v, nil
}

// dict collects the entries of a map, each key once.
type dict struct {
	entries []entry
	index   map[key]int
}

func (d *dict) set(k key, v *value) {
	if i, ok := d.index[k]; ok {
		d.entries[i].value = v
		return
	}
	d.index[k] = len(d.entries)
	d.entries = append(d.entries, entry{k, v})
}

// fill adds the entries of a map to d in their order, a later one replacing an
// earlier one: with Psych that goes for what a merge key brings in as well.
func (c *converter) fill(d *dict, n *yaml.Node, depth int) error {
	if c.merging[n] {
		return nil
	}
	if len(c.merging) > maxMerges {
		return errTooManyAliases
	}
	c.merging[n] = true
	defer delete(c.merging, n)

	own := map[key]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if c.left--; c.left < 0 {
			return errTooManyAliases
		}
		at := n.Content[i].Line
		kn, vn := resolve(n.Content[i]), resolve(n.Content[i+1])
		if kn.Kind != yaml.ScalarNode {
			continue
		}
		if maps := merged(kn, vn); maps != nil {
			for _, m := range maps {
				if err := c.fill(d, m, depth); err != nil {
					return err
				}
			}
			continue
		}
		k := readKey(kn)
		if first, ok := own[k]; ok {
			c.report.warn(place{c.file, at}, k.String(), "is set in line %d too: the last one counts", first)
		}
		own[k] = at

		v := &value{at: place{c.file, at}, kind: kindOpaque}
		if depth > 0 || (k.symbol && slices.Contains(sections, k.name)) {
			var err error
			if v, err = c.value(vn, at, depth+1); err != nil {
				return err
			}
		}
		d.set(k, v)
	}
	return nil
}

// merged returns the maps that a merge key brings in, the one that wins last;
// nil when it is no merge key after all.
func merged(kn, vn *yaml.Node) []*yaml.Node {
	if kn.Value != "<<" || (kn.Style&yaml.TaggedStyle != 0 && kn.Tag == "!!str") {
		return nil
	}
	switch vn.Kind {
	case yaml.MappingNode:
		return []*yaml.Node{vn}
	case yaml.SequenceNode:
		var maps []*yaml.Node
		for _, item := range slices.Backward(vn.Content) {
			m := resolve(item)
			if m.Kind != yaml.MappingNode {
				return nil
			}
			maps = append(maps, m)
		}
		return maps
	}
	return nil
}

func readKey(n *yaml.Node) key {
	s := readScalar(n)
	return key{name: s.text, symbol: s.kind == scalarSymbol}
}
