#!/usr/bin/python3
"""A cluster of real hosts under a center: a real guest moves by the vSphere API, a host is emptied
for maintenance, hosts and center die and come back.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_cluster_test.py
"""

import json
import os
import ssl
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVim.connect import Disconnect, SmartConnect  # noqa: E402
from pyVmomi import vim  # noqa: E402

from drover_e2e import Sandbox, make_spec, wait_task, wait_until  # noqa: E402
from drover_e2e.client import LOST  # noqa: E402
from drover_e2e.observers import Announcements, Ping, Stream  # noqa: E402

NAME = "traveller"


def connect_center():
    entry = SANDBOX.status["center"]
    return SmartConnect(host=entry["address"], user=entry["username"], pwd=entry["password"],
                        sslContext=ssl._create_unverified_context())


def connect_center_when_ready():
    def attempt():
        try:
            return connect_center()
        except LOST:
            return None
    return wait_until(attempt, 60, "the center's answer")


def setUpModule():
    global SANDBOX, SI, CLUSTER, DATACENTER, MACHINE, ADDRESS
    SANDBOX = Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template"))
    try:
        SI = connect_center()
        DATACENTER = SI.content.rootFolder.childEntity[0]
        CLUSTER = DATACENTER.hostFolder.childEntity[0]
        MACHINE = wait_task(DATACENTER.vmFolder.CreateVM_Task(
            make_spec(NAME, memory_mb=128), CLUSTER.resourcePool, host("host1")))
        wait_task(MACHINE.PowerOnVM_Task())
        ADDRESS = wait_until(lambda: MACHINE.guest.ipAddress, 150, "an address of the guest")
    except BaseException:
        SANDBOX.close()
        raise


def tearDownModule():
    SANDBOX.close()


def host(name):
    """The HostSystem of a sandbox's host."""
    address = SANDBOX.host(name)["address"]
    return next(item for item in CLUSTER.host if item.name == address)


def place():
    """The sandbox's name of the host that the center shows for the machine."""
    address = MACHINE.runtime.host.name
    return next(item["name"] for item in SANDBOX.status["hosts"] if item["address"] == address)


def references():
    return MACHINE._moId, CLUSTER._moId, sorted(item._moId for item in CLUSTER.host)


def other(name):
    return "host2" if name == "host1" else "host1"


def runs_on():
    """Where QEMU really runs the machine."""
    uuid = MACHINE.config.uuid
    return [name for name in ("host1", "host2") if uuid in SANDBOX.running_uuids(name)]


class ClusterTest(unittest.TestCase):
    def test_1_shows_one_cluster(self):
        self.assertEqual(["Cluster"], [item.name for item in DATACENTER.hostFolder.childEntity])
        self.assertEqual(2, len(CLUSTER.host))
        self.assertEqual(2, CLUSTER.summary.numHosts)
        self.assertEqual({"connected"}, {item.runtime.connectionState for item in CLUSTER.host})
        self.assertEqual(["shared"], [item.name for item in DATACENTER.datastore])
        self.assertEqual(2, len(DATACENTER.datastore[0].host))
        self.assertEqual(["host1"], runs_on())
        self.assertEqual(SANDBOX.status["center"]["address"],
                         host("host1").summary.managementServerIp)

    def test_2_moves_while_a_client_keeps_talking(self):
        reference = MACHINE._moId
        booted = MACHINE.runtime.bootTime
        mac = next(item.macAddress for item in MACHINE.config.hardware.device
                   if isinstance(item, vim.vm.device.VirtualEthernetCard))
        with Ping(ADDRESS) as ping, Stream(ADDRESS) as stream, Announcements(mac) as announced:
            time.sleep(1)
            before = ping.heard, stream.heard
            for _ in range(2):
                to = other(place())
                wait_task(MACHINE.MigrateVM_Task(None, host(to),
                                                 vim.VirtualMachine.MovePriority.defaultPriority))
                self.assertEqual(to, place())
                self.assertEqual([to], runs_on())
                # Its guest has not been heard there yet.
                self.assertEqual(ADDRESS, MACHINE.guest.ipAddress)
                self.assertEqual(ADDRESS, MACHINE.summary.guest.ipAddress)
                self.assertGreater(announced.heard, 0, f"no RARP at the arrival on {to}")
                announced.heard = 0
            time.sleep(1)
        self.assertGreater(ping.heard, before[0])
        self.assertGreater(stream.heard, before[1])
        self.assertIsNone(stream.error)
        print(f"silent at most: echo {ping.longest_gap_s:.2f} s, TCP {stream.longest_gap_s:.2f} s")
        self.assertLess(ping.longest_gap_s, 2)  # a second on a machine that does nothing else
        self.assertLess(stream.longest_gap_s, 2)
        self.assertEqual(reference, MACHINE._moId)
        self.assertEqual("poweredOn", MACHINE.runtime.powerState)
        self.assertEqual(booted, MACHINE.runtime.bootTime)
        self.assertIn(MACHINE, DATACENTER.vmFolder.childEntity)

    def test_3_says_before_what_stands_in_the_way(self):
        checker = SI.content.vmProvisioningChecker
        there = host(other(place()))
        results = wait_task(checker.CheckMigrate_Task(MACHINE, there, None, None, None))
        self.assertEqual([], results[0].error)
        results = wait_task(checker.QueryVMotionCompatibilityEx_Task([MACHINE],
                                                                     list(CLUSTER.host)))
        self.assertEqual(2, len(results))

    def test_4_relocates_by_spec_and_tells_of_it(self):
        to = other(place())
        spec = vim.vm.RelocateSpec(host=host(to))
        wait_task(MACHINE.RelocateVM_Task(spec))
        self.assertEqual([to], runs_on())
        filter_spec = vim.event.EventFilterSpec(
            entity=vim.event.EventFilterSpec.ByEntity(entity=MACHINE, recursion="self"))
        kinds = [type(event).__name__ for event in SI.content.eventManager.QueryEvents(filter_spec)]
        self.assertIn("vim.event.VmMigratedEvent", kinds)

    def test_5_empties_a_host_for_maintenance(self):
        full = place()
        preview = CLUSTER.ClusterEnterMaintenanceMode([host(full)], None)
        self.assertEqual([MACHINE], [item.target for item in preview.recommendations])
        wait_task(host(full).EnterMaintenanceMode_Task(0, False, None))
        self.assertTrue(host(full).runtime.inMaintenanceMode)
        self.assertEqual([other(full)], runs_on())
        checker = SI.content.vmProvisioningChecker
        results = wait_task(checker.CheckMigrate_Task(MACHINE, host(full), None, None, None))
        self.assertTrue(results[0].error, "a host in maintenance takes no machines")
        with self.assertRaises(vim.fault.InvalidState):
            wait_task(MACHINE.MigrateVM_Task(None, host(full), "defaultPriority"))
        wait_task(host(full).ExitMaintenanceMode_Task(0))
        self.assertFalse(host(full).runtime.inMaintenanceMode)

    def test_6_notices_a_host_that_is_silent_and_its_return(self):
        quiet = other(place())
        pid = SANDBOX.process_ids("drover-hostd", quiet)[0]
        os.kill(pid, 19)  # SIGSTOP
        try:
            wait_until(lambda: host(quiet).runtime.connectionState == "notResponding", 6,
                       "the host's silence to be noticed")
        finally:
            os.kill(pid, 18)
        wait_until(lambda: host(quiet).runtime.connectionState == "connected", 6, "its return")

    def test_7_center_dies_and_knows_everything_again(self):
        global SI, DATACENTER, CLUSTER, MACHINE
        before = references()
        SANDBOX.kill("drover-centerd", "center")
        SI = connect_center_when_ready()
        DATACENTER = SI.content.rootFolder.childEntity[0]
        CLUSTER = DATACENTER.hostFolder.childEntity[0]
        wait_until(lambda: all(item.runtime.connectionState == "connected"
                               for item in CLUSTER.host), 15, "the hosts")
        MACHINE = next(item for item in DATACENTER.vmFolder.childEntity if item.name == NAME)
        self.assertEqual(before, references())
        self.assertEqual([place()], runs_on())

    def test_8_command_line_speaks_to_the_center(self):
        entry = SANDBOX.status["center"]
        environment = {**os.environ, "DROVER_URL": entry["url"], "DROVER_USERNAME": "root",
                       "DROVER_PASSWORD": entry["password"],
                       "DROVER_THUMBPRINT": entry["thumbprint"]}
        drover = os.path.join(os.environ.get("DROVER_BIN_DIR", "build/bin"), "drover")

        def run(*words):
            result = subprocess.run([drover, *words], env=environment, text=True, check=False,
                                    capture_output=True)
            self.assertEqual(0, result.returncode, result.stderr)
            return result.stdout

        clusters = json.loads(run("cluster", "list", "-o", "json"))
        self.assertEqual(["Cluster"], [item["name"] for item in clusters])
        to = other(place())
        run("vm", "migrate", NAME, "--host", SANDBOX.host(to)["address"], "--check")
        run("vm", "migrate", NAME, "--host", SANDBOX.host(to)["address"])
        self.assertEqual([to], runs_on())
        top = json.loads(run("top", "-o", "json"))
        self.assertEqual([NAME], [item["name"] for item in top["vms"]])
        run("host", "maintenance", "enter", SANDBOX.host(other(to))["address"])
        run("host", "maintenance", "exit", SANDBOX.host(other(to))["address"])

    def test_9_takes_a_host_out_and_in_again(self):
        empty = other(place())
        address = SANDBOX.host(empty)["address"]
        wait_task(host(empty).EnterMaintenanceMode_Task(0, False, None))
        wait_task(host(empty).Destroy_Task())
        self.assertNotIn(address, [item.name for item in CLUSTER.host])
        spec = vim.host.ConnectSpec(hostName=address, userName="root", force=False,
                                    password=SANDBOX.host(empty)["password"])
        with self.assertRaises(vim.fault.SSLVerifyFault) as refused:
            wait_task(CLUSTER.AddHost_Task(spec, True, None, None))
        self.assertEqual(SANDBOX.host(empty)["thumbprint"], refused.exception.thumbprint)
        spec.sslThumbprint = refused.exception.thumbprint
        wait_task(CLUSTER.AddHost_Task(spec, True, None, None))
        self.assertIn(address, [item.name for item in CLUSTER.host])
        wait_task(host(empty).ExitMaintenanceMode_Task(0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
