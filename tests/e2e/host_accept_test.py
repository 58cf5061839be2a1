#!/usr/bin/python3
"""What an acceptance suite for an ESX host looks at and other tests do not: what a host alone
refuses, passwords that change, files that are too large, disks' information, storage relocation.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/host_accept_test.py
"""

import base64
import os
import re
import ssl
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import add_disk, make_spec, wait_task, wait_until  # noqa: E402
from drover_e2e.center import CenterWorld, close_session  # noqa: E402

WORLD = None


def setUpModule():
    global WORLD
    WORLD = CenterWorld(1, 1, shared_datastore=True)


def tearDownModule():
    WORLD.close()


class HostCase(unittest.TestCase):
    def setUp(self):
        self.daemon = WORLD.hosts[0]
        self.login()
        self.addCleanup(lambda: close_session(self.si))

    def login(self):
        self.si = self.daemon.connect()
        self.content = self.si.RetrieveContent()
        self.datacenter = self.content.rootFolder.childEntity[0]
        self.compute = self.datacenter.hostFolder.childEntity[0]
        self.host = self.compute.host[0]

    def create(self, name, **more):
        machine = wait_task(self.datacenter.vmFolder.CreateVM_Task(
            make_spec(name, clone_of=None, **more), self.compute.resourcePool))
        self.addCleanup(lambda: self.remove(name))
        return machine

    def remove(self, name):
        for machine in self.datacenter.vmFolder.childEntity:
            if machine.name == name:
                wait_task(machine.Destroy_Task())

    def datastore(self, name):
        return next(item for item in self.datacenter.datastore if item.name == name)

    def get(self, path, user, password):
        request = urllib.request.Request(
            f"https://{self.daemon.address}:{self.daemon.port}{path}")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", "Basic " + token)
        context = ssl._create_unverified_context()
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


class Refusals(HostCase):
    """What takes a center is NotSupported on a host, as on ESX."""

    def test_folders_and_datacenters(self):
        with self.assertRaises(vmodl.fault.NotSupported):
            self.content.rootFolder.CreateDatacenter("no")
        with self.assertRaises(vmodl.fault.NotSupported):
            self.datacenter.vmFolder.CreateFolder("no")
        for entity in (self.datacenter, self.compute, self.host, self.datacenter.vmFolder):
            with self.assertRaises(vmodl.fault.NotSupported):
                wait_task(entity.Destroy_Task())

    def test_managers_of_a_center_are_not_offered(self):
        for name in ("alarmManager", "customFieldsManager", "extensionManager",
                     "dvSwitchManager", "ovfManager", "scheduledTaskManager"):
            self.assertIsNone(getattr(self.content, name), name)

    def test_another_host_is_for_the_center(self):
        machine = self.create("stays")
        with self.assertRaises((vmodl.fault.NotSupported, vmodl.fault.ManagedObjectNotFound)):
            wait_task(machine.RelocateVM_Task(vim.vm.RelocateSpec(
                host=vim.HostSystem("ha-host-2", self.si._stub))))


class Passwords(HostCase):
    def test_an_old_password_is_good_for_nothing(self):
        accounts = self.content.accountManager
        spec = vim.host.LocalAccountManager.AccountSpecification
        accounts.CreateUser(spec(id="reader", password="first-Secret-1"))
        self.addCleanup(lambda: accounts.RemoveUser("reader"))
        permission = vim.AuthorizationManager.Permission(
            principal="reader", group=False, propagate=True, roleId=-1)
        self.content.authorizationManager.SetEntityPermissions(
            self.content.rootFolder, [permission])
        path = "/folder?dcPath=ha-datacenter&dsName=shared"
        self.assertEqual(200, self.get(path, "reader", "first-Secret-1"))
        self.assertEqual(200, self.get(path, "reader", "first-Secret-1"))
        accounts.UpdateUser(spec(id="reader", password="second-Secret-2"))
        self.assertEqual(401, self.get(path, "reader", "first-Secret-1"))
        self.assertEqual(200, self.get(path, "reader", "second-Secret-2"))
        self.assertEqual(401, self.get(path, "reader", "first-Secret-1"))
        told = self.content.eventManager.QueryEvents(
            vim.event.EventFilterSpec(eventTypeId=["UserPasswordChanged"]))
        self.assertEqual("reader", told[-1].userLogin)
        self.assertIn("reader", told[-1].fullFormattedMessage)


class Files(HostCase):
    def test_a_disk_that_no_file_can_hold(self):
        spec = vim.VirtualDiskManager.FileBackedVirtualDiskSpec(
            diskType="thin", adapterType="lsiLogic", capacityKb=60 << 40)
        with self.assertRaises((vim.fault.FileTooLarge, vmodl.fault.InvalidArgument)):
            wait_task(self.content.virtualDiskManager.CreateVirtualDisk_Task(
                "[shared] huge.vmdk", self.datacenter, spec))

    def test_information_of_a_disk(self):
        """QueryVirtualDiskInfo_Task, which pyVmomi does not know: as govc asks it."""
        disks = self.content.virtualDiskManager
        spec = vim.VirtualDiskManager.FileBackedVirtualDiskSpec(
            diskType="thin", adapterType="lsiLogic", capacityKb=1024)
        wait_task(disks.CreateVirtualDisk_Task("[shared] asked.vmdk", self.datacenter, spec))
        self.addCleanup(lambda: wait_task(
            disks.DeleteVirtualDisk_Task("[shared] asked.vmdk", self.datacenter)))
        body = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
            '<QueryVirtualDiskInfo_Task xmlns="urn:internalvim25">'
            f'<_this type="VirtualDiskManager">{disks._moId}</_this>'
            "<name>[shared] asked.vmdk</name>"
            f'<datacenter type="Datacenter">{self.datacenter._moId}</datacenter>'
            "<includeParents>true</includeParents>"
            "</QueryVirtualDiskInfo_Task></e:Body></e:Envelope>")
        answer = self.post(body)
        task = re.search(r'type="Task"[^>]*>([^<]+)<', answer).group(1)
        wait_until(lambda: "success" in self.fetch(task, "info.state"), 10, "the task's end")
        result = self.fetch(task, "info.result")
        self.assertIn("ArrayOfVirtualDiskInfo", result)
        self.assertIn("<unit", result)
        self.assertIn("<name>[shared] asked.vmdk</name>", result)
        self.assertIn("<diskType>thin</diskType>", result)

    def fetch(self, task, path):
        return self.post(
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
            f'<Fetch xmlns="urn:vim25"><_this type="Task">{task}</_this>'
            f"<prop>{path}</prop></Fetch></e:Body></e:Envelope>")

    def post(self, body):
        request = urllib.request.Request(
            f"https://{self.daemon.address}:{self.daemon.port}/sdk", data=body.encode(),
            headers={"SOAPAction": "urn:internalvim25/8.0.3.0", "Content-Type": "text/xml",
                     "Cookie": self.si._stub.cookie})
        with urllib.request.urlopen(request, timeout=20,
                                    context=ssl._create_unverified_context()) as answer:
            return answer.read().decode()


class Relocation(HostCase):
    def with_disk(self, name, capacity_mb):
        machine = self.create(name, datastore="shared")
        wait_task(machine.ReconfigVM_Task(add_disk(0, capacity_mb, thin=False, machine=machine)))
        return machine

    def test_all_files_and_back(self):
        machine = self.with_disk("mover", 16)
        for name in ("local1", "shared"):
            wait_task(machine.RelocateVM_Task(
                vim.vm.RelocateSpec(datastore=self.datastore(name))))
            self.assertEqual([name], [item.name for item in machine.datastore])
            self.assertEqual(f"[{name}] mover/mover.vmx", machine.config.files.vmPathName)
            wait_task(machine.PowerOnVM_Task())
            wait_task(machine.PowerOffVM_Task())
        with self.assertRaises(vim.fault.FileNotFound):
            wait_task(self.datastore("local1").browser.SearchDatastore_Task("[local1] mover"))
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            wait_task(machine.RelocateVM_Task(vim.vm.RelocateSpec(
                datastore=vim.Datastore("nothing", self.si._stub))))

    def test_a_crash_in_the_middle_leaves_one_machine(self):
        """Killed at several moments: the machine is here or there, whole, nothing is left over."""
        machine = self.with_disk("hurt", 192)
        number = machine._moId
        at = "shared"
        for delay_s in (0.05, 0.3, 0.8):
            to = "local1" if at == "shared" else "shared"
            target = self.datastore(to)
            machine.RelocateVM_Task(vim.vm.RelocateSpec(datastore=target))
            killer = threading.Timer(delay_s, self.daemon.kill)
            killer.start()
            killer.join()
            time.sleep(0.1)
            self.daemon.start()
            self.login()
            machine = vim.VirtualMachine(number, self.si._stub)
            wait_until(lambda it=machine: it.summary.config.vmPathName, 10, "the machine")
            self.assertEqual("poweredOff", machine.runtime.powerState)
            at = machine.config.files.vmPathName[1:].split("]")[0]
            self.assertIn(at, ("shared", "local1"))
            other = "local1" if at == "shared" else "shared"
            with self.assertRaises(vim.fault.FileNotFound):
                wait_task(self.datastore(other).browser.SearchDatastore_Task(f"[{other}] hurt"))
            found = wait_task(self.datastore(at).browser.SearchDatastore_Task(f"[{at}] hurt"))
            names = {file.path for file in found.file}
            self.assertIn("hurt.vmx", names)
            self.assertFalse([name for name in names if "relocating" in name])
            wait_task(machine.PowerOnVM_Task())
            wait_task(machine.PowerOffVM_Task())


if __name__ == "__main__":
    unittest.main(verbosity=2)
