#!/usr/bin/python3
"""Roles, permissions and accounts, as pyVmomi sees them: who sees what, who may do what."""

import ssl
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True

from drover_e2e import Sandbox, connect, connect_when_ready, make_spec, wait_task  # noqa: E402
from pyVim.connect import Disconnect, SmartConnect  # noqa: E402
from pyVmomi import vim, vmodl  # noqa: E402

PASSWORD = "seven or more"


class PermissionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.root = connect(cls.sandbox)
        cls.m1 = wait_task(cls.root.create(make_spec("m1")))
        cls.m2 = wait_task(cls.root.create(make_spec("m2")))

    # -- what tests share -------------------------------------------------------------------
    def setUp(self):
        self.authorization = self.root.content.authorizationManager
        self.accounts = self.root.content.accountManager
        self.folder = self.root.datacenter.vmFolder

    def add_user(self, name):
        self.accounts.CreateUser(vim.host.LocalAccountManager.AccountSpecification(
            id=name, password=PASSWORD, description="for a test"))
        self.addCleanup(self.remove_user, name)

    def remove_user(self, name):
        try:
            self.accounts.RemoveUser(name)
        except vim.fault.UserNotFound:
            pass

    def add_role(self, name, privileges):
        role = self.authorization.AddAuthorizationRole(name, privileges)
        # By the connection that there is by then.
        self.addCleanup(lambda: self.authorization.RemoveAuthorizationRole(role, False))
        return role

    def grant(self, entity, user, role, propagate=True):
        self.authorization.SetEntityPermissions(entity, [vim.AuthorizationManager.Permission(
            principal=user, group=False, roleId=role, propagate=propagate)])

    def login(self, name, password=PASSWORD):
        address = self.sandbox.host()["address"]
        instance = SmartConnect(host=address, user=name, pwd=password,
                                sslContext=ssl._create_unverified_context())
        self.addCleanup(self.quietly, Disconnect, instance)
        return instance

    @staticmethod
    def quietly(call, *arguments):
        try:
            call(*arguments)
        except vmodl.MethodFault:
            pass

    def machines_seen(self, instance):
        content = instance.content
        view = content.viewManager.CreateContainerView(content.rootFolder,
                                                       [vim.VirtualMachine], True)
        try:
            return {machine.name for machine in view.view} - {"demo"}
        finally:
            view.Destroy()

    # -- tests ------------------------------------------------------------------------------
    def test_a_new_user_may_nothing_not_even_log_in(self):
        self.add_user("nobody1")
        with self.assertRaises(vim.fault.NoPermission):
            self.login("nobody1")
        with self.assertRaises(vim.fault.InvalidLogin):
            self.login("nobody1", "wrong password")

    def test_a_reader_sees_everything_and_changes_nothing(self):
        self.add_user("reader")
        self.grant(self.root.content.rootFolder, "reader", -2)
        instance = self.login("reader")
        self.assertEqual(self.machines_seen(instance), {"m1", "m2"})
        machine = instance.content.searchIndex.FindByUuid(None, self.m1.config.uuid, True)
        self.assertEqual(list(machine.effectiveRole), [-2])
        self.assertEqual(machine.runtime.powerState, "poweredOff")
        with self.assertRaises(vim.fault.NoPermission) as refused:
            machine.PowerOnVM_Task()
        self.assertEqual(refused.exception.privilegeId, "VirtualMachine.Interact.PowerOn")
        self.assertEqual(refused.exception.object._moId, machine._moId)
        for call in (machine.Destroy_Task, lambda: machine.Rename_Task("x"),
                     lambda: machine.ReconfigVM_Task(vim.vm.ConfigSpec(memoryMB=64)),
                     lambda: instance.content.accountManager.RemoveUser("root"),
                     lambda: instance.content.authorizationManager.AddAuthorizationRole("r", []),
                     lambda: instance.content.sessionManager.sessionList):
            with self.assertRaises(vim.fault.NoPermission):
                call()

    def test_an_operator_of_one_machine_has_that_one_and_the_way_to_it(self):
        self.add_user("operator")
        role = self.add_role("operators", ["VirtualMachine.Interact.PowerOn",
                                           "VirtualMachine.Interact.PowerOff"])
        self.grant(self.m1, "operator", role)
        instance = self.login("operator")
        self.assertEqual(self.machines_seen(instance), {"m1"})
        content = instance.content
        machine = content.searchIndex.FindByUuid(None, self.m1.config.uuid, True)
        self.assertIsNone(content.searchIndex.FindByUuid(None, self.m2.config.uuid, True))
        self.assertIsNone(content.searchIndex.FindByInventoryPath("ha-datacenter/vm/m2"))
        folder = machine.parent
        self.assertEqual(folder.name, "vm")
        self.assertEqual(list(folder.effectiveRole), [-3])
        wait_task(machine.PowerOnVM_Task())
        self.assertEqual(machine.runtime.powerState, "poweredOn")
        wait_task(machine.PowerOffVM_Task())
        with self.assertRaises(vim.fault.NoPermission):
            machine.UnregisterVM()
        spec = self.filter_spec([folder], vim.ManagedEntity, ["name", "overallStatus"])
        found = content.propertyCollector.RetrieveContents([spec])[0]
        self.assertEqual([item.name for item in found.propSet], ["name"])
        missing, = found.missingSet
        self.assertEqual(missing.path, "overallStatus")
        self.assertIsInstance(missing.fault, vim.fault.NoPermission)
        self.assertEqual(missing.fault.privilegeId, "System.Read")

    def test_no_access_hides(self):
        self.add_user("half")
        self.grant(self.root.content.rootFolder, "half", -2)
        self.grant(self.m2, "half", -5)
        instance = self.login("half")
        self.assertEqual(self.machines_seen(instance), {"m1"})
        self.assertIsNone(
            instance.content.searchIndex.FindByUuid(None, self.m2.config.uuid, True))
        hidden = vim.VirtualMachine(self.m2._moId, instance._stub)
        with self.assertRaises((vim.fault.NoPermission, vmodl.fault.ManagedObjectNotFound)):
            hidden.PowerOnVM_Task()
        with self.assertRaises((vim.fault.NoPermission, vmodl.fault.ManagedObjectNotFound)):
            hidden.name  # pylint: disable=pointless-statement

    def test_what_is_revoked_leaves_a_filter_that_waits(self):
        self.add_user("watcher")
        self.grant(self.m1, "watcher", -2)
        instance = self.login("watcher")
        collector = instance.content.propertyCollector
        view = instance.content.viewManager.CreateContainerView(
            instance.content.rootFolder, [vim.VirtualMachine], True)
        traversal = vmodl.query.PropertyCollector.TraversalSpec(
            name="view", path="view", skip=False, type=vim.view.ContainerView)
        start = vmodl.query.PropertyCollector.ObjectSpec(obj=view, skip=True,
                                                         selectSet=[traversal])
        collector.CreateFilter(vmodl.query.PropertyCollector.FilterSpec(
            objectSet=[start], propSet=[vmodl.query.PropertyCollector.PropertySpec(
                type=vim.VirtualMachine, pathSet=["name"])]), False)
        update = collector.WaitForUpdatesEx("", vmodl.query.PropertyCollector.WaitOptions(
            maxWaitSeconds=5))
        entered, = update.filterSet[0].objectSet
        self.assertEqual((entered.kind, entered.obj._moId), ("enter", self.m1._moId))
        later = threading.Timer(0.5, self.authorization.RemoveEntityPermission,
                                (self.m1, "watcher", False))
        later.start()
        self.addCleanup(later.join)
        began = time.monotonic()
        update = collector.WaitForUpdatesEx(
            update.version, vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=20))
        self.assertLess(time.monotonic() - began, 10)
        left, = update.filterSet[0].objectSet
        self.assertEqual((left.kind, left.obj._moId), ("leave", self.m1._moId))

    def test_roles_and_permissions_have_rules(self):
        names = {role.name: role for role in self.authorization.roleList}
        self.assertEqual({name: names[name].roleId for name in (
            "Admin", "ReadOnly", "View", "Anonymous", "NoAccess")},
            {"Admin": -1, "ReadOnly": -2, "View": -3, "Anonymous": -4, "NoAccess": -5})
        listed = {item.privId for item in self.authorization.privilegeList}
        self.assertEqual(set(names["Admin"].privilege), listed)
        role = self.add_role("temporary", ["Datastore.Browse"])
        with self.assertRaises(vim.fault.AlreadyExists):
            self.authorization.AddAuthorizationRole("temporary", [])
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.authorization.UpdateAuthorizationRole(-1, "Other", [])
        with self.assertRaises(vim.fault.AuthMinimumAdminPermission):
            self.authorization.RemoveEntityPermission(self.root.content.rootFolder, "root", False)
        with self.assertRaises(vim.fault.UserNotFound):
            self.grant(self.m1, "mallory", role)
        with self.assertRaises(vim.fault.NotFound):
            self.authorization.RemoveEntityPermission(self.m1, "root", False)
        self.add_user("tester")
        self.grant(self.m1, "tester", role)
        with self.assertRaises(vim.fault.RemoveFailed):
            self.authorization.RemoveAuthorizationRole(role, True)
        self.assertEqual([(item.principal, item.roleId) for item in self.m1.permission],
                         [("tester", role)])
        self.authorization.RemoveEntityPermission(self.m1, "tester", False)
        self.assertEqual(list(self.m1.permission), [])

    def test_accounts_groups_and_their_search(self):
        self.add_user("carol")
        with self.assertRaises(vim.fault.AlreadyExists):
            self.add_user("carol")
        account = vim.host.LocalAccountManager.AccountSpecification
        for wrong in (account(id="a b", password=PASSWORD), account(id="dave", password="short")):
            with self.assertRaises(vmodl.fault.InvalidArgument):
                self.accounts.CreateUser(wrong)
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.accounts.RemoveUser("root")
        self.accounts.CreateGroup(account(id="staff"))
        self.addCleanup(self.quietly, self.accounts.RemoveGroup, "staff")
        self.accounts.AssignUserToGroup("carol", "staff")
        directory = self.root.content.userDirectory

        def search(text, group=None, exact=False):
            found = directory.RetrieveUserGroups(None, text, group, None, exact, True, True)
            return [(item.principal, item.group) for item in found]

        self.assertEqual(search("CAR"), [("carol", False)])
        self.assertEqual(search("", group="staff"), [("carol", False)])
        self.assertEqual(search("staf", exact=True), [])
        with self.assertRaises(vim.fault.NotFound):
            search("", group="nobody")
        self.authorization.SetEntityPermissions(
            self.m1, [vim.AuthorizationManager.Permission(
                principal="staff", group=True, roleId=-2, propagate=True)])
        instance = self.login("carol")
        self.assertEqual(self.machines_seen(instance), {"m1"})
        self.accounts.UnassignUserFromGroup("carol", "staff")
        self.assertEqual(self.m1.permission[0].principal, "staff")
        self.remove_user("carol")
        with self.assertRaises(vim.fault.NotAuthenticated):
            instance.CurrentTime()

    def test_tickets_open_once(self):
        manager = self.root.content.sessionManager
        spec = vim.SessionManager.HttpServiceRequestSpec(
            method="httpGet", url="https://x/folder?dcPath=ha-datacenter&dsName=shared")
        ticket = manager.AcquireGenericServiceTicket(spec)
        address = self.sandbox.host()["address"]

        def fetch():
            request = urllib.request.Request(
                f"https://{address}/folder?dcPath=ha-datacenter&dsName=shared",
                headers={"Cookie": f"vmware_cgi_ticket={ticket.id}"})
            with urllib.request.urlopen(request, timeout=20,
                                        context=ssl._create_unverified_context()) as answer:
                return answer.status

        self.assertEqual(fetch(), 200)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            fetch()
        self.assertEqual(refused.exception.code, 401)
        self.assertEqual(len(manager.AcquireCloneTicket()), 40)
        manager.UpdateServiceMessage("maintenance at noon")
        self.assertEqual(manager.message, "maintenance at noon")

    def test_z_everything_survives_kill_9(self):
        self.add_user("survivor")
        role = self.add_role("survivors", ["Datastore.Browse"])
        self.grant(self.m1, "survivor", role)
        self.sandbox.kill_hostd()
        type(self).root = connect_when_ready(self.sandbox)
        self.setUp()
        again = vim.VirtualMachine(self.m1._moId, self.root.si._stub)
        self.assertEqual([(item.principal, item.roleId) for item in again.permission],
                         [("survivor", role)])
        instance = self.login("survivor")
        self.assertEqual(self.machines_seen(instance), {"m1"})
        self.doCleanups()
        self.assertEqual(list(again.permission or []), [])

    @staticmethod
    def filter_spec(objects, kind, paths):
        return vmodl.query.PropertyCollector.FilterSpec(
            objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=item) for item in objects],
            propSet=[vmodl.query.PropertyCollector.PropertySpec(type=kind, pathSet=paths)])


if __name__ == "__main__":
    unittest.main()
