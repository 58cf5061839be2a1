package main

import (
	"errors"
	"fmt"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// deviceNames: govc makes names such as "pvscsi-1000" from keys and types, and finds devices by them.
func deviceNames(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"pvscsi-1000", "ide-200", "ide-201", "ps2-300", "pci-100", "sio-400", "keyboard-600", "pointing-700", "video-500", "ethernet-0"} {
		device := devices.Find(name)
		if device == nil {
			var names []string
			for _, each := range devices {
				names = append(names, devices.Name(each))
			}
			return fmt.Errorf("no %s among %v", name, names)
		}
		if device.GetVirtualDevice().DeviceInfo == nil {
			return fmt.Errorf("%s has no deviceInfo", name)
		}
	}
	return nil
}

func disks(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	controller, err := devices.FindDiskController("")
	if err != nil {
		return err
	}
	path := f.datastore.Path(f.name + "/data.vmdk")
	disk := devices.CreateDisk(controller, f.datastore.Reference(), path)
	disk.CapacityInKB = 8 * 1024
	disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo).ThinProvisioned = types.NewBool(true)
	if err := f.machine.AddDevice(f.ctx, disk); err != nil {
		return err
	}
	if devices, err = f.machine.Device(f.ctx); err != nil {
		return err
	}
	found := devices.SelectByBackingInfo(&types.VirtualDiskFlatVer2BackingInfo{
		VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: path}})
	if len(found) != 1 || found[0].(*types.VirtualDisk).CapacityInBytes != 8<<20 {
		return fmt.Errorf("the new disk: %v", found)
	}
	grown := found[0].(*types.VirtualDisk)
	grown.CapacityInKB = 16 * 1024
	grown.CapacityInBytes = 0
	if err := f.machine.EditDevice(f.ctx, grown); err != nil {
		return fmt.Errorf("grow: %w", err)
	}
	if err := f.machine.RemoveDevice(f.ctx, false, found[0]); err != nil {
		return err
	}
	if devices, err = f.machine.Device(f.ctx); err != nil {
		return err
	}
	if left := devices.SelectByType((*types.VirtualDisk)(nil)); len(left) != 0 {
		return fmt.Errorf("left: %v", left)
	}
	_, err = f.datastore.Stat(f.ctx, f.name+"/data.vmdk")
	return check(err != nil, "the file is still there")
}

func cdrom(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	controller, err := devices.FindIDEController("")
	if err != nil {
		return err
	}
	drive, err := devices.CreateCdrom(controller)
	if err != nil {
		return err
	}
	if err := f.machine.AddDevice(f.ctx, drive); err != nil {
		return fmt.Errorf("add: %w", err)
	}
	iso := f.datastore.Path("iso/demo.iso")
	for _, insert := range []bool{true, false} {
		if devices, err = f.machine.Device(f.ctx); err != nil {
			return err
		}
		if drive, err = devices.FindCdrom(""); err != nil {
			return err
		}
		if insert {
			drive = devices.InsertIso(drive, iso)
		} else {
			drive = devices.EjectIso(drive)
		}
		if err := f.machine.EditDevice(f.ctx, drive); err != nil {
			return fmt.Errorf("insert %v: %w", insert, err)
		}
		if devices, err = f.machine.Device(f.ctx); err != nil {
			return err
		}
		drive, err = devices.FindCdrom("")
		if err != nil {
			return err
		}
		backing, isFile := drive.Backing.(*types.VirtualCdromIsoBackingInfo)
		if (isFile && backing.FileName == iso) != insert {
			return fmt.Errorf("insert %v: %v", insert, drive.Backing)
		}
	}
	return f.machine.RemoveDevice(f.ctx, true, drive)
}

func serial(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	port, err := devices.CreateSerialPort()
	if err != nil {
		return err
	}
	port = devices.ConnectSerialPort(port, f.datastore.Path(f.name+"/serial.log"), false, "")
	if err := f.machine.AddDevice(f.ctx, port); err != nil {
		return err
	}
	if devices, err = f.machine.Device(f.ctx); err != nil {
		return err
	}
	port, err = devices.FindSerialPort("")
	if err != nil {
		return err
	}
	return f.machine.RemoveDevice(f.ctx, false, port)
}

func bootOrder(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	options := types.VirtualMachineBootOptions{BootOrder: devices.BootOrder([]string{"ethernet"}), BootDelay: 1000}
	if err := f.machine.SetBootOptions(f.ctx, &options); err != nil {
		return err
	}
	now, err := f.machine.BootOptions(f.ctx)
	if err != nil {
		return err
	}
	chosen := devices.SelectBootOrder(now.BootOrder)
	if len(chosen) != 1 || devices.Type(chosen[0]) != object.DeviceTypeEthernet || now.BootDelay != 1000 {
		return fmt.Errorf("boot options: %v", now)
	}
	// govc's "-": no order.
	options = types.VirtualMachineBootOptions{BootOrder: devices.BootOrder([]string{object.DeviceTypeNone})}
	return f.machine.SetBootOptions(f.ctx, &options)
}

func environment(f *flow) error {
	var machine mo.VirtualMachine
	if err := f.machine.Properties(f.ctx, f.machine.Reference(), []string{"environmentBrowser"}, &machine); err != nil {
		return err
	}
	target, err := methods.QueryConfigTarget(f.ctx, f.client, &types.QueryConfigTarget{This: machine.EnvironmentBrowser})
	if err != nil {
		return err
	}
	if target.Returnval == nil || len(target.Returnval.Datastore) != 1 || len(target.Returnval.Network) == 0 {
		return errors.New("the target has no datastore or network")
	}
	option, err := methods.QueryConfigOptionEx(f.ctx, f.client, &types.QueryConfigOptionEx{
		This: machine.EnvironmentBrowser, Spec: &types.EnvironmentBrowserConfigOptionQuerySpec{}})
	if err != nil {
		return err
	}
	return check(option.Returnval != nil && len(option.Returnval.GuestOSDescriptor) > 10)
}
