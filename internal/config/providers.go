package config

import (
	"slices"
	"strings"
)

// The classes of provider that the exporter can ask itself, as vmpooler's
// provider_class has them.
const (
	ClassVSphere = "vsphere"
	ClassGCE     = "gce"
	ClassDummy   = "dummy"
)

// DefaultProvider is what vmpooler takes for a pool that names no provider.
const DefaultProvider = ClassDummy

// providerKeys are the keys of a provider that are read, by its class, in the
// order in which they are explained. Of any other class none is: what its keys
// mean is between vmpooler and its plugin.
var providerKeys = map[string][]string{
	ClassVSphere: {"server", "username", passwordKey, insecureKey, "datacenter"},
	ClassGCE:     {"project", "zone"},
	ClassDummy:   {"filename"},
}

const (
	classKey    = "provider_class"
	passwordKey = "password"
	insecureKey = "insecure"
)

// text is where a key of text is kept; nil for the two of another type.
func (p *Provider) text(name string) *string {
	return map[string]*string{
		"server": &p.Server, "username": &p.Username, "datacenter": &p.Datacenter,
		"project": &p.Project, "zone": &p.Zone, "filename": &p.Filename,
	}[name]
}

// providers reads :providers:.
func (d *decoder) providers(root *value) {
	section := d.section(root, "providers")
	if section == nil {
		return
	}
	for _, e := range section.entries {
		named := func(p Provider) bool { return p.Name == e.key.name }
		if e.key.name == "" || slices.ContainsFunc(d.s.Providers, named) {
			continue // of :a: and a: vmpooler takes the first
		}
		p := Provider{Name: e.key.name, Class: strings.ToLower(e.key.name), Source: e.value.at.String()}
		switch e.value.kind {
		case kindNull: // a provider without settings
		case kindDict:
			d.provider(&p, e.value)
		case kindScalar, kindList, kindOpaque: // not repeated: it may be a password in the wrong place
			d.fail(e.value.at, providerLabel(p.Name, ""), "must be a map")
			continue
		}
		d.s.Providers = append(d.s.Providers, p)
	}
}

// provider reads one provider's keys.
func (d *decoder) provider(p *Provider, from *value) {
	label := func(key string) string { return providerLabel(p.Name, key) }
	if v := from.field(classKey); v != nil {
		class, ok := text(v)
		if !ok || class == "" {
			d.fail(v.at, label(classKey), "must be the name of a class")
			return
		}
		p.Class = strings.ToLower(class) // vmpooler compares without case
		d.fromFile(label(classKey), v.at)
	}
	for _, name := range providerKeys[p.Class] {
		v := from.field(name)
		if v == nil {
			continue
		}
		if d.providerKey(p, name, v) {
			d.fromFile(label(name), v.at)
		}
	}
	d.checkKeys(from, append([]string{classKey}, providerKeys[p.Class]...))
}

// providerKey reads one key. No error repeats a value: somebody's password may
// stand in the wrong line.
func (d *decoder) providerKey(p *Provider, name string, v *value) bool {
	label := providerLabel(p.Name, name)
	if name == insecureKey {
		if v.kind != kindScalar || v.scalar.kind != scalarBool {
			d.fail(v.at, label, "must be true or false")
			return false
		}
		p.Insecure = v.scalar.truth
		return true
	}
	s, ok := text(v)
	if !ok {
		d.fail(v.at, label, "must be a text")
		return false
	}
	switch name {
	case passwordKey:
		if !v.scalar.isText() {
			d.warn(v.at, label, "should be in quotes: Ruby reads it as something else than a text")
		}
		p.Password = Secret(s)
		return true
	case "server":
		if s == "" || strings.ContainsAny(s, "/@?#") || strings.ContainsFunc(s, notInHost) {
			d.fail(v.at, label, "must be a host name or an address, and nothing else")
			return false
		}
	}
	*p.text(name) = s
	return true
}

// providerLabel is a provider's key in errors and in Explain:
// "providers.vsphere.server".
func providerLabel(provider, key string) string {
	label := "providers." + oneLine(provider)
	if key != "" {
		label += "." + key
	}
	return label
}

// explainProviders lists what is set of each provider.
func (s *Settings) explainProviders() []Item {
	var items []Item
	for i := range s.Providers {
		p := &s.Providers[i]
		add := func(key, value string) {
			if value != "" {
				items = append(items, s.item(providerLabel(p.Name, key), printable(value)))
			}
		}
		class := s.item(providerLabel(p.Name, classKey), printable(p.Class))
		if class.Source == defaultSource {
			class.Source = "its name"
		}
		items = append(items, class)
		for _, key := range providerKeys[p.Class] {
			switch key {
			case passwordKey:
				add(key, p.Password.String())
			case insecureKey:
				if p.Insecure {
					add(key, "true, the server's certificate is not verified")
				}
			default:
				add(key, *p.text(key))
			}
		}
	}
	return items
}
