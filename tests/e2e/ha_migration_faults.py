#!/usr/bin/python3
"""A protected machine moves between two real hosts while it runs, and things die in the middle: it
never runs twice, and runs again wherever it may.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/ha_migration_faults.py

$DROVER_MIGRATION_KILLS is the number of kills by chance (6); $DROVER_SEED repeats a run's choices.
"""

import contextlib
import os
import random
import signal
import sys
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from drover_e2e import (Sandbox, connect, connect_when_ready, make_spec, wait_task,  # noqa: E402
                        wait_until)
from drover_e2e.availability import Pings, Protection, Writers, process_of  # noqa: E402
from drover_e2e.migration import NO_ANSWER, Host, Refused  # noqa: E402

KILLS = int(os.environ.get("DROVER_MIGRATION_KILLS", "6"))
SEED = int(os.environ.get("DROVER_SEED", str(time.time_ns() % 1_000_000)))
NAME, FREE = "guarded", "free"
MOVES = 5
GAP_S = 2.0
# So that there is a middle: the guest's memory takes some seconds.
SLOW = {"bandwidthBytesPerSecond": 12 << 20}


def setUpModule():
    global SANDBOX, UUID, HA, HOSTS, WRITERS
    SANDBOX = Sandbox(hosts=2, arguments=("--cpus", "1"))
    try:
        HA = Protection(SANDBOX)
        host = connect(SANDBOX)
        UUID = wait_task(host.create(make_spec(NAME, memory_mb=128))).config.uuid
        wait_task(host.create(make_spec(FREE, memory_mb=128)))
        host.close()
        HA.protect([{"id": UUID, "path": f"{NAME}/{NAME}.vmx", "memory_mb": 128}])
        HOSTS = {name: Host(SANDBOX, name).login() for name in HA.hosts}
        WRITERS = Writers(SANDBOX, list(HA.hosts), UUID)
    except BaseException:
        SANDBOX.close()
        raise


def tearDownModule():
    WRITERS.stop()
    if os.environ.get("DROVER_SHOW_LOGS"):
        for name in HA.hosts:
            for log in ("drover-had", "drover-hostd"):
                print(f"--- {name} {log}\n{SANDBOX.log(name, log)[-12000:]}", flush=True)
    SANDBOX.close()


def power_on(name):
    """Powers a machine of host1 on; the guest's address."""
    client = connect_when_ready(SANDBOX)
    try:
        machine = client.machine(name)
        wait_task(machine.PowerOnVM_Task())
        return wait_until(lambda: machine.guest.ipAddress, 150, f"an address of {name}")
    finally:
        client.close()


def make_it_write(address):
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"http://{address}/cgi-bin/load?disk=2", timeout=20).close()


def running_on():
    """The hosts on which a process runs the machine, be it one that waits for it."""
    return [name for name in HA.hosts if process_of(SANDBOX, name, UUID)]


def other_of(name):
    return next(host for host in HA.hosts if host != name)


class Moving(unittest.TestCase):
    def where(self, wait_s=90):
        """The one host that has the machine: by its process, its lease and its inventory."""
        def settled():
            hosts, lease = running_on(), HA.lease(NAME)
            if len(hosts) != 1 or lease["owner"] != HA.hosts[hosts[0]] or lease["successor"]:
                return None
            try:
                machines = HOSTS[hosts[0]].machines()
                power = HOSTS[hosts[0]].runtime(machines[NAME])["powerState"]
            except (KeyError, *NO_ANSWER, Refused):
                with contextlib.suppress(*NO_ANSWER, Refused):
                    HOSTS[hosts[0]].login(wait_s=1)
                return None
            return hosts[0] if power == "poweredOn" else None
        try:
            return wait_until(settled, wait_s, "one host that runs the machine")
        except AssertionError as error:
            raise AssertionError(f"{error}: runs on {running_on()}, lease {HA.lease(NAME)}") \
                from None

    def begin(self, **options):
        """Starts a move that takes seconds: (source's name, target's name, task)."""
        source = self.where()
        target = other_of(source)
        for host in HOSTS.values():
            host.login()
        self.forget_copy(HOSTS[target])

        def started():
            try:
                return HOSTS[source].start_migration(HOSTS[source].machines()[NAME],
                                                     HOSTS[target], **options)
            except Refused as refused:
                # A target whose hostd died in a move before this one has yet to find out what
                # became of that.
                if refused.name != "AlreadyExists":
                    raise
                return None
        return source, target, wait_until(started, 60, "the end of the last move")

    def forget_copy(self, host):
        """What a host that died or lost the machine still has of it a center would remove; a move
        that came to nothing is soon forgotten by the host itself."""
        def forgotten():
            copy = host.machines().get(NAME)
            if not copy:
                return True
            self.assertEqual("poweredOff", host.runtime(copy)["powerState"])
            with contextlib.suppress(Refused):
                host._send(f"VirtualMachine/{copy}/UnregisterVM", {})
            return False
        wait_until(forgotten, 30, "the end of a copy")

    def begin_slowly(self):
        source, target, task = self.begin(**SLOW)
        wait_until(lambda: HOSTS[source].task(task).get("progress", 0) > 0, 30, "progress")
        return source, target, task

    def writes_again(self):
        """The machine writes, after it was asked to once more if it was started anew."""
        since = time.monotonic()
        fresh = lambda: [each for each in WRITERS.writes if each[0] > since]  # noqa: E731
        with contextlib.suppress(AssertionError):
            return wait_until(fresh, 5, "writes")

        def asked():
            make_it_write(ADDRESS)
            return fresh()
        return wait_until(asked, 150, "writes")

    def runs_once(self):
        owner = self.where()
        self.writes_again()
        self.assertEqual([], WRITERS.overlaps())
        self.assertEqual([owner], running_on())
        return owner

    def gap_around(self, moment):
        """The longest time without a write around a moment."""
        times = [each[0] for each in WRITERS.writes if moment - 4 < each[0] < moment + 10]
        return max((after - before for before, after in zip(times, times[1:])), default=99.0)

    def test_0_an_unguarded_machine_for_comparison(self):
        free = power_on(FREE)
        source = "host1"
        for _ in range(2):
            with Pings(free) as pings:
                HOSTS[source].migrate(HOSTS[source].machines()[FREE], HOSTS[other_of(source)])
                time.sleep(1)
            source = other_of(source)
            print(f"unguarded: {pings.longest():.2f} s without an answer", flush=True)
        client = connect_when_ready(SANDBOX, source)
        wait_task(client.machine(FREE).PowerOffVM_Task())
        client.close()

    def test_1_moves_and_keeps_writing(self):
        global ADDRESS
        ADDRESS = power_on(NAME)
        make_it_write(ADDRESS)
        self.writes_again()
        time.sleep(14)
        usual = self.gap_around(time.monotonic() - 10)  # the guest writes when it likes
        for number in range(MOVES):
            before = HA.lease(NAME)["generation"]
            with Pings(ADDRESS) as pings:
                source, target, task = self.begin()
                result = HOSTS[source].wait(task)
                moment = time.monotonic()
                time.sleep(1)
            self.assertEqual(target, self.where())
            time.sleep(1)
            gap = self.gap_around(moment)
            print(f"guarded, move {number}: {pings.longest():.2f} s without an answer, {gap:.2f} s "
                  f"without a write (usually {usual:.2f} s), {result['totalMs']} ms in all",
                  flush=True)
            self.assertGreater(HA.lease(NAME)["generation"], before)
            self.assertLess(pings.longest(), GAP_S)
            self.assertLess(gap, GAP_S + usual)
            self.assertEqual([], WRITERS.overlaps())
            self.assertNotIn(NAME, HOSTS[source].machines())

    def test_2_cancelled_it_stays(self):
        source, _, task = self.begin_slowly()
        HOSTS[source].cancel(task)
        with self.assertRaises(Refused) as refused:
            HOSTS[source].wait(task)
        self.assertEqual("RequestCanceled", refused.exception.name)
        self.assertEqual(source, self.runs_once())

    def test_3_both_agents_die_in_the_middle(self):
        self.begin_slowly()
        for name in HA.hosts:
            for pid in HA.processes(name).values():
                os.kill(pid, signal.SIGKILL)
        for name in HA.hosts:
            wait_until(lambda name=name: len(HA.processes(name)) == 2, 20, "another drover-had")
        self.runs_once()

    def test_4_whoever_dies_it_runs_once(self):
        chosen = random.Random(SEED)
        print(f"DROVER_SEED={SEED}", flush=True)
        victims = ["drover-hostd", "libvirtd", "agent", "fencer", "qemu"]
        for number in range(KILLS):
            source, target, _ = self.begin_slowly()
            victim = victims[number % len(victims)]
            name = target if victim == "qemu" else chosen.choice([source, target])
            pause = chosen.uniform(0.0, 8.0)
            time.sleep(pause)
            self.kill(victim, name)
            print(f"kill {number}: {source} -> {target}, {victim} of {name} after {pause:.1f} s",
                  flush=True)
            wait_until(lambda name=name: len(HA.processes(name)) == 2, 20, "drover-had")
            print(f"    on {self.runs_once()}", flush=True)

    def kill(self, victim, name):
        if victim in ("agent", "fencer"):
            os.kill(HA.processes(name)[victim], signal.SIGKILL)
        elif victim == "qemu":
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_of(SANDBOX, name, UUID) or 2**22, signal.SIGKILL)
        else:
            for pid in SANDBOX.process_ids(victim, name):
                os.kill(pid, signal.SIGKILL)

    def test_5_the_target_dies_in_the_middle(self):
        source, target, _ = self.begin_slowly()
        epoch = HA.epoch(target)
        SANDBOX.run("kill", target)
        self.assertEqual(source, self.runs_once())
        SANDBOX.run("start", target)
        wait_until(lambda: HA.epoch(target) > epoch, 60, "another epoch")

    def test_6_the_source_dies_in_the_middle(self):
        source, target, _ = self.begin_slowly()
        epoch = HA.epoch(source)
        pulled = time.monotonic()
        SANDBOX.run("kill", source)
        self.assertEqual(target, self.runs_once())
        print(f"writes again after {time.monotonic() - pulled:.1f} s", flush=True)
        SANDBOX.run("start", source)
        wait_until(lambda: HA.epoch(source) > epoch, 60, "another epoch")
        # And back, to the host that still has it in its inventory.
        _, back, task = self.begin()
        HOSTS[target].wait(task)
        self.assertEqual(back, self.runs_once())


if __name__ == "__main__":
    unittest.main(failfast=True)
