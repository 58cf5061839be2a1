#!/usr/bin/python3
"""Clients not written for drover: virsh with its ESX driver, curl with VI/JSON; and our CLI."""

import json
import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from drover_e2e import Sandbox, connect, make_spec, wait_task, wait_until


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


class ForeignClients(unittest.TestCase):
    def setUp(self):
        self.entry = SANDBOX.host()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def run_program(self, *command, text="", environment=None):
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                                timeout=120, env={**os.environ, **(environment or {})})
        self.assertEqual(0, result.returncode, f"{command}: {result.stderr}{result.stdout}")
        return result.stdout

    def machine(self, name):
        host = connect(SANDBOX)
        self.addCleanup(host.close)
        machine = wait_task(host.create(make_spec(name)))

        def remove():
            if machine.runtime.powerState == "poweredOn":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())

        self.addCleanup(remove)
        return machine

    def virsh(self, *command):
        credentials = os.path.join(self.directory, "auth.conf")
        with open(credentials, "w", encoding="utf-8") as file:
            file.write(f"[credentials-d]\nusername=root\npassword={self.entry['password']}\n\n"
                       f"[auth-esx-{self.entry['address']}]\ncredentials=d\n")
        return self.run_program(
            "virsh", "-q", "-c", f"esx://root@{self.entry['address']}/?no_verify=1", *command,
            environment={"LIBVIRT_AUTH_FILE": credentials})

    def test_virsh(self):
        machine = self.machine("fromvirsh")
        self.assertIn("fromvirsh", self.virsh("list", "--all"))
        self.assertIn(machine.config.uuid, self.virsh("dominfo", "fromvirsh"))
        domain = xml.etree.ElementTree.fromstring(self.virsh("dumpxml", "fromvirsh"))
        self.assertEqual("[shared] fromvirsh/fromvirsh.vmdk",
                         domain.find("devices/disk/source").get("file"))
        self.virsh("start", "fromvirsh")
        self.assertIn("running", self.virsh("domstate", "fromvirsh"))
        self.assertEqual("poweredOn", machine.runtime.powerState)
        wait_until(lambda: machine.guest.toolsRunningStatus == "guestToolsRunning", 150,
                   "the guest agent")
        self.virsh("shutdown", "fromvirsh")
        wait_until(lambda: machine.runtime.powerState == "poweredOff", 60, "the guest's shutdown")
        self.assertIn("shared", self.virsh("pool-list"))

    def curl(self, verb, path, body=None, session=None):
        command = ["curl", "-sk", "-i", "-X", verb,
                   f"https://{self.entry['address']}/sdk/vim25/8.0.1.0/{path}"]
        if session:
            command += ["-H", f"vmware-api-session-id: {session}"]
        if body is not None:
            command += ["-d", json.dumps(body)]
        head, _, text = self.run_program(*command).partition("\n\n")
        status, *lines = head.splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(status.split()[1]), headers, json.loads(text) if text else None

    def test_json_with_curl(self):
        status, _, content = self.curl("GET", "ServiceInstance/ServiceInstance/content")
        self.assertEqual((200, "HostAgent"), (status, content["about"]["apiType"]))
        status, _, fault = self.curl("POST", "SessionManager/ha-sessionmgr/Login",
                                     {"userName": "root", "password": "wrong"})
        self.assertEqual((500, "InvalidLogin"), (status, fault["_typeName"]))
        status, _, fault = self.curl("GET", "Folder/ha-folder-vm/childEntity")
        self.assertEqual((500, "NotAuthenticated"), (status, fault["_typeName"]))
        status, headers, _ = self.curl("POST", "SessionManager/ha-sessionmgr/Login",
                                       {"userName": "root", "password": self.entry["password"]})
        session = headers["vmware-api-session-id"]
        self.assertEqual(200, status)
        status, _, children = self.curl("GET", "Folder/ha-folder-vm/childEntity", session=session)
        self.assertEqual((200, "ArrayOfManagedObjectReference"), (status, children["_typeName"]))
        status, _, _ = self.curl("POST", "SessionManager/ha-sessionmgr/Logout", {}, session)
        self.assertEqual(204, status)

    def drover(self, *command, text=""):
        program = os.path.join(os.environ.get("DROVER_BIN_DIR", "build/bin"), "drover")
        return self.run_program(program, *command, text=text,
                                environment={"XDG_CONFIG_HOME": self.directory})

    def test_our_command_line(self):
        self.drover("login", self.entry["url"], "-u", "root", "--password-stdin", "--thumbprint",
                    self.entry["thumbprint"], text=self.entry["password"] + "\n")
        self.drover("vm", "create", "cli", "--memory", "128M", "--from", "demo", "--start")
        listed = json.loads(self.drover("vm", "list", "-o", "json"))
        self.assertEqual(["poweredOn"],
                         [item["power_state"] for item in listed if item["name"] == "cli"])
        self.drover("vm", "stop", "cli")
        self.drover("vm", "destroy", "cli")
        self.assertNotIn("cli", self.drover("vm", "list"))
        self.assertIn("host1", self.drover("host", "list"))
        self.assertIn("shared", self.drover("datastore", "list"))
        self.assertIn("success", self.drover("task", "list"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
