#!/usr/bin/python3
"""What a host makes of a full datastore, a datastore that vanishes, and a libvirtd that dies.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/failures_test.py

A second datastore, [small], is a tmpfs in the host's own mount namespace: it can be filled without
harm to anybody.
"""

import json
import os
import sys
import unittest
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from drover_e2e import (Sandbox, add_disk, connect_when_ready, make_spec,  # noqa: E402
                        remove_disk, wait_task, wait_until)
from pyVmomi import vim, vmodl  # noqa: E402

SMALL_MB = 96


class FailuresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.small = os.path.join(cls.sandbox.directory, "small")
        cls.sandbox.inside(
            "host1", "sh", "-c", f"mkdir {cls.small} && mount -t tmpfs -o size={SMALL_MB}m,"
            f"mode=2770,uid=$(id -u drover),gid=$(id -g drover) small {cls.small}")
        path = cls.sandbox.hostd_config()
        with open(path, "r+", encoding="utf-8") as file:
            config = json.load(file)
            config["datastores"].append({"name": "small", "path": cls.small})
            file.seek(0)
            json.dump(config, file)
            file.truncate()
        cls.sandbox.kill_hostd()

    def setUp(self):
        self.connection = connect_when_ready(self.sandbox)
        self.addCleanup(self._remove_machines)

    def _remove_machines(self):
        connection = connect_when_ready(self.sandbox)
        for machine in connection.machines().values():
            if machine.runtime.powerState != "poweredOff":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())

    def small_files(self):
        """Returns what lies on the small datastore, hidden names included."""
        return self.sandbox.inside("host1", "find", self.small, "-not", "-path", "*/.drover*")

    def start(self, spec):
        machine = wait_task(self.connection.create(spec))
        wait_task(machine.PowerOnVM_Task())
        return machine

    # -- no space ---------------------------------------------------------------------------
    def test_create_without_space_leaves_nothing(self):
        before = self.small_files()
        spec = make_spec("big", datastore="small", clone_of=None)
        spec.deviceChange += [_scsi(), *add_disk(0, 4 * SMALL_MB, thin=False).deviceChange]
        with self.assertRaises(vim.fault.NoDiskSpace):
            wait_task(self.connection.create(spec))
        self.assertEqual(self.small_files(), before)
        self.assertEqual(self.connection.machines(), {})
        self.assertEqual(self.sandbox.unfinished_sagas(), [])

    def test_reconfigure_without_space_leaves_all_as_it_was(self):
        machine = wait_task(self.connection.create(
            make_spec("grows", datastore="small", clone_of=None)))
        before, devices = self.small_files(), len(machine.config.hardware.device)
        with self.assertRaises(vim.fault.NoDiskSpace):
            wait_task(machine.ReconfigVM_Task(
                add_disk(0, 4 * SMALL_MB, thin=False, machine=machine)))
        self.assertEqual(self.small_files(), before)
        self.assertEqual(len(machine.config.hardware.device), devices)
        self.assertEqual(self.sandbox.unfinished_sagas(), [])
        wait_task(machine.PowerOnVM_Task())

    # -- disks on another datastore ------------------------------------------------------------
    def test_a_disk_elsewhere_has_a_folder_there_that_goes_with_it(self):
        before = self.small_files()
        with self.assertRaises(vim.fault.NoDiskSpace):
            spec = make_spec("apart", clone_of=None)
            spec.deviceChange += [_scsi(), *add_disk(0, 4 * SMALL_MB, thin=False,
                                                     datastore="small").deviceChange]
            wait_task(self.connection.create(spec))
        self.assertEqual(self.small_files(), before)
        spec = make_spec("apart", clone_of=None)
        spec.deviceChange += [_scsi(), *add_disk(0, 1, datastore="small").deviceChange]
        machine = wait_task(self.connection.create(spec))
        self.assertEqual("[shared] apart/apart.vmx", machine.config.files.vmPathName)
        wait_task(machine.ReconfigVM_Task(add_disk(1, 1, datastore="small", machine=machine)))
        self.assertEqual(["[small] apart/apart.vmdk", "[small] apart/apart_1.vmdk"],
                         [device.backing.fileName for device in machine.config.hardware.device
                          if isinstance(device, vim.vm.device.VirtualDisk)])
        for disk in [device for device in machine.config.hardware.device
                     if isinstance(device, vim.vm.device.VirtualDisk)]:
            wait_task(machine.ReconfigVM_Task(remove_disk(disk)))
        self.assertEqual(self.small_files(), before)
        wait_task(machine.ReconfigVM_Task(add_disk(0, 1, datastore="small", machine=machine)))
        wait_task(machine.Destroy_Task())
        self.assertEqual(self.small_files(), before)

    def test_running_machine_asks_and_goes_on(self):
        # Its disk is based on a copy of the demo guest's, on the same datastore.
        base = os.path.join(self.small, "base")
        self.sandbox.inside("host1", "sh", "-c", f"cp -a --sparse=always "
                            f"{self.sandbox.datastore_directory}/demo {base}")
        self.addCleanup(self.sandbox.inside, "host1", "rm", "-r", base)
        self.addCleanup(self._remove_machines)
        machine = self.start(make_spec("writer", datastore="small",
                                       clone_of="[small] base/demo.vmdk"))
        address = wait_until(lambda: machine.guest.ipAddress, 180, "the guest has an address")
        filler = os.path.join(self.small, "filler")
        self.sandbox.inside("host1", "sh", "-c", f"cat /dev/zero > {filler} 2>/dev/null || :")
        self.addCleanup(self.sandbox.inside, "host1", "rm", "-f", filler)
        try:
            urllib.request.urlopen(f"http://{address}/cgi-bin/load?disk=5", timeout=10).read()
        except OSError:
            pass  # it stopped before it could answer
        question = wait_until(lambda: machine.runtime.question, 120, "the machine asks")
        self.assertIn("space", question.text)
        self.assertEqual(machine.runtime.powerState, "poweredOn")
        self.assertIn("paused", self._domain_state(machine))
        # The question does not get lost with the daemon that asked it.
        self.sandbox.kill_hostd()
        self.connection = connect_when_ready(self.sandbox)
        machine = self.connection.machine("writer")
        question = wait_until(lambda: machine.runtime.question, 20, "the machine asks again")
        with self.assertRaises(vmodl.fault.InvalidArgument):
            machine.AnswerVM(question.id, "nonsense")
        self.sandbox.inside("host1", "rm", filler)
        retry = next(choice for choice in question.choice.choiceInfo if choice.label == "Retry")
        machine.AnswerVM(question.id, retry.key)
        wait_until(lambda: machine.runtime.question is None, 20, "the question is gone")
        wait_until(lambda: "running" in self._domain_state(machine), 20, "the guest runs")

    def _domain_state(self, machine):
        return self.sandbox.inside("host1", "virsh", "-q", "domstate", machine.config.uuid)

    # -- no datastore -----------------------------------------------------------------------
    def test_vanished_datastore(self):
        runs = self.start(make_spec("runs"))
        off = wait_task(self.connection.create(make_spec("off")))
        processes = self.sandbox.qemu_processes()
        there, away = self.sandbox.datastore_directory, self.sandbox.datastore_directory + ".away"
        os.rename(there, away)
        try:
            datastore = self.connection.datastore()
            wait_until(lambda: self._refreshed(datastore) is False, 30, "it is inaccessible")
            for machine in (runs, off):
                wait_until(lambda m=machine: m.runtime.connectionState == "inaccessible", 20,
                           "the machines are inaccessible")
            with self.assertRaises(vim.fault.VimFault) as refusal:
                wait_task(off.PowerOnVM_Task())
            self.assertIn("accessible", refusal.exception.msg)
            # A start of hostd in this state shows the same, and forgets nothing.
            self.sandbox.kill_hostd()
            self.connection = connect_when_ready(self.sandbox)
            states = {str(item.runtime.connectionState)
                      for item in self.connection.datacenter.vmFolder.childEntity}
            self.assertEqual(states, {"inaccessible"})
        finally:
            os.rename(away, there)
        datastore = self.connection.datastore()
        wait_until(lambda: self._refreshed(datastore), 30, "it is accessible again")
        wait_until(lambda: set(self.connection.machines()) == {"runs", "off"}, 20, "both are back")
        runs, off = self.connection.machine("runs"), self.connection.machine("off")
        for machine in (runs, off):
            wait_until(lambda m=machine: m.runtime.connectionState == "connected", 20,
                       "the machines are connected")
        wait_until(lambda: runs.runtime.powerState == "poweredOn", 20, "it is seen to run")
        self.assertEqual(self.sandbox.qemu_processes(), processes)
        wait_task(off.PowerOnVM_Task())

    @staticmethod
    def _refreshed(datastore):
        datastore.RefreshDatastore()
        return datastore.summary.accessible

    # -- no libvirtd ------------------------------------------------------------------------
    def test_libvirtd_killed(self):
        machine = self.start(make_spec("stays"))
        other = wait_task(self.connection.create(make_spec("later")))
        processes = self.sandbox.qemu_processes()
        hostd = self.sandbox.process_ids("drover-hostd")
        self.assertTrue(self.sandbox.kill("libvirtd"))
        self.assertEqual(self.connection.machine("stays").runtime.powerState, "poweredOn")

        # Until it is back, power operations fail with a reason; then they work.
        def powered_on():
            try:
                wait_task(other.PowerOnVM_Task())
                return True
            except vim.fault.InvalidPowerState:
                return other.runtime.powerState == "poweredOn"
            except vim.fault.VimFault as fault:
                self.assertTrue(fault.msg)
            except Exception as fault:  # noqa: BLE001  vmodl's faults are no VimFault
                self.assertTrue(getattr(fault, "msg", ""), fault)
            return False

        wait_until(powered_on, 60, "power-on works again")
        now = self.sandbox.qemu_processes()
        self.assertEqual({uuid: now.get(uuid) for uuid in processes}, processes)
        wait_task(machine.PowerOffVM_Task())
        self.assertEqual(machine.runtime.powerState, "poweredOff")
        self.assertEqual(self.sandbox.process_ids("drover-hostd"), hostd, "hostd did not last")


def _scsi():
    controller = vim.vm.device.ParaVirtualSCSIController(key=1000, busNumber=0,
                                                         sharedBus="noSharing")
    return vim.vm.device.VirtualDeviceSpec(operation="add", device=controller)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
