#!/usr/bin/python3
"""The whole life of a machine, driven by pyVmomi: what a newcomer's first script does, and more."""

import socket
import time
import unittest

from drover_e2e import Sandbox, add_disk, connect, make_spec, wait_task, wait_until
from pyVmomi import vim, vmodl

_DEVICE = vim.vm.device


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1, arguments=("--cpus", "1.5"))


def tearDownModule():
    SANDBOX.close()


def cdrom_spec(iso):
    drive = _DEVICE.VirtualCdrom(key=-4, controllerKey=200, unitNumber=0)
    drive.backing = _DEVICE.VirtualCdrom.IsoBackingInfo(fileName=iso)
    drive.connectable = _DEVICE.VirtualDevice.ConnectInfo(
        startConnected=True, connected=True, allowGuestControl=True)
    return _DEVICE.VirtualDeviceSpec(operation="add", device=drive)


def serial_spec(path):
    port = _DEVICE.VirtualSerialPort(key=-5, yieldOnPoll=True)
    port.backing = _DEVICE.VirtualSerialPort.FileBackingInfo(fileName=path)
    return _DEVICE.VirtualDeviceSpec(operation="add", device=port)


class MachineFlow(unittest.TestCase):
    def setUp(self):
        self.host = connect(SANDBOX)
        self.addCleanup(self.host.close)

    def create(self, spec):
        machine = wait_task(self.host.create(spec))
        self.addCleanup(self.remove, machine)
        return machine

    def remove(self, machine):
        try:
            if machine.runtime.powerState == "poweredOn":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())
        except vmodl.fault.ManagedObjectNotFound:
            pass  # it is destroyed already

    def wait_for_address(self, machine, wait_s=150):
        return wait_until(lambda: machine.guest.ipAddress, wait_s, "an address of the guest")

    def test_from_nothing_to_an_address_and_back(self):
        machine = self.create(make_spec("flow", memory_mb=256))
        self.assertEqual("[shared] flow/flow.vmx", machine.config.files.vmPathName)
        wait_task(machine.PowerOnVM_Task())
        self.assertEqual("poweredOn", machine.runtime.powerState)
        address = self.wait_for_address(machine)
        self.assertTrue(address.startswith("10."), address)
        self.assertTrue(machine.guest.hostName.startswith("demo-"))
        self.assertEqual("guestToolsRunning", machine.guest.toolsRunningStatus)
        self.assertEqual(machine._moId, self.host.content.searchIndex.FindByIp(
            None, address, True)._moId)
        # Its memory survives a suspend: the guest goes on where it was.
        wait_task(machine.SuspendVM_Task())
        self.assertEqual("suspended", machine.runtime.powerState)
        wait_task(machine.PowerOnVM_Task())
        self.assertEqual("poweredOn", machine.runtime.powerState)
        self.wait_for_address(machine)
        machine.ShutdownGuest()
        wait_until(lambda: machine.runtime.powerState == "poweredOff", 60, "the guest's shutdown")
        wait_task(machine.Destroy_Task())
        self.assertNotIn("flow", self.host.machines())

    def test_a_system_from_an_iso_image_writes_to_its_disk(self):
        spec = make_spec("iso", memory_mb=256, clone_of=None)
        spec.deviceChange += [cdrom_spec("[shared] iso/demo.iso"),
                              serial_spec("[shared] iso-1.log")]
        machine = self.create(spec)
        wait_task(machine.ReconfigVM_Task(add_disk(0, capacity_mb=64, machine=machine)))
        wait_task(machine.PowerOnVM_Task())
        self.wait_for_address(machine)
        with open(SANDBOX.datastore_directory + "/iso-1.log", encoding="utf-8",
                  errors="replace") as log:
            self.assertIn("tick", log.read())

    def test_uefi(self):
        # Debian's build of OVMF has no driver for VMware's paravirtual SCSI, but one for SATA.
        spec = make_spec("uefi", memory_mb=256)
        spec.firmware = "efi"
        for change in spec.deviceChange:
            if isinstance(change.device, _DEVICE.ParaVirtualSCSIController):
                change.device = _DEVICE.VirtualAHCIController(key=15000, busNumber=0)
            elif isinstance(change.device, _DEVICE.VirtualDisk):
                change.device.controllerKey = 15000
        machine = self.create(spec)
        wait_task(machine.PowerOnVM_Task())
        self.wait_for_address(machine, 240)

    def test_boots_from_lsi_logic_sas_with_an_open_console(self):
        spec = make_spec("lsi", memory_mb=256)
        spec.deviceChange[0].device = _DEVICE.VirtualLsiLogicSASController(
            key=1000, busNumber=0, sharedBus="noSharing")
        spec.extraConfig = [vim.option.OptionValue(key="RemoteDisplay.vnc.enabled", value="TRUE"),
                            vim.option.OptionValue(key="RemoteDisplay.vnc.password",
                                                   value="secret")]
        machine = self.create(spec)
        wait_task(machine.PowerOnVM_Task())
        options = {item.key: item.value for item in machine.config.extraConfig}
        self.assertNotIn("RemoteDisplay.vnc.password", options)
        address = SANDBOX.host()["address"]
        with socket.create_connection((address, int(options["RemoteDisplay.vnc.port"])),
                                      timeout=10) as console:
            self.assertTrue(console.recv(12).startswith(b"RFB "))
        self.wait_for_address(machine)

    def test_reconfigure_while_off(self):
        machine = self.create(make_spec("change"))
        wait_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(
            numCPUs=2, memoryMB=384, annotation='two\nlines, "quoted"')))
        wait_task(machine.ReconfigVM_Task(add_disk(1, capacity_mb=32, thin=False)))
        hardware = machine.config.hardware
        self.assertEqual((2, 384), (hardware.numCPU, hardware.memoryMB))
        self.assertEqual('two\nlines, "quoted"', machine.config.annotation)
        disks = [item for item in hardware.device if isinstance(item, _DEVICE.VirtualDisk)]
        self.assertEqual([True, False], [disk.backing.thinProvisioned for disk in disks])

    def test_refusals_name_the_cause(self):
        machine = self.create(make_spec("refuse", nic=False))
        with self.assertRaises(vim.fault.DuplicateName):
            wait_task(self.host.create(make_spec("refuse")))
        with self.assertRaises(vim.fault.InvalidPowerState):
            wait_task(machine.PowerOffVM_Task())
        with self.assertRaises(vim.fault.InvalidDatastorePath):
            spec = make_spec("nowhere")
            spec.files.vmPathName = "[nowhere]"
            wait_task(self.host.create(spec))
        with self.assertRaises(vim.fault.InvalidDeviceSpec):
            wait_task(machine.ReconfigVM_Task(add_disk(0)))  # the unit is taken
        wait_task(machine.PowerOnVM_Task())
        with self.assertRaises(vim.fault.MemoryHotPlugNotSupported):
            wait_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(memoryMB=512)))
        with self.assertRaises(vim.fault.InvalidPowerState):
            wait_task(machine.Destroy_Task())

    def test_unregister_and_register(self):
        machine = self.create(make_spec("again"))
        path, uuid = machine.config.files.vmPathName, machine.config.uuid
        machine.UnregisterVM()
        self.assertNotIn("again", self.host.machines())
        back = wait_task(self.host.datacenter.vmFolder.RegisterVM_Task(
            path=path, asTemplate=False, pool=self.host.compute.resourcePool))
        self.addCleanup(self.remove, back)
        self.assertEqual(uuid, back.config.uuid)
        with self.assertRaises(vim.fault.AlreadyExists):
            wait_task(self.host.datacenter.vmFolder.RegisterVM_Task(path=path, asTemplate=False))

    def test_ready_time_and_quick_statistics(self):
        machine = self.create(make_spec("busy", memory_mb=256))
        wait_task(machine.PowerOnVM_Task())
        stats = wait_until(lambda: (machine.summary.quickStats.overallCpuUsage or 0) > 0
                           and machine.summary.quickStats, 60, "quick statistics")
        self.assertGreater(stats.hostMemoryUsage, 0)
        manager = self.host.content.perfManager
        ready = next(item.key for item in manager.perfCounter
                     if (item.groupInfo.key, item.nameInfo.key) == ("cpu", "ready"))
        query = vim.PerformanceManager.QuerySpec(
            entity=machine, intervalId=20, maxSample=1,
            metricId=[vim.PerformanceManager.MetricId(counterId=ready, instance="")])
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = manager.QueryPerf([query])
            if found and found[0].value and found[0].value[0].value:
                self.assertGreaterEqual(found[0].value[0].value[0], 0)
                return
            time.sleep(1)
        self.fail("no ready time was sampled")


if __name__ == "__main__":
    unittest.main(verbosity=2)
