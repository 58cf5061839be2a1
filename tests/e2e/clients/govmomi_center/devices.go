package main

import (
	"fmt"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

var deviceSteps = []step{
	{"device.ls, info: names", func(f *flow) error {
		devices, err := f.machine.Device(f.ctx)
		if err != nil {
			return err
		}
		for _, name := range []string{"ide-200", "ps2-300", "pci-100", "sio-400", "keyboard-600", "pointing-700", "video-500", "ethernet-0", "pvscsi-1000"} {
			if devices.Find(name) == nil {
				return fmt.Errorf("no %s", name)
			}
		}
		return nil
	}},
	{"device.cdrom.add, insert, eject, disconnect, connect, remove", cdrom},
	{"device.floppy.add, insert, remove", floppy},
	{"device.serial.add, connect to a file and to the network, disconnect, remove", serial},
	{"device.scsi.add, device.usb.add, sata controllers", controllers},
	{"vm.network.add, change, address, remove", networkCards},
	{"vm.disk.create x 3, attach, change, detach, remove", disks},
	{"device.boot", bootOrder},
}

func addFound(f *flow, device types.BaseVirtualDevice) (types.BaseVirtualDevice, error) {
	before, err := f.machine.Device(f.ctx)
	if err != nil {
		return nil, err
	}
	if err := f.machine.AddDevice(f.ctx, device); err != nil {
		return nil, err
	}
	after, err := f.machine.Device(f.ctx)
	if err != nil {
		return nil, err
	}
	for _, each := range after {
		if before.FindByKey(each.GetVirtualDevice().Key) == nil {
			return each, nil
		}
	}
	return nil, fmt.Errorf("no new device")
}

func current(f *flow, device types.BaseVirtualDevice) types.BaseVirtualDevice {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		panic(err)
	}
	return devices.FindByKey(device.GetVirtualDevice().Key)
}

func summaryOf(f *flow, device types.BaseVirtualDevice) string {
	return current(f, device).GetVirtualDevice().DeviceInfo.GetDescription().Summary
}

func cdrom(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	ide, err := devices.FindIDEController("")
	if err != nil {
		return err
	}
	drive, err := devices.CreateCdrom(ide)
	if err != nil {
		return err
	}
	added, err := addFound(f, drive)
	if err != nil {
		return err
	}
	inserted := devices.InsertIso(added.(*types.VirtualCdrom), "[shared] x.iso")
	if err := f.machine.EditDevice(f.ctx, inserted); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	if got := summaryOf(f, added); got != "ISO [shared] x.iso" {
		return fmt.Errorf("summary %q", got)
	}
	if err := devices.Disconnect(inserted); err != nil {
		return err
	}
	if err := f.machine.EditDevice(f.ctx, inserted); err != nil {
		return err
	}
	if err := devices.Connect(inserted); err != nil {
		return err
	}
	if err := f.machine.EditDevice(f.ctx, inserted); err != nil {
		return err
	}
	if err := f.machine.EditDevice(f.ctx, devices.EjectIso(inserted)); err != nil {
		return fmt.Errorf("eject: %w", err)
	}
	if err := f.machine.RemoveDevice(f.ctx, false, added); err != nil {
		return err
	}
	return first(check(current(f, added) == nil, "still there"), expect(f.machine.RemoveDevice(f.ctx, false, added), "DeviceNotFound", "InvalidDeviceSpec"))
}

func floppy(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	drive, err := devices.CreateFloppy()
	if err != nil {
		return err
	}
	added, err := addFound(f, drive)
	if err != nil {
		return err
	}
	inserted := devices.InsertImg(added.(*types.VirtualFloppy), "[shared] x.img")
	if err := f.machine.EditDevice(f.ctx, inserted); err != nil {
		return err
	}
	if got := summaryOf(f, added); got != "Image [shared] x.img" {
		return fmt.Errorf("summary %q", got)
	}
	return f.machine.RemoveDevice(f.ctx, false, added)
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
	added, err := addFound(f, port)
	if err != nil {
		return err
	}
	path := "[shared] " + f.name + "/serial.log"
	connected := devices.ConnectSerialPort(added.(*types.VirtualSerialPort), path, false, "")
	if err := f.machine.EditDevice(f.ctx, connected); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	if got := summaryOf(f, added); got != "File "+path {
		return fmt.Errorf("summary %q", got)
	}
	connected = devices.ConnectSerialPort(added.(*types.VirtualSerialPort), "telnet://:33233", false, "")
	if err := f.machine.EditDevice(f.ctx, connected); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if got := summaryOf(f, added); got != "Remote telnet://:33233" {
		return fmt.Errorf("summary %q", got)
	}
	if err := f.machine.EditDevice(f.ctx, devices.DisconnectSerialPort(added.(*types.VirtualSerialPort))); err != nil {
		return fmt.Errorf("disconnect: %w", err)
	}
	if got := summaryOf(f, added); got != "Remote localhost:0" {
		return fmt.Errorf("summary %q", got)
	}
	return f.machine.RemoveDevice(f.ctx, false, added)
}

func controllers(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	for _, kind := range []string{"lsilogic", "lsilogic-sas", "pvscsi"} {
		controller, err := devices.CreateSCSIController(kind)
		if err != nil {
			return err
		}
		if kind == "pvscsi" {
			continue
		}
		added, err := addFound(f, controller)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if err := f.machine.RemoveDevice(f.ctx, false, added); err != nil {
			return err
		}
	}
	yes := true
	for _, device := range []types.BaseVirtualDevice{
		&types.VirtualUSBController{EhciEnabled: &yes, VirtualController: types.VirtualController{VirtualDevice: types.VirtualDevice{Key: -1}}},
		&types.VirtualUSBXHCIController{VirtualController: types.VirtualController{VirtualDevice: types.VirtualDevice{Key: -1}}},
		&types.VirtualAHCIController{VirtualSATAController: types.VirtualSATAController{VirtualController: types.VirtualController{VirtualDevice: types.VirtualDevice{Key: -1}}}},
	} {
		added, err := addFound(f, device)
		if err != nil {
			return fmt.Errorf("%T: %w", device, err)
		}
		if err := f.machine.RemoveDevice(f.ctx, false, added); err != nil {
			return fmt.Errorf("%T: %w", device, err)
		}
	}
	return nil
}

func networkCards(f *flow) error {
	network, err := f.finder.Network(f.ctx, "VM Network")
	if err != nil {
		return err
	}
	backing, err := network.EthernetCardBackingInfo(f.ctx)
	if err != nil {
		return err
	}
	for _, kind := range []string{"e1000", "e1000e", "vmxnet3", "pcnet32"} {
		card, err := (object.VirtualDeviceList{}).CreateEthernetCard(kind, backing)
		if err != nil {
			return err
		}
		added, err := addFound(f, card)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		base := added.(types.BaseVirtualEthernetCard).GetVirtualEthernetCard()
		if len(base.MacAddress) != 17 || base.DeviceInfo.GetDescription().Summary != "VM Network" {
			return fmt.Errorf("%s: %q %q", kind, base.MacAddress, base.DeviceInfo.GetDescription().Summary)
		}
		if kind == "e1000" {
			base.AddressType = string(types.VirtualEthernetCardMacTypeManual)
			base.MacAddress = "00:00:0f:12:34:56"
			if err := f.machine.EditDevice(f.ctx, added); err != nil {
				return err
			}
			if got := current(f, added).(types.BaseVirtualEthernetCard).GetVirtualEthernetCard().MacAddress; got != "00:00:0f:12:34:56" {
				return fmt.Errorf("address %s", got)
			}
		}
		if err := f.machine.RemoveDevice(f.ctx, false, added); err != nil {
			return err
		}
	}
	card, err := (object.VirtualDeviceList{}).CreateEthernetCard("e1000", &types.VirtualEthernetCardNetworkBackingInfo{
		VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: "nothing"}})
	if err != nil {
		return err
	}
	return expect(f.machine.AddDevice(f.ctx, card), "InvalidDeviceBacking", "InvalidDeviceSpec", "NetworkNotFound", "GenericVmConfigFault")
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
	datastore, err := f.finder.Datastore(f.ctx, "shared")
	if err != nil {
		return err
	}
	var last types.BaseVirtualDevice
	for i := 1; i <= 3; i++ {
		if devices, err = f.machine.Device(f.ctx); err != nil {
			return err
		}
		disk := devices.CreateDisk(controller, datastore.Reference(), datastore.Path(fmt.Sprintf("%s/disk-%d.vmdk", f.name, i)))
		disk.CapacityInKB = 1024
		if last, err = addFound(f, disk); err != nil {
			return fmt.Errorf("disk %d: %w", i, err)
		}
	}
	if devices, err = f.machine.Device(f.ctx); err != nil {
		return err
	}
	disk := last.(*types.VirtualDisk)
	disk.CapacityInKB = 2048
	disk.CapacityInBytes = 0
	if err := f.machine.EditDevice(f.ctx, disk); err != nil {
		return fmt.Errorf("grow: %w", err)
	}
	if err := f.machine.RemoveDevice(f.ctx, true, last); err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	again := devices.CreateDisk(controller, datastore.Reference(), datastore.Path(f.name+"/disk-3.vmdk"))
	again.CapacityInKB = 0
	if err := f.machine.AddDevice(f.ctx, again); err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	gone := devices.CreateDisk(controller, datastore.Reference(), datastore.Path("enoent.vmdk"))
	gone.CapacityInKB = 0
	config := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: gone}
	t, err := f.machine.Reconfigure(f.ctx, types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{config}})
	if err := expect(ended(f, t, err), "FileNotFound", "InvalidDeviceSpec", "InvalidDeviceBacking"); err != nil {
		return fmt.Errorf("attach what is not there: %w", err)
	}
	if devices, err = f.machine.Device(f.ctx); err != nil {
		return err
	}
	return f.machine.RemoveDevice(f.ctx, false, devices.SelectByType((*types.VirtualDisk)(nil))...)
}

func bootOrder(f *flow) error {
	devices, err := f.machine.Device(f.ctx)
	if err != nil {
		return err
	}
	options := types.VirtualMachineBootOptions{BootOrder: devices.BootOrder([]string{object.DeviceTypeEthernet, object.DeviceTypeDisk})}
	if err := f.machine.SetBootOptions(f.ctx, &options); err != nil {
		return err
	}
	got, err := f.machine.BootOptions(f.ctx)
	if err != nil {
		return err
	}
	if len(devices.SelectBootOrder(got.BootOrder)) != 1 {
		return fmt.Errorf("boot order %v", got.BootOrder)
	}
	return f.machine.SetBootOptions(f.ctx, &types.VirtualMachineBootOptions{BootOrder: devices.BootOrder([]string{"-"})})
}
