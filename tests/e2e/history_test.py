#!/usr/bin/python3
"""Events, tasks and their collectors, as a client sees them on a real host.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/history_test.py
"""

import datetime
import os
import signal
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from drover_e2e import (Sandbox, connect, connect_when_ready, make_spec,  # noqa: E402
                        wait_task, wait_until)
from pyVmomi import vim, vmodl  # noqa: E402


def kinds(events):
    return [type(event).__name__.split(".")[-1] for event in events]


def in_order(wanted, found):
    """Whether `wanted` stands in `found`, in this order, with anything between."""
    rest = iter(found)
    return all(kind in rest for kind in wanted)


class HistoryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.host = connect(cls.sandbox)

    def setUp(self):
        self.events = self.host.content.eventManager
        self.tasks = self.host.content.taskManager

    def collect(self, **filters):
        collector = self.events.CreateCollectorForEvents(vim.event.EventFilterSpec(**filters))
        self.addCleanup(self.destroy, collector)
        return collector

    def destroy(self, collector):
        try:
            collector.DestroyCollector()
        except vmodl.MethodFault:
            pass  # its session is gone

    def about(self, entity, recursion="self"):
        return vim.event.EventFilterSpec.ByEntity(entity=entity, recursion=recursion)

    def everything(self, collector, page=7):
        found = []
        while part := collector.ReadNextEvents(page):
            found += part
        return found

    def test_1_a_machines_life(self):
        machine = wait_task(self.host.create(make_spec("story")))
        collector = self.collect(entity=self.about(machine))
        power_on = machine.PowerOnVM_Task()
        wait_task(power_on)
        with self.assertRaises(vim.fault.InvalidPowerState):
            wait_task(machine.PowerOnVM_Task())
        wait_task(machine.PowerOffVM_Task())
        wait_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="changed")))
        wait_task(machine.Rename_Task("story2"))
        chain = power_on.info.eventChainId
        self.assertIn(power_on, machine.recentTask)
        self.assertIn(power_on, self.tasks.recentTask)
        wait_task(machine.Destroy_Task())

        found = self.everything(collector)
        self.assertTrue(in_order(
            ["VmBeingCreatedEvent", "VmCreatedEvent", "TaskEvent", "VmStartingEvent",
             "VmPoweredOnEvent", "VmFailedToPowerOnEvent", "VmStoppingEvent",
             "VmPoweredOffEvent", "VmReconfiguredEvent", "VmRenamedEvent", "VmRemovedEvent"],
            kinds(found)), kinds(found))
        keys = [event.key for event in found]
        self.assertEqual(keys, sorted(set(keys)))
        for event in found:
            self.assertEqual(event.userName, "root")
            self.assertTrue(event.fullFormattedMessage)
        of_power_on = [event for event in found if event.chainId == chain]
        self.assertEqual(kinds(of_power_on), ["TaskEvent", "VmStartingEvent", "VmPoweredOnEvent"])
        self.assertEqual(of_power_on[0].key, chain)
        self.assertEqual(of_power_on[2].vm.name, "story")
        self.assertEqual(of_power_on[2].host.host, self.host.host)
        self.assertEqual(kinds(self.events.QueryEvents(vim.event.EventFilterSpec(
            eventChainId=chain))), ["VmPoweredOnEvent", "VmStartingEvent", "TaskEvent"])
        reconfigured = next(event for event in found
                            if isinstance(event, vim.event.VmReconfiguredEvent))
        self.assertEqual(reconfigured.configSpec.annotation, "changed")
        self.assertIn("config.annotation", reconfigured.configChanges.modified)

    def test_2_pages(self):
        for number in range(6):
            self.events.LogUserEvent(self.host.host, f"note {number}")
        collector = self.collect(entity=self.about(self.host.host),
                                 type=[vim.event.GeneralUserEvent])
        notes = [f"note {number}" for number in range(6)]
        texts = lambda events: [event.message for event in events]  # noqa: E731
        self.assertEqual(texts(collector.ReadNextEvents(4)), notes[:4])
        self.assertEqual(texts(collector.ReadNextEvents(4)), notes[4:])
        self.assertEqual(collector.ReadNextEvents(4), [])
        collector.ResetCollector()
        self.assertEqual(texts(collector.ReadPreviousEvents(4)), notes[:1:-1])
        collector.RewindCollector()
        self.assertEqual(texts(collector.ReadNextEvents(1)), notes[:1])
        collector.SetCollectorPageSize(2)
        self.assertEqual(texts(collector.latestPage), notes[:3:-1])
        for wrong in (0, -1):
            with self.assertRaises(vmodl.fault.InvalidArgument):
                collector.ReadNextEvents(wrong)
        with self.assertRaises(vmodl.fault.InvalidArgument):
            collector.SetCollectorPageSize(1001)

    def test_3_latest_page_through_wait_for_updates(self):
        collector = self.collect(category=["user"])
        waiter = self.host.content.propertyCollector.CreatePropertyCollector()
        self.addCleanup(waiter.DestroyPropertyCollector)
        spec = vmodl.query.PropertyCollector.FilterSpec(
            objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=collector)],
            propSet=[vmodl.query.PropertyCollector.PropertySpec(
                type=vim.event.EventHistoryCollector, pathSet=["latestPage"])])
        waiter.CreateFilter(spec, False)
        version = waiter.WaitForUpdates("").version
        self.events.LogUserEvent(self.host.host, "look here")
        update = waiter.WaitForUpdates(version)
        change = update.filterSet[0].objectSet[0].changeSet[0]
        self.assertTrue(change.name.startswith("latestPage"), change.name)
        self.assertEqual(collector.latestPage[0].message, "look here")

    def test_4_posting(self):
        self.events.PostEvent(vim.event.EventEx(
            key=0, chainId=0, createdTime=datetime.datetime.now(), userName="",
            eventTypeId="drover.test.happened", severity="warning", message="it happened"))
        found = self.events.QueryEvents(vim.event.EventFilterSpec(
            eventTypeId=["drover.test.happened"]))
        self.assertEqual(found[0].fullFormattedMessage, "it happened")
        self.assertEqual(found[0].userName, "root")
        self.assertEqual(self.events.latestEvent.key, found[0].key)

    def test_5_what_is_described(self):
        described = {info.key: info for info in self.events.description.eventInfo}
        self.assertTrue(vim.event.VmPoweredOnEvent in described)
        self.assertEqual(described[vim.event.VmFailedToPowerOnEvent].category, "error")
        methods = {info.key for info in self.tasks.description.methodInfo}
        self.assertTrue({"VirtualMachine.powerOn", "Folder.createVm",
                         "FileManager.deleteFile"} <= methods, methods)
        logins = self.events.QueryEvents(vim.event.EventFilterSpec(
            type=[vim.event.UserLoginSessionEvent]))
        self.assertEqual(logins[0].userName, "root")

    def test_6_tasks(self):
        machine = wait_task(self.host.create(make_spec("worker")))
        self.addCleanup(lambda: wait_task(machine.Destroy_Task()))
        wait_task(machine.PowerOnVM_Task())
        wait_task(machine.PowerOffVM_Task())
        with self.assertRaises(vim.fault.InvalidPowerState):
            wait_task(machine.PowerOffVM_Task())

        def collect(**filters):
            collector = self.tasks.CreateCollectorForTasks(vim.TaskFilterSpec(**filters))
            self.addCleanup(self.destroy, collector)
            return collector

        entity = vim.TaskFilterSpec.ByEntity(entity=machine, recursion="self")
        found = collect(entity=entity).ReadNextTasks(100)
        self.assertEqual([info.descriptionId for info in found],
                         ["VirtualMachine.powerOn", "VirtualMachine.powerOff",
                          "VirtualMachine.powerOff"])
        failed = collect(entity=entity, state=["error"]).latestPage
        self.assertEqual(len(failed), 1)
        self.assertIsInstance(failed[0].error, vim.fault.InvalidPowerState)
        later = vim.TaskFilterSpec.ByTime(timeType="completedTime",
                                          beginTime=found[1].completeTime)
        self.assertNotIn(found[0].key, [info.key for info in
                                        collect(entity=entity, time=later).ReadNextTasks(100)])
        below = vim.TaskFilterSpec.ByEntity(entity=self.host.datacenter, recursion="all")
        self.assertLess(3, len(collect(entity=below).ReadNextTasks(1000)))

    def test_7_a_power_off_that_nobody_asked_for(self):
        machine = wait_task(self.host.create(make_spec("fragile")))
        self.addCleanup(lambda: wait_task(machine.Destroy_Task()))
        wait_task(machine.PowerOnVM_Task())
        pid = self.sandbox.qemu_processes()[machine.config.uuid]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: machine.runtime.powerState == "poweredOff")
        off = self.events.QueryEvents(vim.event.EventFilterSpec(
            entity=self.about(machine), type=[vim.event.VmPoweredOffEvent]))
        self.assertEqual(len(off), 1)
        self.assertEqual(off[0].userName, "")

    def test_8_too_many_collectors(self):
        made = []
        self.addCleanup(lambda: [self.destroy(each) for each in made])
        with self.assertRaises(vim.fault.InvalidState):
            for _ in range(self.events.maxCollector + 1):
                made.append(self.events.CreateCollectorForEvents(vim.event.EventFilterSpec()))

    def test_9_a_kill_keeps_the_history(self):
        self.events.LogUserEvent(self.host.host, "before the kill")
        last = self.events.latestEvent.key
        tasks = self.tasks.CreateCollectorForTasks(vim.TaskFilterSpec()).ReadNextTasks(1000)
        self.sandbox.kill_hostd()
        self.host.close()
        type(self).host = connect_when_ready(self.sandbox)
        self.setUp()
        only_theirs = vim.event.EventFilterSpec(type=[vim.event.GeneralUserEvent])
        found = self.events.QueryEvents(only_theirs)
        self.assertEqual((found[0].message, found[0].key), ("before the kill", last))
        self.assertGreater(self.events.latestEvent.key, last)
        again = self.tasks.CreateCollectorForTasks(vim.TaskFilterSpec()).ReadNextTasks(1000)
        self.assertEqual([info.key for info in again[:len(tasks)]],
                         [info.key for info in tasks])
        self.assertTrue(any(info.result is not None for info in again))


if __name__ == "__main__":
    unittest.main(verbosity=2)
