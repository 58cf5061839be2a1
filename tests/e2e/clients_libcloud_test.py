#!/usr/bin/python3
"""Apache Libcloud's vSphere driver (over pyVmomi) against a host."""

import unittest
import warnings

from libcloud.compute.drivers import vsphere
from libcloud.compute.types import NodeState

from drover_e2e import Sandbox, connect, make_spec, wait_task, wait_until


def setUpModule():
    global SANDBOX
    # It opens its sockets without a context that verifies, and never closes them.
    warnings.simplefilter("ignore")
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


class _Driver(vsphere.VSphereNodeDriver):
    """Asks ten times a second whether a task has ended, not once in ten seconds."""

    def wait_for_task(self, task, timeout=60, interval=0.1):
        return super().wait_for_task(task, timeout, interval)


class Libcloud(unittest.TestCase):
    def setUp(self):
        entry = SANDBOX.host()
        self.driver = _Driver(entry["address"], entry["username"], entry["password"])

    def node(self, name):
        return next(item for item in self.driver.list_nodes() if item.name == name)

    def test_what_is_there(self):
        location, = self.driver.list_locations()
        self.assertEqual("host1", location.name)
        self.assertEqual(("host", "connected"), (location.extra["type"], location.extra["state"]))
        self.assertGreater(location.extra["ram"], 1 << 28)
        self.assertEqual(["VM Network"], [item.name for item in self.driver.ex_list_networks()])
        self.assertEqual(["shared"], [item["name"] for item in self.driver.ex_list_datastores()])
        self.assertIn("vm", [item["name"] for item in self.driver.ex_list_folders()])

    def test_templates_are_images(self):
        host = connect(SANDBOX)
        self.addCleanup(host.close)
        template = wait_task(host.create(make_spec("image", nic=False)))
        self.addCleanup(lambda: wait_task(template.Destroy_Task()))
        template.MarkAsTemplate()
        image = next(item for item in self.driver.list_images() if item.name == "image")
        self.assertEqual(template.config.instanceUuid, image.id)
        self.assertNotIn("image", [item.name for item in self.driver.list_nodes()])

    def test_life_of_a_node(self):
        host = connect(SANDBOX)
        self.addCleanup(host.close)
        wait_task(host.create(make_spec("node")))
        node = self.node("node")
        self.assertEqual(NodeState.STOPPED, node.state)
        self.assertEqual("host1", node.extra["host"])
        self.assertTrue(self.driver.start_node(node))
        self.assertEqual(NodeState.RUNNING, self.node("node").state)
        self.assertRegex(self.driver.ex_open_console(node.id), r"^wss://[^/]+:\d+/ticket/\w+")
        machine = host.machine("node")
        wait_until(lambda: machine.guest.ipAddress, 150, "the guest's address")
        self.assertEqual([machine.guest.ipAddress], self.node("node").private_ips)
        self.assertEqual([], self.driver.ex_list_snapshots(node))
        self.assertTrue(self.driver.stop_node(node))
        self.assertEqual(NodeState.STOPPED, self.node("node").state)
        self.assertTrue(self.driver.destroy_node(self.node("node")))
        self.assertNotIn("node", [item.name for item in self.driver.list_nodes_recursive()])


if __name__ == "__main__":
    unittest.main(verbosity=2)
