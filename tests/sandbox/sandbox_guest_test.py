#!/usr/bin/python3
"""A real guest on a sandbox host: its address, its quota, its move to another host."""

import os
import shutil
import time
import unittest
import urllib.request

import sandbox_fixture as fixture
from drover_sandbox import cgroup


class GuestOnHosts(unittest.TestCase):
    def setUp(self):
        self.sandbox = fixture.Sandbox()
        self.addCleanup(self.sandbox.close)
        self.sandbox.up("--cpus", "0.4", hosts=2)
        self.plan = self.sandbox.plan
        self.store = self.plan.datastore_directory
        self.machine = os.path.join(self.store, "guest")
        os.mkdir(self.machine)
        os.chmod(self.machine, 0o2770)
        self.serial = os.path.join(self.machine, "serial.log")
        for name in ("host1", "host2"):
            with open(self.path(f"{name}.xml"), "w", encoding="utf-8") as file:
                file.write(fixture.domain_xml(self.sandbox, name, self.path("disk.raw"),
                                              self.serial))
        disk = shutil.copyfile(os.path.join(self.store, "demo", "demo-flat.raw"),
                               self.path("disk.raw"))
        shutil.chown(self.machine, "drover", "drover")
        shutil.chown(disk, "drover", "drover")
        os.chmod(disk, 0o660)
        self.sandbox.inside("host1", "virsh", "create", self.path("host1.xml"))

    def path(self, name):
        return os.path.join(self.machine, name)

    def console(self):
        with open(self.serial, encoding="utf-8", errors="replace") as file:
            return file.read()

    def address(self):
        """Waits until the guest has its address."""
        self.assertIsNotNone(fixture.wait_for(lambda: " eth0 10." in self.console(), 240),
                             self.console)
        return self.console().split(" eth0 ")[1].split()[0]

    def get(self, address, path):
        with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
            return answer.read().decode()

    @staticmethod
    def uptime_s(answer):
        return float(answer.split("uptime ")[1])

    def cpu_used_s(self, host_name):
        """CPU time of the machines on a host, in seconds."""
        text = self.sandbox.inside(host_name, "virsh", "domstats", "--cpu-total", "guest")
        return int(text.split("cpu.time=")[1].split()[0]) / 1e9

    def times_throttled(self, host_name):
        partition = self.plan.host_partition(self.plan.host(host_name))
        path = cgroup.Hierarchies().cpu + partition.replace("/host", ".partition/host")
        with open(path + ".partition/cpu.stat", encoding="ascii") as file:
            return int(file.read().split("nr_throttled ")[1].split()[0])

    def test_address_quota_and_migration(self):
        address = self.address()
        prefix = self.plan.gateway.rsplit(".", 1)[0]
        self.assertTrue(address.startswith(prefix + "."), address)
        self.assertIn("cpu=1", self.get(address, "/cgi-bin/load?cpu=1"))

        time.sleep(1)
        throttled, began = self.times_throttled("host1"), time.monotonic()
        used_s = self.cpu_used_s("host1")
        time.sleep(8)
        used_s = self.cpu_used_s("host1") - used_s
        share = used_s / (time.monotonic() - began)
        print(f"\na guest that wants a core gets {share:.2f} of it on a host of 0.40", flush=True)
        self.assertLess(share, 0.45)
        self.assertGreater(share, 0.02)
        if share > 0.35:  # on a busy machine it may never reach its quota
            self.assertGreater(self.times_throttled("host1"), throttled)

        uptime_s = self.uptime_s(self.get(address, "/cgi-bin/load?cpu=0"))
        began = time.monotonic()
        target = self.plan.migration_address(self.plan.hosts[1])
        self.sandbox.inside("host1", "virsh", "migrate", "--live", "--unsafe", "--p2p", "--xml",
                            self.path("host2.xml"), "guest", f"qemu+tcp://{target}/system")
        print(f"migrated in {time.monotonic() - began:.1f} s", flush=True)
        self.assertEqual("running", self.sandbox.inside("host2", "virsh", "domstate", "guest"))
        self.assertEqual("", self.sandbox.inside("host1", "virsh", "list", "--name"))
        answer = self.get(address, "/cgi-bin/load")
        self.assertIn("host demo-000001", answer)
        self.assertGreater(self.uptime_s(answer), uptime_s, "the guest booted again")

        self.sandbox.run("kill", "host2")  # with the guest on it
        self.assertFalse([item for item in self.sandbox.leftovers() if "qemu-system" in item])


if __name__ == "__main__":
    unittest.main(verbosity=2)
