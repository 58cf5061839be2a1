#!/usr/bin/python3
"""PerformanceManager as monitoring systems call it."""

import datetime
import time
import unittest

from drover_e2e import Sandbox, connect, make_spec, wait_task, wait_until
from pyVmomi import vim, vmodl


def setUpModule():
    global SANDBOX, HOST, MACHINE
    SANDBOX = Sandbox(hosts=1)
    try:
        HOST = connect(SANDBOX)
        MACHINE = wait_task(HOST.create(make_spec("measured")))
        wait_task(MACHINE.PowerOnVM_Task())
        # Two looks, 20 s apart: the second one has rates.
        wait_until(lambda: samples(MACHINE, "cpu.usagemhz.average"), 60, "a sample")
    except BaseException:
        SANDBOX.close()
        raise


def tearDownModule():
    HOST.close()
    SANDBOX.close()


def counters():
    """Returns {"cpu.usage.average": key}."""
    return {f"{info.groupInfo.key}.{info.nameInfo.key}.{info.rollupType}": info.key
            for info in HOST.content.perfManager.perfCounter}


def spec_of(entity, *names, instance="", **more):
    keys = counters()
    metrics = [vim.PerformanceManager.MetricId(counterId=keys[name], instance=instance)
               for name in names]
    return vim.PerformanceManager.QuerySpec(entity=entity, metricId=metrics, intervalId=20, **more)


def query(entity, *names, **more):
    return HOST.content.perfManager.QueryPerf([spec_of(entity, *names, **more)])[0]


def samples(entity, *names, **more):
    return query(entity, *names, **more).value


class Counters(unittest.TestCase):
    def setUp(self):
        self.manager = HOST.content.perfManager

    def test_the_table_has_vspheres_names_and_numbers(self):
        keys = counters()
        for name, key in (("cpu.usage.average", 2), ("cpu.usagemhz.average", 6),
                          ("cpu.ready.summation", 12), ("mem.usage.average", 24),
                          ("mem.consumed.average", 98), ("disk.usage.average", 125),
                          ("net.usage.average", 143), ("sys.uptime.latest", 155),
                          ("datastore.totalReadLatency.average", 182),
                          ("cpu.readiness.average", 404)):
            self.assertEqual(key, keys.get(name), name)
        self.assertEqual(sorted(keys.values()), [i.key for i in self.manager.perfCounter])
        some = self.manager.QueryPerfCounter([2, 6])
        self.assertEqual([2, 6], [info.key for info in some])
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.manager.QueryPerfCounter([99999])
        self.assertTrue(all(info.level == 1 for info in self.manager.QueryPerfCounterByLevel(1)))
        self.assertTrue(self.manager.description.counterType)

    def test_who_has_figures(self):
        for entity in (HOST.host, MACHINE, HOST.compute.resourcePool):
            summary = self.manager.QueryPerfProviderSummary(entity)
            self.assertEqual((True, 20), (summary.currentSupported, summary.refreshRate))
        self.assertFalse(
            self.manager.QueryPerfProviderSummary(HOST.datacenter).currentSupported)
        with self.assertRaises(vmodl.fault.NotSupported):
            self.manager.RemovePerfInterval(300)


class Samples(unittest.TestCase):
    def setUp(self):
        self.manager = HOST.content.perfManager

    def instances(self, entity, name):
        key = counters()[name]
        return {metric.instance for metric in self.manager.QueryAvailablePerfMetric(entity)
                if metric.counterId == key}

    def test_instances_are_named_as_devices_are(self):
        self.assertEqual({"", "0"}, self.instances(MACHINE, "cpu.usagemhz.average"))
        self.assertEqual({"", "4000"}, self.instances(MACHINE, "net.received.average"))
        self.assertEqual({"scsi0:0"}, self.instances(MACHINE, "virtualDisk.read.average"))
        self.assertEqual({""}, self.instances(MACHINE, "mem.active.average"))
        datastore = HOST.datastore()._moId
        self.assertEqual({datastore}, self.instances(MACHINE, "datastore.read.average"))

    def test_wildcards_choose_instances(self):
        everything = samples(MACHINE, "cpu.usagemhz.average", instance="*")
        self.assertEqual({"", "0"}, {series.id.instance for series in everything})
        whole = samples(MACHINE, "cpu.usagemhz.average")
        self.assertEqual([""], [series.id.instance for series in whole])
        self.assertGreaterEqual(whole[0].value[-1], 0)

    def test_the_host_and_the_pool_have_figures(self):
        wait_until(lambda: samples(HOST.host, "cpu.usage.average"), 45, "a sample of the host")
        for name in ("cpu.usage.average", "cpu.usagemhz.average", "mem.consumed.average",
                     "net.usage.average", "disk.usage.average", "sys.uptime.latest"):
            series = samples(HOST.host, name)
            self.assertTrue(series and series[0].value[-1] >= 0, name)
        pool = samples(HOST.compute.resourcePool, "mem.consumed.average")
        self.assertGreater(pool[0].value[-1], 0)

    def test_times_and_numbers_bound_a_query(self):
        self.assertLessEqual(len(query(MACHINE, "cpu.usage.average", maxSample=1).sampleInfo), 1)
        future = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        self.assertEqual([], list(query(MACHINE, "cpu.usage.average", startTime=future).sampleInfo))
        spec = spec_of(MACHINE, "cpu.usage.average")
        spec.intervalId = 300
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.manager.QueryPerf([spec])
        for interval in (None, 0):
            spec.intervalId = interval
            self.assertTrue(self.manager.QueryPerf([spec])[0].sampleInfo)

    def test_csv_and_composite(self):
        answer = query(MACHINE, "cpu.usage.average", format="csv")
        self.assertIsInstance(answer, vim.PerformanceManager.EntityMetricCSV)
        interval, stamp = answer.sampleInfoCSV.split(",")[:2]
        self.assertEqual("20", interval)
        time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(len(answer.sampleInfoCSV.split(",")) // 2,
                         len(answer.value[0].value.split(",")))
        composite = self.manager.QueryPerfComposite(spec_of(HOST.host, "cpu.usagemhz.average"))
        self.assertEqual(HOST.host, composite.entity.entity)
        self.assertIn(MACHINE, [child.entity for child in composite.childEntity])

    def test_quick_stats_agree(self):
        stats = MACHINE.summary.quickStats
        self.assertGreater(stats.hostMemoryUsage, 0)
        self.assertGreater(HOST.compute.resourcePool.summary.quickStats.hostMemoryUsage, 0)


if __name__ == "__main__":
    unittest.main()
