package main

import (
	"fmt"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/list"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var inventorySteps = []step{
	{"about: a host with releases in three numbers", func(f *flow) error {
		about := f.client.ServiceContent.About
		return check(!f.client.IsVC() && about.ApiType == "HostAgent" && about.Version != "", about)
	}},
	{"the server's clock", func(f *flow) error {
		now, err := methods.GetCurrentTime(f.ctx, f.client)
		if err != nil {
			return err
		}
		return check(now.Year() > 2000, now)
	}},
	{"defaults: datacenter, host, pool, datastore, network, folders", findDefaults},
	{"names with wildcards", findWildcards},
	{"what is not there", func(f *flow) error {
		_, err := f.finder.VirtualMachine(f.ctx, "no-such-machine")
		_, missing := err.(*find.NotFoundError)
		return check(missing, err)
	}},
	{"ls /ha-datacenter", func(f *flow) error {
		found, err := f.finder.ManagedObjectListChildren(f.ctx, "/ha-datacenter")
		if err != nil {
			return err
		}
		return check(len(found) == 4, found)
	}},
	{"ls of each folder, with properties", listFolders},
	{"ancestors of a host, as `find` asks for them", ancestors},
	{"inventory path of an element", func(f *flow) error {
		element, err := f.finder.Element(f.ctx, f.host.Reference())
		if err != nil {
			return err
		}
		return check(element.Path == "/ha-datacenter/host/host1/host1", element.Path)
	}},
	{"container view of several types", containerView},
	{"container view with a filter", func(f *flow) error {
		manager := view.NewManager(f.client.Client)
		made, err := manager.CreateContainerView(f.ctx, f.client.ServiceContent.RootFolder, nil, true)
		if err != nil {
			return err
		}
		defer made.Destroy(f.ctx)
		found, err := made.Find(f.ctx, []string{"VirtualMachine"}, property.Filter{"name": "de*"})
		if err != nil {
			return err
		}
		return check(len(found) == 1, found)
	}},
	{"list view", listView},
	{"every property of every entity", everything},
}

func findDefaults(f *flow) error {
	f.finder = find.NewFinder(f.client.Client, true)
	datacenter, err := f.finder.DefaultDatacenter(f.ctx)
	if err != nil {
		return err
	}
	f.finder.SetDatacenter(datacenter)
	if f.host, err = f.finder.DefaultHostSystem(f.ctx); err != nil {
		return err
	}
	if f.pool, err = f.finder.DefaultResourcePool(f.ctx); err != nil {
		return err
	}
	if f.datastore, err = f.finder.DefaultDatastore(f.ctx); err != nil {
		return err
	}
	if _, err = f.finder.DefaultNetwork(f.ctx); err != nil {
		return err
	}
	if _, err = f.finder.DefaultComputeResource(f.ctx); err != nil {
		return err
	}
	f.folders, err = datacenter.Folders(f.ctx)
	return err
}

func findWildcards(f *flow) error {
	for _, pattern := range []string{"*", "de*", "/ha-datacenter/vm/demo", "./vm/demo", "/*/vm/d?mo"} {
		found, err := f.finder.VirtualMachineList(f.ctx, pattern)
		if err != nil {
			return fmt.Errorf("%s: %w", pattern, err)
		}
		if len(found) == 0 {
			return fmt.Errorf("nothing for %s", pattern)
		}
	}
	if _, err := f.finder.HostSystemList(f.ctx, "*/*"); err != nil {
		return err
	}
	if _, err := f.finder.ResourcePoolList(f.ctx, "*/Resources"); err != nil {
		return err
	}
	_, err := f.finder.NetworkList(f.ctx, "VM*")
	return err
}

func listFolders(f *flow) error {
	for _, ref := range []types.ManagedObjectReference{
		f.folders.VmFolder.Reference(), f.folders.HostFolder.Reference(),
		f.folders.DatastoreFolder.Reference(), f.folders.NetworkFolder.Reference()} {
		lister := list.Lister{Collector: property.DefaultCollector(f.client.Client), Reference: ref, All: true}
		found, err := lister.List(f.ctx)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("%s is empty", ref)
		}
	}
	return nil
}

func ancestors(f *flow) error {
	found, err := mo.Ancestors(f.ctx, f.client, f.client.ServiceContent.PropertyCollector, f.host.Reference())
	if err != nil {
		return err
	}
	var names []string
	for _, entity := range found {
		names = append(names, entity.Name)
	}
	return check(fmt.Sprint(names) == "[ha-folder-root ha-datacenter host host1 host1]", names)
}

func containerView(f *flow) error {
	manager := view.NewManager(f.client.Client)
	kinds := []string{"VirtualMachine", "HostSystem", "ManagedEntity"}
	made, err := manager.CreateContainerView(f.ctx, f.client.ServiceContent.RootFolder, kinds, true)
	if err != nil {
		return err
	}
	defer made.Destroy(f.ctx)
	var machines []mo.VirtualMachine
	if err := made.Retrieve(f.ctx, kinds[:1], []string{"summary", "config", "guest"}, &machines); err != nil {
		return err
	}
	var hosts []mo.HostSystem
	if err := made.Retrieve(f.ctx, kinds[1:2], nil, &hosts); err != nil {
		return err
	}
	var entities []mo.ManagedEntity
	if err := made.Retrieve(f.ctx, kinds[2:], []string{"name", "parent"}, &entities); err != nil {
		return err
	}
	return check(len(machines) > 0 && len(hosts) == 1 && len(entities) >= 9, len(machines), len(hosts), len(entities))
}

func listView(f *flow) error {
	manager := view.NewManager(f.client.Client)
	made, err := manager.CreateListView(f.ctx, []types.ManagedObjectReference{f.host.Reference()})
	if err != nil {
		return err
	}
	defer made.Destroy(f.ctx)
	if err := made.Add(f.ctx, []types.ManagedObjectReference{f.pool.Reference()}); err != nil {
		return err
	}
	if err := made.Remove(f.ctx, []types.ManagedObjectReference{f.host.Reference()}); err != nil {
		return err
	}
	gone := types.ManagedObjectReference{Type: "VirtualMachine", Value: "987654"}
	reset, err := methods.ResetListView(f.ctx, f.client, &types.ResetListView{
		This: made.Reference(), Obj: []types.ManagedObjectReference{f.datastore.Reference(), gone}})
	if err != nil {
		return err
	}
	if len(reset.Returnval) != 1 || reset.Returnval[0] != gone {
		return fmt.Errorf("unresolved: %v", reset.Returnval)
	}
	var seen mo.ListView
	if err := property.DefaultCollector(f.client.Client).RetrieveOne(f.ctx, made.Reference(), []string{"view"}, &seen); err != nil {
		return err
	}
	return check(len(seen.View) == 1 && seen.View[0] == f.datastore.Reference(), seen.View)
}

// everything fails where an answer does not fit govmomi's types.
func everything(f *flow) error {
	manager := view.NewManager(f.client.Client)
	made, err := manager.CreateContainerView(f.ctx, f.client.ServiceContent.RootFolder, nil, true)
	if err != nil {
		return err
	}
	defer made.Destroy(f.ctx)
	refs, err := made.Find(f.ctx, []string{"ManagedEntity"}, property.Filter{"name": "*"})
	if err != nil {
		return err
	}
	for _, ref := range refs {
		var content []types.ObjectContent
		if err := property.DefaultCollector(f.client.Client).RetrieveOne(f.ctx, ref, nil, &content); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
		if len(content) != 1 || len(content[0].MissingSet) > 0 {
			return fmt.Errorf("%s: %v", ref, content)
		}
		if _, err := mo.ObjectContentToType(content[0]); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
	}
	return check(len(refs) >= 8, refs)
}
