#!/usr/bin/python3
"""oslo.vmware, what OpenStack uses, at a center: session, pages of objects, property loops, tasks.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_oslo_test.py
"""

import sys
import unittest

sys.dont_write_bytecode = True
from oslo_vmware import api, exceptions, vim_util  # noqa: E402
from pyVmomi import vim  # noqa: E402

from drover_e2e import wait_task  # noqa: E402
from drover_e2e.center import CenterWorld, close_session  # noqa: E402

WORLD = None
HOSTS, MACHINES = 2, 3


def setUpModule():
    global WORLD
    WORLD = CenterWorld(HOSTS, MACHINES, shared_datastore=True)
    try:
        si = WORLD.connect()
        datacenter = si.content.rootFolder.CreateDatacenter("dc")
        cluster = datacenter.hostFolder.CreateClusterEx("compute", vim.cluster.ConfigSpecEx())
        for host in WORLD.hosts:
            spec = vim.host.ConnectSpec(hostName=f"{host.address}:{host.port}",
                                        userName=host.user, password=host.password, force=False)
            try:
                wait_task(cluster.AddHost_Task(spec, True))
            except vim.fault.SSLVerifyFault as fault:
                spec.sslThumbprint = fault.thumbprint
                wait_task(cluster.AddHost_Task(spec, True))
        close_session(si)
    except BaseException:
        print(WORLD.center.log())
        WORLD.close()
        raise


def tearDownModule():
    WORLD.close()


class Oslo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        center = WORLD.center
        cls.session = api.VMwareAPISession(
            center.address, center.user, center.password, api_retry_count=2,
            task_poll_interval=0.1, insecure=True, port=center.port)
        cls.addClassCleanup(cls.session.logout)
        cls.vim = cls.session.vim

    def invoke(self, method, *arguments, **named):
        return self.session.invoke_api(self.vim, method, *arguments, **named)

    def util(self, name, *arguments):
        return self.session.invoke_api(vim_util, name, self.vim, *arguments)

    def objects(self, kind, page=100):
        """{name: reference} of all objects of a kind, page by page."""
        first = self.util("get_objects", kind, page)
        with vim_util.WithRetrieval(self.vim, first) as pages:
            return {item.propSet[0].val: item.obj for item in pages}

    def property(self, reference, path):
        return self.util("get_object_property", reference, path)

    def test_the_service(self):
        about = self.vim.service_content.about
        self.assertEqual(("VirtualCenter", "vpx"), (about.apiType, about.productLineId))
        self.assertTrue(self.session.is_current_session_active())
        self.assertEqual("8.0.3", vim_util.get_vc_version(self.session))

    def test_pages_over_all_hosts(self):
        names = self.objects("VirtualMachine", page=2)
        self.assertEqual(HOSTS * MACHINES, len(self.objects("VirtualMachine")))
        self.assertEqual(set(names), set(self.objects("VirtualMachine")))
        self.assertEqual(HOSTS, len(self.objects("HostSystem", page=1)))
        self.assertEqual(["compute"], list(self.objects("ClusterComputeResource")))
        self.assertIn("shared", self.objects("Datastore"))

    def test_what_nova_asks_of_a_cluster(self):
        cluster = self.objects("ClusterComputeResource")["compute"]
        summary = self.property(cluster, "summary")
        self.assertEqual(HOSTS, summary.numHosts)
        hosts = self.property(cluster, "host").ManagedObjectReference
        for host in hosts:
            properties = self.util("get_object_properties_dict", host, [
                "summary.hardware", "summary.runtime", "summary.quickStats"])
            self.assertEqual("connected", properties["summary.runtime"].connectionState)
            self.assertFalse(properties["summary.runtime"].inMaintenanceMode)
            self.assertGreater(properties["summary.hardware"].memorySize, 0)
        pool = self.property(cluster, "resourcePool")
        self.assertEqual("Resources", self.property(pool, "name"))
        stores = self.property(cluster, "datastore").ManagedObjectReference
        infos = self.util("get_object_properties", stores[0], ["summary.type", "summary.capacity"])
        self.assertTrue(infos)
        self.assertEqual("compute", self.property(self.property(hosts[0], "parent"), "name"))

    def test_whole_objects(self):
        machine = next(iter(self.objects("VirtualMachine").values()))
        for path in ("config", "summary", "runtime", "layoutEx", "guest", "environmentBrowser"):
            self.assertIsNotNone(self.property(machine, path), path)
        host = self.property(machine, "runtime").host
        self.assertEqual("HostSystem", host._type)
        for path in ("config", "summary", "hardware", "runtime"):
            self.assertIsNotNone(self.property(host, path), path)

    def test_tasks_and_faults(self):
        machine = self.objects("VirtualMachine")[sorted(self.objects("VirtualMachine"))[0]]
        if self.property(machine, "runtime.powerState") == "poweredOn":
            self.session.wait_for_task(self.invoke("PowerOffVM_Task", machine))
        info = self.session.wait_for_task(self.invoke("PowerOnVM_Task", machine))
        self.assertEqual("success", info.state)
        with self.assertRaises(exceptions.InvalidPowerStateException):
            self.session.wait_for_task(self.invoke("PowerOnVM_Task", machine))
        self.session.wait_for_task(self.invoke("PowerOffVM_Task", machine))
        factory = self.vim.client.factory
        option = factory.create("ns0:OptionValue")
        option.key, option.value = "nvp.vm-uuid", "a<b>&\u00e4"
        spec = factory.create("ns0:VirtualMachineConfigSpec")
        spec.extraConfig = [option]
        self.session.wait_for_task(self.invoke("ReconfigVM_Task", machine, spec=spec))
        values = {item.key: item.value for item in self.property(machine, "config").extraConfig}
        self.assertEqual("a<b>&\u00e4", values["nvp.vm-uuid"])
        with self.assertRaises(exceptions.ManagedObjectNotFoundException):
            self.property(vim_util.get_moref("vm-99999", "VirtualMachine"), "name")

    def test_a_view_and_inventory_paths(self):
        content = self.vim.service_content
        machine = next(iter(self.objects("VirtualMachine").values()))
        path = self.util("get_inventory_path", machine)
        self.assertTrue(path.startswith("/dc/vm/"), path)
        found = self.invoke("FindByInventoryPath", content.searchIndex,
                            inventoryPath=path.lstrip("/"))
        self.assertEqual(machine.value, found.value)

    def test_a_session_that_has_ended_is_renewed(self):
        machine = next(iter(self.objects("VirtualMachine").values()))
        WORLD.center.restart()
        self.assertTrue(self.property(machine, "name"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
