#!/usr/bin/python3
"""Two real guests that work for the same requests, a web front and a database, one after the other,
on one host that is too small for both: DRS moves one of them, and both do more. Before that, in
manual mode, it only says so.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_drs_real_test.py
"""

import contextlib
import http.client
import os
import ssl
import sys
import threading
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVim.connect import SmartConnect  # noqa: E402
from pyVmomi import vim  # noqa: E402

from drover_e2e import Sandbox, make_spec, wait_task, wait_until  # noqa: E402

CLIENTS = 4
ROUNDS = 300
MEASURED_S = 15
MOVED_WITHIN_S = 120


def setUpModule():
    global SANDBOX, SI, CLUSTER, FRONT, DATABASE
    SANDBOX = Sandbox(hosts=2, arguments=("--center", "--cpus", "0.3", "--no-template"))
    try:
        entry = SANDBOX.status["center"]
        SI = SmartConnect(host=entry["address"], user=entry["username"], pwd=entry["password"],
                          sslContext=ssl._create_unverified_context())
        datacenter = SI.content.rootFolder.childEntity[0]
        CLUSTER = datacenter.hostFolder.childEntity[0]
        switch(False)
        made = [datacenter.vmFolder.CreateVM_Task(make_spec(name, memory_mb=128),
                                                  CLUSTER.resourcePool, host())
                for name in ("front", "database")]
        FRONT, DATABASE = [wait_task(task) for task in made]
        for task in [machine.PowerOnVM_Task() for machine in (FRONT, DATABASE)]:
            wait_task(task)
        for machine in (FRONT, DATABASE):
            wait_until(lambda m=machine: m.guest.ipAddress, 200, "an address of the guest")
    except BaseException:
        SANDBOX.close()
        raise


def tearDownModule():
    SANDBOX.close()


def host(name="host1"):
    address = SANDBOX.host(name)["address"]
    return next(item for item in CLUSTER.host if item.name == address)


def switch(enabled, behaviour="fullyAutomated"):
    spec = vim.cluster.ConfigSpecEx(drsConfig=vim.cluster.DrsConfigInfo(
        enabled=enabled, defaultVmBehavior=behaviour, vmotionRate=3))
    wait_task(CLUSTER.ReconfigureComputeResource_Task(spec, True))


class Visitors:
    """Clients whose every request is some work of the front, then some of the database. What they
    want shifts: `front_part` of the work is the front's."""

    def __init__(self):
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._served = 0
        self.front_part = 0.5
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        while not self._stop.is_set():
            front = int(2 * ROUNDS * self.front_part)
            with contextlib.suppress(OSError, http.client.HTTPException):
                if (self._asked(ADDRESSES[0], front) and
                        self._asked(ADDRESSES[1], 2 * ROUNDS - front)):
                    with self._lock:
                        self._served += 1

    @staticmethod
    def _asked(address, rounds):
        with urllib.request.urlopen(f"http://{address}/cgi-bin/work?n={rounds}",
                                    timeout=60) as answer:
            return f"did {rounds}" in answer.read(500).decode()

    def rate(self):
        """Requests a second that both guests have worked for."""
        before, begun = self._served, time.monotonic()
        time.sleep(MEASURED_S)
        return (self._served - before) / (time.monotonic() - begun)


class InteractingMachines(unittest.TestCase):
    def test_a_pair_that_has_outgrown_its_host_is_parted(self):
        global ADDRESSES
        ADDRESSES = [machine.guest.ipAddress for machine in (FRONT, DATABASE)]
        self.assertEqual([host()] * 2, [FRONT.runtime.host, DATABASE.runtime.host])
        with Visitors() as visitors:
            visitors.front_part = 0.9
            switch(True, "manual")
            together = visitors.rate()
            visitors.front_part = 0.5
            wait_until(self.advice, 60, "a recommendation")
            self.assertEqual([host()] * 2, [FRONT.runtime.host, DATABASE.runtime.host])
            together = max(together, visitors.rate())
            begun = time.monotonic()
            switch(True)
            wait_until(lambda: FRONT.runtime.host != DATABASE.runtime.host, MOVED_WITHIN_S,
                       "one of the two to go")
            took = time.monotonic() - begun
            moved = FRONT if FRONT.runtime.host != host() else DATABASE
            wait_until(lambda: CLUSTER.migrationHistory, 20, "the history")
            apart = max(visitors.rate(), visitors.rate())
        print(f"\n{moved.name} moved after {took:.0f} s; {together:.2f} requests a second before, "
              f"{apart:.2f} after", file=sys.stderr)
        self.assertEqual(moved, CLUSTER.migrationHistory[0].vm)
        self.assertGreater(apart, 1.2 * together)
        self.assertIn(moved.config.uuid, SANDBOX.running_uuids("host2"))

    @staticmethod
    def advice():
        CLUSTER.RefreshRecommendation()
        return CLUSTER.recommendation


if __name__ == "__main__":
    unittest.main()
