#!/usr/bin/python3
"""virsh with libvirt's driver for centers (vpx://): what an administrator does with a host of a
cluster, and a machine that goes from one host to another.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_virsh_test.py
"""

import os
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import xml.etree.ElementTree

sys.dont_write_bytecode = True

from pyVim.connect import SmartConnect  # noqa: E402

from drover_e2e import Sandbox, make_spec, wait_task  # noqa: E402

NAME = "by-virsh"


def setUpModule():
    global SANDBOX, ENTRY, DATACENTER, CLUSTER, MACHINE
    SANDBOX = Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template"))
    try:
        ENTRY = SANDBOX.status["center"]
        instance = SmartConnect(host=ENTRY["address"], user=ENTRY["username"],
                                pwd=ENTRY["password"],
                                sslContext=ssl._create_unverified_context())
        DATACENTER = instance.content.rootFolder.childEntity[0]
        CLUSTER = DATACENTER.hostFolder.childEntity[0]
        MACHINE = wait_task(DATACENTER.vmFolder.CreateVM_Task(
            make_spec(NAME, memory_mb=64, clone_of=None), CLUSTER.resourcePool, host("host1")))
    except BaseException:
        SANDBOX.close()
        raise


def tearDownModule():
    SANDBOX.close()


def host(name):
    address = SANDBOX.host(name)["address"]
    return next(item for item in CLUSTER.host if item.name == address)


def uri(name):
    """Of a host, by its path under the center."""
    place = "/".join(urllib.parse.quote(item) for item in
                     (DATACENTER.name, CLUSTER.name, SANDBOX.host(name)["address"]))
    return f"vpx://root@{ENTRY['address']}/{place}?no_verify=1"


class Virsh(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.credentials = os.path.join(directory.name, "auth.conf")
        with open(self.credentials, "w", encoding="utf-8") as file:
            file.write(f"[credentials-d]\nusername={ENTRY['username']}\n"
                       f"password={ENTRY['password']}\n\n")
            for address in [ENTRY["address"], *(item["address"] for item in
                                                SANDBOX.status["hosts"])]:
                file.write(f"[auth-esx-{address}]\ncredentials=d\n\n")

    def virsh(self, *command, on="host1", fails=False):
        result = subprocess.run(["virsh", "-q", "-c", uri(on), *command],
                                capture_output=True, text=True, check=False, timeout=120,
                                env={**os.environ, "LIBVIRT_AUTH_FILE": self.credentials,
                                     "LC_ALL": "C"})
        self.assertEqual(fails, result.returncode != 0,
                         f"{command}: {result.stderr}{result.stdout}")
        return result.stderr if fails else result.stdout

    def table(self, *command, on="host1"):
        lines = self.virsh(*command, on=on).splitlines()
        return {key.strip(): value.strip() for key, _, value in (line.partition(":")
                                                                 for line in lines)}

    def test_1_a_host_of_a_cluster(self):
        self.assertIn("ESX 8.0.3", self.virsh("version"))
        self.assertEqual(host("host1").hardware.cpuInfo.numCpuCores,
                         int(self.table("nodeinfo")["CPU(s)"]))
        found = xml.etree.ElementTree.fromstring(self.virsh("capabilities"))
        self.assertEqual(host("host1").hardware.systemInfo.uuid, found.findtext("host/uuid"))
        self.assertIn("no_such", self.virsh_of_nothing())

    def virsh_of_nothing(self):
        wrong = uri("host1").replace(SANDBOX.host("host1")["address"], "no_such")
        result = subprocess.run(["virsh", "-q", "-c", wrong, "list"], capture_output=True,
                                text=True, check=False, timeout=60,
                                env={**os.environ, "LIBVIRT_AUTH_FILE": self.credentials})
        self.assertNotEqual(0, result.returncode)
        return result.stderr

    def test_2_domains(self):
        self.assertIn(NAME, self.virsh("list", "--all"))
        self.assertEqual("shut off", self.table("dominfo", NAME)["State"])
        self.assertEqual(MACHINE.config.uuid, self.virsh("domuuid", NAME).strip())
        described = xml.etree.ElementTree.fromstring(self.virsh("dumpxml", NAME))
        self.assertEqual(NAME, described.findtext("name"))
        self.assertEqual(MACHINE._moId, described.findtext(
            "{http://libvirt.org/schemas/domain/vmware/1.0}moref"))
        self.assertIn("shared", self.virsh("pool-list"))
        self.assertIn("VM Network", self.virsh("domiflist", NAME))

    def test_3_power(self):
        self.virsh("start", NAME)
        self.assertEqual("running", self.table("dominfo", NAME)["State"])
        self.assertEqual(["host1"], self.runs_on())
        self.virsh("suspend", NAME)
        self.assertEqual("paused", self.virsh("domstate", NAME).strip())
        self.virsh("resume", NAME)
        path = os.path.join(self.directory, "screen.png")
        self.virsh("screenshot", NAME, path)
        with open(path, "rb") as file:
            self.assertEqual(b"\x89PNG", file.read(4))

    @staticmethod
    def runs_on():
        uuid = MACHINE.config.uuid
        return [name for name in ("host1", "host2") if uuid in SANDBOX.running_uuids(name)]

    def test_4_migrate(self):
        self.virsh("migrate", "--live", NAME, uri("host2"))
        self.assertEqual(["host2"], self.runs_on())
        self.assertEqual(host("host2"), MACHINE.runtime.host)
        self.assertEqual("running", self.virsh("domstate", NAME, on="host2").strip())
        self.virsh("destroy", NAME, on="host2")
        self.assertEqual("shut off", self.virsh("domstate", NAME, on="host2").strip())


if __name__ == "__main__":
    unittest.main(verbosity=2)
