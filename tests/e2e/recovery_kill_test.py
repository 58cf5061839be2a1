#!/usr/bin/python3
"""kill -9 of drover-hostd, again and again, in the middle of what it does.

Two operations on two machines are under way whenever hostd dies. When it is back, all that was
acknowledged must be there, an operation without an answer must have happened wholly or not at all,
and what the API tells must be what libvirt, the datastore and the process table show.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/recovery_kill_test.py

$DROVER_KILLS is the number of kills (30), $DROVER_SEED repeats a run's choices.
"""

import os
import random
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from drover_e2e import (Sandbox, add_disk, connect_when_ready, make_spec, remove_disk,  # noqa: E402
                        wait_task, wait_until)
from drover_e2e.truth import differences, shape_of  # noqa: E402
from pyVmomi import vim  # noqa: E402

KILLS = int(os.environ.get("DROVER_KILLS", "30"))
SEED = int(os.environ.get("DROVER_SEED", str(time.time_ns() % 1_000_000)))
ON, OFF, SUSPENDED = "poweredOn", "poweredOff", "suspended"


class Machine:
    """What a machine should be: (power state, memory in MB, number of disks); None: not there."""

    def __init__(self, name, state=None):
        self.name = name
        self.state = state


class Operation(threading.Thread):
    """One task of the API, from its call to its answer."""

    typical_s = {}  # how long it takes without a kill

    def __init__(self, connection, machine, kind, wanted, call):
        super().__init__(daemon=True)
        self.machine, self.kind, self.wanted = machine, kind, wanted
        self.acknowledged = False
        self.refused = None
        self._connection, self._call = connection, call

    def run(self):
        began = time.monotonic()
        try:
            task = self._call(self._connection)
            state = vim.TaskInfo.State
            while task.info.state in (state.queued, state.running):
                time.sleep(0.01)
            if task.info.state == state.success:
                self.acknowledged = True
                took = time.monotonic() - began
                Operation.typical_s[self.kind] = 0.5 * (
                    took + Operation.typical_s.get(self.kind, took))
            else:
                self.refused = task.info.error
        except Exception:  # noqa: BLE001  hostd died: there is no answer
            pass

    def outcomes(self):
        """The states in which the machine may be afterwards."""
        return [self.wanted] if self.acknowledged else [self.machine.state, self.wanted]

    def __str__(self):
        answer = "acknowledged" if self.acknowledged else "no answer"
        return f"{self.kind} {self.machine.name} ({answer})"


def choose(random_source, machines):
    """Chooses an operation for one of the machines: (machine, kind, wanted state, call)."""
    machine = random_source.choice(machines)
    name = machine.name

    def on_machine(call):
        return lambda connection: call(connection.machine(name))

    if machine.state is None:
        return (machine, "create", (OFF, 128, 1),
                lambda connection: connection.create(make_spec(name)))
    power, memory_mb, disks = machine.state
    if power == ON:
        kind = random_source.choice(["power off", "suspend"])
        if kind == "suspend":
            return machine, kind, (SUSPENDED, memory_mb, disks), on_machine(
                lambda vm: vm.SuspendVM_Task())
        return machine, kind, (OFF, memory_mb, disks), on_machine(lambda vm: vm.PowerOffVM_Task())
    if power == SUSPENDED:
        return machine, "resume", (ON, memory_mb, disks), on_machine(
            lambda vm: vm.PowerOnVM_Task())
    kind = random_source.choice(["power on", "power on", "add disk", "remove disk", "memory",
                                 "destroy"])
    if kind == "remove disk" and disks < 2:
        kind = "add disk"
    if kind == "power on":
        return machine, kind, (ON, memory_mb, disks), on_machine(lambda vm: vm.PowerOnVM_Task())
    if kind == "destroy":
        return machine, kind, None, on_machine(lambda vm: vm.Destroy_Task())
    if kind == "memory":
        other = 128 if memory_mb != 128 else 160
        return machine, kind, (OFF, other, disks), on_machine(
            lambda vm: vm.ReconfigVM_Task(vim.vm.ConfigSpec(memoryMB=other)))
    if kind == "add disk":
        return machine, kind, (OFF, memory_mb, disks + 1), on_machine(
            lambda vm: vm.ReconfigVM_Task(add_disk(free_unit(vm))))
    return machine, kind, (OFF, memory_mb, disks - 1), on_machine(
        lambda vm: vm.ReconfigVM_Task(remove_disk(last_disk(vm))))


def free_unit(machine):
    taken = {device.unitNumber for device in machine.config.hardware.device
             if isinstance(device, vim.vm.device.VirtualDisk)} | {7}  # the controller's own
    return next(unit for unit in range(1, 16) if unit not in taken)


def last_disk(machine):
    return [device for device in machine.config.hardware.device
            if isinstance(device, vim.vm.device.VirtualDisk)][-1]


class KillTest(unittest.TestCase):
    def setUp(self):
        self.sandbox = Sandbox()
        self.addCleanup(self.sandbox.close)
        self.random = random.Random(SEED)

    def test_nothing_is_lost(self):
        print(f"seed {SEED}, {KILLS} kills", flush=True)
        connection = connect_when_ready(self.sandbox)
        bystanders = [Machine("bystander1"), Machine("bystander2")]
        for bystander in bystanders:
            machine = wait_task(connection.create(make_spec(bystander.name)))
            wait_task(machine.PowerOnVM_Task())
            bystander.state = (ON, 128, 1)
        actors = [Machine(f"m{number}") for number in range(5)]
        for actor in actors[:4]:
            wait_task(connection.create(make_spec(actor.name)))
            actor.state = (OFF, 128, 1)
        calm = self.sandbox.qemu_processes()
        self.assertEqual(len(calm), 2)
        answered = 0
        for number in range(KILLS):
            operations = self._start_two(connection, actors)
            longest = max(Operation.typical_s.setdefault(item.kind, 1.0) for item in operations)
            delay_s = self.random.uniform(0, 1.3 * longest)
            time.sleep(delay_s)
            self.assertTrue(self.sandbox.kill_hostd(), "hostd was not running")
            connection = connect_when_ready(self.sandbox)
            for operation in operations:
                operation.join(120)
                self.assertFalse(operation.is_alive(), f"{operation} hangs")
                self.assertIsNone(operation.refused, f"{operation} was refused")
                answered += operation.acknowledged
                if not operation.acknowledged:  # the machine is slow today: give it longer
                    Operation.typical_s[operation.kind] *= 1.2
            print(f"kill {number + 1:2} after {delay_s:.2f} s: "
                  + ", ".join(map(str, operations)), flush=True)
            self._settle(connection, bystanders + actors, operations)
            now = self.sandbox.qemu_processes()
            self.assertEqual({uuid: now.get(uuid) for uuid in calm}, calm, "a bystander died")
        print(f"{answered} of {2 * KILLS} operations were acknowledged before the kill")
        self._remove_all(connection)

    def _start_two(self, connection, actors):
        first = choose(self.random, actors)
        second = choose(self.random, [item for item in actors if item is not first[0]])
        operations = [Operation(connection, *first), Operation(connection, *second)]
        for operation in operations:
            operation.start()
        return operations

    def _settle(self, connection, machines, operations):
        """Waits until all is as it may be, and notes which of the outcomes it was."""
        allowed = {item.name: [item.state] for item in machines}
        allowed.update((item.machine.name, item.outcomes()) for item in operations)
        found = []

        def is_true_state():
            found[:] = differences(self.sandbox, connection, allowed)
            return not found

        try:
            # What libvirtd had begun for the hostd that died comes to its end in this time.
            wait_until(is_true_state, 60)
        except AssertionError:
            self.fail(f"after {', '.join(map(str, operations))}:\n  " + "\n  ".join(found)
                      + "\n" + self.sandbox.log()[-3000:])
        present = connection.machines()
        for operation in operations:
            there = present.get(operation.machine.name)
            operation.machine.state = shape_of(there) if there else None

    def _remove_all(self, connection):
        """At the end every machine can be powered off and destroyed, and nothing stays."""
        for machine in connection.machines().values():
            if machine.runtime.powerState != OFF:
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())
        self.assertEqual(differences(self.sandbox, connection, {}), [])




if __name__ == "__main__":
    unittest.main(warnings="ignore")
