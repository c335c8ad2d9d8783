package config

import (
	"fmt"
	"time"
)

// pools reads :pools:, once the defaults of a pool are known.
func (d *decoder) pools(root *value) {
	v := root.get(key{"pools", true})
	if v == nil {
		return
	}
	if v.kind != kindList {
		d.fail(v.at, ":pools:", "must be a list, not %s", v.describe())
		return
	}
	d.s.Pools = []Pool{}
	d.fromFile("pools", v.at)
	index := map[string]int{}
	for i, item := range v.items {
		if item.kind != kindDict {
			d.fail(item.at, ":pools:", "pool %d must be a map, not %s", i+1, item.describe())
			continue
		}
		name, ok := d.poolName(item, i)
		if !ok {
			continue
		}
		at, again := index[name]
		if again {
			d.warn(item.at, ":pools:", "pool %s is defined at %s too: vmpooler merges the two, a later value replacing an earlier one",
				shown(name), d.s.Pools[at].Source)
		} else {
			at = len(d.s.Pools)
			index[name] = at
			d.s.Pools = append(d.s.Pools, Pool{
				Name: name, Timeout: d.s.PoolTimeout, ReadyTTL: d.s.PoolReadyTTL, Source: item.at.String(),
			})
		}
		d.pool(&d.s.Pools[at], item)
	}
}

// poolName reads a pool's name; Redis' keys are made of it.
func (d *decoder) poolName(item *value, i int) (string, bool) {
	v := item.field("name")
	if v == nil {
		d.fail(item.at, ":pools:", "pool %d has no name", i+1)
		return "", false
	}
	name, ok := text(v)
	if !ok {
		d.fail(v.at, ":pools:", "the name of pool %d must be a text, not %s", i+1, v.describe())
		return "", false
	}
	if name == "" {
		d.fail(v.at, ":pools:", "the name of pool %d is empty", i+1)
		return "", false
	}
	if !v.scalar.isText() {
		d.warn(v.at, ":pools:", "the name %s should be in quotes: Ruby reads it as something else than a text", shown(name))
	}
	return name, true
}

// pool adds what the item says to p.
func (d *decoder) pool(p *Pool, item *value) {
	label := func(name string) string { return fmt.Sprintf("pool %s: %s", shown(p.Name), name) }
	texts := []struct {
		name string
		to   *string
	}{{"provider", &p.Provider}, {"folder", &p.Folder}, {"template", &p.Template}, {"datacenter", &p.Datacenter}, {"zone", &p.Zone}}
	for _, f := range texts {
		v := item.field(f.name)
		if v == nil {
			continue
		}
		if s, ok := text(v); ok {
			*f.to = s
		} else {
			d.fail(v.at, label(f.name), "must be a text, not %s", v.describe())
		}
	}
	number := func(name string, unit time.Duration, store func(int64)) {
		if v := item.field(name); v != nil {
			if n, ok := d.number(field{unit: unit}, label(name), v); ok {
				store(n)
			}
		}
	}
	number("size", 0, func(n int64) { p.Size = OptionalInt{int(n), true} })
	number("timeout", time.Minute, func(n int64) { p.Timeout = time.Duration(n) * time.Minute })
	number("ready_ttl", time.Minute, func(n int64) { p.ReadyTTL = time.Duration(n) * time.Minute })
	if v := item.field("alias"); v != nil {
		p.Aliases = d.aliases(v, label("alias"))
	}
}

// aliases reads a pool's alias: one name, which vmpooler does not split, or a
// list of them.
func (d *decoder) aliases(v *value, label string) []string {
	items := v.items
	if v.kind == kindScalar {
		items = []*value{v}
	}
	var names []string
	for _, item := range items {
		name, ok := text(item)
		if item.kind == kindNull || (ok && name == "") {
			continue
		}
		if !ok {
			d.fail(item.at, label, "must be a name or a list of names, not %s", item.describe())
			continue
		}
		names = append(names, name)
	}
	if v.kind == kindDict || v.kind == kindOpaque {
		d.fail(v.at, label, "must be a name or a list of names, not %s", v.describe())
	}
	return names
}
