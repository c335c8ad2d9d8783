package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProviders(t *testing.T) {
	s, err := loadText(t, `
:providers:
  :vsphere:
    server: vcenter.example.com
    username: "vmpooler@vsphere.local"
    password: hunter2
    insecure: yes
    datacenter: dc1
    connection_pool_size: 5
  :eu-vsphere: {provider_class: VSphere, server: "10.0.0.1:8443", password: "hunter2"}
  :gce: {project: p, zone: us-central1-f, machine_type: [not, read]}
  :dummy:
    filename: dummy.yaml
  :empty:
  :cloud: {server: [not, read], password: {not: read}}
  vsphere: {server: second.example.com}
:pools:
- name: a
  provider: eu-vsphere
  datacenter: dc2
- name: b
  provider: gce
  zone: europe-west1-b
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []Provider{
		{Name: "vsphere", Class: ClassVSphere, Server: "vcenter.example.com", Username: "vmpooler@vsphere.local", Password: "hunter2", Insecure: true, Datacenter: "dc1", Source: "vmpooler.yaml:3"},
		{Name: "eu-vsphere", Class: ClassVSphere, Server: "10.0.0.1:8443", Password: "hunter2", Source: "vmpooler.yaml:10"},
		{Name: "gce", Class: ClassGCE, Project: "p", Zone: "us-central1-f", Source: "vmpooler.yaml:11"},
		{Name: "dummy", Class: ClassDummy, Filename: "dummy.yaml", Source: "vmpooler.yaml:12"},
		{Name: "empty", Class: "empty", Source: "vmpooler.yaml:14"},
		{Name: "cloud", Class: "cloud", Source: "vmpooler.yaml:15"},
	}
	if diff := cmp.Diff(want, s.Providers); diff != "" {
		t.Error(diff)
	}
	if s.Pools[0].Datacenter != "dc2" || s.Pools[1].Zone != "europe-west1-b" {
		t.Errorf("got %+v", s.Pools)
	}
}

func TestProvidersAreExplainedWithoutTheirPasswords(t *testing.T) {
	s, err := loadText(t, `
:providers:
  :v: {provider_class: vsphere, server: vc, password: hunter2, insecure: true}
  :gce:
    project: "two\nlines"
`)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, item := range s.Explain() {
		if strings.HasPrefix(item.Key, "providers.") {
			got.WriteString(item.Key + " | " + item.Value + " | " + item.Source + "\n")
		}
	}
	want := `providers.v.provider_class | vsphere | vmpooler.yaml:3
providers.v.server | vc | vmpooler.yaml:3
providers.v.password | <secret> | vmpooler.yaml:3
providers.v.insecure | true, the server's certificate is not verified | vmpooler.yaml:3
providers.gce.provider_class | gce | its name
providers.gce.project | "two\nlines" | vmpooler.yaml:5
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesInProviders(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no map":                   {":providers: [hunter2]", `vmpooler.yaml:1: :providers: must be a map, not a list`},
		"a provider that is none":  {":providers:\n  :vsphere: hunter2", `vmpooler.yaml:2: providers.vsphere: must be a map`},
		"a list as a server":       {":providers:\n  :vsphere:\n    server: [hunter2]", `vmpooler.yaml:3: providers.vsphere.server: must be a text`},
		"a map as a password":      {":providers:\n  :vsphere:\n    password: {hunter2: hunter2}", `vmpooler.yaml:3: providers.vsphere.password: must be a text`},
		"a server with a login":    {":providers:\n  :vsphere:\n    server: https://u:hunter2@vc", `vmpooler.yaml:3: providers.vsphere.server: must be a host name or an address, and nothing else`},
		"insecure by another word": {":providers:\n  :vsphere:\n    insecure: hunter2", `vmpooler.yaml:3: providers.vsphere.insecure: must be true or false`},
		"a class that is no name":  {":providers:\n  :a:\n    provider_class: [gce]", `vmpooler.yaml:3: providers.a.provider_class: must be the name of a class`},
		"a project of two":         {":providers:\n  :gce:\n    project: [a, b]", `vmpooler.yaml:3: providers.gce.project: must be a text`},
		"a pool's datacenter":      {":pools:\n- name: a\n  datacenter: [b]", `vmpooler.yaml:3: pool "a": datacenter: must be a text, not a list`},
		"a pool's zone":            {":pools:\n- name: a\n  zone: {b: c}", `vmpooler.yaml:3: pool "a": zone: must be a text, not a map`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadText(t, c.text)
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(err.Error(), ":providers:: ", ":providers: ")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(err.Error(), planted) {
				t.Error("a secret is printed")
			}
		})
	}
}

func TestWarningsOfProviders(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a misspelt password":         {":providers:\n  :vsphere:\n    pasword: hunter2", `vmpooler.yaml:3: pasword: is not a key of vmpooler's; did you mean password?`},
		"a key as a symbol":           {":providers:\n  :vsphere:\n    :server: vc", `vmpooler.yaml:3: :server: does nothing: vmpooler reads it without the leading colon, as server:`},
		"a password without quotes":   {":providers:\n  :vsphere:\n    password: 0123", `vmpooler.yaml:3: providers.vsphere.password: should be in quotes: Ruby reads it as something else than a text`},
		"a section without its colon": {"providers:\n  :vsphere: {}", `vmpooler.yaml:1: providers: does nothing: vmpooler reads this section with a colon before its name, as :providers:`},
		"keys of vmpooler's own": {`:providers:
  :vsphere: {connection_pool_size: 1, connection_pool_timeout: 1, purge_unconfigured_resources: true, resources_allowlist: [], folder_whitelist: []}
  :gce: {machine_type: a, network_name: b, domain: c, dns_zone_resource_name: d, subnetwork_name: e, disk_type: f}
  :dummy: {createvm_max_time: 1, is_ready_timeout: 1}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := loadText(t, c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, warnings(s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
