#!/usr/bin/python3
"""Moves under memory load, and moves in the middle of which something is killed: how often the
machine then runs exactly once, and whether the center says where.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_migration_soak.py \\
        [--moves 200] [--kills 50] [--seed N] [--ledger FILE]

A line of JSON in the ledger for everything that was tried; run again, it goes on from there. Logs
are kept beside it when something fails.
Exit code 1 if anything failed.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVim.connect import SmartConnect  # noqa: E402
from pyVmomi import vim, vmodl  # noqa: E402
import ssl  # noqa: E402

from drover_e2e import Sandbox, make_spec, wait_task, wait_until  # noqa: E402
from drover_e2e.client import LOST  # noqa: E402

NAME = "traveller"
MEMORY_MB = 256
LOAD_MB = 64
VICTIMS = ["hostd of the source", "hostd of the target", "libvirtd of the source",
           "libvirtd of the target", "QEMU", "center"]


class World:
    """Two hosts, a center and one machine that changes its memory all the time."""

    def __init__(self):
        self.sandbox = Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template"))
        self.connect()
        pool = self.cluster.resourcePool
        spec = make_spec(NAME, memory_mb=MEMORY_MB)
        folder = self.content.rootFolder.childEntity[0].vmFolder
        wait_task(folder.CreateVM_Task(spec, pool, self.host("host1")))
        self.uuid = self.machine.config.uuid
        self.power_on()

    def connect(self):
        """A new session, as soon as the center answers and has both hosts."""
        entry = self.sandbox.status["center"]

        def attempt():
            try:
                self.session = SmartConnect(
                    host=entry["address"], user=entry["username"], pwd=entry["password"],
                    sslContext=ssl._create_unverified_context())
                self.content = self.session.RetrieveContent()
                return all(item.runtime.connectionState == "connected"
                           for item in self.cluster.host)
            except LOST:
                return False
        wait_until(attempt, 90, "the center and its hosts")

    @property
    def cluster(self):
        return self.content.rootFolder.childEntity[0].hostFolder.childEntity[0]

    @property
    def machine(self):
        folder = self.content.rootFolder.childEntity[0].vmFolder
        return next(item for item in folder.childEntity if item.name == NAME)

    def host(self, name):
        address = self.sandbox.host(name)["address"]
        return next(item for item in self.cluster.host if item.name == address)

    def shown(self):
        """The name of the host on which the center shows the machine."""
        address = self.machine.runtime.host.name
        return next(item["name"] for item in self.sandbox.status["hosts"]
                    if item["address"] == address)

    def running(self):
        return [name for name in ("host1", "host2")
                if self.uuid in self.sandbox.qemu_processes(name)]

    def power_on(self):
        machine = self.machine
        if machine.runtime.powerState != "poweredOn":
            wait_task(machine.PowerOnVM_Task())
        self.address = wait_until(lambda: machine.guest.ipAddress, 150, "an address of the guest")
        self.load()

    def load(self):
        """Makes the guest write to its memory without end."""
        def ask():
            try:
                return self._ask(f"/cgi-bin/load?cpu=0&mem={LOAD_MB}&disk=0")
            except OSError:
                return None
        wait_until(ask, 60, "the guest's web server")

    def _ask(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=20) as answer:
            return answer.read().decode()

    def uptime(self):
        """The guest's own: it grows unless the guest was started anew."""
        def ask():
            try:
                text = self._ask("/cgi-bin/load")
                return float(text.split("uptime ")[1].split()[0])
            except OSError:
                return None
        return wait_until(ask, 60, "the guest's web server")

    def kill(self, victim, source, target):
        if victim == "QEMU":
            pid = self.sandbox.qemu_processes(source).get(self.uuid)
            if pid:
                os.kill(pid, 9)
        elif victim == "center":
            self.sandbox.kill("drover-centerd", "center")
        else:
            program = "drover-hostd" if victim.startswith("hostd") else "libvirtd"
            self.sandbox.kill(program, source if victim.endswith("source") else target)


def migrate(world, target):
    return world.machine.MigrateVM_Task(None, world.host(target), "defaultPriority")


def move(world, _chosen):
    source = world.shown()
    target = "host2" if source == "host1" else "host1"
    before = world.uptime()
    began = time.monotonic()
    wait_task(migrate(world, target), 180)
    took_s = time.monotonic() - began
    assert world.running() == [target], f"runs on {world.running()}, not on {target}"
    assert world.shown() == target, f"shown on {world.shown()}"
    assert world.uptime() > before, "the guest was started anew"
    return {"from": source, "to": target, "seconds": round(took_s, 2)}


def settled(world, victim):
    """What the center says, once it agrees with the processes; an error if it never does."""
    def agrees():
        try:
            running = world.running()
            on = world.machine.runtime.powerState == "poweredOn"
            state = world.machine.runtime.connectionState
        except LOST + (vmodl.MethodFault,):
            world.connect()
            return None
        if state != "connected" or len(running) != (1 if on else 0):
            return None
        return ("on", running[0]) if on and world.shown() == running[0] else \
            ("off", "") if not on else None
    try:
        state, where = wait_until(agrees, 90, "the center to tell the truth")
    except AssertionError as error:
        raise AssertionError(f"{error}: runs on {world.running()}, shown "
                             f"{world.machine.runtime.powerState} on {world.shown()}") from None
    assert state == "on" or victim == "QEMU", "the machine is off though its QEMU was left alone"
    return where or "off"


def kill(world, chosen):
    source = world.shown()
    target = "host2" if source == "host1" else "host1"
    victim = chosen.choice(VICTIMS)
    pause_s = chosen.uniform(0.0, 5.0)
    before = world.uptime()
    task = migrate(world, target)
    time.sleep(pause_s)
    world.kill(victim, source, target)
    time.sleep(1)
    world.connect()
    task = vim.Task(task._moId, world.session._stub)  # the old session may have gone
    try:
        wait_until(lambda: task.info.state in ("success", "error"), 120, "the task's end")
        outcome = str(task.info.state)
    except vmodl.fault.ManagedObjectNotFound:
        outcome = "gone"  # with the center that ran it
    where = settled(world, victim)
    if where != "off":
        time.sleep(3)  # what was left behind would have ended it by now
        where = settled(world, victim)
    if where == "off":
        world.power_on()
    elif victim != "QEMU":
        assert world.uptime() > before, "the guest was started anew"
    return {"from": source, "to": target, "victim": victim, "after_s": round(pause_s, 2),
            "task": outcome, "on": where}


def read_ledger(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


def keep_logs(world, ledger, entry):
    """The logs of hosts and center as they are now, beside the ledger."""
    hosts = os.path.join(world.sandbox.directory, "hosts")
    kept = f"{os.path.splitext(ledger)[0]}-{entry['kind']}-{entry['number']}-{time.time_ns()}"
    for directory, _, names in os.walk(hosts):
        for name in names:
            if name.endswith(".log"):
                path = os.path.join(directory, name)
                target = os.path.join(kept, os.path.relpath(path, hosts))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--moves", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--ledger", default="build/soak-migrate.jsonl")
    options = parser.parse_args()
    done = read_ledger(options.ledger)
    failures = sum(not item["ok"] for item in done)
    world = World()
    try:
        for kind, attempt, count in (("move", move, options.moves), ("kill", kill, options.kills)):
            first = sum(item["kind"] == kind for item in done)
            for number in range(first, count):
                entry = {"kind": kind, "number": number, "seed": options.seed}
                try:
                    entry |= attempt(world, random.Random(f"{options.seed} {kind} {number}"))
                    entry["ok"] = True
                except (AssertionError, vmodl.MethodFault, vim.fault.VimFault, *LOST) as error:
                    entry |= {"ok": False, "why": f"{type(error).__name__}: {error}"[:2000]}
                    entry["logs"] = keep_logs(world, options.ledger, entry)
                    failures += 1
                with open(options.ledger, "a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")
                print(json.dumps(entry), flush=True)
                if not entry["ok"]:
                    world.connect()
                    world.power_on()
    finally:
        world.sandbox.close()
    print(f"{options.moves} moves, {options.kills} kills: {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
