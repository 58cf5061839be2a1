package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/progress"
	"github.com/vmware/govmomi/vim25/types"
)

var machineSteps = []step{
	{"vm.create", create},
	{"vm.create with a name that is taken: DuplicateName or FileAlreadyExists", createAgain},
	{"vm.power -on, with progress", func(f *flow) error {
		t, err := f.machine.PowerOn(f.ctx)
		return ended(f, t, err)
	}},
	{"vm.power -on again: InvalidPowerState", func(f *flow) error {
		t, err := f.machine.PowerOn(f.ctx)
		err = ended(f, t, err)
		var fault task.Error
		if !errors.As(err, &fault) {
			return fmt.Errorf("got %v", err)
		}
		_, right := fault.Fault().(*types.InvalidPowerState)
		return check(right, fault.Fault())
	}},
	{"power state by waiting for the property", func(f *flow) error {
		return f.machine.WaitForPowerState(f.ctx, types.VirtualMachinePowerStatePoweredOn)
	}},
	{"vm.info: summary, config and host's name", information},
	{"host of the machine", func(f *flow) error {
		host, err := f.machine.HostSystem(f.ctx)
		if err != nil {
			return err
		}
		return check(host.Reference() == f.host.Reference(), host)
	}},
	{"vm.change notes and extraConfig of a running machine", change},
	{"device.connect and disconnect a network card", connect},
	{"network card's hardware address", func(f *flow) error {
		devices, err := f.machine.Device(f.ctx)
		if err != nil {
			return err
		}
		return check(len(devices.PrimaryMacAddress()) == 17, devices.PrimaryMacAddress())
	}},
	{"vm.ip of the demo guest's kind: no answer in 1 s is no error of the server", func(f *flow) error {
		ctx, cancel := context.WithTimeout(f.ctx, time.Second)
		defer cancel()
		_, err := f.machine.WaitForIP(ctx)
		return check(err == nil || ctx.Err() != nil, err)
	}},
	{"vm.power -reset", func(f *flow) error {
		t, err := f.machine.Reset(f.ctx)
		return ended(f, t, err)
	}},
	{"vm.power -suspend", func(f *flow) error {
		t, err := f.machine.Suspend(f.ctx)
		return ended(f, t, err)
	}},
	{"vm.power -off of a suspended machine or on and off again", powerOff},
	{"device.ls, device.info: names by key", deviceNames},
	{"vm.disk.create and device.remove", disks},
	{"device.cdrom.add, insert, eject", cdrom},
	{"device.serial.add", serial},
	{"device.boot -order", bootOrder},
	{"vm.change cpu and memory", func(f *flow) error {
		t, err := f.machine.Reconfigure(f.ctx, types.VirtualMachineConfigSpec{NumCPUs: 2, MemoryMB: 96})
		if err := ended(f, t, err); err != nil {
			return err
		}
		var machine mo.VirtualMachine
		err = f.machine.Properties(f.ctx, f.machine.Reference(), []string{"summary.config"}, &machine)
		if err != nil {
			return err
		}
		return check(machine.Summary.Config.NumCpu == 2 && machine.Summary.Config.MemorySizeMB == 96)
	}},
	{"vm.option.info: what the environment offers", environment},
	{"object.rename", func(f *flow) error {
		t, err := f.machine.Rename(f.ctx, f.name+" renamed")
		if err := ended(f, t, err); err != nil {
			return err
		}
		name, err := f.machine.ObjectName(f.ctx)
		if err != nil {
			return err
		}
		return check(name == f.name+" renamed", name)
	}},
	{"vm.unregister and vm.register", register},
}

func ended(f *flow, t *object.Task, err error) error {
	if err != nil {
		return err
	}
	_, err = t.WaitForResult(f.ctx, nullSinker{})
	return err
}

// nullSinker takes progress reports and drops them.
type nullSinker struct{}

func (nullSinker) Sink() chan<- progress.Report {
	reports := make(chan progress.Report)
	go func() {
		for range reports {
		}
	}()
	return reports
}

func specification(f *flow) (types.VirtualMachineConfigSpec, error) {
	var devices object.VirtualDeviceList
	scsi, err := devices.CreateSCSIController("pvscsi")
	if err != nil {
		return types.VirtualMachineConfigSpec{}, err
	}
	devices = append(devices, scsi)
	network, err := f.finder.DefaultNetwork(f.ctx)
	if err != nil {
		return types.VirtualMachineConfigSpec{}, err
	}
	backing, err := network.EthernetCardBackingInfo(f.ctx)
	if err != nil {
		return types.VirtualMachineConfigSpec{}, err
	}
	card, err := devices.CreateEthernetCard("vmxnet3", backing)
	if err != nil {
		return types.VirtualMachineConfigSpec{}, err
	}
	devices = append(devices, card)
	changes, err := devices.ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
	return types.VirtualMachineConfigSpec{
		Name: f.name, GuestId: "otherGuest", NumCPUs: 1, MemoryMB: 64, DeviceChange: changes,
		Files: &types.VirtualMachineFileInfo{VmPathName: fmt.Sprintf("[%s]", f.datastore.Name())},
	}, err
}

func create(f *flow) error {
	spec, err := specification(f)
	if err != nil {
		return err
	}
	t, err := f.folders.VmFolder.CreateVM(f.ctx, spec, f.pool, f.host)
	if err != nil {
		return err
	}
	info, err := t.WaitForResult(f.ctx, nil)
	if err != nil {
		return err
	}
	ref, right := info.Result.(types.ManagedObjectReference)
	if !right {
		return fmt.Errorf("the task's result is %v", info.Result)
	}
	f.machine = object.NewVirtualMachine(f.client.Client, ref)
	found, err := f.finder.VirtualMachine(f.ctx, f.name)
	if err != nil {
		return err
	}
	return check(found.Reference() == ref, found)
}

func createAgain(f *flow) error {
	spec, err := specification(f)
	if err != nil {
		return err
	}
	t, err := f.folders.VmFolder.CreateVM(f.ctx, spec, f.pool, f.host)
	err = ended(f, t, err)
	var fault task.Error
	if !errors.As(err, &fault) {
		return fmt.Errorf("got %v", err)
	}
	switch fault.Fault().(type) {
	case *types.DuplicateName, *types.FileAlreadyExists:
		return nil
	}
	return fmt.Errorf("got %T", fault.Fault())
}

func information(f *flow) error {
	var machine mo.VirtualMachine
	err := f.machine.Properties(f.ctx, f.machine.Reference(), nil, &machine)
	if err != nil {
		return err
	}
	if machine.Config == nil || machine.Guest == nil || machine.Summary.Storage == nil ||
		machine.Config.BootOptions == nil || machine.Summary.Runtime.Host == nil ||
		machine.Runtime.BootTime == nil || machine.LayoutEx == nil || machine.Config.InstanceUuid == "" {
		return errors.New("a value that govc reads without a look is missing")
	}
	uuid := f.machine.UUID(f.ctx)
	return check(uuid == machine.Config.Uuid, uuid)
}

func change(f *flow) error {
	spec := types.VirtualMachineConfigSpec{
		Annotation:  "from Go",
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "guestinfo.go", Value: "yes"}},
	}
	t, err := f.machine.Reconfigure(f.ctx, spec)
	if err := ended(f, t, err); err != nil {
		return err
	}
	var machine mo.VirtualMachine
	paths := []string{"config.annotation", `config.extraConfig["guestinfo.go"].value`}
	content := []types.ObjectContent{}
	collector := property.DefaultCollector(f.client.Client)
	if err := collector.RetrieveOne(f.ctx, f.machine.Reference(), paths[:1], &machine); err != nil {
		return err
	}
	if err := collector.RetrieveOne(f.ctx, f.machine.Reference(), paths[1:], &content); err != nil {
		return err
	}
	return check(machine.Config.Annotation == "from Go" && content[0].PropSet[0].Val == "yes", machine.Config.Annotation, content)
}

func connect(f *flow) error {
	for _, connected := range []bool{false, true} {
		devices, err := f.machine.Device(f.ctx)
		if err != nil {
			return err
		}
		card := devices.Find("ethernet-0")
		if card == nil {
			return errors.New("no ethernet-0")
		}
		if connected {
			err = devices.Connect(card)
		} else {
			err = devices.Disconnect(card)
		}
		if err != nil {
			return err
		}
		if err := f.machine.EditDevice(f.ctx, card); err != nil {
			return err
		}
		devices, err = f.machine.Device(f.ctx)
		if err != nil {
			return err
		}
		if got := devices.Find("ethernet-0").GetVirtualDevice().Connectable.Connected; got != connected {
			return fmt.Errorf("connected is %v", got)
		}
	}
	return nil
}

func powerOff(f *flow) error {
	state, err := f.machine.PowerState(f.ctx)
	if err != nil {
		return err
	}
	if state == types.VirtualMachinePowerStateSuspended {
		t, err := f.machine.PowerOn(f.ctx)
		if err := ended(f, t, err); err != nil {
			return err
		}
	}
	t, err := f.machine.PowerOff(f.ctx)
	if err := ended(f, t, err); err != nil {
		return err
	}
	return f.machine.WaitForPowerState(f.ctx, types.VirtualMachinePowerStatePoweredOff)
}

func register(f *flow) error {
	var machine mo.VirtualMachine
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"config.files"}, &machine); err != nil {
		return err
	}
	if err := f.machine.Unregister(f.ctx); err != nil {
		return err
	}
	t, err := f.folders.VmFolder.RegisterVM(f.ctx, machine.Config.Files.VmPathName, f.name, false, f.pool, f.host)
	if err != nil {
		return err
	}
	info, err := t.WaitForResult(f.ctx, nil)
	if err != nil {
		return err
	}
	f.machine = object.NewVirtualMachine(f.client.Client, info.Result.(types.ManagedObjectReference))
	return nil
}
