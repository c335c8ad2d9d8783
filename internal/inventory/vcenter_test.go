package inventory

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// vcenter is govmomi's simulator of one, with a door that tests can close. The
// simulator's inventory is global: one at a time.
type vcenter struct {
	*httptest.Server

	service *simulator.Service

	mu      sync.Mutex
	calls   map[string]int                    // by method
	expired map[string]bool                   // by session
	hang    string                            // a method that is never answered
	answer  func(method string) (int, string) // a status and an answer in place of the simulator's, if the status is not 0
}

var methodName = []string{"RetrieveServiceContent", "Login", "Logout", "FindByInventoryPath", "RetrievePropertiesEx", "ContinueRetrievePropertiesEx"}

func newVCenter(tb testing.TB) *vcenter {
	tb.Helper()
	model := simulator.VPX()
	model.Machine, model.Datastore, model.Host, model.ClusterHost = 0, 1, 0, 1
	if err := model.Create(); err != nil {
		tb.Fatal(err)
	}
	model.Service.RegisterSDK(simulator.Map)
	v := &vcenter{service: model.Service, calls: map[string]int{}, expired: map[string]bool{}}
	v.Server = httptest.NewTLSServer(v)
	tb.Cleanup(func() {
		v.Close()
		model.Remove()
	})
	return v
}

func (v *vcenter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	method := ""
	for _, name := range methodName {
		if bytes.Contains(body, []byte("<"+name+" ")) {
			method = name
		}
	}
	v.mu.Lock()
	v.calls[method]++
	hang, answer := v.hang, v.answer
	if c, err := r.Cookie("vmware_soap_session"); err == nil && v.expired[c.Value] {
		r.Header.Del("Cookie")
	}
	v.mu.Unlock()
	if method == hang {
		<-r.Context().Done()
		return
	}
	if answer != nil {
		if status, text := answer(method); status != 0 {
			w.WriteHeader(status)
			io.WriteString(w, text)
			return
		}
	}
	if method == "Login" && !bytes.Contains(body, []byte("<password>"+secret+"<")) {
		body = bytes.ReplaceAll(body, []byte("userName>"), []byte("nobody>")) // which the simulator refuses
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	v.service.ServeMux.ServeHTTP(rec, r)
	v.mu.Lock()
	for _, c := range rec.Result().Cookies() {
		v.expired[c.Value] = false
	}
	v.mu.Unlock()
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	w.Write(rec.Body.Bytes())
}

// expire ends all sessions there are.
func (v *vcenter) expire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id := range v.expired {
		v.expired[id] = true
	}
}

func (v *vcenter) count(method string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls[method]
}

// provider is how vmpooler.yaml describes it.
func (v *vcenter) provider() config.Provider {
	return config.Provider{
		Name: "vsphere", Class: config.ClassVSphere, Server: strings.TrimPrefix(v.URL, "https://"),
		Username: "vmpooler", Password: secret, Insecure: true, Datacenter: "DC0",
	}
}

// folder makes a folder with VMs of these names in it, under a folder of the
// datacenter's.
func folder(tb testing.TB, parent, name string, vms ...string) *simulator.Folder {
	tb.Helper()
	dc := simulator.Map.Any("Datacenter").(*simulator.Datacenter)
	above := simulator.Map.Get(dc.VmFolder).(*simulator.Folder)
	if parent != "" {
		if found := simulator.Map.FindByName(parent, above.ChildEntity); found != nil {
			above = found.(*simulator.Folder)
		} else {
			above = child(above, &simulator.Folder{}, parent)
		}
	}
	f := child(above, &simulator.Folder{}, name)
	for _, vm := range vms {
		child(f, &simulator.VirtualMachine{}, vm)
	}
	return f
}

func child[T mo.Entity](parent *simulator.Folder, item T, name string) T {
	item.Entity().Name = name
	simulator.Map.PutEntity(parent, simulator.Map.NewEntity(item))
	parent.ChildEntity = append(parent.ChildEntity, item.Reference())
	return item
}

// remove takes the VM out of the folder.
func remove(f *simulator.Folder, vm string) {
	found := simulator.Map.FindByName(vm, f.ChildEntity).Reference()
	f.ChildEntity = without(f.ChildEntity, found)
	simulator.Map.Remove(found)
}

func without(refs []types.ManagedObjectReference, ref types.ManagedObjectReference) []types.ManagedObjectReference {
	var kept []types.ManagedObjectReference
	for _, r := range refs {
		if r != ref {
			kept = append(kept, r)
		}
	}
	return kept
}

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("pix-swift-baker-%05d", i)
	}
	return names
}
