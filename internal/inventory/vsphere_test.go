package inventory

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

const pooled = "Pooled VMs/centos-7-x86_64"

var centos = config.Pool{Name: "centos-7-x86_64", Provider: "vsphere", Folder: pooled}

func TestVSphereListsTheVMsDirectlyInTheFolder(t *testing.T) {
	v := newVCenter(t)
	f := folder(t, "Pooled VMs", "centos-7-x86_64", "pix-a", "pix-b")
	folder(t, "Pooled VMs", "debian-12-x86_64", "pix-other")
	below := child(f, &simulator.Folder{}, "below")
	child(below, &simulator.VirtualMachine{}, "pix-below")

	vms, err := listPool(t, v.provider(), centos, Options{})
	if diff := cmp.Diff([]string{"pix-a", "pix-b"}, vms); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if v.count("Logout") != 1 {
		t.Error("the session was left open")
	}
}

func TestVSphereTakesAPoolsOwnDatacenter(t *testing.T) {
	v := newVCenter(t)
	folder(t, "Pooled VMs", "centos-7-x86_64", "pix-a")
	p, pool := v.provider(), centos
	p.Datacenter, pool.Datacenter = "elsewhere", "DC0"
	if vms, err := listPool(t, p, pool, Options{}); err != nil || len(vms) != 1 {
		t.Error(vms, err)
	}
}

func TestVSphereAnEmptyFolderIsAnEmptyList(t *testing.T) {
	v := newVCenter(t)
	folder(t, "Pooled VMs", "centos-7-x86_64")
	if vms, err := listPool(t, v.provider(), centos, Options{}); err != nil || vms == nil || len(vms) != 0 {
		t.Error(vms, err)
	}
}

func TestVSphereADeletedVMIsNotListed(t *testing.T) {
	v := newVCenter(t)
	f := folder(t, "Pooled VMs", "centos-7-x86_64", "pix-a", "pix-b")
	remove(f, "pix-a")
	vms, err := listPool(t, v.provider(), centos, Options{})
	if diff := cmp.Diff([]string{"pix-b"}, vms); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestVSphereWhatIsNoListIsAnError(t *testing.T) {
	v := newVCenter(t)
	f := folder(t, "Pooled VMs", "centos-7-x86_64", "pix-a")
	set := func(change func(*config.Provider, *config.Pool)) (config.Provider, config.Pool) {
		p, pool := v.provider(), centos
		change(&p, &pool)
		return p, pool
	}
	for name, c := range map[string]struct {
		change func(*config.Provider, *config.Pool)
		answer func(method string) (int, string)
		want   string
	}{
		"no such folder":                  {func(_ *config.Provider, pool *config.Pool) { pool.Folder = "Pooled VMs/nosuch" }, nil, `there is no folder "DC0/vm/Pooled VMs/nosuch"`},
		"a VM as the folder":              {func(_ *config.Provider, pool *config.Pool) { pool.Folder = pooled + "/pix-a" }, nil, "is no folder, but a VirtualMachine"},
		"no folder":                       {func(_ *config.Provider, pool *config.Pool) { pool.Folder = "/" }, nil, "has no folder"},
		"no datacenter":                   {func(p *config.Provider, _ *config.Pool) { p.Datacenter = "" }, nil, "has no datacenter"},
		"no server":                       {func(p *config.Provider, _ *config.Pool) { p.Server = "" }, nil, "has no server"},
		"a certificate that nobody knows": {func(p *config.Provider, _ *config.Pool) { p.Insecure = false }, nil, "certificate"},
		"nobody there":                    {func(p *config.Provider, _ *config.Pool) { p.Server = "127.0.0.1:1" }, nil, "refused"},
		"garbage":                         {nil, func(m string) (int, string) { return status(m == "RetrievePropertiesEx"), "hello" }, "EOF"},
		"an empty answer":                 {nil, func(m string) (int, string) { return status(m == "RetrievePropertiesEx"), "" }, "EOF"},
		"another status": {nil, func(m string) (int, string) {
			if m == "FindByInventoryPath" {
				return http.StatusBadGateway, ""
			}
			return 0, ""
		}, "502"},
		"an answer without content": {nil, func(m string) (int, string) {
			return status(m == "RetrievePropertiesEx"), envelope(`<RetrievePropertiesExResponse xmlns="urn:vim25"></RetrievePropertiesExResponse>`)
		}, "not all of the folder's VMs"},
		"a service that has nothing": {nil, func(m string) (int, string) {
			return status(m == "RetrieveServiceContent"), envelope(`<RetrieveServiceContentResponse xmlns="urn:vim25"><returnval></returnval></RetrieveServiceContentResponse>`)
		}, "panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.change == nil {
				c.change = func(*config.Provider, *config.Pool) {}
			}
			v.mu.Lock()
			v.answer = c.answer
			v.mu.Unlock()
			p, pool := set(c.change)
			_, err := listPool(t, p, pool, Options{})
			wantError(t, err, c.want)
		})
	}
	f.Name = "renamed"
	v.answer = nil
	_, err := listPool(t, v.provider(), centos, Options{})
	wantError(t, err, "there is no folder")
}

func status(ours bool) int {
	if ours {
		return http.StatusOK
	}
	return 0
}

func envelope(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>` + body + `</soapenv:Body></soapenv:Envelope>`
}

func TestVSphereARefusedLoginIsNotTriedAgainSoon(t *testing.T) {
	v, c := newVCenter(t), newClock()
	folder(t, "Pooled VMs", "centos-7-x86_64", "pix-a")
	p := v.provider()
	p.Password = secret + "-wrong"
	pools := []config.Pool{centos, centos, centos}
	inv, err := New([]config.Provider{p}, pools, Options{Now: c.Now, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	for range 3 {
		for _, l := range inv.List(t.Context(), pools) {
			wantError(t, l.Err, "the login was refused")
		}
		c.advance(afterRefusal/3 - time.Second)
	}
	if n := v.count("Login"); n != 1 {
		t.Errorf("%d logins", n)
	}
	c.advance(10 * time.Second)
	inv.List(t.Context(), pools)
	if n := v.count("Login"); n != 2 {
		t.Errorf("%d logins", n)
	}
}

func TestVSphereKeepsItsSessionAndLogsInAnewWhenItHasExpired(t *testing.T) {
	v := newVCenter(t)
	folder(t, "Pooled VMs", "centos-7-x86_64", "pix-a")
	pools := []config.Pool{centos, centos, centos, centos, centos, centos}
	inv, err := New([]config.Provider{v.provider()}, pools, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	for round, logins := range []int{1, 1, 2, 2} {
		if round == 2 {
			v.expire()
		}
		for _, l := range inv.List(t.Context(), pools) {
			if l.Err != nil || len(l.VMs) != 1 {
				t.Errorf("round %d: %v, %v", round, l.VMs, l.Err)
			}
		}
		if n := v.count("Login"); n != logins {
			t.Errorf("round %d: %d logins, want %d", round, n, logins)
		}
	}
}

func TestVSphereAServerThatHangsIsGivenUp(t *testing.T) {
	v := newVCenter(t)
	folder(t, "Pooled VMs", "centos-7-x86_64", "pix-a")
	for _, method := range []string{"RetrieveServiceContent", "Login", "RetrievePropertiesEx"} {
		v.mu.Lock()
		v.hang = method
		v.mu.Unlock()
		start := time.Now()
		_, err := listPool(t, v.provider(), centos, Options{Timeout: 50 * time.Millisecond})
		wantError(t, err, "no answer in time")
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", method, took)
		}
	}
}

// pages is a server that answers in pages, the last of which may lack something.
type pages struct {
	pages  []types.RetrieveResult
	failAt int
	asked  int
}

func (p *pages) RoundTrip(_ context.Context, _, res soap.HasFault) error {
	switch body := res.(type) {
	case *methods.FindByInventoryPathBody:
		body.Res = &types.FindByInventoryPathResponse{Returnval: &types.ManagedObjectReference{Type: "Folder", Value: "f"}}
	case *methods.RetrievePropertiesExBody:
		p.asked = 1
		body.Res = &types.RetrievePropertiesExResponse{Returnval: &p.pages[0]}
	case *methods.ContinueRetrievePropertiesExBody:
		p.asked++
		if p.asked == p.failAt {
			return http.ErrHandlerTimeout
		}
		body.Res = &types.ContinueRetrievePropertiesExResponse{Returnval: p.pages[p.asked-1]}
	}
	return nil
}

func TestVSphereReadsAllPagesOrNone(t *testing.T) {
	ref := func(kind, value string) types.ManagedObjectReference {
		return types.ManagedObjectReference{Type: kind, Value: value}
	}
	children := types.ObjectContent{Obj: ref("Folder", "f"), PropSet: []types.DynamicProperty{{Name: "childEntity", Val: types.ArrayOfManagedObjectReference{
		ManagedObjectReference: []types.ManagedObjectReference{ref("VirtualMachine", "1"), ref("VirtualMachine", "2"), ref("VirtualApp", "3")},
	}}}}
	vm := func(id string) types.ObjectContent {
		return types.ObjectContent{Obj: ref("VirtualMachine", id), PropSet: []types.DynamicProperty{{Name: "name", Val: "vm" + id}}}
	}
	nameless := types.ObjectContent{Obj: ref("VirtualMachine", "2"), MissingSet: []types.MissingProperty{{Path: "name", Fault: types.LocalizedMethodFault{Fault: &types.NoPermission{}}}}}
	for name, c := range map[string]struct {
		server pages
		want   string
	}{
		"all":                      {pages{pages: []types.RetrieveResult{{Token: "t", Objects: []types.ObjectContent{children, vm("1")}}, {Objects: []types.ObjectContent{vm("2")}}}}, ""},
		"the second fails":         {pages{pages: []types.RetrieveResult{{Token: "t", Objects: []types.ObjectContent{children, vm("1")}}, {}}, failAt: 2}, "timeout"},
		"the second is empty":      {pages{pages: []types.RetrieveResult{{Token: "t", Objects: []types.ObjectContent{children, vm("1")}}, {}}}, "1 of 2 are missing"},
		"a name may not be read":   {pages{pages: []types.RetrieveResult{{Objects: []types.ObjectContent{children, vm("1"), nameless}}}}, "name of 2: NoPermission"},
		"the folder's own is gone": {pages{pages: []types.RetrieveResult{{Objects: []types.ObjectContent{vm("1")}}}}, "not even their number"},
	} {
		t.Run(name, func(t *testing.T) {
			about := types.ServiceContent{SearchIndex: &types.ManagedObjectReference{}}
			names, err := vmsInFolder(t.Context(), &c.server, about, "f")
			if c.want == "" {
				if err != nil || !slices.Equal(names, []string{"vm1", "vm2"}) {
					t.Error(names, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v", names, err)
			}
		})
	}
}

func TestAnIPv6AddressGetsItsBrackets(t *testing.T) {
	for server, want := range map[string]string{"::1": "[::1]", "10.0.0.1": "10.0.0.1", "vc": "vc", "vc:8443": "vc:8443"} {
		if got := hostPort(server); got != want {
			t.Errorf("%s: %s", server, got)
		}
	}
}

func BenchmarkVSphere10000(b *testing.B) {
	v := newVCenter(b)
	folder(b, "Pooled VMs", "centos-7-x86_64", manyNames(10_000)...)
	inv, err := New([]config.Provider{v.provider()}, []config.Pool{centos}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer inv.Close()
	for b.Loop() {
		if l := inv.List(b.Context(), []config.Pool{centos}); l[0].Err != nil || len(l[0].VMs) != 10_000 {
			b.Fatal(l[0].Err, len(l[0].VMs))
		}
	}
}
