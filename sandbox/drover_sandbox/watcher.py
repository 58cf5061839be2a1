"""Outside of all hosts waits this process for the sandbox's end, and then cleans up.

While `up` is at work, or stays in the foreground, its death is the end. After that it is the death
of all hosts that nobody switched off on purpose, unless the sandbox is to be kept. The watcher
also starts dnsmasq again when it dies. Should the watcher be killed as well, the next `up` or
`down` does its work.
"""

import os
import select
import time
import traceback

from . import dhcp, ledger, system, teardown
from . import plan as plans
from .errors import SandboxError

_REREAD_S = 1.0


def spawn(plan):
    """Forks the watcher; returns its [pid, start_ticks] for the ledger."""
    read_end, write_end = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            system.detach(os.path.join(plan.directory, "watcher.log"))
            system.close_all_but({write_end})
            pid = os.fork()
            if pid == 0:
                os.close(write_end)
                _main(plan.name)
            else:
                os.write(write_end, b"%d" % pid)
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(write_end)
    pid = int(os.read(read_end, 32) or b"0")
    os.close(read_end)
    os.waitpid(middle, 0)
    return system.identity(pid)


def _main(name):
    while os.path.isdir(plans.state_directory(name)):
        plan = ledger.read(name)
        if plan is None or _is_over(plan):
            time.sleep(0.2)  # a program that the owner ran may be about to end
            _clean_up(name)
        elif plan.ready and plan.dnsmasq and not system.alive(*plan.dnsmasq):
            _restart_dhcp(name)
        else:
            _wait(plan)
        _reap()
    os._exit(0)


def _is_over(plan):
    if plan.owner:
        return not system.alive(*plan.owner)
    if plan.kept:
        return False
    wanted = [host for host in plan.nodes if not host.off]
    return bool(wanted) and not any(system.alive(host.pid, host.start_ticks) for host in wanted)


def _wait(plan):
    """Waits until one of the processes that matter is gone, or the ledger may have changed."""
    processes = [plan.owner, plan.dnsmasq]
    processes += [[host.pid, host.start_ticks] for host in plan.nodes if not host.off]
    descriptors = [system.open_process(*process) for process in processes if process]
    descriptors = [descriptor for descriptor in descriptors if descriptor is not None]
    try:
        select.select(descriptors, [], [], _REREAD_S)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _clean_up(name):
    try:
        with ledger.locked(name, wait_s=5.0):
            plan = ledger.read(name)  # again: somebody may have come before us
            if plan is None or _is_over(plan):
                left = teardown.remove(name)
                if left:
                    print(f"{time.strftime('%F %T')} could not remove: {', '.join(left)}",
                          flush=True)
                    time.sleep(5.0)
    except SandboxError:
        pass  # a command is at work: look again


def _restart_dhcp(name):
    try:
        with ledger.locked(name, wait_s=1.0):
            plan = ledger.read(name)
            if plan and plan.ready and not system.alive(*plan.dnsmasq):
                print(f"{time.strftime('%F %T')} dnsmasq ended; starting it again", flush=True)
                plan.dnsmasq = system.identity(dhcp.start(plan))
                ledger.write(plan)
                time.sleep(0.5)  # no busy loop, should it end at once each time
    except SandboxError:
        pass


def _reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
