#!/usr/bin/python3
"""Clients that build themselves from the WSDL and take nothing that is not in it: oslo.vmware (what
OpenStack uses) and fence_vmware_soap (what clusters of Pacemaker use)."""

import os
import subprocess
import unittest

from oslo_vmware import api, exceptions, vim_util

from drover_e2e import Sandbox, connect, make_spec, wait_task

# A fence agent reads the WSDL anew at each start, in pure Python.
AGENT_S = 120


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


class WithMachines(unittest.TestCase):
    """Two machines that pyVmomi has made, each with a session of its own: agents take their time,
    and no connection need last for that long."""

    NAMES = ()

    @classmethod
    def setUpClass(cls):
        cls.entry = SANDBOX.host()
        for name in cls.NAMES:
            with_host(lambda host: wait_task(host.create(make_spec(name))))
            cls.addClassCleanup(with_host, lambda host, name=name: cls.remove(host.machine(name)))

    @staticmethod
    def remove(machine):
        if machine.runtime.powerState == "poweredOn":
            wait_task(machine.PowerOffVM_Task())
        wait_task(machine.Destroy_Task())

    @staticmethod
    def power(name):
        return with_host(lambda host: host.machine(name).runtime.powerState)


def with_host(action):
    host = connect(SANDBOX)
    try:
        return action(host)
    finally:
        host.close()


class Oslo(WithMachines):
    NAMES = ("suds1", "suds2")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.session = api.VMwareAPISession(
            cls.entry["address"], cls.entry["username"], cls.entry["password"],
            api_retry_count=2, task_poll_interval=0.1, insecure=True)
        cls.addClassCleanup(cls.session.logout)
        cls.vim = cls.session.vim

    def invoke(self, method, *arguments, **named):
        return self.session.invoke_api(self.vim, method, *arguments, **named)

    def machine(self, name):
        found = self.session.invoke_api(vim_util, "get_objects", self.vim, "VirtualMachine", 100)
        references = {item.propSet[0].val: item.obj for item in found.objects}
        self.assertLessEqual({"suds1", "suds2"}, set(references))
        return references[name]

    def property(self, reference, path):
        return self.session.invoke_api(vim_util, "get_object_property", self.vim, reference, path)

    def test_the_service_content(self):
        content = self.vim.service_content
        self.assertEqual("8.0.3.0", content.about.apiVersion)
        self.assertEqual("Folder", content.rootFolder._type)
        self.assertTrue(self.session.is_current_session_active())
        self.assertEqual("8.0.3", vim_util.get_vc_version(self.session))

    def test_pages_of_objects(self):
        first = self.session.invoke_api(vim_util, "get_objects", self.vim, "VirtualMachine", 1,
                                        ["name", "runtime.powerState", "config.hardware.device"])
        self.assertEqual(1, len(first.objects))
        self.assertTrue(first.token)
        seen = list(first.objects)
        with vim_util.WithRetrieval(self.vim, first) as rest:
            seen += list(rest)
        names = {item.val for each in seen for item in each.propSet if item.name == "name"}
        self.assertLessEqual({"suds1", "suds2"}, names)
        devices = [item.val for each in seen for item in each.propSet
                   if item.name == "config.hardware.device"]
        kinds = {device.__class__.__name__ for each in devices for device in each[0]}
        self.assertIn("VirtualDisk", kinds)

    def test_whole_properties(self):
        machine = self.machine("suds2")
        self.assertEqual("suds2", self.property(machine, "config").name)
        self.assertEqual("poweredOff", self.property(machine, "summary").runtime.powerState)
        host = self.property(machine, "runtime").host
        for path in ("config", "summary", "hardware", "capability", "runtime"):
            self.assertIsNotNone(self.property(host, path), path)

    def test_power_by_tasks(self):
        machine = self.machine("suds1")
        task = self.invoke("PowerOnVM_Task", machine)
        self.assertEqual("success", self.session.wait_for_task(task).state)
        self.assertEqual("poweredOn", self.property(machine, "runtime.powerState"))
        with self.assertRaises(exceptions.InvalidPowerStateException):
            self.session.wait_for_task(self.invoke("PowerOnVM_Task", machine))
        task = self.invoke("PowerOffVM_Task", machine)
        self.assertEqual("success", self.session.wait_for_task(task).state)

    def test_objects_are_built_from_the_schema(self):
        factory = self.vim.client.factory
        option = factory.create("ns0:OptionValue")
        option.key, option.value = "guestinfo.suds", "a<b>&\u00e4"
        spec = factory.create("ns0:VirtualMachineConfigSpec")
        spec.annotation = "from suds"
        spec.extraConfig = [option]
        machine = self.machine("suds2")
        self.session.wait_for_task(self.invoke("ReconfigVM_Task", machine, spec=spec))
        config = self.property(machine, "config")
        self.assertEqual("from suds", config.annotation)
        self.assertIn(("guestinfo.suds", "a<b>&\u00e4"),
                      [(item.key, item.value) for item in config.extraConfig])

    def test_faults(self):
        gone = vim_util.get_moref("999999", "VirtualMachine")
        with self.assertRaises(exceptions.ManagedObjectNotFoundException):
            self.property(gone, "name")
        with self.assertRaises(exceptions.ManagedObjectNotFoundException):
            self.invoke("PowerOnVM_Task", gone)


class FenceAgent(WithMachines):
    NAMES = ("fence1", "fence2")

    def agent(self, action, plug=None):
        command = ["fence_vmware_soap", "--ip", self.entry["address"], "--username",
                   self.entry["username"], "--password", self.entry["password"], "--ssl-insecure",
                   "--action", action]
        if plug:
            command += ["--plug", plug]
        return subprocess.run(command, capture_output=True, text=True, timeout=AGENT_S,
                              check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})

    def test_list(self):
        listed = self.agent("list")
        self.assertEqual(0, listed.returncode, listed.stderr)
        uuid = with_host(lambda host: host.machine("fence1").config.uuid)
        self.assertIn(f"fence1,{uuid}", listed.stdout)

    def test_on_status_and_off(self):
        uuid = with_host(lambda host: host.machine("fence2").config.uuid)
        switched = self.agent("on", uuid)
        self.assertEqual(0, switched.returncode, switched.stderr)
        self.assertEqual("poweredOn", self.power("fence2"))
        self.assertEqual(0, self.agent("status", "fence2").returncode, "0: it is on")
        switched = self.agent("off", "fence2")
        self.assertEqual(0, switched.returncode, switched.stderr)
        self.assertEqual("poweredOff", self.power("fence2"))


if __name__ == "__main__":
    unittest.main()
