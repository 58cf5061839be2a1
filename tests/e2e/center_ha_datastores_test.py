#!/usr/bin/python3
"""High availability for machines on another datastore than the one where hosts watch each other:
they are restarted alike, and when that datastore is away it costs nobody else anything.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_ha_datastores_test.py
"""

import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVim.connect import SmartConnect  # noqa: E402
from pyVmomi import vim  # noqa: E402

from drover_e2e import (Sandbox, connect_when_ready, make_spec, wait_task,  # noqa: E402
                        wait_until)
from drover_e2e.availability import process_of  # noqa: E402
from ha_bench.front import Unavailable, control, programs  # noqa: E402

NAMES = ("host1", "host2")
# Power lost to machine running elsewhere; the suite's machine may be busy with other things.
LIMIT_S = float(os.environ.get("DROVER_HA_LIMIT_S", "15"))


class SecondDatastore:
    """All hosts see it the same way, and a command makes it hang."""

    def __init__(self):
        self._base = tempfile.mkdtemp(prefix="drover-second-")
        os.chmod(self._base, 0o755)
        self.path, source = (os.path.join(self._base, name) for name in ("mount", "source"))
        for path in (self.path, source):
            os.makedirs(path)
            shutil.chown(path, "drover", "drover")
            os.chmod(path, 0o2770)
        self._control = os.path.join(self._base, "sock")
        self._process = subprocess.Popen(
            [programs()[0], "--source", source, "--mount", self.path, "--host", "all",
             "--log", os.path.join(self._base, "log"), "--control", self._control,
             "--watchdog", os.path.join(self._base, "watchdog"), "--cached", "no"],
            stdin=subprocess.DEVNULL)
        wait_until(lambda: os.path.ismount(self.path), 20, "the second datastore")

    def freeze(self):
        control(self._control, "set frozen 0 *")

    def thaw(self):
        control(self._control, "clear")

    def close(self):
        self._process.terminate()
        self._process.wait(10)
        subprocess.run(["umount", "-l", self.path], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self._base, True)


def setUpModule():
    global SECOND, SANDBOX, SI, DATACENTER, CLUSTER
    try:
        SECOND = SecondDatastore()  # before the hosts have their own view of what is mounted
    except Unavailable as reason:
        raise unittest.SkipTest(str(reason))
    SANDBOX = None
    try:
        SANDBOX = Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template"))
        for name in NAMES:
            client = connect_when_ready(SANDBOX, name)
            client.host.configManager.datastoreSystem.CreateLocalDatastore("second", SECOND.path)
            client.close()
        entry = SANDBOX.status["center"]
        SI = SmartConnect(host=entry["address"], user=entry["username"], pwd=entry["password"],
                          sslContext=ssl._create_unverified_context())
        DATACENTER = SI.content.rootFolder.childEntity[0]
        CLUSTER = DATACENTER.hostFolder.childEntity[0]
        wait_until(lambda: len(datastore("second").host) == 2, 30, "the datastore on both hosts")
        spec = vim.cluster.ConfigSpecEx(
            drsConfig=vim.cluster.DrsConfigInfo(enabled=False),
            dasConfig=vim.cluster.DasConfigInfo(enabled=True, heartbeatDatastore=[
                datastore("shared")]))
        wait_task(CLUSTER.ReconfigureComputeResource_Task(spec, True))
        for name in NAMES:
            wait_until(lambda name=name: das_state(name) == "connectedToMaster", 60,
                       f"high availability on {name}")
    except BaseException:
        tearDownModule()
        raise


def tearDownModule():
    SECOND.thaw()
    if SANDBOX:
        if os.environ.get("DROVER_E2E_LOGS"):
            for name in NAMES:
                for log in ("drover-had", "drover-hostd"):
                    print(f"--- {name} {log}\n{SANDBOX.log(name, log)[-6000:]}", flush=True)
        SANDBOX.close()
    SECOND.close()


def datastore(name):
    return next(item for item in DATACENTER.datastore if item.name == name)


def host(name):
    address = SANDBOX.host(name)["address"]
    return next(item for item in CLUSTER.host if item.name == address)


def das_state(name):
    state = host(name).runtime.dasHostState
    return state.state if state else None


def is_protected(machine):
    state = machine.runtime.dasVmProtection
    return bool(state and state.dasProtected)


def start(name, place):
    spec = make_spec(name, memory_mb=128, clone_of=None, disk_mb=16, datastore=place)
    machine = wait_task(DATACENTER.vmFolder.CreateVM_Task(spec, CLUSTER.resourcePool,
                                                          host("host1")))
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
        leases = os.listdir(os.path.join(SECOND.path, "there"))
        self.assertTrue([name for name in leases if ".lease." in name], leases)
        info = CLUSTER.RetrieveDasAdvancedRuntimeInfo()
        self.assertEqual(["shared"], [item.datastore.name for item in info.heartbeatDatastoreInfo])

    def test_2_without_the_second_nobody_is_fenced(self):
        before = [joins(name) for name in NAMES]
        pids = [process_of(SANDBOX, "host1", each.config.uuid) for each in (self.here, self.there)]
        SECOND.freeze()
        try:
            time.sleep(8)
        finally:
            SECOND.thaw()
        time.sleep(3)
        self.assertEqual(before, [joins(name) for name in NAMES])
        self.assertEqual(pids, [process_of(SANDBOX, "host1", each.config.uuid)
                                for each in (self.here, self.there)])

    def test_3_a_host_dies_while_the_second_is_away(self):
        pulled = time.monotonic()
        SANDBOX.run("kill", "host1")
        SECOND.freeze()  # what hangs there could not be killed
        try:
            wait_until(lambda: running_on(self.here) == ["host2"], 60, "the machine of the first")
            took = time.monotonic() - pulled
            self.assertEqual([], running_on(self.there))
        finally:
            SECOND.thaw()
        print(f"running after {took:.1f} s", flush=True)
        self.assertLess(took, LIMIT_S)
        wait_until(lambda: running_on(self.there) == ["host2"], 60, "the machine of the second")
        for machine in (self.here, self.there):
            wait_until(lambda machine=machine: machine.runtime.host == host("host2")
                       and machine.runtime.powerState == "poweredOn" and is_protected(machine), 60,
                       "the same machine at host2")

    def test_4_on_another_datastore_it_is_protected_there(self):
        SANDBOX.run("start", "host1")
        wait_until(lambda: das_state("host1") == "connectedToMaster", 90, "host1 watches again")
        wait_task(self.there.PowerOffVM_Task())
        wait_task(self.there.RelocateVM_Task(vim.vm.RelocateSpec(datastore=datastore("shared")),
                                             "defaultPriority"))
        self.assertEqual("[shared] there/there.vmx", self.there.config.files.vmPathName)
        wait_task(self.there.PowerOnVM_Task())
        wait_until(lambda: is_protected(self.there), 30, "the protection on the other datastore")
        on = running_on(self.there)[0]
        other = next(name for name in NAMES if name != on)
        SANDBOX.run("kill", on)
        wait_until(lambda: running_on(self.there) == [other], 60, "the machine elsewhere")


if __name__ == "__main__":
    unittest.main(verbosity=2)
