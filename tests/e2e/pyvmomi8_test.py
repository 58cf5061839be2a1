#!/usr/bin/python3
"""pyVmomi 8.0.3, which speaks the newest release that a host serves and knows every property of it
by its type: it refuses a value that does not fit. Taken from a later Debian; skipped where there is
none."""

import os
import sys
import unittest

from drover_e2e.later_debian import python_package

# The module must be the newer one from the first import on: the test starts itself anew.
_MARK = "DROVER_PYVMOMI"
if _MARK not in os.environ:
    _found = python_package("python3-pyvmomi")
    _environment = {**os.environ, _MARK: _found or ""}
    if _found:
        _environment["PYTHONPATH"] = _found
    os.execve(sys.executable, [sys.executable, os.path.realpath(__file__), *sys.argv[1:]],
              _environment)

from pyVmomi import VmomiSupport, vim, vmodl  # noqa: E402

from drover_e2e import Sandbox, connect, make_spec, wait_task  # noqa: E402


def setUpModule():
    global SANDBOX
    if not os.environ[_MARK]:
        raise unittest.SkipTest("pyVmomi 8 can't be fetched from Debian trixie")
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


class PyVmomi8(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = connect(SANDBOX)
        cls.addClassCleanup(cls.host.close)
        cls.machine = wait_task(cls.host.create(make_spec("eight")))
        cls.addClassCleanup(lambda: wait_task(cls.machine.Destroy_Task()))

    def test_the_release(self):
        self.assertTrue(VmomiSupport.__file__.startswith(os.environ[_MARK]))
        self.assertEqual("8.0.3.0", VmomiSupport.versionIdMap[self.host.si._stub.version])

    def read_all(self, item):
        """Fetches every property that pyVmomi knows of the object; returns those that are set."""
        found = {}
        for info in type(item)._GetPropertyList():
            with self.subTest(type=type(item).__name__, property=info.name):
                value = getattr(item, info.name)
                if value is not None and not (isinstance(value, list) and not value):
                    found[info.name] = value
        return found

    def test_whole_objects_by_fetch(self):
        for item in (self.machine, self.host.host, self.host.compute, self.host.datacenter,
                     self.host.datastore(), self.host.compute.resourcePool,
                     self.host.datacenter.network[0], self.host.content.rootFolder,
                     self.host.content.sessionManager, self.host.content.taskManager):
            self.assertGreater(len(self.read_all(item)), 1, item)

    def test_whole_objects_by_the_collector(self):
        view = self.host.content.viewManager.CreateContainerView(
            self.host.content.rootFolder, [vim.ManagedEntity], True)
        self.addCleanup(view.Destroy)
        query = vmodl.query.PropertyCollector
        traversal = query.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)
        found = self.host.content.propertyCollector.RetrieveContents([query.FilterSpec(
            propSet=[query.PropertySpec(type=vim.ManagedEntity, all=True)],
            objectSet=[query.ObjectSpec(obj=view, skip=True, selectSet=[traversal])])])
        kinds = {type(each.obj).__name__ for each in found}
        self.assertLessEqual({"vim.VirtualMachine", "vim.HostSystem", "vim.Datastore"}, kinds)
        for each in found:
            self.assertFalse(each.missingSet, each.obj)
            self.assertGreater(len(each.propSet), 5, each.obj)

    def test_every_object_of_the_content(self):
        for info in type(self.host.content)._GetPropertyList():
            item = getattr(self.host.content, info.name)
            if isinstance(item, VmomiSupport.ManagedObject):
                self.read_all(item)

    def test_the_host_offers_what_it_names(self):
        manager = self.host.host.configManager
        for info in type(manager)._GetPropertyList():
            item = getattr(manager, info.name)
            if isinstance(item, VmomiSupport.ManagedObject):
                self.read_all(item)


if __name__ == "__main__":
    unittest.main()
