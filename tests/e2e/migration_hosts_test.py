#!/usr/bin/python3
"""A real guest moves between two real hosts: while a connection to it lasts, cancelled, with a
daemon killed in the middle, suspended, and with its disks to another datastore.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/migration_hosts_test.py

$DROVER_MIGRATION_KILLS is the number of kills (3); $DROVER_SEED repeats a run's choices.
"""

import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from drover_e2e import (Sandbox, connect, connect_when_ready, make_spec, wait_task,  # noqa: E402
                        wait_until)
from drover_e2e.migration import NO_ANSWER, Host, Refused  # noqa: E402
from pyVmomi import vim  # noqa: E402

KILLS = int(os.environ.get("DROVER_MIGRATION_KILLS", "3"))
SEED = int(os.environ.get("DROVER_SEED", str(time.time_ns() % 1_000_000)))
NAME = "mover"
# So that there is a middle: the guest's memory takes some seconds.
SLOW = {"bandwidthBytesPerSecond": 12 << 20, "postCopy": False}


def setUpModule():
    global SANDBOX, HOSTS, UUID, ADDRESS
    SANDBOX = Sandbox(hosts=2, arguments=("--cpus", "1"))
    try:
        HOSTS = {name: Host(SANDBOX, name).login() for name in ("host1", "host2")}
        host = connect(SANDBOX)
        machine = wait_task(host.create(make_spec(NAME, memory_mb=128)))
        wait_task(machine.PowerOnVM_Task())
        UUID = machine.config.uuid
        ADDRESS = wait_until(lambda: machine.guest.ipAddress, 150, "an address of the guest")
        host.close()
    except BaseException:
        SANDBOX.close()
        raise


def tearDownModule():
    SANDBOX.close()


def guest_uptime():
    """What the guest's web server says: it runs, and since when."""
    with urllib.request.urlopen(f"http://{ADDRESS}/cgi-bin/load", timeout=20) as answer:
        return float(re.search(r"uptime ([\d.]+)", answer.read().decode()).group(1))


def running_on():
    """The hosts on which a process runs the machine."""
    return [name for name in HOSTS if UUID in SANDBOX.qemu_processes(name)]


def lease():
    """The newest lease of the machine on the shared datastore."""
    directory = os.path.join(SANDBOX.datastore_directory, NAME)
    files = [name for name in os.listdir(directory) if re.search(r"\.lease\.\d+$", name)]
    newest = max(files, key=lambda name: int(name.rsplit(".", 1)[1]))
    with open(os.path.join(directory, newest), encoding="utf-8") as file:
        return json.load(file)


class Slow:
    """A request to the guest's web server that is sent a line at a time: one TCP connection that
    must outlive the move."""

    def __init__(self):
        self._socket = socket.create_connection((ADDRESS, 80), timeout=30)
        self._socket.sendall(b"GET /cgi-bin/load HTTP/1.0\r\n")

    def finish(self):
        self._socket.sendall(b"X-Filler: something\r\n\r\n")
        answer = b""
        while piece := self._socket.recv(4096):
            answer += piece
        self._socket.close()
        return answer.decode()


class Migration(unittest.TestCase):
    def where(self):
        """The name of the one host that has the machine: registered, running, with the lease."""
        def settled():
            try:
                owners = [name for name, host in HOSTS.items() if NAME in host.machines()]
            except (*NO_ANSWER, Refused):
                for host in HOSTS.values():
                    host.login()
                return None
            if len(owners) != 1 or running_on() != owners:
                return None
            host = HOSTS[owners[0]]
            try:
                runtime = host.runtime(host.machines()[NAME])
            except (KeyError, Refused):
                return None
            return owners[0] if runtime["powerState"] == "poweredOn" else None
        try:
            owner = wait_until(settled, 60, "one host that runs the machine")
        except AssertionError as error:
            facts = {name: sorted(host.machines()) for name, host in HOSTS.items()}
            raise AssertionError(f"{error}: runs on {running_on()}, registered {facts}, "
                                 f"lease {lease()}") from None
        return owner

    def ends(self):
        """(the host that has the machine, the other, the machine's reference)"""
        owner = self.where()
        other = "host2" if owner == "host1" else "host1"
        return HOSTS[owner], HOSTS[other], HOSTS[owner].machines()[NAME]

    def test_1_a_connection_outlives_the_move(self):
        source, destination, machine = self.ends()
        before = source.runtime(machine)
        config = source.get("VirtualMachine", machine, "config")
        uptime = guest_uptime()
        connection = Slow()
        result = source.migrate(machine, destination)
        self.assertIn("200 OK", connection.finish())
        self.assertGreater(guest_uptime(), uptime)
        self.assertEqual(destination.name, self.where())
        moved = destination.machines()[NAME]
        self.assertEqual(moved, result["vm"]["value"])
        self.assertEqual(before["bootTime"], destination.runtime(moved)["bootTime"])
        after = destination.get("VirtualMachine", moved, "config")
        self.assertEqual(config["instanceUuid"], after["instanceUuid"])
        self.assertEqual("", lease()["successor"])
        self.assertLess(result["totalMs"], 60_000)
        self.assertGreater(result["transferredBytes"], 1 << 20)
        print(f"moved: {result['totalMs']} ms, downtime {result.get('downtimeMs')} ms, "
              f"{result['transferredBytes'] >> 20} MiB", flush=True)
        client = connect(SANDBOX, destination.name)
        self.addCleanup(client.close)
        kinds = {type(event).__name__.rsplit(".", 1)[-1]
                 for event in client.content.eventManager.QueryEvents(vim.event.EventFilterSpec())}
        self.assertIn("VmMigratedEvent", kinds)
        self.assertNotIn("VmPoweredOnEvent", kinds)

    def test_2_cancelled_it_stays(self):
        source, destination, machine = self.ends()
        task = source.start_migration(machine, destination, **SLOW)
        wait_until(lambda: source.task(task).get("progress", 0) > 0, 30, "progress")
        source.cancel(task)
        with self.assertRaises(Refused) as refused:
            source.wait(task)
        self.assertEqual("RequestCanceled", refused.exception.name)
        self.assertEqual(source.name, self.where())
        self.assertEqual("", lease().get("successor", ""))
        guest_uptime()

    def test_3_refusals_say_why(self):
        source, destination, machine = self.ends()
        spec = source.call("DescribeMigration",
                           vm={"_typeName": "ManagedObjectReference", "type": "VirtualMachine",
                               "value": machine})
        self.assertFalse(destination.call("CheckMigration", spec=spec))
        wrong = dict(spec, datastoreUuid="11111111-2222-3333-4444-555555555555",
                     network=["No such network"], cpuReservationMhz=10_000_000)
        reasons = destination.call("CheckMigration", spec=wrong)
        names = {reason["fault"]["_typeName"] for reason in reasons}
        self.assertEqual({"CannotAccessVmConfig", "CannotAccessNetwork",
                          "InsufficientCpuResourcesFault"}, names)
        with self.assertRaises(Refused) as refused:
            destination.call("PrepareMigration", spec=wrong)
        self.assertEqual("DroverMigrationRefused", refused.exception.name)
        # A ticket is for one use, and nobody guesses one.
        for method in ("BeginMigration", "FinishMigration"):
            with self.assertRaises(Refused) as refused:
                destination.call(method, ticket="0" * 64)
            self.assertEqual("NotFound", refused.exception.name)
        with self.assertRaises(Refused):
            source.call("PrepareMigration", spec=spec)
        self.assertEqual(source.name, self.where())

    def test_4_whoever_is_killed_one_host_runs_it(self):
        chosen = random.Random(SEED)
        print(f"DROVER_SEED={SEED}", flush=True)
        for number in range(KILLS):
            source, destination, machine = self.ends()
            uptime = guest_uptime()
            victim = chosen.choice([source, destination])
            pause = chosen.uniform(0.0, 6.0)
            try:
                source.start_migration(machine, destination, **SLOW)
                time.sleep(pause)
            finally:
                SANDBOX.kill_hostd(victim.name)
            victim.login()
            owner = self.where()
            print(f"kill {number}: {source.name} -> {destination.name}, {victim.name} killed after "
                  f"{pause:.1f} s: on {owner}", flush=True)
            self.assertGreater(guest_uptime(), uptime)
            wait_until(lambda: not lease().get("successor"), 30, "no offer is left")

    def test_6_suspended_it_moves_at_once(self):
        source, destination, machine = self.ends()
        client = connect_when_ready(SANDBOX, source.name)
        self.addCleanup(client.close)
        uptime = guest_uptime()
        wait_task(client.machine(NAME).SuspendVM_Task())
        moved = source.migrate(machine, destination)["vm"]["value"]
        self.assertNotIn(NAME, source.machines())
        self.assertEqual("suspended", destination.runtime(moved)["powerState"])
        self.assertEqual("", lease()["owner"])
        client = connect_when_ready(SANDBOX, destination.name)
        self.addCleanup(client.close)
        wait_task(client.machine(NAME).PowerOnVM_Task())
        self.assertEqual(destination.name, self.where())
        self.assertGreater(guest_uptime(), uptime)

    def test_7_its_disks_move_too(self):
        source, destination, machine = self.ends()
        place = os.path.join(SANDBOX.directory, f"local-{destination.name}")
        os.makedirs(place)
        self.addCleanup(shutil.rmtree, place, True)
        shutil.chown(place, "drover", "drover")
        os.chmod(place, 0o2770)
        client = connect_when_ready(SANDBOX, destination.name)
        self.addCleanup(client.close)
        system = client.host.configManager.datastoreSystem
        system.CreateLocalDatastore("local", place)
        uptime = guest_uptime()
        source.migrate(machine, destination, placement="local", postCopy=False)
        self.assertEqual(destination.name, self.where())
        self.assertGreater(guest_uptime(), uptime)
        self.assertTrue(os.path.exists(os.path.join(place, NAME, NAME + ".vmx")))
        self.assertFalse(os.path.exists(os.path.join(SANDBOX.datastore_directory, NAME)))


if __name__ == "__main__":
    unittest.main(failfast=True)
