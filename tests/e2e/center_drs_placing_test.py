"""Where DRS puts machines: PlaceVm, the start of many, those that go back after maintenance, and
what a host forgets that leaves the center. Simulated hosts, by pyVmomi.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_drs_placing_test.py
"""

import os
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import make_spec, wait_task  # noqa: E402
from drover_e2e.center import CenterWorld, add_to_cluster, close_session  # noqa: E402

MIB = 1 << 20
SOON_S = 20


def setUpModule():
    global WORLD, SI, DATACENTER, CLUSTER
    WORLD = CenterWorld(3, 0, shared_datastore=True, host_settings={"hypervisor": {
        "kind": "simulated", "machines": 0, "seed": 1, "cpu_sockets": 1, "cores_per_socket": 2,
        "cpu_mhz": 2000, "memory_bytes": 8192 * MIB, "guest_boot_ms": 100}})
    try:
        SI = WORLD.connect()
        DATACENTER = SI.content.rootFolder.CreateDatacenter("dc")
        CLUSTER = DATACENTER.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
        for host in WORLD.hosts:
            add_to_cluster(CLUSTER, host)
        switch(True)
    except BaseException:
        print(WORLD.center.log())
        WORLD.close()
        raise


def tearDownModule():
    close_session(SI)
    WORLD.close()


def wait_until(condition, what, wait_s=SOON_S):
    deadline = time.monotonic() + wait_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} does not come true\n{WORLD.center.log()[-2000:]}")
        time.sleep(0.1)


def switch(enabled):
    spec = vim.cluster.ConfigSpecEx(drsConfig=vim.cluster.DrsConfigInfo(
        enabled=enabled, defaultVmBehavior="fullyAutomated", vmotionRate=3))
    wait_task(CLUSTER.ReconfigureComputeResource_Task(spec, True))


def create(name, host=0, cpus=2, memory_mb=512, on=True):
    spec = make_spec(name, clone_of=None, datastore="shared", memory_mb=memory_mb)
    spec.numCPUs = cpus
    machine = wait_task(DATACENTER.vmFolder.CreateVM_Task(spec, CLUSTER.resourcePool,
                                                          CLUSTER.host[host]))
    if on:
        wait_task(machine.PowerOnVM_Task(CLUSTER.host[host]))
    return machine


def place(kind, **more):
    return CLUSTER.PlaceVm(vim.cluster.PlacementSpec(placementType=kind, **more))


def hosts_of(result):
    return [item.action[0].targetHost for item in result.recommendations]


def datastore(name):
    return next(item for item in CLUSTER.datastore if item.name == name)


class PlacingTest(unittest.TestCase):
    def setUp(self):
        self.machines = []

    def tearDown(self):
        for machine in self.machines:
            if machine.runtime.powerState == "poweredOn":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())

    def make(self, name, **more):
        self.machines.append(create(name, **more))
        return self.machines[-1]

    def busy(self, name, host):
        machine = self.make(name, host=host)
        wait_until(lambda: (machine.summary.quickStats.overallCpuUsage or 0) > 3000, "its load", 60)
        return machine

    def test_a_new_machine_goes_where_there_is_room(self):
        busy = self.busy("busy0-load100", 0)
        config = vim.vm.ConfigSpec(name="new", numCPUs=2, memoryMB=1024)
        # Its demand is the mean of the last samples, and the first ones are low.
        wait_until(lambda: hosts_of(place("create", configSpec=config))[0] != busy.runtime.host,
                   "the busy host not to be the best", 90)
        result = place("create", configSpec=config)
        self.assertIsNone(result.drsFault)
        self.assertEqual(3, len(result.recommendations))
        first = result.recommendations[0]
        self.assertEqual(("V1", "xvmotionPlacement", 5),
                         (first.type, first.reason, first.rating))
        action = first.action[0]
        self.assertIsInstance(action, vim.cluster.PlacementAction)
        self.assertEqual("PlacementV1", action.type)
        self.assertEqual(action.targetHost, action.relocateSpec.host)
        self.assertEqual(CLUSTER.resourcePool, action.relocateSpec.pool)
        # Of all datastores the one that every host reaches.
        self.assertEqual("shared", action.relocateSpec.datastore.name)
        only = place("create", configSpec=config, hosts=[CLUSTER.host[0]])
        self.assertEqual([CLUSTER.host[0]], hosts_of(only))
        local = next(item for item in CLUSTER.host[1].datastore if item.name != "shared")
        there = place("create", configSpec=config, datastores=[local])
        self.assertEqual([CLUSTER.host[1]], hosts_of(there))
        self.assertEqual(local, there.recommendations[0].action[0].relocateSpec.datastore)
        # And the machine can be made as it says.
        spec = make_spec("new", clone_of=None, datastore=action.relocateSpec.datastore.name)
        made = wait_task(DATACENTER.vmFolder.CreateVM_Task(
            spec, action.relocateSpec.pool, action.relocateSpec.host))
        self.machines.append(made)
        self.assertEqual(action.targetHost, made.runtime.host)

    def test_what_fits_nowhere_is_said(self):
        result = place("create", configSpec=vim.vm.ConfigSpec(name="big", memoryMB=1 << 20))
        self.assertEqual([], result.recommendations)
        fault = result.drsFault.faultsByVm[0].fault[0]
        self.assertIsInstance(fault, vim.fault.InsufficientMemoryResourcesFault)
        disk = vim.vm.device.VirtualDisk(
            key=-1, controllerKey=-2, unitNumber=0, capacityInKB=1 << 50,
            backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
                fileName="[shared]", diskMode="persistent"))
        change = vim.vm.device.VirtualDeviceSpec(operation="add", fileOperation="create",
                                                 device=disk)
        result = place("create", configSpec=vim.vm.ConfigSpec(
            name="wide", memoryMB=512, deviceChange=[change]))
        self.assertEqual([], result.recommendations)
        self.assertIsInstance(result.drsFault.faultsByVm[0].fault[0],
                              vim.fault.InsufficientStorageSpace)

    def test_a_running_machine_is_placed_as_if_it_were_nowhere(self):
        self.busy("busy1-load100", 0)
        moved = self.make("moved-load10", host=0)
        result = place("relocate", vm=moved)
        self.assertNotEqual(self.machines[0].runtime.host, hosts_of(result)[0])
        spec = result.recommendations[0].action[0].relocateSpec
        self.assertEqual("shared", spec.datastore.name)
        self.assertEqual(moved, result.recommendations[0].action[0].vm)
        wait_task(moved.RelocateVM_Task(spec, "defaultPriority"))
        self.assertEqual(spec.host, moved.runtime.host)
        # Together with another, for this time only.
        rule = vim.cluster.AffinityRuleSpec(name="with", enabled=True,
                                            vm=[moved, self.machines[0]])
        self.assertEqual([self.machines[0].runtime.host],
                         hosts_of(place("relocate", vm=moved, rules=[rule])))
        self.assertEqual([], CLUSTER.configurationEx.rule)
        # Its shape as it is to be: it stays where it fits.
        config = vim.vm.ConfigSpec(memoryMB=1024)
        self.assertEqual(moved.runtime.host,
                         hosts_of(place("reconfigure", vm=moved, configSpec=config))[0])
        cloned = place("clone", vm=moved, cloneName="twin", cloneSpec=vim.vm.CloneSpec(
            location=vim.vm.RelocateSpec(datastore=datastore("shared")), powerOn=False,
            template=False))
        self.assertEqual("shared", cloned.recommendations[0].action[0].relocateSpec.datastore.name)
        self.assertIsNone(cloned.recommendations[0].action[0].vm)

    def test_refuses_what_is_wrong(self):
        for kind, more, name in (
                ("create", {}, "placementSpec.configSpec"),
                ("relocate", {}, "placementSpec.vm"),
                ("teleport", {}, "placementSpec.placementType"),
                ("create", {"configSpec": vim.vm.ConfigSpec(numCPUs=0)},
                 "placementSpec.configSpec.numCPUs"),
                ("create", {"configSpec": vim.vm.ConfigSpec(memoryMB=-5)},
                 "placementSpec.configSpec.memoryMB")):
            with self.subTest(name), self.assertRaises(vmodl.fault.InvalidArgument) as refused:
                place(kind, **more)
            self.assertEqual(name, refused.exception.invalidProperty)

    def test_many_that_are_started_at_once_are_spread(self):
        off = [self.make(f"many{number}-load20", on=False, cpus=1) for number in range(6)]
        result = wait_task(DATACENTER.PowerOnMultiVM_Task(off, []))
        self.assertEqual(6, len(result.attempted))
        for item in result.attempted:
            wait_task(item.task)
        counts = [sum(machine.runtime.host == host for machine in off) for host in CLUSTER.host]
        # Those that were measured meanwhile may count for less than those that only just start.
        self.assertGreaterEqual(min(counts), 1, counts)
        spec = vim.event.EventFilterSpec(eventTypeId=["DrsVmPoweredOnEvent"])
        wait_until(lambda: {event.vm.vm for event in SI.content.eventManager.QueryEvents(spec)} >=
                   set(off), "the events of their start")

    def test_after_maintenance_a_host_gets_its_own_back(self):
        own = [self.busy("own-load100", 1)]
        others = [self.busy(f"other{number}-load100", number) for number in (0, 2)]
        before = {machine: machine.runtime.host for machine in own + others}
        away = CLUSTER.host[1]
        wait_task(away.EnterMaintenanceMode_Task(0, False, None))
        self.assertNotIn(away, [machine.runtime.host for machine in own + others])
        wait_task(away.ExitMaintenanceMode_Task(0))
        wait_until(lambda: before == {machine: machine.runtime.host for machine in own + others},
                   "it to go back", 40)

    # The last one: the host does not come back.
    def test_z_a_host_that_leaves_the_center_forgets_its_parts(self):
        pool = CLUSTER.resourcePool.CreateResourcePool("gold", vim.ResourceConfigSpec(
            cpuAllocation=allocation(3000), memoryAllocation=allocation(1000)))
        machine = self.make("pooled-load1", host=2)
        pool.MoveIntoResourcePool([machine])
        host = next(item for item in WORLD.hosts
                    if CLUSTER.host[2].name in (item.address, f"{item.address}:{item.port}"))
        wait_until(lambda: parts_of(host), "the pool's part on the host")
        wait_task(CLUSTER.host[2].Destroy_Task())
        self.machines.clear()
        wait_until(lambda: not parts_of(host), "the host to forget it")


def allocation(shares):
    return vim.ResourceAllocationInfo(reservation=0, expandableReservation=True, limit=-1,
                                      shares=vim.SharesInfo(level="custom", shares=shares))


def parts_of(host):
    si = host.connect()
    try:
        return si.content.setting.QueryOptions("Drover.machineParts")[0].value
    finally:
        close_session(si)


if __name__ == "__main__":
    unittest.main()
