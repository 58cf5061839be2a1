"""The center's inventory by pyVmomi: folders, datacenters, clusters, pools, custom fields,
permissions; each change survives kill -9."""

import sys
import unittest

sys.dont_write_bytecode = True
from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import wait_task  # noqa: E402
from drover_e2e.center import CenterWorld, close_session  # noqa: E402

WORLD = None


def setUpModule():
    global WORLD
    WORLD = CenterWorld()


def tearDownModule():
    WORLD.close()


class CenterCase(unittest.TestCase):
    def setUp(self):
        self.si = WORLD.connect()
        self.addCleanup(lambda: close_session(self.si))
        self.content = self.si.RetrieveContent()
        self.root = self.content.rootFolder

    def datacenter(self, name):
        made = self.root.CreateDatacenter(name)
        self.addCleanup(lambda: wait_task(
            next(c for c in self.content.rootFolder.childEntity if c._moId == made._moId)
            .Destroy_Task()))
        return made

    def again(self):
        """kill -9, start, log in."""
        WORLD.center.restart()
        self.si = WORLD.connect()
        self.content = self.si.RetrieveContent()
        self.root = self.content.rootFolder

    def the(self, reference):
        """The same object in the session that there is now."""
        return type(reference)(reference._moId, self.si._stub)


class Service(CenterCase):
    def test_it_is_a_virtual_center(self):
        about = self.content.about
        self.assertEqual(about.apiType, "VirtualCenter")
        self.assertEqual(about.productLineId, "vpx")
        self.assertEqual(self.root._moId, "group-d1")
        self.assertEqual(self.root.name, "Datacenters")
        self.assertTrue(about.instanceUuid)
        self.assertIsNotNone(self.si.CurrentTime())
        names = {option.key: option.value
                 for option in self.content.setting.QueryOptions("VirtualCenter.FQDN")}
        self.assertEqual(names["VirtualCenter.FQDN"], "center.test")
        self.assertTrue(self.content.licenseManager.licenses)
        self.assertEqual(list(self.content.customFieldsManager.field), [])
        self.assertIsNotNone(self.content.eventManager.latestEvent)

    def test_every_service_of_the_content_answers(self):
        collector = self.content.propertyCollector
        for name, reference in vars(self.content).items():
            if not isinstance(reference, vim.ManagedObject):
                continue
            spec = vmodl.query.PropertyCollector.FilterSpec(
                objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=reference)],
                propSet=[vmodl.query.PropertyCollector.PropertySpec(type=type(reference),
                                                                    all=True)])
            found = collector.RetrieveContents([spec])
            self.assertEqual(len(found), 1, name)
            self.assertFalse(found[0].missingSet, f"{name}: {found[0].missingSet}")


class Inventory(CenterCase):
    def test_tree_is_the_same_after_a_kill(self):
        datacenter = self.datacenter("dc/1")
        self.assertEqual(datacenter.name, "dc%2f1")
        folder = datacenter.vmFolder.CreateFolder("a")
        inner = folder.CreateFolder("b")
        cluster = datacenter.hostFolder.CreateClusterEx("c", vim.cluster.ConfigSpecEx())
        pool = cluster.resourcePool.CreateResourcePool("p", pool_spec())
        wait_task(inner.Rename_Task("renamed"))
        wait_task(datacenter.vmFolder.MoveIntoFolder_Task([inner]))
        before = [each._moId for each in (datacenter, folder, inner, cluster, pool)]
        self.again()
        for reference, name in ((datacenter, "dc%2f1"), (folder, "a"), (inner, "renamed"),
                                (cluster, "c"), (pool, "p")):
            self.assertEqual(self.the(reference).name, name)
        self.assertEqual(self.the(inner).parent, self.the(datacenter).vmFolder)
        found = self.content.searchIndex.FindByInventoryPath("dc%2f1/vm/renamed")
        self.assertEqual(found._moId, before[2])
        wait_task(self.the(inner).Destroy_Task())
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            _ = self.the(inner).name
        self.again()
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            _ = self.the(inner).name

    def test_documented_faults(self):
        datacenter = self.datacenter("faults")
        with self.assertRaises(vim.fault.DuplicateName) as raised:
            self.root.CreateDatacenter("faults")
        self.assertEqual(raised.exception.name, "faults")
        self.assertEqual(raised.exception.object, datacenter)
        with self.assertRaises(vim.fault.InvalidName):
            self.root.CreateFolder("")
        with self.assertRaises(vmodl.fault.NotSupported):
            datacenter.vmFolder.CreateClusterEx("c", vim.cluster.ConfigSpecEx())
        with self.assertRaises(vmodl.fault.NotSupported):
            wait_task(datacenter.vmFolder.Destroy_Task())
        with self.assertRaises(vmodl.fault.NotSupported):
            wait_task(self.root.MoveIntoFolder_Task([datacenter.vmFolder]))
        folder = self.root.CreateFolder("around")
        self.addCleanup(lambda: wait_task(self.the(folder).Destroy_Task()))
        with self.assertRaises(vim.fault.InvalidFolder):
            wait_task(folder.MoveIntoFolder_Task([folder]))

    def test_events_and_tasks_are_told(self):
        datacenter = self.datacenter("told")
        cluster = datacenter.hostFolder.CreateClusterEx("c", vim.cluster.ConfigSpecEx())
        wait_task(cluster.Rename_Task("d"))
        wait_task(cluster.Destroy_Task())
        spec = vim.event.EventFilterSpec(entity=vim.event.EventFilterSpec.ByEntity(
            entity=datacenter, recursion="all"))
        types = [type(event).__name__.split(".")[-1]
                 for event in self.content.eventManager.QueryEvents(spec)]
        for expected in ("DatacenterCreatedEvent", "ClusterCreatedEvent", "ClusterDestroyedEvent"):
            self.assertIn(expected, types)
        info = self.content.taskManager.recentTask[-1].info
        self.assertEqual(info.state, "success")


class Clusters(CenterCase):
    def test_settings_are_shown_as_given(self):
        datacenter = self.datacenter("settings")
        cluster = datacenter.hostFolder.CreateClusterEx("c", vim.cluster.ConfigSpecEx(
            drsConfig=vim.cluster.DrsConfigInfo(enabled=True)))
        spec = vim.cluster.ConfigSpecEx()
        spec.drsConfig = vim.cluster.DrsConfigInfo(
            enabled=True, defaultVmBehavior="partiallyAutomated", vmotionRate=4,
            enableVmBehaviorOverrides=False,
            option=[vim.option.OptionValue(key="TryBalanceVmsPerHost", value="1")])
        spec.dasConfig = vim.cluster.DasConfigInfo(
            enabled=True, hostMonitoring="disabled", admissionControlEnabled=True,
            admissionControlPolicy=vim.cluster.FailoverResourcesAdmissionControlPolicy(
                cpuFailoverResourcesPercent=20, memoryFailoverResourcesPercent=30,
                autoComputePercentages=False),
            defaultVmSettings=vim.cluster.DasVmSettings(restartPriority="high"))
        wait_task(cluster.ReconfigureComputeResource_Task(spec, True))
        self.again()
        config = self.the(cluster).configurationEx
        self.assertEqual(config.drsConfig.vmotionRate, 4)
        self.assertEqual(config.drsConfig.defaultVmBehavior, "partiallyAutomated")
        self.assertFalse(config.drsConfig.enableVmBehaviorOverrides)
        self.assertEqual(config.drsConfig.option[0].key, "TryBalanceVmsPerHost")
        self.assertEqual(config.dasConfig.admissionControlPolicy.memoryFailoverResourcesPercent, 30)
        self.assertEqual(config.dasConfig.defaultVmSettings.restartPriority, "high")
        self.assertEqual(config.dasConfig.defaultVmSettings.isolationResponse, "none")
        self.assertEqual(
            config.dasConfig.defaultVmSettings.vmToolsMonitoringSettings.failureInterval, 30)
        self.assertFalse(config.dpmConfigInfo.enabled)
        self.assertTrue(self.the(cluster).configuration.drsConfig.enabled)

    def test_pools(self):
        datacenter = self.datacenter("pools")
        cluster = datacenter.hostFolder.CreateClusterEx("c", vim.cluster.ConfigSpecEx())
        root = cluster.resourcePool
        pool = root.CreateResourcePool("p", pool_spec())
        inner = pool.CreateResourcePool("inner", pool_spec())
        self.assertEqual(pool.owner, cluster)
        self.assertEqual(list(pool.resourcePool), [inner])
        spec = pool_spec()
        spec.cpuAllocation.shares = vim.SharesInfo(level="high", shares=0)
        pool.UpdateConfig("q", spec)
        self.assertEqual(pool.name, "q")
        self.assertEqual(pool.config.cpuAllocation.shares.shares, 8000)
        self.assertEqual(pool.summary.name, "q")
        root.MoveIntoResourcePool([inner])
        self.assertEqual({each.name for each in root.resourcePool}, {"q", "inner"})
        with self.assertRaises(vmodl.fault.NotSupported):
            wait_task(root.Destroy_Task())
        root.DestroyChildren()
        self.assertEqual(list(root.resourcePool), [])


class Fields(CenterCase):
    def test_fields_and_values_survive(self):
        manager = self.content.customFieldsManager
        datacenter = self.datacenter("fields")
        field = manager.AddCustomFieldDef("owner", None, None, None)
        with self.assertRaises(vim.fault.DuplicateName):
            manager.AddCustomFieldDef("owner", vim.VirtualMachine, None, None)
        manager.SetField(datacenter, field.key, "me")
        self.assertEqual([f.name for f in datacenter.availableField], ["owner"])
        manager.RenameCustomFieldDef(field.key, "possessor")
        self.again()
        shown = self.content.customFieldsManager.field
        self.assertEqual([(f.key, f.name) for f in shown], [(field.key, "possessor")])
        value = self.the(datacenter).customValue[0]
        self.assertEqual((value.key, value.value), (field.key, "me"))
        self.the(datacenter).setCustomValue("possessor", "you")
        self.assertEqual(self.the(datacenter).value[0].value, "you")
        self.content.customFieldsManager.RemoveCustomFieldDef(field.key)
        self.assertEqual(list(self.the(datacenter).customValue), [])
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.content.customFieldsManager.SetField(self.the(datacenter), field.key, "x")


class Permissions(CenterCase):
    def test_permissions_on_the_tree(self):
        datacenter = self.datacenter("mine")
        other = self.datacenter("theirs")
        accounts = self.content.accountManager
        accounts.CreateUser(vim.host.LocalAccountManager.AccountSpecification(
            id="alice", password="correct horse battery"))
        self.addCleanup(lambda: self.content.accountManager.RemoveUser("alice"))
        role = self.content.authorizationManager.AddAuthorizationRole(
            "folders", ["Folder.Create", "System.View", "System.Read", "System.Anonymous"])
        self.addCleanup(
            lambda: self.content.authorizationManager.RemoveAuthorizationRole(role, False))
        self.content.authorizationManager.SetEntityPermissions(datacenter, [
            vim.AuthorizationManager.Permission(principal="alice", group=False, roleId=role,
                                                propagate=True)])
        WORLD.center.user, before = "alice", WORLD.center.user
        WORLD.center.password, secret = "correct horse battery", WORLD.center.password
        try:
            session = WORLD.connect()
        finally:
            WORLD.center.user, WORLD.center.password = before, secret
        self.addCleanup(lambda: close_session(session))
        hers = session.RetrieveContent()
        view = hers.viewManager.CreateContainerView(hers.rootFolder, [vim.Datacenter], True)
        seen = list(view.view)
        self.assertEqual([each.name for each in seen], ["mine"])
        theirs = type(other)(other._moId, session._stub)
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            _ = theirs.vmFolder
        seen[0].vmFolder.CreateFolder("hers")
        with self.assertRaises(vim.fault.NoPermission) as raised:
            seen[0].hostFolder.CreateClusterEx("c", vim.cluster.ConfigSpecEx())
        self.assertEqual(raised.exception.privilegeId, "Host.Inventory.CreateCluster")
        self.assertEqual(list(seen[0].effectiveRole), [role])


def pool_spec():
    def allocation():
        return vim.ResourceAllocationInfo(reservation=0, expandableReservation=True, limit=-1,
                                          shares=vim.SharesInfo(level="normal", shares=0))
    return vim.ResourceConfigSpec(cpuAllocation=allocation(), memoryAllocation=allocation())


if __name__ == "__main__":
    unittest.main(verbosity=2)
