"""Specifications of small machines."""

from pyVmomi import vim

_DEVICE = vim.vm.device
_SCSI_KEY = 1000


def make_spec(name, memory_mb=128, cpus=1, clone_of="[shared] demo/demo.vmdk", nic=True,
              datastore="shared", disk_mb=0, sata=False):
    """A machine whose disk is a linked clone of `clone_of`; with None it is an empty one of
    `disk_mb`, or there is none at all."""
    changes = []
    if clone_of or disk_mb:
        changes.append(_add(
            _DEVICE.VirtualAHCIController(key=_SCSI_KEY, busNumber=0) if sata else
            _DEVICE.ParaVirtualSCSIController(key=_SCSI_KEY, busNumber=0, sharedBus="noSharing")))
        parent = _DEVICE.VirtualDisk.FlatVer2BackingInfo(
            fileName=clone_of, diskMode="persistent") if clone_of else None
        changes.append(_disk(0, disk_mb << 10, datastore, parent=parent))
    if nic:
        card = _DEVICE.VirtualVmxnet3(key=-3)
        card.backing = _DEVICE.VirtualEthernetCard.NetworkBackingInfo(deviceName="VM Network")
        card.connectable = _DEVICE.VirtualDevice.ConnectInfo(
            startConnected=True, connected=True, allowGuestControl=True)
        changes.append(_add(card))
    return vim.vm.ConfigSpec(name=name, numCPUs=cpus, memoryMB=memory_mb,
                             guestId="debian11_64Guest", deviceChange=changes,
                             files=vim.vm.FileInfo(vmPathName=f"[{datastore}]"))


def add_disk(unit, capacity_mb=16, thin=True, datastore=None, machine=None):
    """A ConfigSpec that adds an empty disk (with a controller for it, if `machine` has none)."""
    changes = []
    controllers = [device.key for device in (machine.config.hardware.device if machine else [])
                   if isinstance(device, _DEVICE.VirtualSCSIController)]
    if machine and not controllers:
        changes.append(_add(_DEVICE.ParaVirtualSCSIController(
            key=_SCSI_KEY, busNumber=0, sharedBus="noSharing")))
    changes.append(_disk(unit, capacity_mb << 10, datastore, thin=thin))
    return vim.vm.ConfigSpec(deviceChange=changes)


def remove_disk(disk):
    """A ConfigSpec that removes a disk and its files."""
    change = _DEVICE.VirtualDeviceSpec(operation="remove", fileOperation="destroy", device=disk)
    return vim.vm.ConfigSpec(deviceChange=[change])


def _disk(unit, capacity_kb, datastore, thin=True, parent=None):
    disk = _DEVICE.VirtualDisk(key=-100 - unit, controllerKey=_SCSI_KEY, unitNumber=unit,
                               capacityInKB=capacity_kb)
    disk.backing = _DEVICE.VirtualDisk.FlatVer2BackingInfo(
        fileName=f"[{datastore}]" if datastore and not parent else "", diskMode="persistent",
        thinProvisioned=thin, parent=parent)
    change = _add(disk)
    change.fileOperation = "create"
    return change


def _add(device):
    return _DEVICE.VirtualDeviceSpec(operation="add", device=device)
