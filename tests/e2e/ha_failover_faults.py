#!/usr/bin/python3
"""A protected machine on two real hosts: what must not touch it, and what must bring it back.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/ha_failover_faults.py
"""

import contextlib
import os
import signal
import sys
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from drover_e2e import (Sandbox, connect, connect_when_ready, make_spec, wait_task,  # noqa: E402
                        wait_until)
from drover_e2e.availability import Protection, Writers, process_of  # noqa: E402
from pyVmomi import vim, vmodl  # noqa: E402

NAME = "guarded"
# Blade pulled to machine running; the suite's machine may be busy with other things.
LIMIT_S = float(os.environ.get("DROVER_HA_LIMIT_S", "10"))


def setUpModule():
    global SANDBOX, UUID, HA, WRITERS
    SANDBOX = Sandbox(hosts=2, arguments=("--cpus", "1"))
    try:
        HA = Protection(SANDBOX)
        host = connect(SANDBOX)
        machine = wait_task(host.create(make_spec(NAME, memory_mb=128)))
        UUID = machine.config.uuid
        host.close()
        HA.protect([{"id": UUID, "path": f"{NAME}/{NAME}.vmx", "memory_mb": 128}])
        WRITERS = Writers(SANDBOX, list(HA.hosts), UUID)
    except BaseException:
        for name in ("host1", "host2"):
            for log in ("drover-had", "drover-hostd"):
                with contextlib.suppress(OSError):
                    print(f"--- {name} {log}\n{SANDBOX.log(name, log)[-3000:]}", flush=True)
        SANDBOX.close()
        raise


def tearDownModule():
    WRITERS.stop()
    SANDBOX.close()


def machine_of(client):
    view = client.content.viewManager.CreateContainerView(
        client.content.rootFolder, [vim.VirtualMachine], True)
    try:
        return next((each for each in view.view if each.name == NAME), None)
    finally:
        view.Destroy()


def running_on():
    found = {name: process_of(SANDBOX, name, UUID) for name in HA.hosts}
    return {name: pid for name, pid in found.items() if pid}


def make_it_write(address):
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"http://{address}/cgi-bin/load?disk=2", timeout=20).close()


class HighAvailability(unittest.TestCase):
    def writes(self):
        """Whether the machine has written within the last seconds."""
        return WRITERS.writes and time.monotonic() - WRITERS.writes[-1][0] < 2

    def stays(self, seconds):
        """The same process runs the machine for so long."""
        before = running_on()
        time.sleep(seconds)
        self.assertEqual(before, running_on())
        return before

    def test_1_powers_on_with_a_lease_of_an_epoch(self):
        client = connect_when_ready(SANDBOX)
        self.addCleanup(client.close)
        machine = machine_of(client)
        wait_task(machine.PowerOnVM_Task())
        self.assertEqual(["host1"], list(running_on()))
        lease = HA.lease(NAME)
        self.assertEqual(HA.hosts["host1"], lease["owner"])
        self.assertEqual(HA.epoch("host1"), lease["ha"]["owner_epoch"])
        self.assertTrue(lease["ha"]["wanted"])
        address = wait_until(lambda: machine.guest.ipAddress, 150, "an address of the guest")
        make_it_write(address)
        wait_until(self.writes, 20, "writes")
        other = connect_when_ready(SANDBOX, "host2")
        self.addCleanup(other.close)
        # It is not host2's: there it can be registered, but not started.
        folder = other.content.rootFolder.childEntity[0].vmFolder
        pool = other.content.rootFolder.childEntity[0].hostFolder.childEntity[0].resourcePool
        copy = wait_task(folder.RegisterVM_Task(f"[shared] {NAME}/{NAME}.vmx", None, False, pool))
        self.addCleanup(copy.UnregisterVM)
        with self.assertRaises(vmodl.MethodFault):
            wait_task(copy.PowerOnVM_Task())
        self.assertEqual(["host1"], list(running_on()))

    def test_2_hostd_may_die_and_stand_still(self):
        old = SANDBOX.kill_hostd("host1")
        pid = wait_until(lambda: [each for each in SANDBOX.process_ids("drover-hostd")
                                  if each != old], 30, "another hostd")[0]
        os.kill(pid, signal.SIGSTOP)
        epoch = HA.epoch("host1")
        try:
            self.stays(8)
            self.assertTrue(self.writes())
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(epoch, HA.epoch("host1"))

    def test_3_each_of_its_processes_may_die(self):
        before = running_on()
        for victim in ("fencer", "agent"):
            os.kill(HA.processes("host1")[victim], signal.SIGKILL)
            time.sleep(0.3)
            wait_until(lambda: len(HA.processes("host1")) == 2, 15, f"another {victim}")
            wait_until(lambda: HA.lease(NAME)["ha"]["owner_epoch"] == HA.epoch("host1"), 20,
                       "a lease of the newest epoch")
            wait_until(self.writes, 15, f"writes after the {victim} died")
            self.assertEqual(before, running_on())

    def test_4_a_process_that_hangs_is_ended(self):
        before = running_on()
        for victim in ("fencer", "agent"):
            pid = HA.processes("host1")[victim]
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 15, f"end of the {victim}")
            wait_until(lambda: len(HA.processes("host1")) == 2, 15, f"another {victim}")
            wait_until(lambda: HA.lease(NAME)["ha"]["owner_epoch"] == HA.epoch("host1"), 20,
                       "a lease of the newest epoch")
            wait_until(self.writes, 15, f"writes after the {victim} hung")
            self.assertEqual(before, running_on())

    def test_5_a_lost_network_moves_nothing(self):
        links = SANDBOX.inside("host1", "sh", "-c", "ls /sys/class/net").split()
        uplinks = [link for link in links if link not in ("lo", "vSwitch0")
                   and not link.startswith(("vnet", "tap"))]
        for link in uplinks:
            SANDBOX.inside("host1", "ip", "link", "set", link, "down")
        try:
            self.stays(8)
        finally:
            for link in uplinks:
                SANDBOX.inside("host1", "ip", "link", "set", link, "up")

    def test_6_storage_lost_by_all_only_pauses_it(self):
        before = running_on()
        for name in HA.hosts:
            HA.cut_storage(name)
        time.sleep(6)
        quiet_since = WRITERS.writes[-1][0]
        self.assertGreater(time.monotonic() - quiet_since, 1.5)
        for name in HA.hosts:
            HA.mend_storage(name)
        wait_until(self.writes, 20, "writes again")
        self.assertEqual(before, running_on())

    def test_7_a_host_that_dies_loses_it_to_the_other(self):
        before = running_on()
        self.assertEqual(["host1"], list(before))
        pulled = time.monotonic()
        SANDBOX.run("kill", "host1")
        wait_until(lambda: HA.lease(NAME)["owner"] == HA.hosts["host2"], 30, "another owner")
        detected = time.monotonic() - pulled
        wait_until(lambda: f"{UUID}: started the machine" in HA.said("host2"), 60, "a start")
        running = time.monotonic() - pulled
        print(f"taken over after {detected:.1f} s, running after {running:.1f} s", flush=True)
        self.assertLess(running, LIMIT_S)
        wait_until(lambda: "host2" in running_on(), 10, "the machine on host2")
        client = connect_when_ready(SANDBOX, "host2")
        self.addCleanup(client.close)
        machine = wait_until(lambda: machine_of(client), 20, "the machine at host2")
        wait_until(lambda: machine.runtime.powerState == "poweredOn", 20, "its power")
        wait_until(lambda: [each for each in WRITERS.writes if each[1] == "host2"], 120, "writes")
        self.assertEqual([], WRITERS.overlaps())

    def test_8_a_host_that_comes_back_leaves_it_where_it_is(self):
        before = running_on()
        epoch = HA.epoch("host1")
        SANDBOX.run("start", "host1")
        wait_until(lambda: HA.epoch("host1") > epoch, 30, "another epoch")
        self.stays(6)
        self.assertEqual(["host2"], list(before))
        client = connect_when_ready(SANDBOX, "host2")
        self.addCleanup(client.close)
        machine = machine_of(client)
        wait_task(machine.PowerOffVM_Task())
        self.assertEqual({}, running_on())
        lease = HA.lease(NAME)
        self.assertEqual(("", False), (lease["owner"], lease["ha"]["wanted"]))
        time.sleep(6)
        self.assertEqual({}, running_on())
        wait_task(machine.PowerOnVM_Task())
        self.assertEqual(["host2"], list(running_on()))
        self.assertEqual([], WRITERS.overlaps())


if __name__ == "__main__":
    unittest.main()
