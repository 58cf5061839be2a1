#!/usr/bin/python3
"""virsh with libvirt's ESX driver: what an administrator does with it, command by command."""

import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from drover_e2e import Sandbox, connect, make_spec, wait_task

_DOMAIN = """
<domain type='vmware'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='[shared] {name}/{name}.vmdk'/>
      <target dev='sda' bus='scsi'/>
    </disk>
    <controller type='scsi' index='0' model='lsilogic'/>
    <interface type='bridge'>
      <mac address='00:50:56:12:34:56'/>
      <source bridge='VM Network'/>
      <model type='e1000'/>
    </interface>
  </devices>
</domain>
"""

_VOLUME = """
<volume>
  <name>{name}/{name}.vmdk</name>
  <capacity unit='MiB'>8</capacity>
  <target><format type='vmdk'/></target>
</volume>
"""


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


class Virsh(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.entry = SANDBOX.host()
        self.credentials = self.file(
            "auth.conf", f"[credentials-d]\nusername=root\npassword={self.entry['password']}\n\n"
            f"[auth-esx-{self.entry['address']}]\ncredentials=d\n")
        self.host = connect(SANDBOX)
        self.addCleanup(self.host.close)

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def virsh(self, *command, fails=False):
        result = subprocess.run(
            ["virsh", "-q", "-c", f"esx://root@{self.entry['address']}/?no_verify=1", *command],
            capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "LIBVIRT_AUTH_FILE": self.credentials, "LC_ALL": "C"})
        self.assertEqual(fails, result.returncode != 0,
                         f"{command}: {result.stderr}{result.stdout}")
        return result.stderr if fails else result.stdout

    def table(self, *command):
        """The "Name:  value" lines of a command."""
        lines = self.virsh(*command).splitlines()
        return {key.strip(): value.strip() for key, _, value in (line.partition(":")
                                                                 for line in lines)}

    def machine(self, name):
        machine = wait_task(self.host.create(make_spec(name)))
        self.addCleanup(self.remove, name)
        return machine

    def remove(self, name):
        machine = self.host.machines().get(name)
        if machine:
            if machine.runtime.powerState != "poweredOff":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())

    def test_the_host(self):
        self.assertIn("ESX 8.0.3", self.virsh("version"))
        self.assertEqual("host1", self.virsh("hostname").strip())
        self.assertEqual(self.host.host.hardware.cpuInfo.numCpuCores,
                         int(self.table("nodeinfo")["CPU(s)"]))
        found = xml.etree.ElementTree.fromstring(self.virsh("capabilities"))
        self.assertEqual(self.host.host.hardware.systemInfo.uuid, found.findtext("host/uuid"))
        self.assertIn("KiB", self.virsh("freecell"))

    def test_life_of_a_domain(self):
        machine = self.machine("domain")
        self.assertEqual("shut off", self.virsh("domstate", "domain").strip())
        self.assertEqual(machine.config.uuid, self.virsh("domuuid", "domain").strip())
        self.virsh("start", "domain")
        number = self.virsh("domid", "domain").strip()
        self.assertEqual("domain", self.virsh("domname", number).strip())
        self.virsh("suspend", "domain")
        self.assertEqual("paused", self.virsh("domstate", "domain").strip())
        self.virsh("resume", "domain")
        self.assertEqual("running", self.table("dominfo", "domain")["State"])
        self.virsh("schedinfo", "domain", "--set", "shares=1500")
        self.assertEqual(1500, machine.config.cpuAllocation.shares.shares)
        self.virsh("destroy", "domain")
        self.assertIn("is not", self.virsh("destroy", "domain", fails=True))
        self.virsh("setvcpus", "domain", "2")
        self.assertEqual(2, machine.config.hardware.numCPU)
        self.assertEqual("", self.virsh("snapshot-list", "domain").strip())

    def test_screenshot(self):
        self.machine("screen")
        self.virsh("start", "screen")
        path = os.path.join(self.directory, "screen.png")
        self.virsh("screenshot", "screen", path)
        with open(path, "rb") as file:
            self.assertEqual(b"\x89PNG", file.read(4))

    def test_autostart(self):
        self.machine("early")
        self.virsh("autostart", "early")
        self.assertEqual("enable", self.table("dominfo", "early")["Autostart"])
        self.virsh("autostart", "--disable", "early")
        self.assertEqual("disable", self.table("dominfo", "early")["Autostart"])

    def test_define_and_undefine(self):
        name = "defined"
        self.virsh("vol-create", "shared", self.file("vol.xml", _VOLUME.format(name=name)))
        self.virsh("define", self.file("domain.xml", _DOMAIN.format(name=name)))
        self.addCleanup(self.remove, name)
        machine = self.host.machine(name)
        self.assertEqual(64, machine.config.hardware.memoryMB)
        described = xml.etree.ElementTree.fromstring(self.virsh("dumpxml", name))
        self.assertEqual("00:50:56:12:34:56",
                         described.find("devices/interface/mac").get("address"))
        self.assertEqual(f"[shared] {name}/{name}.vmdk",
                         described.find("devices/disk/source").get("file"))
        # The driver itself refuses to define a domain that is there.
        self.virsh("define", self.file("again.xml", _DOMAIN.format(name=name)), fails=True)
        self.virsh("start", name)
        self.virsh("destroy", name)
        self.virsh("undefine", name)
        self.assertNotIn(name, self.host.machines())
        self.virsh("vol-delete", "--pool", "shared", f"{name}/{name}.vmdk")
        self.assertNotIn(f"{name}/{name}.vmdk", self.virsh("vol-list", "shared"))

    def test_storage(self):
        self.machine("stored")
        self.assertIn("shared", self.virsh("pool-list"))
        self.assertEqual("running", self.table("pool-info", "shared")["State"])
        pool = xml.etree.ElementTree.fromstring(self.virsh("pool-dumpxml", "shared"))
        self.assertGreater(int(pool.findtext("capacity")), int(pool.findtext("available")))
        self.virsh("pool-refresh", "shared")
        volumes = self.virsh("vol-list", "shared")
        for name in ("iso/demo.iso", "demo/demo.vmdk", "stored/stored.vmdk"):
            self.assertIn(name, volumes)
        self.assertEqual("file", self.table("vol-info", "--pool", "shared",
                                            "stored/stored.vmdk")["Type"])
        volume = xml.etree.ElementTree.fromstring(
            self.virsh("vol-dumpxml", "--pool", "shared", "stored/stored.vmdk"))
        self.assertEqual("vmdk", volume.find("target/format").get("type"))
        self.assertIn("[shared] stored/stored.vmdk", self.virsh("domblklist", "stored"))

    def test_networks(self):
        name = self.virsh("net-list").split()[0]
        network = xml.etree.ElementTree.fromstring(self.virsh("net-dumpxml", name))
        self.assertIn("VM Network", [item.get("name") for item in network.findall("portgroup")])
        self.machine("linked")
        self.assertIn("VM Network", self.virsh("domiflist", "linked"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
