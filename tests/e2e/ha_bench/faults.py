"""The kinds of faults: each does its harm, waits, and takes it back."""

import os
import random
import signal
import time
from dataclasses import dataclass, field

from drover_e2e import wait_until

# Longer than others wait before they take over, plus a start.
LONG_S = 9.0


@dataclass
class Fault:
    """One fault that is being done to a world."""
    world: object
    chosen: random.Random
    host: str = ""
    machine: str = ""
    begun: float = 0.0  # CLOCK_MONOTONIC, when the harm began
    over: float = 0.0  # when all of it was taken back
    notes: dict = field(default_factory=dict)

    def begin(self):
        self.begun = time.monotonic()

    def note(self, **what):
        self.notes |= what


KINDS = {}
HARMLESS = set()  # no machine may be started anew
WITH_ETCD = set()  # only where hosts beat in an etcd too
ON_REQUEST = set()  # too long to take its turn
AWAY_S = 600.0


def kind(harmless=False, with_etcd=False, on_request=False):
    def register(function):
        name = function.__name__
        KINDS[name] = function
        if harmless:
            HARMLESS.add(name)
        if with_etcd:
            WITH_ETCD.add(name)
        if on_request:
            ON_REQUEST.add(name)
        return function
    return register


def _signal(fault, program, number):
    for pid in fault.world.processes(program, fault.host):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def _storage(fault, mode, length_s, hosts, pattern="*", amount=0):
    fronts = [fault.world.fronts[host] for host in hosts]
    fault.note(mode=mode, seconds=round(length_s, 1), pattern=pattern, amount=amount)
    fault.begin()
    for front in fronts:
        front.set(mode, pattern, amount)
    time.sleep(length_s)
    for front in fronts:
        front.clear()


# -- hosts ----------------------------------------------------------------------------------
@kind()
def host_killed(fault):
    """The power cable of one host."""
    fault.begin()
    fault.world.pull(fault.host)
    time.sleep(LONG_S)


@kind()
def cluster_power_loss(fault):
    """All cables at once; they come back in any order."""
    hosts = fault.chosen.sample(fault.world.hosts, len(fault.world.hosts))
    fault.begin()
    fault.world.pull_all(hosts)
    time.sleep(fault.chosen.uniform(0, 6))
    fault.note(order=fault.chosen.sample(fault.world.hosts, len(fault.world.hosts)))
    for host in fault.notes["order"]:
        fault.world.start(host)


@kind()
def second_fault(fault):
    """A host dies, and another one while its machines come back."""
    other = fault.chosen.choice([host for host in fault.world.hosts if host != fault.host])
    pause_s = fault.chosen.uniform(2.0, 8.0)
    fault.note(then=other, after=round(pause_s, 1))
    fault.begin()
    fault.world.pull(fault.host)
    time.sleep(max(0.0, fault.begun + pause_s - time.monotonic()))
    fault.world.pull(other)
    time.sleep(LONG_S)


# -- network --------------------------------------------------------------------------------
@kind(harmless=True)
def network_cut(fault):
    """All cables of a host but that to the storage, both ways."""
    fault.begin()
    fault.world.set_links(fault.host, "down")
    time.sleep(LONG_S)
    fault.world.set_links(fault.host, "up")


@kind(harmless=True)
def network_cut_one_way(fault):
    """What the host sends is lost, what it is sent comes; or the other way round."""
    chain, which = fault.chosen.choice([("INPUT", "-i"), ("OUTPUT", "-o")])
    rules = [[chain, which, link, "-j", "DROP"] for link in fault.world.uplinks(fault.host)]
    fault.note(chain=chain)
    fault.begin()
    for rule in rules:
        fault.world.sandbox.inside(fault.host, "iptables", "-w", "-I", *rule)
    time.sleep(LONG_S)
    for rule in rules:
        fault.world.sandbox.inside(fault.host, "iptables", "-w", "-D", *rule)


@kind(harmless=True)
def link_flaps(fault):
    """The cables come and go."""
    fault.begin()
    for _ in range(6):
        fault.world.set_links(fault.host, "down")
        time.sleep(fault.chosen.uniform(0.1, 0.9))
        fault.world.set_links(fault.host, "up")
        time.sleep(fault.chosen.uniform(0.1, 0.9))


@kind()
def all_links_down(fault):
    """Every cable of every host for 30 s, the storage's too."""
    fault.note(seconds=30)
    fault.begin()
    for host in fault.world.hosts:
        fault.world.fronts[host].set("frozen")
    for host in fault.world.hosts:
        fault.world.set_links(host, "down")
    time.sleep(max(0.0, fault.begun + 30 - time.monotonic()))
    for host in fault.world.hosts:
        fault.world.fronts[host].clear()
        if fault.world.is_on(host):
            fault.world.set_links(host, "up")


# -- storage --------------------------------------------------------------------------------
@kind()
def storage_cut(fault):
    """Every request of one host fails at once."""
    _storage(fault, "errors", fault.chosen.uniform(1, 14), [fault.host])


@kind()
def storage_frozen(fault):
    """The requests of one host hang, and are done when it thaws."""
    _storage(fault, "frozen", fault.chosen.uniform(1, 14), [fault.host])


@kind()
def storage_slow(fault):
    """Every request of one host takes longer."""
    _storage(fault, "slow", LONG_S, [fault.host], amount=fault.chosen.choice([50, 200, 600, 1500]))


@kind()
def storage_full(fault):
    """Nobody gets room for anything new."""
    _storage(fault, "full", LONG_S, fault.world.hosts)


@kind()
def storage_lossy(fault):
    """Some requests of one host fail."""
    _storage(fault, "lossy", LONG_S, [fault.host], amount=fault.chosen.choice([5, 20, 50]))


@kind()
def storage_cut_for_all(fault):
    """Every request of every host fails."""
    _storage(fault, "errors", fault.chosen.uniform(3, 12), fault.world.hosts)


@kind()
def heartbeats_frozen(fault):
    """A host's heartbeats hang, its machines' disks don't."""
    _storage(fault, "frozen", fault.chosen.uniform(3, 10), [fault.host], pattern="/.ha*")


@kind()
def zombie_write(fault):
    """A machine's disk hangs, its process is killed in the middle of a write, and later the disk
    thaws: the write is done then, by a process that is over."""
    front = fault.world.fronts[fault.host]
    fault.begin()
    front.set("frozen", f"/{fault.machine}/*.raw")
    time.sleep(fault.chosen.uniform(0.5, 2.0))
    pid = fault.world.running_on(fault.machine).get(fault.host)
    if pid:
        os.kill(pid, signal.SIGKILL)
    fault.note(killed=bool(pid), waiting=front.show()["waiting"])
    time.sleep(fault.chosen.uniform(0.5, 10.0))
    front.clear()


@kind()
def machine_killed(fault):
    """A machine's process dies."""
    pid = fault.world.running_on(fault.machine).get(fault.host)
    fault.begin()
    if pid:
        os.kill(pid, signal.SIGKILL)
    time.sleep(2)


# -- processes ------------------------------------------------------------------------------
@kind(harmless=True)
def hostd_killed(fault):
    fault.begin()
    _signal(fault, "drover-hostd", signal.SIGKILL)
    time.sleep(5)


@kind(harmless=True)
def hostd_stopped(fault):
    fault.begin()
    pids = fault.world.processes("drover-hostd", fault.host)
    _signal(fault, "drover-hostd", signal.SIGSTOP)
    time.sleep(LONG_S)
    _let_go(pids)


@kind(harmless=True, on_request=True)
def hostd_away(fault):
    """Of all hosts, for as long as an upgrade that went wrong may take."""
    pids = [pid for host in fault.world.hosts
            for pid in fault.world.processes("drover-hostd", host)]
    fault.note(stopped=len(pids), seconds=AWAY_S)
    fault.begin()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(AWAY_S)
    finally:
        _let_go(pids)


@kind(harmless=True)
def libvirtd_killed(fault):
    fault.begin()
    _signal(fault, "libvirtd", signal.SIGKILL)
    time.sleep(5)


def _had(fault, names):
    found = fault.world.ha.processes(fault.host)
    return [found[name] for name in names if name in found]


def _let_go(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass


def _end_had(fault, names, number):
    pids = _had(fault, names)
    fault.begin()
    for pid in pids:
        os.kill(pid, number)
    time.sleep(LONG_S if number == signal.SIGSTOP else 5)
    _let_go(pids)


@kind()
def agent_killed(fault):
    _end_had(fault, ["agent"], signal.SIGKILL)


@kind()
def fencer_killed(fault):
    _end_had(fault, ["fencer"], signal.SIGKILL)


@kind()
def both_killed(fault):
    _end_had(fault, ["agent", "fencer"], signal.SIGKILL)


@kind()
def agent_stopped(fault):
    _end_had(fault, ["agent"], signal.SIGSTOP)


@kind()
def fencer_stopped(fault):
    _end_had(fault, ["fencer"], signal.SIGSTOP)


@kind()
def both_stopped(fault):
    """Nobody holds the deadline: the watchdog has to."""
    _end_had(fault, ["agent", "fencer"], signal.SIGSTOP)


@kind(harmless=True)
def clock_stepped(fault):
    """The wall clock of drover-had jumps, forth or back."""
    seconds = fault.chosen.choice([-86400, -3600, -10, 10, 3600, 86400 * 400])
    fault.note(seconds=seconds)
    fault.begin()
    fault.world.clock.set(fault.host, seconds)
    time.sleep(6)
    fault.world.clock.set(fault.host, 0)
    time.sleep(2)


# -- etcd -----------------------------------------------------------------------------------
def _at_leader(fault):
    fault.host = wait_until(fault.world.etcd.leader, 30, "a leader of etcd")


@kind(harmless=True, with_etcd=True)
def etcd_leader_disk_frozen(fault):
    """The leader's member can't write; its host's datastore is well."""
    _at_leader(fault)
    disk, length_s = fault.world.etcd.disks[fault.host], fault.chosen.uniform(2, 14)
    fault.begin()
    disk.set("frozen")
    time.sleep(length_s)
    fault.note(seconds=round(length_s, 1), waiting=disk.show()["waiting"])
    disk.clear()


@kind(harmless=True, with_etcd=True)
def etcd_leader_stopped(fault):
    _at_leader(fault)
    pids = fault.world.etcd.processes(fault.host)
    fault.note(stopped=len(pids))
    fault.begin()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(LONG_S)
    _let_go(pids)


@kind(harmless=True, with_etcd=True)
def etcd_leader_cut(fault):
    """The leader's host loses its network, but not its datastore."""
    _at_leader(fault)
    network_cut(fault)


@kind(harmless=True, with_etcd=True)
def etcd_member_killed(fault):
    fault.note(killed=len(fault.world.etcd.processes(fault.host)))
    fault.begin()
    _signal(fault, "etcd", signal.SIGKILL)
    time.sleep(3)


@kind(harmless=True, with_etcd=True)
def etcd_members_killed(fault):
    """All at once: there is the datastore alone until they are back."""
    fault.begin()
    for host in fault.world.hosts:
        for pid in fault.world.etcd.processes(host):
            os.kill(pid, signal.SIGKILL)
    time.sleep(3)


def kinds_of(profile):
    """The names of all that can be done to such a world."""
    return sorted(name for name in KINDS
                  if name not in ON_REQUEST and (profile.etcd or name not in WITH_ETCD))


def order(seed, count, profile):
    """Which kinds come when: every kind once before any comes again."""
    names, found = kinds_of(profile), []
    turn = 0
    while len(found) < count:
        random.Random(f"{seed} turn {turn}").shuffle(names)
        found += names
        turn += 1
    return found[:count]
