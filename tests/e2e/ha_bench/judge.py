"""What the fronts' logs say: who wrote when, whose the machine was then, and whether anything was
written that must not have been."""

import json
import os
import re
import struct
from dataclasses import dataclass, field

_LEASE = re.compile(r"/(\w+)/\1\.lease\.(\d+)")
_QEMU = "qemu"


@dataclass
class Write:
    """One write of a machine's disk that was done, times in seconds of CLOCK_MONOTONIC."""
    arrived: float
    began: float
    over: float
    host: str
    pid: int
    number: int  # of the record; 0: it was none
    start: int  # tells one start of the machine from another
    offset: int


@dataclass
class Lease:
    since: float
    generation: int
    owner: str  # a host's UUID, "" for nobody
    successor: str
    epoch: int


@dataclass
class Machine:
    writes: list = field(default_factory=list)  # all that were done
    leases: list = field(default_factory=list)
    judged: int = 0
    writers: dict = field(default_factory=dict)  # (host, pid): [first, last]
    number: int = 0
    start: int = 0
    restarts: list = field(default_factory=list)  # (time of the first record, host)


class Judge:
    """Reads what the fronts have logged since the last time, and judges it."""

    def __init__(self, logs, disks, hosts):
        """`logs`: {host: file}; `disks`: {machine: data file}; `hosts`: {host: UUID}."""
        self._logs = {path: 0 for path in logs.values()}
        self._names = {disk: name for name, disk in disks.items()}
        self._hosts = hosts
        self.machines = {name: Machine() for name in disks}
        self.alive = {}  # host: when it last wrote its slot

    # -- reading ----------------------------------------------------------------------------
    def read(self):
        for path, offset in self._logs.items():
            with open(path, "rb") as file:
                file.seek(offset)
                text = file.read()
            end = text.rfind(b"\n") + 1
            self._logs[path] = offset + end
            for line in text[:end].splitlines():
                self._take(json.loads(line))

    def _take(self, line):
        if line["error"] or not line["t1"]:
            return
        if line["op"] == "write" and ".epoch." in line["path"]:
            self.alive[line["host"]] = line["t2"] / 1e9
        elif line["op"] == "link":
            match = _LEASE.fullmatch(line["path"])
            if match and match.group(1) in self.machines:
                self._take_lease(self.machines[match.group(1)], int(match.group(2)), line)
        elif line["path"] in self._names and line["op"] in ("write", "truncate", "allocate"):
            self._take_write(self.machines[self._names[line["path"]]], line)

    @staticmethod
    def _take_lease(machine, generation, line):
        lease = json.loads(bytes.fromhex(line["record"]))
        machine.leases.append(Lease(line["t2"] / 1e9, generation, lease["owner"],
                                    lease["successor"], lease.get("ha", {}).get("owner_epoch", 0)))

    @staticmethod
    def _take_write(machine, line):
        number = start = 0
        if "record" in line:
            _, _, number, low, high = struct.unpack("<4sIIII", bytes.fromhex(line["record"])[:20])
            start = high << 32 | low
        elif _QEMU not in line["by"] and line["by"]:
            return  # hostd, while it makes the machine
        machine.writes.append(Write(line["t0"] / 1e9, line["t1"] / 1e9, line["t2"] / 1e9,
                                    line["host"], line["pid"], number, start,
                                    line.get("offset", 0)))

    def last_write(self, name):
        """When a machine wrote last."""
        return max((each.over for each in self.machines[name].writes[-8:]), default=0.0)

    # -- judging ----------------------------------------------------------------------------
    def violations(self):
        """What is wrong with what was written since the last call: texts."""
        found = []
        for name, machine in self.machines.items():
            machine.leases.sort(key=lambda lease: lease.generation)
            fresh = sorted(machine.writes[machine.judged:], key=lambda write: write.began)
            machine.writes[machine.judged:] = fresh
            machine.judged = len(machine.writes)
            for write in fresh:
                found += [f"{name}: {text}" for text in self._judge(machine, write)]
            found += [f"{name}: {text}" for text in _overlaps(machine)]
        return found

    def _judge(self, machine, write):
        span = machine.writers.setdefault((write.host, write.pid), [write.began, write.over])
        span[1] = max(span[1], write.over)
        lease = max((each for each in machine.leases if each.since < write.began),
                    key=lambda each: each.generation, default=None)
        who = f"record {write.number} of {write.host}, process {write.pid}, at {write.began:.3f}"
        if lease and self._hosts[write.host] not in (lease.owner, lease.successor):
            yield (f"{who}: by then generation {lease.generation} was somebody else's, since "
                   f"{lease.since:.3f}")
        if write.number == 0:
            return
        if write.start != machine.start:
            machine.start = write.start
            machine.restarts.append((write.began, write.host))
            if write.number != machine.number + 1:
                yield f"{who}: a fresh start, and the last record was {machine.number}"
        elif write.number not in (machine.number, machine.number + 1):
            yield f"{who}: the last record was {machine.number}"
        machine.number = write.number

    def first_after(self, name, moment, host=None):
        """The first record that was begun after a moment, at a host: its Write, or None."""
        return next((each for each in self.machines[name].writes
                     if each.began > moment and host in (None, each.host)), None)

    def taken_after(self, name, moment):
        """The first lease after a moment that names another owner than before; None."""
        before = None
        for lease in self.machines[name].leases:
            if lease.since <= moment:
                before = lease
            elif before and lease.owner and lease.owner != before.owner:
                return lease
        return None

    def restarted(self, name, moment):
        """When and where a machine was started anew after a moment."""
        return [(when, host) for when, host in self.machines[name].restarts if when > moment]


def _overlaps(machine):
    ordered = sorted(machine.writers.items(), key=lambda item: item[1][0])
    for (one, (_, last)), (other, (first, _)) in zip(ordered, ordered[1:]):
        if first < last:
            yield (f"two writers: {one[0]} process {one[1]} until {last:.3f}, "
                   f"{other[0]} process {other[1]} from {first:.3f}")


def unexplained(judge, disks, directory):
    """Compares the machines' disks with what the logs say was written last, when nobody writes:
    a write that no front has seen is one that nobody has judged. Texts."""
    for name, disk in disks.items():
        last = {}
        for write in sorted(judge.machines[name].writes, key=lambda each: each.began):
            if write.number:
                last[write.offset] = write
        with open(os.path.join(directory, disk.lstrip("/")), "rb") as file:
            for offset, write in last.items():
                file.seek(offset)
                mark, _, number = struct.unpack("<4sII", file.read(12))
                if mark != b"DREC" or number != write.number:
                    yield (f"{name}: offset {offset} holds record {number}, the last write of "
                           f"which was {write.number} by {write.host}")
