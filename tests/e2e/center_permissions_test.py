#!/usr/bin/python3
"""Permissions on the tree of a center, as pyVmomi sees them: who sees what, who may do what, over
folders, datacenters, clusters, pools and machines that live on hosts.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_permissions_test.py
"""

import base64
import ssl
import sys
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
from pyVim.connect import SmartConnect  # noqa: E402
from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import make_spec, wait_task  # noqa: E402
from drover_e2e.center import CenterWorld, close_session  # noqa: E402

WORLD = None
PASSWORD = "seven or more"
READ_ONLY, NO_ACCESS, VIEW_ONLY = -2, -5, -3
_NEXT = [0]


def add_host(folder, host):
    spec = vim.host.ConnectSpec(hostName=f"{host.address}:{host.port}", userName=host.user,
                                password=host.password, force=False)
    is_cluster = isinstance(folder, vim.ClusterComputeResource)
    add = ((lambda: folder.AddHost_Task(spec, True)) if is_cluster
           else (lambda: folder.AddStandaloneHost_Task(spec, None, True)))
    try:
        return wait_task(add())
    except vim.fault.SSLVerifyFault as fault:
        spec.sslThumbprint = fault.thumbprint
    return wait_task(add())


def setUpModule():
    """east: a cluster with a host, machines in the folders blue and red; west: a host alone."""
    global WORLD
    WORLD = CenterWorld(2, 1)
    try:
        si = WORLD.connect()
        root = si.content.rootFolder
        east = root.CreateDatacenter("east")
        west = root.CreateDatacenter("west")
        cluster = east.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
        add_host(cluster, WORLD.hosts[0])
        add_host(west.hostFolder, WORLD.hosts[1])
        pool = cluster.resourcePool.CreateResourcePool("pool", vim.ResourceConfigSpec(
            cpuAllocation=allocation(), memoryAllocation=allocation()))
        for folder, name, into in (("blue", "b1", cluster.resourcePool), ("red", "r1", pool)):
            made = east.vmFolder.CreateFolder(folder)
            wait_task(made.CreateVM_Task(
                make_spec(name, clone_of=None, datastore="local1"), into))
        close_session(si)
    except BaseException:
        print(WORLD.center.log())
        WORLD.close()
        raise


def tearDownModule():
    WORLD.close()


def allocation():
    return vim.ResourceAllocationInfo(reservation=0, limit=-1, expandableReservation=True,
                                      shares=vim.SharesInfo(level="normal", shares=4000))


class PermissionCase(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: close_session(self.root))
        self.connect_root()
        self.east, self.west = self.content.rootFolder.childEntity
        self.cluster = self.east.hostFolder.childEntity[0]
        self.pool = self.cluster.resourcePool.resourcePool[0]
        self.blue = self.find("east/vm/blue")
        self.red = self.find("east/vm/red")
        self.b1 = self.blue.childEntity[0]
        self.r1 = self.red.childEntity[0]
        _NEXT[0] += 1
        self.user = f"user{_NEXT[0]}"
        self.content.accountManager.CreateUser(vim.host.LocalAccountManager.AccountSpecification(
            id=self.user, password=PASSWORD, description="for a test"))
        self.addCleanup(lambda: self.content.accountManager.RemoveUser(self.user))

    def connect_root(self):
        self.root = WORLD.connect()
        self.content = self.root.content
        self.authorization = self.content.authorizationManager

    def connected(self, instance):
        self.addCleanup(close_session, instance)
        return instance

    def find(self, path):
        return self.content.searchIndex.FindByInventoryPath(path)

    def add_role(self, *privileges):
        role = self.authorization.AddAuthorizationRole(f"{self.user}-{len(privileges)}",
                                                       list(privileges))
        self.addCleanup(lambda: self.authorization.RemoveAuthorizationRole(role, False))
        return role

    def grant(self, entity, role, propagate=True, principal=None):
        self.authorization.SetEntityPermissions(entity, [vim.AuthorizationManager.Permission(
            principal=principal or self.user, group=False, roleId=role, propagate=propagate)])

    def login(self):
        return self.connected(SmartConnect(
            host=WORLD.center.address, port=WORLD.center.port, user=self.user, pwd=PASSWORD,
            sslContext=ssl._create_unverified_context()))

    @staticmethod
    def seen(instance, *kinds):
        content = instance.content
        view = content.viewManager.CreateContainerView(content.rootFolder, list(kinds), True)
        try:
            return {item.name for item in view.view}
        finally:
            view.DestroyView()

    @staticmethod
    def as_seen_by(instance, thing):
        return type(thing)(thing._moId, instance._stub)

    def assert_denied(self, privilege, call, *arguments):
        with self.assertRaises(vim.fault.NoPermission) as denied:
            task = call(*arguments)
            if isinstance(task, vim.Task):
                wait_task(task)
        self.assertEqual(privilege, denied.exception.privilegeId)


class Reading(PermissionCase):
    def test_a_reader_sees_all_and_may_nothing(self):
        self.grant(self.content.rootFolder, READ_ONLY)
        them = self.login()
        self.assertEqual(self.seen(self.root, vim.ManagedEntity),
                         self.seen(them, vim.ManagedEntity))
        see = lambda thing: self.as_seen_by(them, thing)  # noqa: E731
        machine, host = see(self.b1), see(self.cluster.host[0])
        self.assertEqual([READ_ONLY], list(machine.effectiveRole))
        self.assertEqual("poweredOff", machine.runtime.powerState)
        self.assertTrue(host.hardware.systemInfo.uuid)
        self.assertIsNotNone(host.configManager.networkSystem.networkInfo)
        spec = vim.ResourceConfigSpec(cpuAllocation=allocation(), memoryAllocation=allocation())
        east, blue, cluster, pool = map(see, (self.east, self.blue, self.cluster, self.pool))
        content = them.content
        for privilege, call, *arguments in (
                ("VirtualMachine.Interact.PowerOn", machine.PowerOnVM_Task),
                ("VirtualMachine.Interact.PowerOff", machine.PowerOffVM_Task),
                ("VirtualMachine.Interact.Reset", machine.ResetVM_Task),
                ("VirtualMachine.Interact.Suspend", machine.SuspendVM_Task),
                ("VirtualMachine.Interact.ConsoleInteract", machine.AcquireTicket, "webmks"),
                ("VirtualMachine.Interact.CreateScreenshot", machine.CreateScreenshot_Task),
                ("VirtualMachine.Config.Memory", machine.ReconfigVM_Task,
                 vim.vm.ConfigSpec(memoryMB=64)),
                ("VirtualMachine.Config.Rename", machine.Rename_Task, "other"),
                ("VirtualMachine.Inventory.Delete", machine.Destroy_Task),
                ("VirtualMachine.Inventory.Unregister", machine.UnregisterVM),
                ("VirtualMachine.Provisioning.MarkAsTemplate", machine.MarkAsTemplate),
                ("Resource.ColdMigrate", machine.MigrateVM_Task, None, host, "defaultPriority"),
                ("Folder.Create", blue.CreateFolder, "inner"),
                ("Folder.Rename", blue.Rename_Task, "other"),
                ("Folder.Delete", blue.Destroy_Task),
                ("Datacenter.Create", content.rootFolder.CreateDatacenter, "north"),
                ("Datacenter.Rename", east.Rename_Task, "other"),
                ("Datacenter.Delete", east.Destroy_Task),
                ("Host.Inventory.CreateCluster", east.hostFolder.CreateClusterEx, "c2",
                 vim.cluster.ConfigSpecEx()),
                ("Host.Inventory.EditCluster", cluster.ReconfigureComputeResource_Task,
                 vim.cluster.ConfigSpecEx(), True),
                ("Host.Inventory.AddHostToCluster", cluster.AddHost_Task,
                 vim.host.ConnectSpec(hostName="x", userName="x", password="x", force=False), True),
                ("Host.Config.Connection", host.DisconnectHost_Task),
                ("Host.Config.Maintenance", host.EnterMaintenanceMode_Task, 0),
                ("Host.Config.Network", host.configManager.networkSystem.AddVirtualSwitch, "v9"),
                ("Resource.CreatePool", pool.CreateResourcePool, "inner", spec),
                ("Resource.DeletePool", pool.Destroy_Task),
                ("Datastore.Browse", east.datastore[0].browser.SearchDatastore_Task, "[local1]"),
                ("Datastore.Rename", east.datastore[0].Rename_Task, "other"),
                ("Authorization.ModifyPermissions",
                 content.authorizationManager.RemoveEntityPermission, blue, self.user, False),
                ("Authorization.ModifyRoles",
                 content.authorizationManager.AddAuthorizationRole, "mine", []),
                ("Global.ManageCustomFields", content.customFieldsManager.AddCustomFieldDef, "f"),
                ("Global.Diagnostics", content.diagnosticManager.GenerateLogBundles_Task, True)):
            with self.subTest(privilege):
                self.assert_denied(privilege, call, *arguments)

    def test_files_and_backups_take_privileges(self):
        self.grant(self.content.rootFolder, READ_ONLY)
        for method, path in (("GET", "/folder/x?dcPath=east&dsName=local1"),
                             ("PUT", "/folder/x?dcPath=east&dsName=local1"),
                             ("GET", "/center/backup"), ("PUT", "/center/restore"),
                             ("PUT", "/center/certificate"),
                             ("GET", f"/screen?id={self.b1._moId}"), ("GET", "/downloads/x")):
            with self.subTest(method + path):
                secret = base64.b64encode(f"{self.user}:{PASSWORD}".encode()).decode()
                request = urllib.request.Request(
                    f"https://{WORLD.center.address}:{WORLD.center.port}{path}", method=method,
                    data=b"x" if method == "PUT" else None,
                    headers={"Authorization": "Basic " + secret})
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(request, timeout=20,
                                           context=ssl._create_unverified_context())
                self.assertEqual(403, refused.exception.code)
                refused.exception.close()


class Scopes(PermissionCase):
    def test_a_folder(self):
        self.grant(self.blue, self.add_role("VirtualMachine.Interact.PowerOn",
                                            "VirtualMachine.Interact.PowerOff"))
        them = self.login()
        content = them.content
        self.assertEqual({"b1"}, self.seen(them, vim.VirtualMachine))
        self.assertEqual(set(), self.seen(them, vim.HostSystem))
        self.assertEqual({"east"}, self.seen(them, vim.Datacenter))
        index = content.searchIndex
        machine = index.FindByInventoryPath("east/vm/blue/b1")
        self.assertEqual(self.b1._moId, machine._moId)
        self.assertEqual(machine._moId, index.FindByUuid(None, self.b1.config.uuid, True)._moId)
        self.assertIsNone(index.FindByInventoryPath("east/vm/red/r1"))
        self.assertIsNone(index.FindByInventoryPath("east/vm/red"))
        self.assertIsNone(index.FindByInventoryPath("west"))
        self.assertIsNone(index.FindByUuid(None, self.r1.config.uuid, True))
        self.assertEqual([], list(index.FindAllByUuid(None, self.r1.config.uuid, True)))
        hidden = self.as_seen_by(them, self.r1)
        for read in (lambda: hidden.name, lambda: hidden.PowerOnVM_Task()):
            with self.assertRaises((vim.fault.NoPermission, vmodl.fault.ManagedObjectNotFound)):
                read()
        wait_task(machine.PowerOnVM_Task())
        wait_task(machine.PowerOffVM_Task())
        self.assert_denied("VirtualMachine.Config.Memory", machine.ReconfigVM_Task,
                           vim.vm.ConfigSpec(memoryMB=64))
        # Moving the machine away takes it out of sight, at once.
        wait_task(self.red.MoveIntoFolder_Task([self.b1]))
        self.addCleanup(lambda: wait_task(self.blue.MoveIntoFolder_Task([self.b1])))
        self.assertEqual(set(), self.seen(them, vim.VirtualMachine))

    def test_a_datacenter(self):
        self.grant(self.west, READ_ONLY)
        them = self.login()
        self.assertEqual({"west"}, self.seen(them, vim.Datacenter))
        self.assertEqual({item.name for item in self.west.vmFolder.childEntity},
                         self.seen(them, vim.VirtualMachine))
        self.assertEqual(1, len(self.seen(them, vim.HostSystem)))
        self.assertEqual({"local2"}, self.seen(them, vim.Datastore))
        self.assertEqual([READ_ONLY],
                         list(self.as_seen_by(them, self.west.datastore[0]).effectiveRole))

    def test_a_cluster_and_its_pools(self):
        role = self.add_role("Resource.CreatePool", "Resource.DeletePool", "Resource.EditPool")
        self.grant(self.cluster, role)
        them = self.login()
        self.assertEqual({"cluster"}, self.seen(them, vim.ClusterComputeResource))
        self.assertEqual({"Resources", "pool"}, self.seen(them, vim.ResourcePool))
        self.assertEqual(1, len(self.seen(them, vim.HostSystem)))
        # Machines inherit by their pool as well.
        self.assertLessEqual({"b1", "r1"}, self.seen(them, vim.VirtualMachine))
        pool = self.as_seen_by(them, self.pool)
        inner = pool.CreateResourcePool("inner", vim.ResourceConfigSpec(
            cpuAllocation=allocation(), memoryAllocation=allocation()))
        wait_task(inner.Destroy_Task())
        self.assert_denied("VirtualMachine.Interact.PowerOn",
                           self.as_seen_by(them, self.b1).PowerOnVM_Task)

    def test_a_pool(self):
        self.grant(self.pool, self.add_role("VirtualMachine.Interact.PowerOn"))
        them = self.login()
        self.assertEqual({"r1"}, self.seen(them, vim.VirtualMachine))
        # The way to it is seen, and nothing beside it.
        self.assertEqual({"Resources", "pool"}, self.seen(them, vim.ResourcePool))
        machine = self.as_seen_by(them, self.r1)
        wait_task(machine.PowerOnVM_Task())
        self.assert_denied("VirtualMachine.Interact.PowerOff", machine.PowerOffVM_Task)
        wait_task(self.r1.PowerOffVM_Task())

    def test_what_does_not_propagate(self):
        self.grant(self.east, READ_ONLY, propagate=False)
        them = self.login()
        self.assertEqual({"east"}, self.seen(them, vim.Datacenter))
        self.assertEqual(set(), self.seen(them, vim.VirtualMachine))
        self.assertEqual(set(), self.seen(them, vim.HostSystem))

    def test_no_access_hides_what_is_below(self):
        self.grant(self.content.rootFolder, READ_ONLY)
        self.grant(self.east, NO_ACCESS)
        them = self.login()
        self.assertEqual({"west"}, self.seen(them, vim.Datacenter))
        self.assertEqual({item.name for item in self.west.vmFolder.childEntity},
                         self.seen(them, vim.VirtualMachine))
        index = them.content.searchIndex
        self.assertIsNone(index.FindByInventoryPath("east/vm/blue/b1"))
        self.assertIsNone(index.FindByUuid(None, self.b1.config.uuid, True))
        # The nearest permission counts: what is granted below is there again.
        self.grant(self.blue, READ_ONLY)
        self.assertIn("b1", self.seen(them, vim.VirtualMachine))
        self.authorization.RemoveEntityPermission(self.east, self.user, False)
        self.authorization.RemoveEntityPermission(self.blue, self.user, False)
        self.assertIn("r1", self.seen(them, vim.VirtualMachine))

    def test_what_happens_unseen_is_not_told(self):
        self.grant(self.west, READ_ONLY)
        them = self.login()
        wait_task(self.b1.PowerOnVM_Task())
        wait_task(self.b1.PowerOffVM_Task())
        for task in them.content.taskManager.recentTask:
            try:
                self.assertNotEqual("b1", task.info.entityName)
            except vmodl.fault.ManagedObjectNotFound:
                pass  # nobody tells what it is

    def test_lists_leave_out_what_is_hidden(self):
        self.grant(self.blue, READ_ONLY)
        them = self.login()
        ids = lambda things: sorted(each._moId for each in things)  # noqa: E731
        east = self.as_seen_by(them, self.east)
        machines = self.as_seen_by(them, self.east.vmFolder)
        # Of what is above only the way down is seen.
        self.assertEqual(ids([self.east]), ids(them.content.rootFolder.childEntity))
        self.assertEqual(ids([self.blue]), ids(machines.childEntity))
        blue, b1 = self.as_seen_by(them, self.blue), self.as_seen_by(them, self.b1)
        self.assertEqual(ids([self.b1]), ids(blue.childEntity))
        self.assertEqual([], list(b1.datastore))
        # A machine that is hidden in what may be read is in none of its lists.
        self.grant(self.b1, NO_ACCESS)
        self.assertEqual([], list(blue.childEntity))
        self.authorization.RemoveEntityPermission(self.b1, self.user, False)
        # Who reads all of it misses nothing.
        self.grant(self.content.rootFolder, READ_ONLY)
        self.assertEqual(ids(self.east.vmFolder.childEntity), ids(machines.childEntity))
        self.assertEqual(ids(self.east.datastore), ids(east.datastore))
        self.assertEqual(ids(self.b1.datastore), ids(b1.datastore))
        self.authorization.RemoveEntityPermission(self.content.rootFolder, self.user, False)

    def test_events_of_hidden_machines_are_not_told(self):
        self.grant(self.blue, READ_ONLY)
        them = self.login()
        spec = vim.event.EventFilterSpec(eventTypeId=["VmPoweredOnEvent"])
        theirs, ours = (each.content.eventManager.CreateCollectorForEvents(spec)
                        for each in (them, self.root))
        for machine in (self.b1, self.r1):
            wait_task(machine.PowerOnVM_Task())
            wait_task(machine.PowerOffVM_Task())
        named = lambda events: {each.vm.name for each in events if each.vm}  # noqa: E731
        manager = them.content.eventManager
        self.assertEqual({"b1"}, named(manager.QueryEvents(spec)))
        self.assertEqual({"b1"}, named(theirs.ReadNextEvents(1000)))
        self.assertEqual({"b1"}, named(theirs.latestPage))
        self.assertNotIn("r1", named(manager.QueryEvents(vim.event.EventFilterSpec())))
        latest = manager.latestEvent
        self.assertTrue(latest is None or not latest.vm or latest.vm.name == "b1")
        for events in (self.content.eventManager.QueryEvents(spec), ours.ReadNextEvents(1000)):
            self.assertLessEqual({"b1", "r1"}, named(events))

    def test_permissions_and_roles_outlive_a_crash(self):
        role = self.add_role("VirtualMachine.Interact.PowerOn", "Datastore.Browse")
        self.grant(self.red, role)
        WORLD.center.restart()
        them = self.login()
        self.assertEqual({"r1"}, self.seen(them, vim.VirtualMachine))
        self.connect_root()


if __name__ == "__main__":
    unittest.main(verbosity=2)
