"""The record of a sandbox on disk, and the locks around it.

Rule: the ledger names a thing before the thing is made, so a reader never misses one. Whoever
changes a sandbox holds its lock.
"""

import contextlib
import fcntl
import json
import os
import time
import zlib

from . import plan as plans
from .errors import SandboxError

_MAX_LEDGER_BYTES = 1 << 20


def path(name):
    return os.path.join(plans.state_directory(name), "ledger.json")


def exists(name):
    """Whether there is anything of a sandbox on disk, whole or in part."""
    return os.path.lexists(plans.state_directory(name))


def read(name):
    """Returns the Plan, or None when there is no ledger or it is cut short."""
    try:
        with open(path(name), encoding="utf-8") as file:
            plan = plans.Plan.from_json(json.loads(file.read(_MAX_LEDGER_BYTES)))
        return plan if plan.name == name else None
    except (OSError, ValueError, TypeError, KeyError, SandboxError):
        return None


def write(plan):
    """Replaces the ledger in one step. It holds the password: only root may read it."""
    temporary = path(plan.name) + ".new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(plan.to_json(), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path(plan.name))


def names():
    """Returns the names of all sandboxes that left anything on disk."""
    try:
        return sorted(entry.name for entry in os.scandir(plans.STATE_ROOT)
                      if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


@contextlib.contextmanager
def locked(name, wait_s=60.0):
    """Holds the lock of one sandbox; name "" is the lock for choosing networks.

    Raises SandboxError when somebody else holds it for longer than `wait_s`. The lock ends with
    the process that took it, and forked processes do not inherit it.
    """
    os.makedirs(plans.STATE_ROOT, mode=0o711, exist_ok=True)
    # One byte of a common file per sandbox: no lock files to tidy up. A file of its own for the
    # networks, because closing any descriptor of a file ends all locks that we hold on it.
    file = os.path.join(plans.STATE_ROOT, "locks" if name else "networks.lock")
    with open(file, "ab") as stream:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, zlib.crc32(name.encode()))
                break
            except (BlockingIOError, PermissionError):
                if time.monotonic() > deadline:
                    raise SandboxError("another drover sandbox command is at work on "
                                       f"'{name or 'the networks'}'") from None
                time.sleep(0.05)
        yield
