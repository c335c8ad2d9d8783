package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// vsphere lists the VMs that are directly in a pool's folder, as vmpooler does: it
// looks for DATACENTER/vm/FOLDER. Unlike vmpooler it takes a folder that is not
// there for an error, not for an empty one.
type vsphere struct {
	provider config.Provider
	session  *held[*vim25.Client]
}

func newVSphere(p config.Provider, now func() time.Time) *vsphere {
	v := &vsphere{provider: p}
	v.session = newHeld(now, v.login)
	return v
}

// errIncomplete is a listing in which VMs of the folder are missing: some were
// made or destroyed meanwhile, or their names may not be read.
var errIncomplete = errors.New("not all of the folder's VMs could be read")

// List implements Lister. It logs in anew, once, if the session has expired, and
// asks a second time if the folder changed meanwhile.
func (v *vsphere) List(ctx context.Context, pool config.Pool) ([]string, error) {
	path, err := v.path(pool)
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		client, err := v.session.take(ctx)
		if err != nil {
			return nil, err
		}
		vms, err := vmsInFolder(ctx, client, client.ServiceContent, path)
		again := errors.Is(err, errIncomplete)
		if loggedOut(err) {
			again = v.session.forget(ctx, client) == nil
			closeIdle(client)
		}
		if !again || !first {
			return vms, err
		}
	}
}

// path is where vmpooler looks for the pool's folder.
func (v *vsphere) path(pool config.Pool) (string, error) {
	datacenter := cmp.Or(pool.Datacenter, v.provider.Datacenter)
	switch {
	case v.provider.Server == "":
		return "", errors.New("vmpooler.yaml has no server for it")
	case datacenter == "":
		return "", errors.New("vmpooler.yaml has no datacenter for it, nor for the pool")
	case strings.Trim(pool.Folder, "/") == "":
		return "", errors.New("vmpooler.yaml has no folder for the pool")
	}
	return datacenter + "/vm/" + pool.Folder, nil
}

// vmsInFolder returns the names of the VMs directly in the folder, in as few
// calls as the server allows.
func vmsInFolder(ctx context.Context, rt soap.RoundTripper, about types.ServiceContent, path string) ([]string, error) {
	found, err := methods.FindByInventoryPath(ctx, rt, &types.FindByInventoryPath{This: *about.SearchIndex, InventoryPath: path})
	if err != nil {
		return nil, err
	}
	folder := found.Returnval
	switch {
	case folder == nil:
		return nil, fmt.Errorf("there is no folder %q, or it may not be seen", path)
	case folder.Type != "Folder":
		return nil, fmt.Errorf("%q is no folder, but a %s", path, folder.Type)
	}
	res, err := methods.RetrievePropertiesEx(ctx, rt, &types.RetrievePropertiesEx{
		This: about.PropertyCollector, SpecSet: []types.PropertyFilterSpec{folderSpec(*folder)},
	})
	if err != nil {
		return nil, err
	}
	c := contents{folder: *folder, names: make(map[types.ManagedObjectReference]string)}
	page := res.Returnval
	for page != nil {
		if err := c.take(page.Objects); err != nil {
			return nil, err
		}
		if page.Token == "" {
			break
		}
		more, err := methods.ContinueRetrievePropertiesEx(ctx, rt, &types.ContinueRetrievePropertiesEx{
			This: about.PropertyCollector, Token: page.Token,
		})
		if err != nil {
			return nil, err
		}
		page = &more.Returnval
	}
	return c.list()
}

// folderSpec asks for the folder's children, and for the names of those that are
// VMs.
func folderSpec(folder types.ManagedObjectReference) types.PropertyFilterSpec {
	no := false
	return types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{
			Obj: folder, Skip: &no,
			SelectSet: []types.BaseSelectionSpec{&types.TraversalSpec{Type: "Folder", Path: "childEntity", Skip: &no}},
		}},
		PropSet: []types.PropertySpec{
			{Type: "Folder", PathSet: []string{"childEntity"}},
			{Type: "VirtualMachine", PathSet: []string{"name"}},
		},
	}
}

// contents are gathered from the pages of an answer.
type contents struct {
	folder   types.ManagedObjectReference
	children []types.ManagedObjectReference
	known    bool // whether children is
	names    map[types.ManagedObjectReference]string
}

func (c *contents) take(objects []types.ObjectContent) error {
	for _, o := range objects {
		for _, m := range o.MissingSet {
			if o.Obj.Type != "VirtualMachine" && o.Obj != c.folder {
				continue
			}
			if _, ok := m.Fault.Fault.(*types.NotAuthenticated); ok {
				return errLoggedOut
			}
			return fmt.Errorf("%w: %s of %s: %s", errIncomplete, m.Path, o.Obj.Value, faultName(m.Fault.Fault))
		}
		for _, p := range o.PropSet {
			switch v := p.Val.(type) {
			case types.ArrayOfManagedObjectReference:
				if o.Obj == c.folder {
					c.children, c.known = v.ManagedObjectReference, true
				}
			case string:
				if o.Obj.Type == "VirtualMachine" {
					c.names[o.Obj] = v
				}
			}
		}
	}
	return nil
}

// list returns the names, if they are those of all the VMs that the folder has.
func (c *contents) list() ([]string, error) {
	if !c.known {
		return nil, fmt.Errorf("%w: not even their number", errIncomplete)
	}
	names := make([]string, 0, len(c.names))
	missing := 0
	for _, child := range c.children {
		if child.Type != "VirtualMachine" {
			continue
		}
		if name, ok := c.names[child]; ok {
			names = append(names, name)
		} else {
			missing++
		}
	}
	if missing > 0 {
		return nil, fmt.Errorf("%w: %d of %d are missing", errIncomplete, missing, missing+len(names))
	}
	return names, nil
}

func (v *vsphere) close(ctx context.Context) { v.logout(ctx) }
