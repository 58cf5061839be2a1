"""The DHCP server of a sandbox: one dnsmasq on the sandbox's bridge, and nowhere else."""

import os
import pwd
import time

from . import cgroup, system
from .errors import SandboxError

_USER = "nobody"


def start(plan):
    """Starts dnsmasq as a child of the caller; returns its pid."""
    directory = os.path.join(plan.directory, "dhcp")
    os.makedirs(directory, mode=0o755, exist_ok=True)
    leases = os.path.join(directory, "leases")
    user = pwd.getpwnam(_USER)
    os.close(os.open(leases, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    for path in (directory, leases):
        os.chown(path, user.pw_uid, user.pw_gid)
    command = [
        "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--pid-file=",
        "--port=0", "--no-resolv", "--no-hosts",  # no DNS of any kind
        f"--interface={plan.bridge}", "--except-interface=lo", "--bind-interfaces",
        f"--user={_USER}", f"--dhcp-leasefile={leases}", f"--dhcp-range={plan.dhcp_range}",
        "--dhcp-option=option:router", "--dhcp-option=option:dns-server",  # none: empty
        "--dhcp-authoritative", "--no-ping", "--log-facility=-", "--quiet-dhcp",
    ]
    pid = cgroup.fork_into(plan)
    if pid == 0:
        try:
            system.detach(os.path.join(plan.directory, "dnsmasq.log"))
            system.close_all_but(set())
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    return pid


def check(plan, pid):
    """Raises SandboxError when dnsmasq gave up in its first instants."""
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        if not system.start_ticks(pid):
            with open(os.path.join(plan.directory, "dnsmasq.log"), encoding="utf-8",
                      errors="replace") as log:
                raise SandboxError(f"dnsmasq: {log.read()[-400:].strip()}")
        time.sleep(0.05)
