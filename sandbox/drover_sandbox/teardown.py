"""Removes all that there is, or may be, of a sandbox. Safe to repeat, from any half-made state."""

import os
import shutil
import signal
import time

from . import cgroup, ledger, network, system
from . import plan as plans


def remove(name):
    """Removes a sandbox; hold its lock. Returns descriptions of what would not go.

    The ledger helps where it can be read. All else is found by the sandbox's name: processes by
    their control group, interfaces by their alias, files by their directory.
    """
    plan = ledger.read(name)
    partition = f"/drover-{name}"
    if plan:
        for pid, ticks in filter(None, (plan.watcher, plan.dnsmasq)):
            if pid != os.getpid():
                system.kill_and_wait(pid, ticks)
        for host in plan.nodes:
            if not system.kill_and_wait(host.pid, host.start_ticks, signal.SIGKILL):
                time.sleep(0.5)
    left = [f"process {pid}" for pid in sorted(cgroup.kill_all(partition))]
    left += [f"control group {path}" for path in cgroup.remove(partition)]
    left += [f"network interface {item}" for item in network.remove(name, plan)]
    left += _remove_files(plans.state_directory(name))
    return left


def _remove_files(directory):
    for mounted in sorted(_mounts_below(directory), reverse=True):
        try:
            system.unmount(mounted, system.MNT_DETACH)
        except OSError:
            return [f"mount {mounted}"]
    if os.path.islink(directory):
        os.unlink(directory)
        return []
    shutil.rmtree(directory, ignore_errors=True)
    return [f"directory {directory}"] if os.path.lexists(directory) else []


def _mounts_below(directory):
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            target = line.split(" ")[4].replace("\\040", " ")
            if target == directory or target.startswith(directory + "/"):
                found.append(target)
    return found

