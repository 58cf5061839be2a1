"""The few system calls that Python 3.11 does not offer, and care around processes."""

import ctypes
import os
import select
import signal
import subprocess

from .errors import SandboxError

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags):
    _check(_libc.unshare(flags), "unshare")


def mount(source, target, kind=None, flags=0, data=None):
    _check(_libc.mount(source.encode() if source else None, target.encode(),
                       kind.encode() if kind else None, ctypes.c_ulong(flags),
                       data.encode() if data else None), f"mount {target}")


def unmount(target, flags=0):
    _check(_libc.umount2(target.encode(), flags), f"umount {target}")


def set_hostname(name):
    encoded = name.encode()
    _check(_libc.sethostname(encoded, len(encoded)), "sethostname")


def set_parent_death_signal(number):
    _check(_libc.prctl(1, ctypes.c_ulong(number), 0, 0, 0), "prctl")


def run(*command, check=True, **keywords):
    """Runs a program and returns what it printed; raises SandboxError with its words."""
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False, **keywords)
    except FileNotFoundError:
        raise SandboxError(f"the program '{command[0]}' is not installed") from None
    if check and result.returncode != 0:
        raise SandboxError(f"{' '.join(command)}: {result.stdout.strip() or 'failed'}")
    return result.stdout


def start_ticks(pid):
    """Returns when the process started, in clock ticks after boot; 0 when it is gone or a zombie.

    The pair (pid, start_ticks) names a process for good; a pid alone may be reused.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if len(fields) < 20 or fields[0] in "ZX" else int(fields[19])


def identity(pid):
    return [pid, start_ticks(pid)]


def alive(pid, ticks):
    return pid > 0 and ticks > 0 and start_ticks(pid) == ticks


def open_process(pid, ticks):
    """Returns a pidfd of exactly that process, or None when it is gone."""
    if pid <= 0:
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    if not alive(pid, ticks):
        os.close(descriptor)
        return None
    return descriptor


def kill_and_wait(pid, ticks, number=signal.SIGKILL, wait_s=10.0):
    """Signals exactly that process and waits for its end; returns whether it is gone."""
    descriptor = open_process(pid, ticks)
    if descriptor is None:
        return True
    try:
        signal.pidfd_send_signal(descriptor, number)
        return bool(select.select([descriptor], [], [], wait_s)[0])
    except ProcessLookupError:
        return True
    finally:
        os.close(descriptor)


def detach(log_file):
    """Makes the calling (forked) process a daemon: own session, no inherited descriptors."""
    os.setsid()
    os.chdir("/")
    null = os.open("/dev/null", os.O_RDWR)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log_file else null
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def close_all_but(kept):
    """Closes every descriptor above 2 that is not in `kept`."""
    for entry in os.listdir("/proc/self/fd"):
        number = int(entry)
        if number > 2 and number not in kept:
            try:
                os.close(number)
            except OSError:
                pass  # the one that listed the directory
