#!/usr/bin/python3
"""The PropertyCollector over the wire: pages, versions, waits and how they end."""

import threading
import time
import unittest

from drover_e2e import Sandbox, connect
from pyVmomi import vim, vmodl

PC = vmodl.query.PropertyCollector


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


def everything(connection):
    """Names of all entities below the root folder, by a container view."""
    content = connection.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [], True)
    traversal = PC.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)
    start = PC.ObjectSpec(obj=view, skip=True, selectSet=[traversal])
    return PC.FilterSpec(objectSet=[start],
                         propSet=[PC.PropertySpec(type=vim.ManagedEntity, pathSet=["name"])])


class Waiting(threading.Thread):
    """A wait in a session of its own thread; what it ended with is in `result` or `fault`."""

    def __init__(self, collector, version, seconds=None):
        super().__init__(daemon=True)
        self.call = (collector, version, PC.WaitOptions(maxWaitSeconds=seconds))
        self.result = self.fault = None
        self.start()
        time.sleep(0.5)  # it is at the server now

    def run(self):
        collector, version, options = self.call
        try:
            self.result = collector.WaitForUpdatesEx(version, options)
        except vmodl.MethodFault as fault:
            self.fault = fault

    def end(self):
        self.join(20)
        assert not self.is_alive(), "the wait did not end"
        return self


class PropertyCollector(unittest.TestCase):
    def setUp(self):
        self.connection = connect(SANDBOX)
        self.addCleanup(self.connection.close)
        self.collector = self.connection.content.propertyCollector

    def test_pages(self):
        spec = everything(self.connection)
        whole = self.collector.RetrieveContents([spec])
        options = PC.RetrieveOptions(maxObjects=2)
        page = self.collector.RetrievePropertiesEx([spec], options)
        seen = [item.obj for item in page.objects]
        while page.token:
            self.assertEqual(2, len(page.objects))
            used = page.token
            page = self.collector.ContinueRetrievePropertiesEx(used)
            seen += [item.obj for item in page.objects]
        self.assertEqual([item.obj for item in whole], seen)
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.collector.ContinueRetrievePropertiesEx(used)
        token = self.collector.RetrievePropertiesEx([spec], options).token
        self.collector.CancelRetrievePropertiesEx(token)
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.collector.CancelRetrievePropertiesEx(token)

    def test_versions(self):
        made = self.collector.CreateFilter(everything(self.connection), False)
        first = self.collector.WaitForUpdatesEx("", PC.WaitOptions(maxObjectUpdates=2))
        self.assertTrue(first.truncated)
        self.assertEqual(2, len(first.filterSet[0].objectSet))
        with self.assertRaises(vmodl.query.InvalidCollectorVersion):
            self.collector.CheckForUpdates(first.version)
        rest = self.collector.WaitForUpdatesEx(first.version, PC.WaitOptions())
        self.assertFalse(rest.truncated)
        self.assertIsNone(self.collector.CheckForUpdates(rest.version))
        began = time.monotonic()
        options = PC.WaitOptions(maxWaitSeconds=1)
        self.assertIsNone(self.collector.WaitForUpdatesEx(rest.version, options))
        self.assertGreater(time.monotonic() - began, 0.9)
        with self.assertRaises(vmodl.query.InvalidCollectorVersion):
            self.collector.WaitForUpdatesEx("nonsense", None)
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.collector.WaitForUpdatesEx("", PC.WaitOptions(maxWaitSeconds=-1))
        self.assertEqual([made], list(self.collector.filter))
        made.Destroy()
        self.assertFalse(self.collector.filter)

    def test_what_ends_a_wait(self):
        own = self.collector.CreatePropertyCollector()
        wait = Waiting(own, "")
        own.CancelWaitForUpdates()
        self.assertIsInstance(wait.end().fault, vmodl.fault.RequestCanceled)
        wait = Waiting(own, "")
        own.CreateFilter(everything(self.connection), False)
        self.assertIsNotNone(wait.end().result)
        wait = Waiting(own, wait.result.version)
        own.Destroy()
        self.assertIsInstance(wait.end().fault, vmodl.fault.ManagedObjectNotFound)

    def test_the_end_of_the_session_ends_its_wait(self):
        other = connect(SANDBOX)
        self.addCleanup(other.close)
        key = other.content.sessionManager.currentSession.key
        wait = Waiting(other.content.propertyCollector, "")
        self.connection.content.sessionManager.TerminateSession([key])
        self.assertIsInstance(wait.end().fault, vim.fault.NotAuthenticated)


if __name__ == "__main__":
    unittest.main()
