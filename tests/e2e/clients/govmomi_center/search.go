package main

import (
	"fmt"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var searchSteps = []step{
	{"finder: defaults, wildcards, what is not there", finds},
	{"find: ancestors of every kind of object", func(f *flow) error {
		host, err := f.finder.HostSystem(f.ctx, "*/*")
		if err != nil {
			if _, several := err.(*find.MultipleFoundError); !several {
				return err
			}
		}
		hosts, err := f.cluster.Hosts(f.ctx)
		if err != nil {
			return err
		}
		host = hosts[0]
		path, err := ancestors(f, host.Reference())
		if err != nil {
			return err
		}
		name, err := host.ObjectName(f.ctx)
		return first(err, check(path == "/"+f.name+"-dc/host/blue/"+name, path))
	}},
	{"search: by uuid, instance uuid, host's uuid, DNS name, IP, datastore path", searches},
	{"container views: each type and its letter in `find -type`", containerViews},
	{"every property of every entity fits govmomi's types", everything},
	{"object.collect of what is not there: ManagedObjectNotFound, InvalidProperty", func(f *flow) error {
		var content []types.ObjectContent
		gone := types.ManagedObjectReference{Type: "VirtualMachine", Value: "vm-987654"}
		if err := expect(collect(f, gone, []string{"name"}, &content), "ManagedObjectNotFound"); err != nil {
			return err
		}
		return expect(collect(f, f.cluster.Reference(), []string{"nonsense"}, &content), "InvalidProperty")
	}},
}

func finds(f *flow) error {
	if _, err := f.finder.DefaultHostSystem(f.ctx); len(f.hosts) > 1 {
		if _, several := err.(*find.DefaultMultipleFoundError); !several {
			return fmt.Errorf("default host: %v", err)
		}
	}
	if _, err := f.finder.DefaultResourcePool(f.ctx); err != nil {
		return err
	}
	if _, err := f.finder.DefaultClusterComputeResource(f.ctx); err != nil {
		return err
	}
	if _, err := f.finder.DefaultComputeResource(f.ctx); err != nil {
		return err
	}
	if _, err := f.finder.DefaultFolder(f.ctx); err != nil {
		return err
	}
	if _, err := f.finder.DefaultNetwork(f.ctx); err != nil {
		return err
	}
	for _, pattern := range []string{"*", "/*/vm/*", "/" + f.name + "-dc/vm/*", "./*"} {
		if found, err := f.finder.VirtualMachineList(f.ctx, pattern); err != nil || len(found) == 0 {
			return fmt.Errorf("machines %s: %v %v", pattern, found, err)
		}
	}
	for _, pattern := range []string{"*", "blue", "/*/host/blue", "./bl*"} {
		if found, err := f.finder.ClusterComputeResourceList(f.ctx, pattern); err != nil || len(found) != 1 {
			return fmt.Errorf("clusters %s: %v %v", pattern, found, err)
		}
	}
	for _, pattern := range []string{"*", "*/*", "blue/*"} {
		if found, err := f.finder.HostSystemList(f.ctx, pattern); err != nil || len(found) != len(f.hosts) {
			return fmt.Errorf("hosts %s: %v %v", pattern, found, err)
		}
	}
	for _, pattern := range []string{"*/Resources", "blue/Resources", "/*/host/blue/Resources", "Resources"} {
		if found, err := f.finder.ResourcePoolList(f.ctx, pattern); err != nil || len(found) != 1 {
			return fmt.Errorf("pools %s: %v %v", pattern, found, err)
		}
	}
	if found, err := f.finder.DatastoreList(f.ctx, "*"); err != nil || len(found) < 1 {
		return fmt.Errorf("datastores: %v %v", found, err)
	}
	_, err := f.finder.VirtualMachine(f.ctx, "no-such-machine")
	if _, missing := err.(*find.NotFoundError); !missing {
		return fmt.Errorf("no-such-machine: %v", err)
	}
	_, err = f.finder.Datacenter(f.ctx, "/enoent")
	_, missing := err.(*find.NotFoundError)
	return check(missing, err)
}

func searches(f *flow) error {
	index := object.NewSearchIndex(f.client.Client)
	machines, err := f.finder.VirtualMachineList(f.ctx, "*")
	if err != nil {
		return err
	}
	var machine mo.VirtualMachine
	if err := machines[0].Properties(f.ctx, machines[0].Reference(), []string{"config", "guest"}, &machine); err != nil {
		return err
	}
	same := func(how string, got object.Reference, err error, want object.Reference) error {
		if err != nil {
			return fmt.Errorf("%s: %w", how, err)
		}
		if want == nil {
			return check(got == nil, how, got)
		}
		return check(got != nil && got.Reference() == want.Reference(), how, got)
	}
	yes := true
	byUuid, err := index.FindByUuid(f.ctx, f.datacenter, machine.Config.Uuid, true, nil)
	if err := same("uuid", byUuid, err, machines[0]); err != nil {
		return err
	}
	byUuid, err = index.FindByUuid(f.ctx, nil, machine.Config.InstanceUuid, true, &yes)
	if err := same("instance uuid", byUuid, err, machines[0]); err != nil {
		return err
	}
	byUuid, err = index.FindByUuid(f.ctx, nil, machine.Config.InstanceUuid, false, nil)
	if err := same("a machine's uuid among hosts", byUuid, err, nil); err != nil {
		return err
	}
	byPath, err := index.FindByDatastorePath(f.ctx, f.datacenter, machine.Config.Files.VmPathName)
	if err := same("datastore path", byPath, err, machines[0]); err != nil {
		return err
	}
	hosts, err := f.cluster.Hosts(f.ctx)
	if err != nil {
		return err
	}
	var host mo.HostSystem
	if err := hosts[0].Properties(f.ctx, hosts[0].Reference(), []string{"name", "hardware.systemInfo", "config.network.dnsConfig", "summary"}, &host); err != nil {
		return err
	}
	if host.Summary.Host == nil || *host.Summary.Host != hosts[0].Reference() {
		return fmt.Errorf("summary.host is %v", host.Summary.Host)
	}
	if host.Summary.Hardware.Uuid != host.Hardware.SystemInfo.Uuid {
		return fmt.Errorf("the host has two uuids: %s and %s", host.Summary.Hardware.Uuid, host.Hardware.SystemInfo.Uuid)
	}
	byUuid, err = index.FindByUuid(f.ctx, f.datacenter, host.Hardware.SystemInfo.Uuid, false, nil)
	if err := same("host's uuid", byUuid, err, hosts[0]); err != nil {
		return err
	}
	byUuid, err = index.FindByUuid(f.ctx, f.datacenter, "enoent", false, nil)
	if err := same("no such uuid", byUuid, err, nil); err != nil {
		return err
	}
	byName, err := index.FindByDnsName(f.ctx, nil, "enoent", false)
	if err := same("no such DNS name", byName, err, nil); err != nil {
		return err
	}
	byIP, err := index.FindByIp(f.ctx, nil, "enoent", false)
	if err := same("no such address", byIP, err, nil); err != nil {
		return err
	}
	none, err := index.FindByInventoryPath(f.ctx, "/nothing/here")
	if err := same("no such path", none, err, nil); err != nil {
		return err
	}
	child, err := index.FindChild(f.ctx, f.folders.HostFolder, "blue")
	return same("FindChild", child, err, f.cluster)
}

func containerViews(f *flow) error {
	manager := view.NewManager(f.client.Client)
	count := func(kinds ...string) (int, error) {
		made, err := manager.CreateContainerView(f.ctx, f.client.ServiceContent.RootFolder, kinds, true)
		if err != nil {
			return 0, err
		}
		defer made.Destroy(f.ctx)
		refs, err := made.Find(f.ctx, []string{"ManagedEntity"}, property.Filter{"name": "*"})
		return len(refs), err
	}
	for kind, want := range map[string]int{"ClusterComputeResource": 1, "ComputeResource": 1, "HostSystem": len(f.hosts),
		"Datacenter": 1, "ResourcePool": 1, "VirtualApp": 0, "DistributedVirtualSwitch": 0, "Folder": 4, "StoragePod": 0} {
		if got, err := count(kind); err != nil || got != want {
			return fmt.Errorf("%s: %d, not %d (%v)", kind, got, want, err)
		}
	}
	for _, kind := range []string{"VirtualMachine", "Datastore", "Network", "ManagedEntity"} {
		if got, err := count(kind); err != nil || got == 0 {
			return fmt.Errorf("%s: %d (%v)", kind, got, err)
		}
	}
	_, err := manager.CreateContainerView(f.ctx, f.client.ServiceContent.RootFolder, []string{"enoent"}, true)
	return expect(err, "InvalidArgument", "InvalidType", "InvalidRequest")
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
	content := f.client.ServiceContent
	for _, ref := range []*types.ManagedObjectReference{&content.RootFolder, content.SessionManager, content.TaskManager, content.EventManager,
		content.PerfManager, content.Setting, content.LicenseManager, content.AuthorizationManager, content.CustomFieldsManager,
		content.ExtensionManager, content.SearchIndex, content.ViewManager, content.FileManager, content.VirtualDiskManager,
		content.DiagnosticManager, content.UserDirectory, content.AlarmManager, content.ScheduledTaskManager} {
		if ref != nil {
			refs = append(refs, *ref)
		}
	}
	for _, ref := range refs {
		var found []types.ObjectContent
		if err := collect(f, ref, nil, &found); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
		if len(found) != 1 || len(found[0].MissingSet) > 0 {
			return fmt.Errorf("%s: %v", ref, found)
		}
		if _, err := mo.ObjectContentToType(found[0]); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
	}
	return check(len(refs) >= 20, refs)
}
