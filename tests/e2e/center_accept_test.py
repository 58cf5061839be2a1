#!/usr/bin/python3
"""What an acceptance suite for a vCenter looks at: govc's commands one after the other through
govmomi (clients/govmomi_center), and what is easily wrong where center and hosts both have a say.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_accept_test.py
"""

import os
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVim.connect import SmartConnect  # noqa: E402
from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import add_disk, make_spec, wait_task, wait_until  # noqa: E402
from drover_e2e.center import CenterWorld, close_session  # noqa: E402

_SOURCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "clients", "govmomi_center")
# Debian's package golang-github-vmware-govmomi-dev puts the library here.
_GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "-trimpath"}

def url(daemon):
    user, password = (urllib.parse.quote(text, safe="") for text in (daemon.user, daemon.password))
    return f"https://{user}:{password}@{daemon.address}:{daemon.port}/sdk"


class Govmomi(unittest.TestCase):
    def test_commands(self):
        with (tempfile.TemporaryDirectory() as directory,
              CenterWorld(2, 3, shared_datastore=True) as world):
            program = os.path.join(directory, "govmomi_center")
            # A first build takes its time; later ones come from Go's cache.
            subprocess.run(["go", "build", "-o", program, "."], cwd=_SOURCES, check=True,
                           env={**os.environ, **_GO}, timeout=900)
            result = subprocess.run([program, url(world.center), *map(url, world.hosts)],
                                    capture_output=True, text=True, check=False, timeout=240)
        wrong = [line for line in result.stdout.splitlines() if not line.startswith("right: ")]
        self.assertEqual([], wrong)
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)


class Cluster(unittest.TestCase):
    """A cluster of two hosts with machines of the same names."""

    @classmethod
    def setUpClass(cls):
        cls.world = CenterWorld(2, 3, shared_datastore=True)
        cls.addClassCleanup(cls.world.close)
        cls.si = cls.world.connect()
        cls.content = cls.si.RetrieveContent()
        cls.datacenter = cls.content.rootFolder.CreateDatacenter("accept")
        cls.cluster = cls.datacenter.hostFolder.CreateClusterEx(
            "cluster", vim.cluster.ConfigSpecEx())
        for host in cls.world.hosts:
            spec = vim.host.ConnectSpec(hostName=f"{host.address}:{host.port}",
                                        userName=host.user, password=host.password, force=True)
            try:
                wait_task(cls.cluster.AddHost_Task(spec, True))
            except vim.fault.SSLVerifyFault as fault:
                spec.sslThumbprint = fault.thumbprint
            wait_task(cls.cluster.AddHost_Task(spec, True))

    @classmethod
    def tearDownClass(cls):
        close_session(cls.si)

    def create(self, name, **more):
        machine = wait_task(self.datacenter.vmFolder.CreateVM_Task(
            make_spec(name, clone_of=None, **more), self.cluster.resourcePool))
        self.addCleanup(self.remove, machine)
        return machine

    @staticmethod
    def remove(machine):
        try:
            if machine.runtime.powerState == "poweredOn":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())
        except vmodl.fault.ManagedObjectNotFound:
            pass

    def events(self, entity, *kinds):
        spec = vim.event.EventFilterSpec(eventTypeId=list(kinds))
        if entity is not None:
            spec.entity = vim.event.EventFilterSpec.ByEntity(entity=entity, recursion="self")
        return self.content.eventManager.QueryEvents(spec)

    def datastore(self, name):
        return next(item for item in self.datacenter.datastore if item.name == name)

    def test_machines_of_one_name_are_told_apart(self):
        def names():
            return sorted(machine.name for machine in self.datacenter.vmFolder.childEntity)

        wait_until(lambda: len(set(names())) == len(names()), 15, "unique names")
        self.assertTrue(any(name.endswith(" (1)") for name in names()), names())
        renamed = self.events(None, "VmAutoRenameEvent")
        self.assertTrue(renamed)
        self.assertIn("name conflict", renamed[0].fullFormattedMessage)

    def test_a_move_is_told_once(self):
        machine = self.create("traveller")
        wait_task(machine.PowerOnVM_Task())
        before = machine.runtime.host
        after = next(host for host in self.cluster.host if host != before)
        wait_task(machine.MigrateVM_Task(pool=None, host=after, priority="defaultPriority"))
        self.assertEqual(machine.runtime.host, after)
        time.sleep(2)  # the hosts' own events come a little later, if they come
        kinds = [type(event).__name__ for event in self.events(machine)]
        for kind in ("VmBeingMigratedEvent", "VmMigratedEvent"):
            self.assertEqual(1, sum(name.endswith("." + kind) for name in kinds), (kind, kinds))
        self.assertFalse([name for name in kinds if "Emigrating" in name])
        told = self.events(machine, "VmMigratedEvent")[0]
        self.assertIn(before.name, told.fullFormattedMessage)
        self.assertIn(after.name, told.fullFormattedMessage)

    def test_who_may_not_move_hears_it_at_once(self):
        machine = self.create("guarded")
        name, password = "watcher", "a-Secret-4711"
        self.content.accountManager.CreateUser(
            vim.host.LocalAccountManager.AccountSpecification(id=name, password=password))
        permission = vim.AuthorizationManager.Permission(
            principal=name, group=False, propagate=True, roleId=-2)  # read only
        self.content.authorizationManager.SetEntityPermissions(
            self.content.rootFolder, [permission])
        center = self.world.center
        other = SmartConnect(host=center.address, port=center.port, user=name, pwd=password,
                             sslContext=ssl._create_unverified_context())
        try:
            mine = vim.VirtualMachine(machine._moId, other._stub)
            host = vim.HostSystem(self.cluster.host[0]._moId, other._stub)
            with self.assertRaises(vim.fault.NoPermission) as caught:
                mine.MigrateVM_Task(host=host, priority="defaultPriority")
            self.assertEqual("Resource.ColdMigrate", caught.exception.privilegeId)
            with self.assertRaises(vim.fault.NoPermission):
                mine.RelocateVM_Task(vim.vm.RelocateSpec(host=host))
        finally:
            close_session(other)

    def test_files_go_to_another_datastore(self):
        machine = self.create("movable")
        wait_task(machine.ReconfigVM_Task(add_disk(0, machine=machine)))
        wait_task(machine.ReconfigVM_Task(add_disk(1, machine=machine)))
        host = machine.runtime.host
        local = next(item for item in host.datastore if item.name != "shared")
        wait_task(machine.RelocateVM_Task(vim.vm.RelocateSpec(datastore=local)))
        self.assertEqual([local], list(machine.datastore))
        self.assertEqual(host, machine.runtime.host)
        self.assertEqual(f"[{local.name}] movable/movable.vmx", machine.config.files.vmPathName)
        disks = [device for device in machine.config.hardware.device
                 if isinstance(device, vim.vm.device.VirtualDisk)]
        self.assertEqual(2, len(disks))
        for disk in disks:
            self.assertTrue(disk.backing.fileName.startswith(f"[{local.name}] movable/"))
        with self.assertRaises(vim.fault.FileNotFound):
            wait_task(self.datastore("shared").browser.SearchDatastore_Task("[shared] movable"))
        # One disk alone, and back.
        locator = vim.vm.RelocateSpec.DiskLocator(diskId=disks[1].key,
                                                  datastore=self.datastore("shared"))
        wait_task(machine.RelocateVM_Task(vim.vm.RelocateSpec(disk=[locator])))
        self.assertEqual({local, self.datastore("shared")}, set(machine.datastore))
        # Running, all of it again; what stands in the way is said beforehand.
        wait_task(machine.PowerOnVM_Task())
        checker = self.content.vmProvisioningChecker
        for _ in range(2):
            spec = vim.vm.RelocateSpec(datastore=local)
            result, = wait_task(checker.CheckRelocate_Task(machine, spec))
            self.assertFalse(result.error)
            wait_task(machine.RelocateVM_Task(spec))
            self.assertEqual([local], list(machine.datastore))
            self.assertEqual("poweredOn", machine.runtime.powerState)
        locator.diskId = 99
        result, = wait_task(checker.CheckRelocate_Task(
            machine, vim.vm.RelocateSpec(disk=[locator])))
        self.assertEqual([vmodl.fault.InvalidArgument],
                         [type(error) for error in result.error])
        wait_task(machine.PowerOffVM_Task())
        with self.assertRaises(vmodl.fault.InvalidArgument):
            wait_task(machine.RelocateVM_Task(vim.vm.RelocateSpec(disk=[locator])))
        wait_until(lambda: self.events(machine, "VmRelocatedEvent"), 10, "the event")

    def test_extensions_and_fields_survive_a_crash(self):
        extension = vim.Extension(
            key="org.example.kept", version="1.0", lastHeartbeatTime=self.si.CurrentTime(),
            description=vim.Description(label="kept", summary="kept"))
        self.content.extensionManager.RegisterExtension(extension)
        self.world.center.restart()
        si = wait_until(self._connect, 30, "the center")
        type(self).si, type(self).content = si, si.RetrieveContent()
        type(self).datacenter = vim.Datacenter(self.datacenter._moId, si._stub)
        type(self).cluster = vim.ClusterComputeResource(self.cluster._moId, si._stub)
        found = self.content.extensionManager.FindExtension("org.example.kept")
        self.assertEqual("kept", found.description.label)
        self.content.extensionManager.UnregisterExtension("org.example.kept")
        self.assertIsNone(self.content.extensionManager.FindExtension("org.example.kept"))
        wait_until(lambda: all(host.runtime.connectionState == "connected"
                               for host in self.cluster.host), 20, "connected hosts")

    def _connect(self):
        try:
            return self.world.connect()
        except OSError:
            return None


if __name__ == "__main__":
    unittest.main(verbosity=2)
