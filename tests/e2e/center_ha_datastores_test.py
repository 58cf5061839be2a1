#!/usr/bin/python3
"""High availability for machines on another datastore than the one where hosts watch each other:
they are restarted alike, and when that datastore is away it costs nobody else anything.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_ha_datastores_test.py
"""

import os
import shutil
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVmomi import vim  # noqa: E402

from drover_e2e import (Sandbox, connect_when_ready, make_spec, wait_task,  # noqa: E402
                        wait_until)
from drover_e2e.availability import process_of  # noqa: E402
from drover_e2e.cluster import Cluster, is_protected  # noqa: E402
from ha_bench.front import Front, Unavailable  # noqa: E402

NAMES = ("host1", "host2")
# Power lost to machine running elsewhere; the suite's machine may be busy with other things.
LIMIT_S = float(os.environ.get("DROVER_HA_LIMIT_S", "15"))


def second_datastore():
    """All hosts see it the same way, and it can be made to hang."""
    base = tempfile.mkdtemp(prefix="drover-second-")
    os.chmod(base, 0o755)
    path, source = (os.path.join(base, name) for name in ("mount", "source"))
    for each in (path, source):
        os.makedirs(each)
        shutil.chown(each, "drover", "drover")
        os.chmod(each, 0o2770)
    try:
        return base, path, Front(base, "all", "second", source, path)
    except Unavailable:
        shutil.rmtree(base, True)
        raise


def setUpModule():
    global BASE, PATH, SECOND, SANDBOX, WORLD, DATACENTER, CLUSTER
    try:
        # Before the hosts have their own view of what is mounted.
        BASE, PATH, SECOND = second_datastore()
    except Unavailable as reason:
        raise unittest.SkipTest(str(reason))
    SANDBOX = None
    try:
        SANDBOX = Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template"))
        for name in NAMES:
            client = connect_when_ready(SANDBOX, name)
            client.host.configManager.datastoreSystem.CreateLocalDatastore("second", PATH)
            client.close()
        WORLD = Cluster(SANDBOX)
        DATACENTER, CLUSTER = WORLD.datacenter, WORLD.compute
        wait_until(lambda: len(WORLD.datastore("second").host) == 2, 30,
                   "the datastore on both hosts")
        WORLD.configure(drsConfig=vim.cluster.DrsConfigInfo(enabled=False),
                        dasConfig=vim.cluster.DasConfigInfo(
                            enabled=True, heartbeatDatastore=[WORLD.datastore("shared")]))
        for name in NAMES:
            wait_until(lambda name=name: WORLD.das_state(name) == "connectedToMaster", 60,
                       f"high availability on {name}")
    except BaseException:
        tearDownModule()
        raise


def tearDownModule():
    SECOND.clear()
    if SANDBOX:
        if os.environ.get("DROVER_E2E_LOGS"):
            for name in NAMES:
                for log in ("drover-had", "drover-hostd"):
                    print(f"--- {name} {log}\n{SANDBOX.log(name, log)[-6000:]}", flush=True)
        SANDBOX.close()
    SECOND.stop()
    shutil.rmtree(BASE, True)


def start(name, place):
    spec = make_spec(name, memory_mb=128, clone_of=None, disk_mb=16, datastore=place)
    machine = wait_task(DATACENTER.vmFolder.CreateVM_Task(spec, CLUSTER.resourcePool,
                                                          WORLD.host("host1")))
    wait_task(machine.PowerOnVM_Task())
    wait_until(lambda: is_protected(machine), 30, f"the protection of {name}")
    return machine


def running_on(machine):
    return [name for name in NAMES if process_of(SANDBOX, name, machine.config.uuid)]


def joins(name):
    return SANDBOX.log(name, "drover-had").count("joined in a new epoch")


class Datastores(unittest.TestCase):
    def test_1_machines_of_both_are_protected(self):
        cls = type(self)
        cls.here, cls.there = start("here", "shared"), start("there", "second")
        self.assertEqual([["host1"]] * 2, [running_on(self.here), running_on(self.there)])
        leases = os.listdir(os.path.join(PATH, "there"))
        self.assertTrue([name for name in leases if ".lease." in name], leases)
        info = CLUSTER.RetrieveDasAdvancedRuntimeInfo()
        self.assertEqual(["shared"], [item.datastore.name for item in info.heartbeatDatastoreInfo])

    def test_2_without_the_second_nobody_is_fenced(self):
        before = [joins(name) for name in NAMES]
        pids = [process_of(SANDBOX, "host1", each.config.uuid) for each in (self.here, self.there)]
        SECOND.set("frozen")
        try:
            time.sleep(8)
        finally:
            SECOND.clear()
        time.sleep(3)
        self.assertEqual(before, [joins(name) for name in NAMES])
        self.assertEqual(pids, [process_of(SANDBOX, "host1", each.config.uuid)
                                for each in (self.here, self.there)])

    def test_3_a_host_dies_while_the_second_is_away(self):
        pulled = time.monotonic()
        SANDBOX.run("kill", "host1")
        SECOND.set("frozen")  # what hangs there could not be killed
        try:
            wait_until(lambda: running_on(self.here) == ["host2"], 60, "the machine of the first")
            took = time.monotonic() - pulled
            self.assertEqual([], running_on(self.there))
        finally:
            SECOND.clear()
        print(f"running after {took:.1f} s", flush=True)
        self.assertLess(took, LIMIT_S)
        wait_until(lambda: running_on(self.there) == ["host2"], 60, "the machine of the second")
        for machine in (self.here, self.there):
            wait_until(lambda machine=machine: machine.runtime.host == WORLD.host("host2")
                       and machine.runtime.powerState == "poweredOn" and is_protected(machine), 60,
                       "the same machine at host2")

    def test_4_on_another_datastore_it_is_protected_there(self):
        SANDBOX.run("start", "host1")
        wait_until(lambda: WORLD.das_state("host1") == "connectedToMaster", 90,
                   "host1 watches again")
        wait_task(self.there.PowerOffVM_Task())
        wait_task(self.there.RelocateVM_Task(
            vim.vm.RelocateSpec(datastore=WORLD.datastore("shared")), "defaultPriority"))
        self.assertEqual("[shared] there/there.vmx", self.there.config.files.vmPathName)
        wait_task(self.there.PowerOnVM_Task())
        wait_until(lambda: is_protected(self.there), 30, "the protection on the other datastore")
        on = running_on(self.there)[0]
        other = next(name for name in NAMES if name != on)
        SANDBOX.run("kill", on)
        wait_until(lambda: running_on(self.there) == [other], 60, "the machine elsewhere")


if __name__ == "__main__":
    unittest.main(verbosity=2)
