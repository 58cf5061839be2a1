"""DRS in a cluster of simulated hosts, by pyVmomi: recommendations, what is done by itself, rules,
placement at power-on, reservations, and what the command line says of it.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_drs_test.py
"""

import json
import os
import subprocess
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
    global WORLD, SI, DATACENTER, CLUSTER, PAIR
    WORLD = CenterWorld(2, 0, shared_datastore=True, host_settings={"hypervisor": {
        "kind": "simulated", "machines": 0, "seed": 1, "cpu_sockets": 1, "cores_per_socket": 2,
        "cpu_mhz": 2000, "memory_bytes": 8192 * MIB, "guest_boot_ms": 100}})
    try:
        SI = WORLD.connect()
        DATACENTER = SI.content.rootFolder.CreateDatacenter("dc")
        CLUSTER = DATACENTER.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
        for host in WORLD.hosts:
            add_to_cluster(CLUSTER, host)
        PAIR = create("one-load100"), create("two-load100")
        for machine in PAIR:
            wait_until(lambda m=machine: (m.summary.quickStats.overallCpuUsage or 0) > 3000,
                       "its load", 60)
        switch(True, "manual")  # so that its figures are taken
        CLUSTER.RefreshRecommendation()
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


def configure(drs=None, **more):
    spec = vim.cluster.ConfigSpecEx(drsConfig=drs, **more)
    wait_task(CLUSTER.ReconfigureComputeResource_Task(spec, True))


def switch(enabled, behaviour="fullyAutomated", rate=3):
    configure(vim.cluster.DrsConfigInfo(enabled=enabled, defaultVmBehavior=behaviour,
                                        vmotionRate=rate, enableVmBehaviorOverrides=True))


def create(name, host=0, cpus=2, memory_mb=512, on=True, reservation_mb=0):
    spec = make_spec(name, clone_of=None, datastore="shared", memory_mb=memory_mb)
    spec.numCPUs = cpus
    if reservation_mb:
        spec.memoryAllocation = vim.ResourceAllocationInfo(reservation=reservation_mb)
    machine = wait_task(DATACENTER.vmFolder.CreateVM_Task(spec, CLUSTER.resourcePool,
                                                          CLUSTER.host[host]))
    if on:
        wait_task(machine.PowerOnVM_Task(CLUSTER.host[host]))
    return machine


def placed(machines):
    return [machine.runtime.host for machine in machines]


def events(kind):
    spec = vim.event.EventFilterSpec(eventTypeId=[kind])
    return SI.content.eventManager.QueryEvents(spec)


class DrsTest(unittest.TestCase):
    def setUp(self):
        self.machines = []
        switch(False)

    def tearDown(self):
        switch(False)
        stale = vim.cluster.ConfigSpecEx(rulesSpec=[
            vim.cluster.RuleSpec(operation="remove", removeKey=rule.key)
            for rule in CLUSTER.configurationEx.rule])
        wait_task(CLUSTER.ReconfigureComputeResource_Task(stale, True))
        for machine in self.machines:
            if machine.runtime.powerState == "poweredOn":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())

    def make(self, name, **more):
        self.machines.append(create(name, **more))
        return self.machines[-1]

    @staticmethod
    def put(*hosts):
        for machine, host in zip(PAIR, hosts):
            if machine.runtime.host != CLUSTER.host[host]:
                wait_task(machine.MigrateVM_Task(None, CLUSTER.host[host], "defaultPriority"))
        return PAIR

    def two_busy(self):
        """Both on the first host, which has CPUs for one."""
        return self.put(0, 0)

    def test_manual_mode_moves_nothing_and_says_what_it_would_do(self):
        pair = self.two_busy()
        switch(True, "manual")
        CLUSTER.RefreshRecommendation()
        self.assertEqual([CLUSTER.host[0]] * 2, placed(pair))
        self.assertEqual(1, len(CLUSTER.recommendation))
        advice = CLUSTER.recommendation[0]
        self.assertEqual("V1", advice.type)
        self.assertEqual("fairnessCpuAvg", advice.reason)
        self.assertIn("CPU", advice.reasonText)
        migration = advice.action[0].drsMigration
        self.assertIn(migration.vm, pair)
        self.assertEqual(CLUSTER.host[0], migration.source)
        self.assertEqual(CLUSTER.host[1], migration.destination)
        self.assertEqual(advice.key, CLUSTER.drsRecommendation[0].key)
        self.assertGreater(CLUSTER.summary.currentBalance, CLUSTER.summary.targetBalance)
        # The same again, with the same key.
        CLUSTER.RefreshRecommendation()
        self.assertEqual([advice.key], [item.key for item in CLUSTER.recommendation])
        with self.assertRaises(vmodl.fault.InvalidArgument):
            CLUSTER.ApplyRecommendation("no such key")
        CLUSTER.ApplyRecommendation(advice.key)
        wait_until(lambda: migration.vm.runtime.host == CLUSTER.host[1], "the move")
        wait_until(lambda: CLUSTER.migrationHistory, "its history")
        self.assertEqual(migration.vm, CLUSTER.migrationHistory[0].vm)
        self.assertEqual([], CLUSTER.recommendation)

    def test_moves_by_itself_once_and_tells_why(self):
        pair = self.two_busy()
        before = CLUSTER.summary.numVmotions
        switch(True)
        wait_until(lambda: len(set(placed(pair))) == 2, "one of them to go")
        wait_until(lambda: CLUSTER.summary.numVmotions == before + 1, "the move to be counted")
        self.assertEqual(1, len(CLUSTER.actionHistory[:1]))
        event = events("DrsVmMigratedEvent")[-1]
        self.assertIn("host", event.fullFormattedMessage)
        where = placed(pair)
        for _ in range(3):
            CLUSTER.RefreshRecommendation()
        time.sleep(1)
        self.assertEqual(where, placed(pair))
        self.assertEqual(before + 1, CLUSTER.summary.numVmotions)

    def test_overrides_of_machines_count(self):
        pair = self.two_busy()
        configure(vim.cluster.DrsConfigInfo(enabled=True, defaultVmBehavior="fullyAutomated"),
                  drsVmConfigSpec=[vim.cluster.DrsVmConfigSpec(
                      operation="add", info=vim.cluster.DrsVmConfigInfo(
                          key=machine, enabled=False)) for machine in pair])
        CLUSTER.RefreshRecommendation()
        self.assertEqual([], CLUSTER.recommendation)
        time.sleep(1)
        self.assertEqual([CLUSTER.host[0]] * 2, placed(pair))
        configure(drsVmConfigSpec=[vim.cluster.DrsVmConfigSpec(operation="remove",
                                                               removeKey=machine)
                                   for machine in pair])
        wait_until(lambda: len(set(placed(pair))) == 2, "one of them to go")

    def test_keeps_apart_what_a_rule_parts(self):
        self.put(0, 1)
        pair = self.make("quiet1-load1"), self.make("quiet2-load1")
        switch(True)
        CLUSTER.RefreshRecommendation()
        self.assertEqual([CLUSTER.host[0]] * 2, placed(pair))
        rule = vim.cluster.AntiAffinityRuleSpec(name="apart", enabled=True, vm=list(pair))
        configure(rulesSpec=[vim.cluster.RuleSpec(operation="add", info=rule)])
        self.assertEqual(["apart"], [item.name for item in CLUSTER.FindRulesForVm(pair[0])])
        wait_until(lambda: len(set(placed(pair))) == 2, "the rule to be kept")
        # And nothing is started where it would break it.
        third = self.make("quiet3-load1", on=False)
        rule.vm = [*pair, third]
        rule.key = CLUSTER.configurationEx.rule[0].key
        configure(rulesSpec=[vim.cluster.RuleSpec(operation="edit", info=rule)])
        with self.assertRaises(vim.fault.NoCompatibleHost) as refused:
            wait_task(third.PowerOnVM_Task())
        self.assertIn("quiet3-load1", refused.exception.msg)

    def test_starts_machines_where_there_is_room(self):
        self.two_busy()
        switch(True, "partiallyAutomated")
        light = self.make("light-load10", on=False, host=0)
        rated = CLUSTER.RecommendHostsForVm(light, None)
        self.assertEqual(CLUSTER.host[1], rated[0].host)
        self.assertEqual(5, rated[0].rating)
        wait_task(light.PowerOnVM_Task())
        self.assertEqual(CLUSTER.host[1], light.runtime.host)
        self.assertEqual("poweredOn", light.runtime.powerState)

    def test_refuses_what_it_could_not_keep(self):
        self.put(0, 1)
        switch(True)
        big = self.make("big-load1", on=False, memory_mb=9000, reservation_mb=9000)
        with self.assertRaises(vim.fault.InsufficientMemoryResourcesFault) as refused:
            wait_task(big.PowerOnVM_Task())
        self.assertIn("cluster", refused.exception.msg)
        spec = vim.ResourceConfigSpec(
            cpuAllocation=vim.ResourceAllocationInfo(
                reservation=0, expandableReservation=True, limit=-1,
                shares=vim.SharesInfo(level="normal", shares=4000)),
            memoryAllocation=vim.ResourceAllocationInfo(
                reservation=256, expandableReservation=False, limit=-1,
                shares=vim.SharesInfo(level="normal", shares=163840)))
        pool = CLUSTER.resourcePool.CreateResourcePool("narrow", spec)
        wide = self.make("wide-load1", on=False, reservation_mb=300)
        pool.MoveIntoResourcePool([wide])
        with self.assertRaises(vim.fault.InsufficientMemoryResourcesFault) as refused:
            wait_task(wide.PowerOnVM_Task())
        self.assertIn("narrow", refused.exception.msg)
        CLUSTER.resourcePool.MoveIntoResourcePool([wide])
        wait_task(wide.PowerOnVM_Task())
        wait_task(pool.Destroy_Task())

    def test_pools_count_on_the_hosts(self):
        pair = self.two_busy()
        switch(True, "manual")

        def allocation(shares, limit=-1):
            return vim.ResourceAllocationInfo(
                reservation=0, expandableReservation=True, limit=limit,
                shares=vim.SharesInfo(level="custom", shares=shares))

        def parts():
            options = {item.key: item.value for item in CLUSTER.host[0].config.option}
            text = options.get("Drover.machineParts", "")
            return [tuple(map(int, part.split(":")[1].split(",")))
                    for part in text.split(";") if part]

        root = CLUSTER.resourcePool
        pools = [root.CreateResourcePool(name, vim.ResourceConfigSpec(
            cpuAllocation=allocation(shares, limit), memoryAllocation=allocation(1000)))
                 for name, shares, limit in (("gold", 3000, -1), ("silver", 1000, 1000))]
        try:
            for pool, machine in zip(pools, pair):
                pool.MoveIntoResourcePool([machine])
            wait_until(lambda: len(parts()) == 2 and max(part[1] for part in parts()) > 0,
                       "the pools' parts on the host")
            silver, gold = sorted(parts())
            self.assertAlmostEqual(3, gold[0] / silver[0], delta=0.3)
            self.assertEqual(-1, gold[1])
            self.assertAlmostEqual(1000, silver[1], delta=200)
        finally:
            root.MoveIntoResourcePool(list(pair))
            for pool in pools:
                wait_task(pool.Destroy_Task())
        wait_until(lambda: not parts(), "the parts to go with the pools")

    def test_power_on_of_many(self):
        busy, _ = self.put(0, 1)
        switch(True)
        off = [self.make(f"many{number}-load5", on=False) for number in range(3)]
        result = wait_task(DATACENTER.PowerOnMultiVM_Task([busy, *off], []))
        self.assertEqual([busy], [item.vm for item in result.notAttempted])
        self.assertIsInstance(result.notAttempted[0].fault, vim.fault.InvalidPowerState)
        self.assertEqual(set(off), {item.vm for item in result.attempted})
        for item in result.attempted:
            wait_task(item.task)
        self.assertEqual({"poweredOn"}, {machine.runtime.powerState for machine in off})

    def test_power_on_of_many_asks_in_manual_mode(self):
        self.two_busy()
        switch(True, "manual")
        off = self.make("asked-load5", on=False)
        result = wait_task(DATACENTER.PowerOnMultiVM_Task([off], []))
        self.assertEqual("poweredOff", off.runtime.powerState)
        offers = {item.action[0].targetHost: item for item in result.recommendations}
        self.assertEqual(set(CLUSTER.host), set(offers))
        best = max(result.recommendations, key=lambda item: item.rating)
        self.assertEqual(CLUSTER.host[1], best.action[0].targetHost)
        self.assertEqual("powerOnVm", best.reason)
        CLUSTER.ApplyRecommendation(best.key)
        wait_until(lambda: off.runtime.powerState == "poweredOn", "the start")
        self.assertEqual(CLUSTER.host[1], off.runtime.host)

    def test_a_host_that_comes_back_is_loaded_again(self):
        pair = self.two_busy()
        switch(True)
        wait_until(lambda: len(set(placed(pair))) == 2, "one of them to go")
        away = CLUSTER.host[1]
        wait_task(away.EnterMaintenanceMode_Task(0, False, None))
        self.assertEqual([CLUSTER.host[0]] * 2, placed(pair))
        wait_task(away.ExitMaintenanceMode_Task(0))
        wait_until(lambda: len(set(placed(pair))) == 2, "the host to be loaded again", 30)

    # First, for DRS moves no machine more than twice an hour, and the pair is the others', too.
    def test_a_command_line_explains(self):
        pair = self.two_busy()
        switch(True, "manual")
        CLUSTER.RefreshRecommendation()
        center = WORLD.center
        environment = {**os.environ,
                       "DROVER_URL": f"https://{center.address}:{center.port}",
                       "DROVER_USERNAME": center.user, "DROVER_PASSWORD": center.password,
                       "DROVER_INSECURE": "1"}
        drover = os.path.join(os.environ.get("DROVER_BIN_DIR", "build/bin"), "drover")

        def run(*words, text=False):
            result = subprocess.run([drover, "drs", *words, *([] if text else ["-o", "json"])],
                                    env=environment, text=True, check=False, capture_output=True)
            self.assertEqual(0, result.returncode, result.stderr)
            return result.stdout if text else json.loads(result.stdout)

        shown = run("show", "cluster")
        self.assertEqual("manual", shown["automation"])
        self.assertEqual(2, len(shown["hosts"]))
        self.assertLess(shown["score"], 100)
        planned = run("plan")
        self.assertEqual(1, len(planned["moves"]))
        self.assertGreater(planned["moves"][0]["benefit_host_seconds"],
                           planned["moves"][0]["cost_host_seconds"])
        if_parted = run("plan", "--without", CLUSTER.host[1].name)
        self.assertEqual([], if_parted["moves"])
        stays = run("why-not")
        self.assertEqual(1, len(stays))
        self.assertTrue(stays[0]["why"])
        waits = run("explain")["recommendations"]
        self.assertEqual([CLUSTER.recommendation[0].key], [item["key"] for item in waits])
        run("apply", waits[0]["key"], text=True)
        wait_until(lambda: len(set(placed(pair))) == 2, "the move")
        self.assertIn("Imbalance", run("show", text=True))

    def test_without_drs_there_is_none(self):
        with self.assertRaises(vmodl.fault.NotSupported):
            CLUSTER.RefreshRecommendation()


if __name__ == "__main__":
    unittest.main()
