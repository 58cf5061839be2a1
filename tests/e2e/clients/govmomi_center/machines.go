package main

import (
	"fmt"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var machineSteps = []step{
	{"vm.create in the cluster, no host given", createMachine},
	{"vm.create: DuplicateName; bad pools and datastores are refused", createBadly},
	{"vm.create -pool, at a pool (CreateChildVM_Task)", createInPool},
	{"vm.power: on, again InvalidPowerState, suspend, on, reset, off", power},
	{"vm.info, its host and pool", information},
	{"vm.change: CPUs, memory, name, notes, extraConfig", change},
	{"vm.ip is nothing while it is off; no guest, no tools: ToolsUnavailable", func(f *flow) error {
		err := f.machine.ShutdownGuest(f.ctx)
		return expect(err, "InvalidPowerState", "ToolsUnavailable")
	}},
	{"object.destroy of a running machine: InvalidPowerState; vm.unregister too", func(f *flow) error {
		t, err := f.machine.PowerOn(f.ctx)
		if err := ended(f, t, err); err != nil {
			return err
		}
		t, err = f.machine.Destroy(f.ctx)
		if err := expect(ended(f, t, err), "InvalidPowerState"); err != nil {
			return err
		}
		if err := expect(f.machine.Unregister(f.ctx), "InvalidPowerState"); err != nil {
			return err
		}
		t, err = f.machine.PowerOff(f.ctx)
		return ended(f, t, err)
	}},
	{"vm.markastemplate, markasvm", template},
	{"vm.migrate: another pool, another folder, another host", migrate},
	{"vm.unregister, register at folder, host and pool", register},
	{"vm.option.info, vm.target.info of cluster, host and machine", environment},
	{"snapshot, clone, upgrade: done or a clean fault", func(f *flow) error {
		t, err := f.machine.UpgradeVM(f.ctx, "vmx-99")
		if err := expect(ended(f, t, err), "InvalidArgument", "NotSupported", "AlreadyUpgraded", "InvalidState"); err != nil {
			return err
		}
		t, err = f.machine.RemoveAllSnapshot(f.ctx, nil)
		return expect(ended(f, t, err), "NotSupported", "success")
	}},
	{"vm.console: tickets", func(f *flow) error {
		_, err := f.machine.AcquireTicket(f.ctx, string(types.VirtualMachineTicketTypeWebmks))
		return expect(err, "InvalidPowerState", "InvalidState", "success")
	}},
	{"PowerOnMultiVM, of nothing and of one", func(f *flow) error {
		t, err := f.datacenter.PowerOnVM(f.ctx, []types.ManagedObjectReference{f.machine.Reference()}, &types.OptionValue{
			Key: string(types.ClusterPowerOnVmOptionOverrideAutomationLevel), Value: string(types.DrsBehaviorFullyAutomated)})
		if err != nil {
			return err
		}
		info, err := t.WaitForResult(f.ctx, nil)
		if err != nil {
			return err
		}
		result, is := info.Result.(types.ClusterPowerOnVmResult)
		if !is || len(result.Attempted)+len(result.NotAttempted) != 1 {
			return fmt.Errorf("result %v", info.Result)
		}
		if err := f.machine.WaitForPowerState(f.ctx, types.VirtualMachinePowerStatePoweredOn); err != nil {
			return err
		}
		t, err = f.machine.PowerOff(f.ctx)
		return ended(f, t, err)
	}},
}

func newSpec(f *flow, name string) types.VirtualMachineConfigSpec {
	var devices object.VirtualDeviceList
	scsi, err := devices.CreateSCSIController("pvscsi")
	if err != nil {
		panic(err)
	}
	devices = append(devices, scsi)
	network, err := f.finder.DefaultNetwork(f.ctx)
	if err != nil {
		panic(err)
	}
	backing, err := network.EthernetCardBackingInfo(f.ctx)
	if err != nil {
		panic(err)
	}
	card, err := devices.CreateEthernetCard("vmxnet3", backing)
	if err != nil {
		panic(err)
	}
	devices = append(devices, card)
	changes, err := devices.ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
	if err != nil {
		panic(err)
	}
	return types.VirtualMachineConfigSpec{Name: name, GuestId: string(types.VirtualMachineGuestOsIdentifierOtherGuest), NumCPUs: 1, MemoryMB: 32,
		DeviceChange: changes, Files: &types.VirtualMachineFileInfo{VmPathName: "[shared]"}}
}

func made(f *flow, t *object.Task, err error) (*object.VirtualMachine, error) {
	if err != nil {
		return nil, err
	}
	info, err := t.WaitForResult(f.ctx, nil)
	if err != nil {
		return nil, err
	}
	ref, is := info.Result.(types.ManagedObjectReference)
	if !is {
		return nil, fmt.Errorf("result %v", info.Result)
	}
	return object.NewVirtualMachine(f.client.Client, ref), nil
}

func createMachine(f *flow) error {
	pool, err := f.finder.DefaultResourcePool(f.ctx)
	if err != nil {
		return err
	}
	t, err := f.folders.VmFolder.CreateVM(f.ctx, newSpec(f, f.name), pool, nil)
	if err != nil {
		return err
	}
	if f.machine, err = made(f, t, err); err != nil {
		return err
	}
	var task mo.Task
	if err := collect(f, t.Reference(), []string{"info"}, &task); err != nil {
		return err
	}
	if task.Info.DescriptionId != "Folder.createVm" || task.Info.EntityName != "vm" || task.Info.Name != "CreateVM_Task" {
		return fmt.Errorf("the task: %s %s of %s", task.Info.Name, task.Info.DescriptionId, task.Info.EntityName)
	}
	if f.machine, err = f.finder.VirtualMachine(f.ctx, f.name); err != nil {
		return err
	}
	t, err = f.folders.VmFolder.CreateVM(f.ctx, newSpec(f, f.name+"-host"), pool, object.NewHostSystem(f.client.Client, clusterHosts(f)[0]))
	other, err := made(f, t, err)
	if err != nil {
		return fmt.Errorf("at a host: %w", err)
	}
	host, err := other.HostSystem(f.ctx)
	if err != nil {
		return err
	}
	t, err = other.Destroy(f.ctx)
	return first(ended(f, t, err), check(host.Reference() == clusterHosts(f)[0], host))
}

func createBadly(f *flow) error {
	pool, err := f.finder.DefaultResourcePool(f.ctx)
	if err != nil {
		return err
	}
	t, err := f.folders.VmFolder.CreateVM(f.ctx, newSpec(f, f.name), pool, nil)
	if err := expect(ended(f, t, err), "DuplicateName"); err != nil {
		return err
	}
	spec := newSpec(f, "bad")
	spec.Files.VmPathName = "[nowhere]"
	t, err = f.folders.VmFolder.CreateVM(f.ctx, spec, pool, nil)
	if err := expect(ended(f, t, err), "InvalidDatastore", "InvalidDatastorePath"); err != nil {
		return err
	}
	spec = newSpec(f, "bad")
	spec.NumCPUs = 100000
	t, err = f.folders.VmFolder.CreateVM(f.ctx, spec, pool, nil)
	if err := expect(ended(f, t, err), "InvalidArgument", "InvalidVmConfig", "NumVirtualCpusNotSupported"); err != nil {
		return err
	}
	t, err = f.folders.HostFolder.CreateVM(f.ctx, newSpec(f, "bad"), pool, nil)
	if err := expect(ended(f, t, err), "NotSupported", "InvalidFolder"); err != nil {
		return err
	}
	gone := object.NewResourcePool(f.client.Client, types.ManagedObjectReference{Type: "ResourcePool", Value: "resgroup-999999"})
	t, err = f.folders.VmFolder.CreateVM(f.ctx, newSpec(f, "bad"), gone, nil)
	return expect(ended(f, t, err), "ManagedObjectNotFound")
}

func createInPool(f *flow) error {
	root, err := f.cluster.ResourcePool(f.ctx)
	if err != nil {
		return err
	}
	pool, err := root.Create(f.ctx, "pool", types.ResourceConfigSpec{CpuAllocation: *allocation(), MemoryAllocation: *allocation()})
	if err != nil {
		return err
	}
	t, err := f.folders.VmFolder.CreateVM(f.ctx, newSpec(f, "in-pool"), pool, nil)
	machine, err := made(f, t, err)
	if err != nil {
		return err
	}
	got, err := machine.ResourcePool(f.ctx)
	if err != nil || got.Reference() != pool.Reference() {
		return fmt.Errorf("pool %v %v", got, err)
	}
	t, err = pool.Destroy(f.ctx)
	if err := ended(f, t, err); err != nil {
		return err
	}
	if got, err = machine.ResourcePool(f.ctx); err != nil || got.Reference() != root.Reference() {
		return fmt.Errorf("pool after its end %v %v", got, err)
	}
	t, err = machine.Destroy(f.ctx)
	return ended(f, t, err)
}

func power(f *flow) error {
	for _, each := range []struct {
		do   func() (*object.Task, error)
		want string
	}{
		{func() (*object.Task, error) { return f.machine.PowerOff(f.ctx) }, "InvalidPowerState"},
		{func() (*object.Task, error) { return f.machine.PowerOn(f.ctx) }, "success"},
		{func() (*object.Task, error) { return f.machine.PowerOn(f.ctx) }, "InvalidPowerState"},
		{func() (*object.Task, error) { return f.machine.Suspend(f.ctx) }, "success"},
		{func() (*object.Task, error) { return f.machine.PowerOn(f.ctx) }, "success"},
		{func() (*object.Task, error) { return f.machine.Reset(f.ctx) }, "success"},
		{func() (*object.Task, error) { return f.machine.PowerOff(f.ctx) }, "success"},
		{func() (*object.Task, error) { return f.machine.Suspend(f.ctx) }, "InvalidPowerState"},
	} {
		t, err := each.do()
		if got := faultName(ended(f, t, err)); got != each.want {
			return fmt.Errorf("%s, not %s", got, each.want)
		}
	}
	state, err := f.machine.PowerState(f.ctx)
	return first(err, check(state == types.VirtualMachinePowerStatePoweredOff, state))
}

func information(f *flow) error {
	var machine mo.VirtualMachine
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"summary", "config", "runtime", "guest", "parent", "resourcePool", "network", "datastore"}, &machine); err != nil {
		return err
	}
	if machine.Summary.Vm == nil || *machine.Summary.Vm != f.machine.Reference() || machine.Config.Uuid == "" || machine.Config.InstanceUuid == "" ||
		machine.Config.Uuid == machine.Config.InstanceUuid || machine.Summary.Config.Uuid != machine.Config.Uuid || machine.Guest == nil ||
		*machine.Parent != f.folders.VmFolder.Reference() || len(machine.Datastore) != 1 || len(machine.Network) != 1 ||
		machine.Summary.Config.VmPathName != "[shared] "+f.name+"/"+f.name+".vmx" {
		return fmt.Errorf("%+v", machine.Summary)
	}
	path, err := ancestors(f, f.machine.Reference())
	return first(err, check(path == "/"+f.name+"-dc/vm/"+f.name, path))
}

func change(f *flow) error {
	t, err := f.machine.Reconfigure(f.ctx, types.VirtualMachineConfigSpec{NumCPUs: 2, MemoryMB: 64, Name: f.name + "-new", Annotation: "note",
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "guestinfo.a", Value: "1"}}})
	if err := ended(f, t, err); err != nil {
		return err
	}
	var machine mo.VirtualMachine
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"name", "summary.config", "config.extraConfig"}, &machine); err != nil {
		return err
	}
	if machine.Name != f.name+"-new" || machine.Summary.Config.NumCpu != 2 || machine.Summary.Config.MemorySizeMB != 64 || machine.Summary.Config.Annotation != "note" {
		return fmt.Errorf("%s %+v", machine.Name, machine.Summary.Config)
	}
	value := ""
	for _, each := range machine.Config.ExtraConfig {
		if option := each.GetOptionValue(); option.Key == "guestinfo.a" {
			value, _ = option.Value.(string)
		}
	}
	if value != "1" {
		return fmt.Errorf("guestinfo.a is %q", value)
	}
	t, err = f.machine.Rename(f.ctx, f.name)
	if err := ended(f, t, err); err != nil {
		return err
	}
	t, err = f.machine.Reconfigure(f.ctx, types.VirtualMachineConfigSpec{NumCPUs: -1})
	return expect(ended(f, t, err), "InvalidArgument", "InvalidVmConfig")
}

func template(f *flow) error {
	if err := f.machine.MarkAsTemplate(f.ctx); err != nil {
		return err
	}
	var machine mo.VirtualMachine
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"summary.config", "config.template", "resourcePool"}, &machine); err != nil {
		return err
	}
	if !machine.Summary.Config.Template || !machine.Config.Template || machine.ResourcePool != nil {
		return fmt.Errorf("a template: %v %v", machine.Summary.Config.Template, machine.ResourcePool)
	}
	t, err := f.machine.PowerOn(f.ctx)
	if err := expect(ended(f, t, err), "NotSupported", "InvalidState"); err != nil {
		return fmt.Errorf("power on: %w", err)
	}
	if err := expect(f.machine.MarkAsTemplate(f.ctx), "NotSupported", "InvalidState"); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	pool, err := f.finder.DefaultResourcePool(f.ctx)
	if err != nil {
		return err
	}
	if err := f.machine.MarkAsVirtualMachine(f.ctx, *pool, nil); err != nil {
		return fmt.Errorf("back: %w", err)
	}
	machine = mo.VirtualMachine{}
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"summary.config", "resourcePool"}, &machine); err != nil {
		return err
	}
	if machine.Summary.Config.Template || machine.ResourcePool == nil || *machine.ResourcePool != pool.Reference() {
		return fmt.Errorf("back: %v %v", machine.Summary.Config.Template, machine.ResourcePool)
	}
	return expect(f.machine.MarkAsVirtualMachine(f.ctx, *pool, nil), "NotSupported", "InvalidState")
}

func migrate(f *flow) error {
	root, err := f.cluster.ResourcePool(f.ctx)
	if err != nil {
		return err
	}
	pool, err := root.Create(f.ctx, "side", types.ResourceConfigSpec{CpuAllocation: *allocation(), MemoryAllocation: *allocation()})
	if err != nil {
		return err
	}
	folder, err := f.folders.VmFolder.CreateFolder(f.ctx, "side")
	if err != nil {
		return err
	}
	poolRef, folderRef, rootRef := pool.Reference(), folder.Reference(), root.Reference()
	t, err := f.machine.Relocate(f.ctx, types.VirtualMachineRelocateSpec{Pool: &poolRef, Folder: &folderRef}, types.VirtualMachineMovePriorityDefaultPriority)
	if err := ended(f, t, err); err != nil {
		return fmt.Errorf("pool and folder: %w", err)
	}
	var machine mo.VirtualMachine
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"parent", "resourcePool", "runtime.host"}, &machine); err != nil {
		return err
	}
	if *machine.ResourcePool != poolRef || *machine.Parent != folderRef {
		return fmt.Errorf("moved to %v %v", machine.ResourcePool, machine.Parent)
	}
	if _, err := methods.MoveIntoResourcePool(f.ctx, f.client, &types.MoveIntoResourcePool{This: rootRef,
		List: []types.ManagedObjectReference{f.machine.Reference()}}); err != nil {
		return err
	}
	t, err = f.folders.VmFolder.MoveInto(f.ctx, []types.ManagedObjectReference{f.machine.Reference()})
	if err := ended(f, t, err); err != nil {
		return err
	}
	for _, host := range clusterHosts(f) {
		if host == *machine.Runtime.Host {
			continue
		}
		target := host
		t, err = f.machine.Migrate(f.ctx, root, object.NewHostSystem(f.client.Client, target), types.VirtualMachineMovePriorityDefaultPriority, types.VirtualMachinePowerStatePoweredOff)
		if err := ended(f, t, err); err != nil {
			return fmt.Errorf("host: %w", err)
		}
		if at, err := f.machine.HostSystem(f.ctx); err != nil || at.Reference() != target {
			return fmt.Errorf("at %v %v", at, err)
		}
		t, err = f.machine.Relocate(f.ctx, types.VirtualMachineRelocateSpec{Host: machine.Runtime.Host, Pool: &rootRef}, types.VirtualMachineMovePriorityDefaultPriority)
		if err := ended(f, t, err); err != nil {
			return fmt.Errorf("back: %w", err)
		}
		break
	}
	t, err = f.machine.Migrate(f.ctx, root, object.NewHostSystem(f.client.Client, types.ManagedObjectReference{Type: "HostSystem", Value: "host-99999"}), types.VirtualMachineMovePriorityDefaultPriority, "")
	if err := expect(ended(f, t, err), "ManagedObjectNotFound"); err != nil {
		return err
	}
	t, err = pool.Destroy(f.ctx)
	if err := ended(f, t, err); err != nil {
		return err
	}
	t, err = folder.Destroy(f.ctx)
	return ended(f, t, err)
}

func register(f *flow) error {
	root, err := f.cluster.ResourcePool(f.ctx)
	if err != nil {
		return err
	}
	var machine mo.VirtualMachine
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"config.files"}, &machine); err != nil {
		return err
	}
	path := machine.Config.Files.VmPathName
	if err := f.machine.Unregister(f.ctx); err != nil {
		return err
	}
	if err := expect(f.machine.Unregister(f.ctx), "ManagedObjectNotFound"); err != nil {
		return err
	}
	t, err := f.folders.VmFolder.RegisterVM(f.ctx, "[shared] nothing/nothing.vmx", "", false, root, nil)
	if err := expect(ended(f, t, err), "NotFound", "FileNotFound", "InvalidDatastorePath"); err != nil {
		return err
	}
	t, err = f.folders.VmFolder.RegisterVM(f.ctx, path, f.name, false, root, nil)
	if f.machine, err = made(f, t, err); err != nil {
		return fmt.Errorf("at the pool: %w", err)
	}
	t, err = f.folders.VmFolder.RegisterVM(f.ctx, path, f.name, false, root, nil)
	if err := expect(ended(f, t, err), "AlreadyExists", "DuplicateName"); err != nil {
		return err
	}
	if err := f.machine.Unregister(f.ctx); err != nil {
		return err
	}
	t, err = f.folders.VmFolder.RegisterVM(f.ctx, path, f.name, false, root, object.NewHostSystem(f.client.Client, clusterHosts(f)[0]))
	if f.machine, err = made(f, t, err); err != nil {
		return fmt.Errorf("at a host: %w", err)
	}
	if err := f.machine.Unregister(f.ctx); err != nil {
		return err
	}
	t, err = f.folders.VmFolder.RegisterVM(f.ctx, path, f.name, true, nil, object.NewHostSystem(f.client.Client, clusterHosts(f)[0]))
	if f.machine, err = made(f, t, err); err != nil {
		return fmt.Errorf("as a template: %w", err)
	}
	if err := f.machine.MarkAsVirtualMachine(f.ctx, *root, nil); err != nil {
		return err
	}
	t, err = f.folders.VmFolder.RegisterVM(f.ctx, strings.Replace(path, ".vmx", ".vmdk", 1), "", false, root, nil)
	return expect(ended(f, t, err), "InvalidDatastorePath", "NotFound", "FileNotFound", "InvalidArgument", "FileFault", "VmConfigFault", "InvalidVmConfig")
}

func environment(f *flow) error {
	var machine mo.VirtualMachine
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"environmentBrowser"}, &machine); err != nil {
		return err
	}
	var cluster mo.ClusterComputeResource
	if err := f.cluster.Properties(f.ctx, f.cluster.Reference(), []string{"environmentBrowser"}, &cluster); err != nil {
		return err
	}
	host := clusterHosts(f)[0]
	for _, browser := range []types.ManagedObjectReference{machine.EnvironmentBrowser, *cluster.EnvironmentBrowser} {
		for _, at := range []*types.ManagedObjectReference{nil, &host} {
			option, err := methods.QueryConfigOption(f.ctx, f.client, &types.QueryConfigOption{This: browser, Host: at})
			if err != nil {
				return fmt.Errorf("QueryConfigOption of %s: %w", browser, err)
			}
			if option.Returnval == nil || len(option.Returnval.GuestOSDescriptor) < 5 || len(option.Returnval.HardwareOptions.VirtualDeviceOption) < 5 {
				return fmt.Errorf("config option of %s: %v", browser, option.Returnval)
			}
			ex, err := methods.QueryConfigOptionEx(f.ctx, f.client, &types.QueryConfigOptionEx{This: browser,
				Spec: &types.EnvironmentBrowserConfigOptionQuerySpec{Host: at, GuestId: []string{"otherGuest"}}})
			if err != nil {
				return fmt.Errorf("QueryConfigOptionEx of %s: %w", browser, err)
			}
			if ex.Returnval == nil || len(ex.Returnval.GuestOSDescriptor) != 1 {
				return fmt.Errorf("guests: %v", ex.Returnval.GuestOSDescriptor)
			}
			target, err := methods.QueryConfigTarget(f.ctx, f.client, &types.QueryConfigTarget{This: browser, Host: at})
			if err != nil {
				return fmt.Errorf("QueryConfigTarget of %s: %w", browser, err)
			}
			if target.Returnval == nil || target.Returnval.NumCpus == 0 || len(target.Returnval.Datastore) == 0 || len(target.Returnval.Network) == 0 {
				return fmt.Errorf("config target of %s: %+v", browser, target.Returnval)
			}
			for _, each := range target.Returnval.Datastore {
				if each.Datastore.Datastore == nil || !strings.HasPrefix(each.Datastore.Datastore.Value, "datastore-") {
					return fmt.Errorf("a datastore of the target is %v", each.Datastore.Datastore)
				}
			}
		}
		descriptors, err := methods.QueryConfigOptionDescriptor(f.ctx, f.client, &types.QueryConfigOptionDescriptor{This: browser})
		if err != nil || len(descriptors.Returnval) == 0 {
			return fmt.Errorf("descriptors: %v", err)
		}
	}
	return nil
}
