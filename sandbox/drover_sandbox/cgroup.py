"""CPU quotas: a control group per host, under version 1 or 2 of the kernel's interface.

libvirt maps <partition>/drover-a/host1</partition> to <hierarchy>/drover-a.partition/
host1.partition, and wants these directories to be there in each hierarchy it uses. Machines are
put below; the quota on host1.partition is the capacity of the host. Our own daemons live beside,
in drover-a.partition/daemons, so that a busy machine cannot starve the API, and so that
everything that belongs to a sandbox can be found and killed.
"""

import os
import re
import signal
import time

from . import system
from .errors import SandboxError

_PERIOD_US = 100_000
_DAEMONS = "daemons"
# Of each second, for all hosts of a sandbox. drover-had needs a fifth of it; the machine has 0.95 s
# in all.
_REAL_TIME_US = 200_000


class Hierarchies:
    """The mounted cgroup hierarchies that matter here; `mountinfo` may be given for tests."""

    def __init__(self, mountinfo=None):
        self.version_1 = {}  # controller -> mount point
        self.version_2 = None
        for line in mountinfo if mountinfo is not None else _read_lines("/proc/self/mountinfo"):
            fields, _, rest = line.partition(" - ")
            kind, _, options = (rest.split(" ", 2) + ["", ""])[:3]
            parts = fields.split(" ")
            if len(parts) < 5:
                continue
            if kind == "cgroup":
                for controller in ("cpu", "cpuacct"):
                    if controller in re.split(r"[, ]", options):
                        self.version_1[controller] = parts[4]
            elif kind == "cgroup2":
                self.version_2 = parts[4]
        if "cpu" in self.version_1:
            self.directories = sorted(set(self.version_1.values()))
            self.cpu = self.version_1["cpu"]
            self.unified = False
        elif self.version_2 and "cpu" in _read(f"{self.version_2}/cgroup.controllers").split():
            self.directories = [self.version_2]
            self.cpu = self.version_2
            self.unified = True
        else:
            raise SandboxError("no cgroup hierarchy with the cpu controller is mounted")


def _partition(hierarchy, partition):
    return hierarchy + "".join(f"/{part}.partition" for part in partition.strip("/").split("/"))


def create(plan):
    """Makes all control groups of a sandbox."""
    found = Hierarchies()
    for hierarchy in _all_mounts():  # libvirt looks in version 2 too where both are mounted
        top = _partition(hierarchy, plan.cgroup_partition)
        os.makedirs(top, exist_ok=True)
        if found.unified:
            _write(f"{hierarchy}/cgroup.subtree_control", "+cpu")
            _write(f"{top}/cgroup.subtree_control", "+cpu")
        os.makedirs(f"{top}/{_DAEMONS}", exist_ok=True)
        for host in plan.hosts:
            os.makedirs(_partition(hierarchy, plan.host_partition(host)), exist_ok=True)
    for host in plan.hosts:
        directory = _partition(found.cpu, plan.host_partition(host))
        quota_us = max(1000, round(plan.cpu_cores * _PERIOD_US))
        if found.unified:
            _write(f"{directory}/cgroup.subtree_control", "+cpu")
            _write(f"{directory}/cpu.max", f"{quota_us} {_PERIOD_US}")
        else:
            _write(f"{directory}/cpu.cfs_period_us", str(_PERIOD_US))
            _write(f"{directory}/cpu.cfs_quota_us", str(quota_us))
    if not found.unified:
        _allow_real_time(_partition(found.cpu, plan.cgroup_partition))


def _allow_real_time(top):
    """Lets drover-had run before others, as it does on a host of its own: a control group has no
    real time of its own accord. Where there is none left, or the kernel does not ask for it, things
    stay as they are."""
    for directory in (top, f"{top}/{_DAEMONS}"):
        try:
            _write(f"{directory}/cpu.rt_runtime_us", str(_REAL_TIME_US))
        except SandboxError:
            return


def fork_into(plan):
    """Forks a process into the sandbox's daemons; returns as os.fork() does.

    At no instant is there a child that neither dies with the caller nor is found by kill_all().
    """
    directory = _partition(Hierarchies().cpu, plan.cgroup_partition)
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        system.set_parent_death_signal(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        _write(f"{directory}/{_DAEMONS}/cgroup.procs", str(os.getpid()))
        system.set_parent_death_signal(0)
        return 0
    except BaseException:  # noqa: BLE001  a copy of the caller must not run its code
        os._exit(1)


def kill_all(partition, wait_s=10.0):
    """Kills every process below a partition but the caller; returns those that would not die."""
    deadline = time.monotonic() + wait_s
    while True:
        left = _processes(partition) - {os.getpid()}
        left = {pid for pid in left if system.start_ticks(pid)}  # zombies are somebody else's
        if not left or time.monotonic() > deadline:
            return left
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def remove(partition, wait_s=5.0):
    """Removes a partition's directories everywhere; returns those that stayed."""
    left = []
    for hierarchy in _all_mounts():
        top = _partition(hierarchy, partition)
        deadline = time.monotonic() + wait_s
        while os.path.isdir(top):
            for directory, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass
            if not os.path.isdir(top):
                break
            if time.monotonic() > deadline:
                left.append(top)
                break
            _leave(top)
            time.sleep(0.05)
    return left


def exists(partition):
    return any(os.path.isdir(_partition(hierarchy, partition)) for hierarchy in _all_mounts())


def _leave(top):
    """Moves the calling process out, should it be in there."""
    for directory, _, _ in os.walk(top):
        if str(os.getpid()) in _read(f"{directory}/cgroup.procs").split():
            _write(f"{os.path.dirname(top)}/cgroup.procs", str(os.getpid()))


def _processes(partition):
    found = set()
    for hierarchy in _all_mounts():
        for directory, _, _ in os.walk(_partition(hierarchy, partition)):
            found.update(int(pid) for pid in _read(f"{directory}/cgroup.procs").split())
    return found - {0}  # 0: a process of a namespace that we don't see


def _all_mounts():
    found = Hierarchies()
    return sorted({*found.directories, *found.version_1.values(),
                   *([found.version_2] if found.version_2 else [])})


def _read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def _read_lines(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def _write(path, text):
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise SandboxError(f"cannot write '{text}' to {path}: {error.strerror}") from None
