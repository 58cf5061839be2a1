#!/usr/bin/python3
"""pyVmomi: whole objects, at each release that it knows. Nothing may fault or fail to parse."""

import ssl
import unittest

from pyVim.task import WaitForTask
from pyVmomi import SoapAdapter, VmomiSupport, vim, vmodl

from drover_e2e import Sandbox, connect, make_spec, wait_task

_COLLECTOR = vmodl.query.PropertyCollector
# The first release of pyVmomi's tables that has RetrievePropertiesEx, by which it reads properties.
_READS_PROPERTIES = "vim.version.version6"


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


def references(value):
    """All managed objects within a value, but not what history tells of: that may be gone."""
    if isinstance(value, (vim.TaskInfo, vim.event.Event)):
        return
    if isinstance(value, VmomiSupport.ManagedObject):
        yield value
    elif isinstance(value, VmomiSupport.DataObject):
        for item in value._GetPropertyList():
            yield from references(getattr(value, item.name))
    elif isinstance(value, list):
        for element in value:
            yield from references(element)


def known_properties(managed, version):
    """The properties of an object that a client of this version knows."""
    return [item for item in managed._GetPropertyList()
            if VmomiSupport.IsChildVersion(version, item.version)]


class _Fetcher(SoapAdapter.SoapStubAdapter):
    """Reads properties by the undocumented method of newer pyVmomi: Fetch."""

    def InvokeAccessor(self, mo, info):
        names = VmomiSupport.Object
        method = names(name="Fetch", wsdlName="Fetch", version=info.version,
                       params=(names(name="prop", type=str, version=info.version, flags=0),),
                       isTask=False, resultFlags=VmomiSupport.F_OPTIONAL, result=info.type,
                       methodResult=info.type)
        return self.InvokeMethod(mo, method, (info.name,))


class WholeObjects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = connect(SANDBOX)
        cls.machine = wait_task(cls.host.create(make_spec("whole")))
        wait_task(cls.machine.PowerOnVM_Task())

    @classmethod
    def tearDownClass(cls):
        wait_task(cls.machine.PowerOffVM_Task())
        wait_task(cls.machine.Destroy_Task())
        cls.host.close()

    def session(self, version, adapter=SoapAdapter.SoapStubAdapter):
        entry = SANDBOX.host()
        stub = adapter(host=entry["address"], version=version,
                       sslContext=ssl._create_unverified_context())
        root = vim.ServiceInstance("ServiceInstance", stub)
        manager = root.RetrieveContent().sessionManager
        manager.Login(entry["username"], entry["password"], None)
        self.addCleanup(manager.Logout)
        return root

    def walk(self, root, read):
        """Calls read(object) -> value for every object that can be reached; returns the types."""
        waiting, seen = [root], {}
        while waiting:
            managed = waiting.pop()
            if managed._moId in seen:
                continue
            seen[managed._moId] = type(managed)
            waiting.extend(references(read(managed)))
        return set(seen.values())

    def check_types(self, types):
        expected = {vim.Folder, vim.Datacenter, vim.ComputeResource, vim.HostSystem, vim.Datastore,
                    vim.ResourcePool, vim.Network, vim.VirtualMachine, vim.TaskManager,
                    vim.PerformanceManager, vim.SessionManager, vim.host.DatastoreBrowser}
        self.assertEqual(set(), expected - types)

    def test_all_properties_at_every_release(self):
        every = [name for name in VmomiSupport.nsMap if name.startswith("vim.version.version")]
        self.assertGreater(len(every), 10)
        for version in every:
            with self.subTest(version=version):
                root = self.session(version)
                collector = root.RetrieveContent().propertyCollector

                def read(managed):
                    spec = _COLLECTOR.FilterSpec(
                        propSet=[_COLLECTOR.PropertySpec(type=type(managed), all=True)],
                        objectSet=[_COLLECTOR.ObjectSpec(obj=managed)])
                    content, = collector.RetrieveContents([spec])
                    self.assertEqual([], content.missingSet)
                    return content

                self.check_types(self.walk(root, read))

    def one_by_one(self, root, version):
        def read(managed):
            values = []
            for item in known_properties(managed, version):
                try:
                    values.append(getattr(managed, item.name))
                except (vmodl.MethodFault, AttributeError, KeyError, TypeError) as error:
                    self.fail(f"{managed}.{item.name}: {error!r}")
            return values

        self.check_types(self.walk(root, read))

    def test_property_by_property(self):
        newest = "vim.version.version13"
        for version in (_READS_PROPERTIES, newest):
            with self.subTest(version=version):
                self.one_by_one(self.session(version), version)

    def test_fetch(self):
        newest = "vim.version.version13"
        self.one_by_one(self.session(newest, _Fetcher), newest)

    def test_lists_are_never_unset(self):
        for managed in (self.machine, self.host.host, self.host.datacenter):
            for name in ("customValue", "tag", "triggeredAlarmState", "configIssue", "recentTask",
                         "disabledMethod", "availableField", "value"):
                self.assertIsInstance(getattr(managed, name), list, f"{managed}.{name}")


class Waiting(unittest.TestCase):
    def setUp(self):
        self.host = connect(SANDBOX)
        self.addCleanup(self.host.close)

    def test_wait_for_task(self):
        states = []
        task = self.host.create(make_spec("waited"))
        self.assertEqual("success", WaitForTask(
            task, si=self.host.si, onProgressUpdate=lambda _, progress: states.append(progress)))
        self.assertTrue(states, "no progress was told")
        machine = task.info.result
        with self.assertRaises(vim.fault.InvalidPowerState):
            WaitForTask(machine.PowerOffVM_Task(), si=self.host.si)
        WaitForTask(machine.Destroy_Task(), si=self.host.si)

    def test_updates_of_a_container_view(self):
        content = self.host.content
        view = content.viewManager.CreateContainerView(
            content.rootFolder, [vim.VirtualMachine], True)
        self.addCleanup(view.DestroyView)
        walk = _COLLECTOR.TraversalSpec(name="view", type=vim.view.ContainerView, path="view",
                                        skip=False)
        spec = _COLLECTOR.FilterSpec(
            objectSet=[_COLLECTOR.ObjectSpec(obj=view, skip=True, selectSet=[walk])],
            propSet=[_COLLECTOR.PropertySpec(type=vim.VirtualMachine, all=False,
                                             pathSet=["name", "runtime.powerState"])])
        collector = content.propertyCollector
        update_filter = collector.CreateFilter(spec, False)
        self.addCleanup(update_filter.DestroyPropertyFilter)
        first = collector.WaitForUpdates("")
        self.assertEqual({"enter"}, {item.kind for item in first.filterSet[0].objectSet})
        machine = wait_task(self.host.create(make_spec("watched")))
        version, _ = self.follow(collector, first.version, machine, "enter")
        wait_task(machine.PowerOnVM_Task())
        version, seen = self.follow(collector, version, machine, "modify")
        self.assertIn(("runtime.powerState", "poweredOn"), seen)
        wait_task(machine.PowerOffVM_Task())
        wait_task(machine.Destroy_Task())
        self.follow(collector, version, machine, "leave")

    def follow(self, collector, version, machine, kind):
        """Waits until an update of this kind comes; returns the version and its changes."""
        for _ in range(20):
            options = _COLLECTOR.WaitOptions(maxWaitSeconds=20)
            update = collector.WaitForUpdatesEx(version, options)
            self.assertIsNotNone(update, f"no {kind} of {machine}")
            version = update.version
            for item in [item for part in update.filterSet for item in part.objectSet]:
                if item.obj == machine and item.kind == kind:
                    return version, [(change.name, change.val) for change in item.changeSet]
        self.fail(f"no {kind} of {machine}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
