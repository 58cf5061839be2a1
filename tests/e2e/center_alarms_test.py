#!/usr/bin/python3
"""Alarms of a center as pyVmomi sees them: defined on a folder, triggered by states, events and
lost hosts, seen from the root, acknowledged, changed, kept through kill -9, removed.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_alarms_test.py
"""

import sys
import time
import unittest

sys.dont_write_bytecode = True
from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import make_spec, wait_task  # noqa: E402
from drover_e2e.center import CenterWorld, add_to_cluster, close_session  # noqa: E402

WORLD = None
LIMIT_S = 10
DEFAULTS = ["Host connection and power state", "Host CPU usage", "Host memory usage",
            "Virtual machine CPU usage", "Virtual machine memory usage", "Datastore usage on disk"]


def setUpModule():
    """A cluster with a host, and the machines b1 in the folder blue and r1 in the folder red."""
    global WORLD
    WORLD = CenterWorld(1)
    try:
        si = WORLD.connect()
        east = si.content.rootFolder.CreateDatacenter("east")
        cluster = east.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
        add_to_cluster(cluster, WORLD.hosts[0])
        for folder, name in (("blue", "b1"), ("red", "r1")):
            made = east.vmFolder.CreateFolder(folder)
            wait_task(made.CreateVM_Task(make_spec(name, clone_of=None, datastore="local1"),
                                         cluster.resourcePool))
        close_session(si)
    except BaseException:
        tearDownModule()
        raise


def tearDownModule():
    if WORLD is not None:
        WORLD.close()


def off_is_red():
    return vim.alarm.StateAlarmExpression(operator="isEqual", type=vim.VirtualMachine,
                                          statePath="runtime.powerState", red="poweredOff")


def make_alarm(name, expression, enabled=True):
    return vim.alarm.AlarmSpec(name=name, description="", enabled=enabled, expression=expression)


def wait_until(condition, what):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {LIMIT_S} s")
        time.sleep(0.05)


class AlarmTest(unittest.TestCase):
    def setUp(self):
        self.open()
        self.addCleanup(self.clean_up)

    def open(self):
        self.si = WORLD.connect()
        self.manager = self.si.content.alarmManager
        self.root = self.si.content.rootFolder

    def clean_up(self):
        for alarm in self.manager.GetAlarm(None):
            if alarm.info.name not in DEFAULTS:
                alarm.RemoveAlarm()
        close_session(self.si)

    def find(self, path):
        return self.si.content.searchIndex.FindByInventoryPath(path)

    def states(self, entity, alarm):
        return [(state.entity._moId, state.overallStatus, state.acknowledged)
                for state in entity.triggeredAlarmState if state.alarm._moId == alarm._moId]

    def events(self, *kinds):
        spec = vim.event.EventFilterSpec(eventTypeId=list(kinds))
        found = self.si.content.eventManager.QueryEvents(spec)
        return sorted(found, key=lambda event: event.key)

    def power(self, machine, on):
        wait_task(machine.PowerOnVM_Task(None) if on else machine.PowerOffVM_Task())


class DescriptionTest(AlarmTest):
    def test_what_is_offered(self):
        self.assertEqual([each.info.name for each in self.manager.GetAlarm(None)], DEFAULTS)
        for each in self.manager.GetAlarm(self.root):
            self.assertEqual(each.info.entity, self.root)
            self.assertEqual(each.info.alarm, each)
            self.assertEqual(each.info.key, each._moId)
            self.assertTrue(each.info.systemName.startswith("alarm."))
        description = self.manager.description
        self.assertEqual([each.key for each in description.stateOperator],
                         ["isEqual", "isUnequal"])
        self.assertIn(vim.alarm.EventAlarmExpression, [each.key for each in description.expr])
        self.assertEqual(list(description.action), [])
        self.assertTrue(self.manager.defaultExpression)
        machine = self.find("east/vm/blue/b1")
        declared = {state.alarm.info.name for state in machine.declaredAlarmState}
        self.assertEqual(declared, {"Virtual machine CPU usage", "Virtual machine memory usage"})
        self.assertEqual([state.key for state in self.manager.GetAlarmState(machine)],
                         [state.key for state in machine.declaredAlarmState])

    def test_hosts_have_none(self):
        si = WORLD.hosts[0].connect()
        self.addCleanup(close_session, si)
        self.assertIsNone(si.content.alarmManager)

    def test_what_can_not_be_done_is_refused(self):
        with self.assertRaises(vim.fault.DuplicateName):
            self.manager.CreateAlarm(self.root, make_alarm(DEFAULTS[0], off_is_red()))
        spec = make_alarm("mail", off_is_red())
        spec.action = vim.alarm.AlarmTriggeringAction(
            action=vim.action.SendEmailAction(toList="a@b.example", ccList="", subject="s",
                                              body="b"),
            transitionSpecs=[], green2yellow=False, yellow2red=True, red2yellow=False,
            yellow2green=False)
        with self.assertRaises(vmodl.fault.InvalidArgument) as caught:
            self.manager.CreateAlarm(self.root, spec)
        self.assertEqual(caught.exception.invalidProperty, "spec.action")
        wrong = off_is_red()
        wrong.statePath = "runtime.colour"
        with self.assertRaises(vmodl.fault.InvalidArgument) as caught:
            self.manager.CreateAlarm(self.root, make_alarm("wrong", wrong))
        self.assertEqual(caught.exception.invalidProperty, "spec.expression.statePath")


class LifeTest(AlarmTest):
    def test_a_life(self):
        blue, machine = self.find("east/vm/blue"), self.find("east/vm/blue/b1")
        self.power(machine, True)
        alarm = self.manager.CreateAlarm(blue, make_alarm("blue is off", off_is_red()))
        self.assertEqual(self.states(self.root, alarm), [])
        # Seen at the root, as it happens.
        collector = self.si.content.propertyCollector
        pc = vmodl.query.PropertyCollector
        watched = collector.CreateFilter(pc.FilterSpec(
            propSet=[pc.PropertySpec(type=vim.Folder, pathSet=["triggeredAlarmState"])],
            objectSet=[pc.ObjectSpec(obj=self.root)]), False)
        version = collector.WaitForUpdatesEx("", None).version
        self.power(machine, False)
        update = collector.WaitForUpdatesEx(version, pc.WaitOptions(maxWaitSeconds=LIMIT_S))
        self.assertIsNotNone(update)
        watched.DestroyPropertyFilter()
        red = [(machine._moId, "red", False)]
        for entity in (machine, blue, self.find("east/vm"), self.find("east"), self.root,
                       self.find("east/host/cluster"), machine.runtime.host):
            self.assertEqual(self.states(entity, alarm), red, entity)
        self.assertEqual(self.states(self.find("east/vm/red"), alarm), [])
        self.assertEqual(machine.overallStatus, "red")
        self.assertEqual(machine.summary.overallStatus, "red")
        # The red one is off as well, but not in the folder.
        changed = [event for event in self.events("vim.event.AlarmStatusChangedEvent")
                   if event.alarm.alarm == alarm]
        self.assertEqual([(event.source.entity, event.entity.entity, event.vm.vm, event.to)
                          for event in changed], [(machine, blue, machine, "red")])
        self.assertTrue(changed[0].fullFormattedMessage.endswith("Red"))

        self.manager.AcknowledgeAlarm(alarm, machine)
        state = [each for each in machine.triggeredAlarmState if each.alarm == alarm][0]
        self.assertEqual((state.acknowledged, state.acknowledgedByUser), (True, "administrator"))
        self.assertEqual(state.key, f"{alarm._moId}.{machine._moId}")

        # A power failure of the center.
        before = len(self.events("vim.event.AlarmStatusChangedEvent"))
        WORLD.center.restart()
        close_session(self.si)
        self.open()
        alarm = vim.alarm.Alarm(alarm._moId, self.si._stub)
        self.assertEqual(self.states(self.root, alarm), [(machine._moId, "red", True)])
        machine = self.find("east/vm/blue/b1")
        wait_until(lambda: machine.runtime.connectionState == "connected", "the host is heard")
        self.assertEqual(self.states(self.root, alarm), [(machine._moId, "red", True)])
        self.assertEqual(len(self.events("vim.event.AlarmStatusChangedEvent")), before)

        spec = make_alarm("blue is off", off_is_red())
        spec.expression.red, spec.expression.yellow = None, "poweredOff"
        alarm.ReconfigureAlarm(spec)
        wait_until(lambda: self.states(self.root, alarm) == [(machine._moId, "yellow", True)],
                   "the alarm is yellow")
        self.power(machine, True)
        wait_until(lambda: not self.states(self.root, alarm), "the alarm is over")
        self.assertEqual(machine.overallStatus, "green")
        self.power(machine, False)
        alarm.RemoveAlarm()
        self.assertEqual(self.states(self.root, alarm), [])
        self.assertNotIn(alarm, self.manager.GetAlarm(None))
        kinds = [type(event).__name__.rsplit(".", 1)[-1] for event in self.events(
            "vim.event.AlarmCreatedEvent", "vim.event.AlarmAcknowledgedEvent",
            "vim.event.AlarmReconfiguredEvent", "vim.event.AlarmRemovedEvent")
            if event.alarm.name == "blue is off"]
        self.assertEqual(kinds, ["AlarmCreatedEvent", "AlarmAcknowledgedEvent",
                                 "AlarmReconfiguredEvent", "AlarmRemovedEvent"])

    def test_events(self):
        machine = self.find("east/vm/red/r1")
        expression = vim.alarm.OrAlarmExpression(expression=[
            vim.alarm.EventAlarmExpression(eventType=vim.event.EventEx, eventTypeId=name,
                                           objectType=vim.VirtualMachine, status=status)
            for name, status in (("my.success", "green"), ("my.failure", "yellow"))])
        alarm = self.manager.CreateAlarm(self.root, make_alarm("mine", expression))
        post = self.si.content.eventManager.PostEvent

        def event(name):
            return vim.event.EventEx(
                key=0, chainId=0, createdTime=self.si.CurrentTime(), userName="",
                eventTypeId=name, severity="info",
                vm=vim.event.VmEventArgument(vm=machine, name="r1"))

        post(event("my.failure"), None)
        wait_until(lambda: self.states(self.root, alarm) == [(machine._moId, "yellow", False)],
                   "the event triggers the alarm")
        state = [each for each in machine.triggeredAlarmState if each.alarm == alarm][0]
        spec = vim.event.EventFilterSpec(eventChainId=state.eventKey)
        found = self.si.content.eventManager.QueryEvents(spec)
        self.assertEqual([each.eventTypeId for each in found], ["my.failure"])
        post(event("my.success"), None)
        wait_until(lambda: not self.states(self.root, alarm), "the event ends the alarm")

    def test_a_host_is_lost(self):
        alarm = self.manager.GetAlarm(None)[0]
        host = self.find("east/host/cluster").host[0]
        WORLD.hosts[0].kill()
        try:
            wait_until(lambda: self.states(self.root, alarm) == [(host._moId, "red", False)],
                       "the alarm of the lost host")
            self.assertEqual(host.overallStatus, "red")
        finally:
            WORLD.hosts[0].start()
        wait_until(lambda: not self.states(self.root, alarm), "the host is back")
        wait_until(lambda: host.overallStatus == "green", "the host is green")


class PermissionTest(AlarmTest):
    def test_who_may_do_and_see_what(self):
        content = self.si.content
        content.accountManager.CreateUser(vim.host.LocalAccountManager.AccountSpecification(
            id="watcher", password="seven or more", description=""))
        self.addCleanup(content.accountManager.RemoveUser, "watcher")
        blue = self.find("east/vm/blue")
        content.authorizationManager.SetEntityPermissions(blue, [
            vim.AuthorizationManager.Permission(principal="watcher", group=False, roleId=-2,
                                                propagate=True)])
        mine = self.manager.CreateAlarm(blue, make_alarm("blue", off_is_red()))
        others = self.manager.CreateAlarm(self.find("east/vm/red"),
                                          make_alarm("red", off_is_red()))
        administrator, WORLD.center.user = WORLD.center.user, "watcher"
        password, WORLD.center.password = WORLD.center.password, "seven or more"
        try:
            si = WORLD.connect()
        finally:
            WORLD.center.user, WORLD.center.password = administrator, password
        self.addCleanup(close_session, si)
        manager = si.content.alarmManager
        # Those of the root folder are for everybody.
        self.assertEqual({alarm.info.name for alarm in manager.GetAlarm(None)} - set(DEFAULTS),
                         {"blue"})
        watched = vim.Folder(blue._moId, si._stub)
        self.assertIn(mine, [state.alarm for state in watched.declaredAlarmState])
        with self.assertRaises(vim.fault.NoPermission):
            manager.CreateAlarm(watched, make_alarm("another", off_is_red()))
        with self.assertRaises(vim.fault.NoPermission):
            vim.alarm.Alarm(mine._moId, si._stub).RemoveAlarm()
        with self.assertRaises(vim.fault.NoPermission):
            manager.AcknowledgeAlarm(vim.alarm.Alarm(mine._moId, si._stub), watched)
        with self.assertRaises(vmodl.MethodFault):
            vim.alarm.Alarm(others._moId, si._stub).RemoveAlarm()


if __name__ == "__main__":
    unittest.main()
